/* libcurl's multi interface on one thread. */
#include "exporters/http_client.h"

#include "exporters/http_setup.h"

#include <curl/curl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum {
    KEPT_RESPONSE = 64 << 10,
    MAX_RESPONSE = 4 << 20,
    IDLE_POLL_MS = 60000,
};

struct exchange {
    CURL *easy;
    void *context;
    struct http_body body;
    size_t slice; /* where reading goes on */
    size_t offset;
    struct buffer response;
    size_t response_len; /* what came, also beyond what is kept */
    char error[CURL_ERROR_SIZE];

    struct exchange *next; /* on the list it is on: pool, incoming or active */
    struct exchange *previous;
};

struct http_client {
    /* set once */
    http_done *done;
    struct http_client_settings settings;
    struct http_setup setup;
    CURLM *multi;
    pthread_t thread;

    struct exchange *active; /* the thread's alone */

    pthread_mutex_t lock; /* guards below */
    struct exchange *incoming;
    struct exchange *pool;
    bool cancelled;
    bool stopping;
};

/* ---- the body out, the response in ---- */

static size_t read_body(char *to, size_t size, size_t count, void *context)
{
    struct exchange *x = context;
    size_t room = size * count, n = 0;
    while (n < room && x->slice < x->body.count) {
        struct bytes s = x->body.slices[x->slice];
        size_t part = s.len - x->offset < room - n ? s.len - x->offset : room - n;
        memcpy(to + n, s.data + x->offset, part);
        n += part;
        x->offset += part;
        if (x->offset == s.len) {
            x->slice++;
            x->offset = 0;
        }
    }
    return n;
}

/* libcurl goes back to the beginning when a kept connection turns out to be dead. */
static int seek_body(void *context, curl_off_t to, int origin)
{
    struct exchange *x = context;
    if (to != 0 || origin != SEEK_SET)
        return CURL_SEEKFUNC_CANTSEEK;
    x->slice = 0;
    x->offset = 0;
    return CURL_SEEKFUNC_OK;
}

static size_t write_response(char *from, size_t size, size_t count, void *context)
{
    struct exchange *x = context;
    size_t len = size * count;
    x->response_len += len;
    if (x->response_len > MAX_RESPONSE)
        return 0;
    size_t room = KEPT_RESPONSE - x->response.len;
    buffer_append(&x->response, from, len < room ? len : room);
    return len;
}

/* ---- handles ---- */

static struct exchange *exchange_create(struct http_client *c)
{
    struct exchange *x = calloc(1, sizeof *x);
    if (!x)
        return NULL;
    x->easy = curl_easy_init();
    if (!x->easy) {
        free(x);
        return NULL;
    }
    http_setup_apply(&c->setup, x->easy);
    curl_easy_setopt(x->easy, CURLOPT_POST, 1L);
    curl_easy_setopt(x->easy, CURLOPT_READFUNCTION, read_body);
    curl_easy_setopt(x->easy, CURLOPT_READDATA, x);
    curl_easy_setopt(x->easy, CURLOPT_SEEKFUNCTION, seek_body);
    curl_easy_setopt(x->easy, CURLOPT_SEEKDATA, x);
    curl_easy_setopt(x->easy, CURLOPT_WRITEFUNCTION, write_response);
    curl_easy_setopt(x->easy, CURLOPT_WRITEDATA, x);
    curl_easy_setopt(x->easy, CURLOPT_ERRORBUFFER, x->error);
    curl_easy_setopt(x->easy, CURLOPT_PRIVATE, x);
    return x;
}

static void exchange_destroy(struct exchange *x)
{
    curl_easy_cleanup(x->easy);
    buffer_free(&x->response);
    free(x);
}

bool http_client_post(struct http_client *c, struct http_body body, void *context)
{
    pthread_mutex_lock(&c->lock);
    struct exchange *x = c->pool;
    if (x)
        c->pool = x->next;
    bool cancelled = c->cancelled;
    pthread_mutex_unlock(&c->lock);
    if (!x && !(x = exchange_create(c)))
        return false;

    x->context = context;
    x->body = body;
    x->slice = 0;
    x->offset = 0;
    x->response.len = 0;
    x->response.failed = false;
    x->response_len = 0;
    x->error[0] = 0;
    curl_easy_setopt(x->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);

    pthread_mutex_lock(&c->lock);
    cancelled = cancelled || c->cancelled;
    struct exchange **list = cancelled ? &c->pool : &c->incoming;
    x->next = *list;
    *list = x;
    pthread_mutex_unlock(&c->lock);
    if (!cancelled)
        curl_multi_wakeup(c->multi);
    return !cancelled;
}

void http_client_cancel(struct http_client *c)
{
    pthread_mutex_lock(&c->lock);
    c->cancelled = true;
    pthread_mutex_unlock(&c->lock);
    curl_multi_wakeup(c->multi);
}

/* ---- the thread ---- */

static bool is_hopeless(CURLcode code)
{
    return code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL;
}

static void finish(struct http_client *c, struct exchange *x, CURLcode code)
{
    struct http_result result = {.body = buffer_bytes(&x->response)};
    long status = 0;
    curl_off_t retry_after = 0;
    char *type = NULL;
    curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(x->easy, CURLINFO_RETRY_AFTER, &retry_after);
    curl_easy_getinfo(x->easy, CURLINFO_CONTENT_TYPE, &type);
    result.status = (int)status;
    result.retry_after_s = retry_after > 0 ? (uint64_t)retry_after : 0;
    result.content_type = type ? type : "";
    bool cut_off = code == CURLE_WRITE_ERROR && x->response_len > MAX_RESPONSE;
    if (code != CURLE_OK && !cut_off) {
        result.error = x->error[0] ? x->error : curl_easy_strerror(code);
        result.hopeless = is_hopeless(code);
    }
    curl_multi_remove_handle(c->multi, x->easy);
    if (x->previous)
        x->previous->next = x->next;
    else
        c->active = x->next;
    if (x->next)
        x->next->previous = x->previous;
    c->done(x->context, &result);

    pthread_mutex_lock(&c->lock);
    x->next = c->pool;
    c->pool = x;
    pthread_mutex_unlock(&c->lock);
}

static void admit(struct http_client *c)
{
    pthread_mutex_lock(&c->lock);
    struct exchange *x = c->incoming;
    c->incoming = NULL;
    pthread_mutex_unlock(&c->lock);
    while (x) {
        struct exchange *next = x->next;
        x->previous = NULL;
        x->next = c->active;
        if (c->active)
            c->active->previous = x;
        c->active = x;
        if (curl_multi_add_handle(c->multi, x->easy) != CURLM_OK)
            finish(c, x, CURLE_OUT_OF_MEMORY);
        x = next;
    }
}

static void finish_done(struct http_client *c)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(c->multi, &left))) {
        struct exchange *x = NULL;
        CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&x);
        finish(c, x, code);
    }
}

static void *run(void *arg)
{
    struct http_client *c = arg;
    pthread_setname_np(pthread_self(), "http-export");
    for (;;) {
        int running;
        admit(c);
        curl_multi_perform(c->multi, &running);
        finish_done(c);

        pthread_mutex_lock(&c->lock);
        bool cancelled = c->cancelled;
        bool stopping = c->stopping;
        pthread_mutex_unlock(&c->lock);
        while (cancelled && c->active) {
            snprintf(c->active->error, sizeof c->active->error, "cancelled");
            finish(c, c->active, CURLE_ABORTED_BY_CALLBACK);
        }
        if (stopping)
            return NULL;
        curl_multi_poll(c->multi, NULL, 0, IDLE_POLL_MS, NULL);
    }
}

/* ---- life ---- */

static void initialize_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* Signals are the main thread's. */
static bool start_thread(struct http_client *c)
{
    const struct http_client_settings *s = &c->settings;
    if (s->max_idle_conns)
        curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, (long)s->max_idle_conns);
    if (s->max_conns_per_host)
        curl_multi_setopt(c->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)s->max_conns_per_host);

    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&c->thread, NULL, run, c);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return !failed;
}

static void release(struct http_client *c)
{
    while (c->pool) {
        struct exchange *x = c->pool;
        c->pool = x->next;
        exchange_destroy(x);
    }
    if (c->multi)
        curl_multi_cleanup(c->multi);
    http_setup_free(&c->setup);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

struct http_client *http_client_create(const struct http_client_settings *s, http_done *done,
                                       struct error *e)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, initialize_curl);
    struct http_client *c = calloc(1, sizeof *c);
    if (!c) {
        error_set(e, "out of memory");
        return NULL;
    }
    pthread_mutex_init(&c->lock, NULL);
    c->done = done;
    c->settings = *s;
    c->multi = curl_multi_init();
    if (http_setup_open(&c->setup, &c->settings, e)) {
        if (c->multi && start_thread(c))
            return c;
        error_set(e, "libcurl cannot be set up for %s", s->url);
    }
    release(c);
    return NULL;
}

void http_client_destroy(struct http_client *c)
{
    if (!c)
        return;
    pthread_mutex_lock(&c->lock);
    c->stopping = true;
    pthread_mutex_unlock(&c->lock);
    curl_multi_wakeup(c->multi);
    pthread_join(c->thread, NULL);
    release(c);
}
