#include "exporters/http_client.h"

#include "exporters/client_pem.h"

#include <curl/curl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum {
    KEPT_RESPONSE = 64 << 10,
    MAX_RESPONSE = 4 << 20,
    UPLOAD_BUFFER = 128 << 10,
    IDLE_POLL_MS = 60000,
    TLS_1_3 = 2, /* index into tls_versions */
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
    struct client_pem pem;
    char *url;
    struct curl_slist *headers;
    struct curl_slist *connect_to; /* for a server name that is not the URL's */
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

static void set_blob(CURL *easy, CURLoption option, char *pem)
{
    struct curl_blob blob = {.data = pem, .flags = CURL_BLOB_NOCOPY};
    if (!pem)
        return;
    blob.len = strlen(pem);
    curl_easy_setopt(easy, option, &blob);
}

static void set_tls(CURL *easy, const struct http_client *c)
{
    const struct tls_client_settings *s = &c->settings.tls;
    curl_easy_setopt(easy, CURLOPT_SSLVERSION,
                     s->min_version == TLS_1_3 ? (long)CURL_SSLVERSION_TLSv1_3
                                               : (long)CURL_SSLVERSION_TLSv1_2);
    if (s->insecure_skip_verify) {
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (c->pem.roots) {
        set_blob(easy, CURLOPT_CAINFO_BLOB, c->pem.roots);
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
    set_blob(easy, CURLOPT_SSLCERT_BLOB, c->pem.cert);
    set_blob(easy, CURLOPT_SSLKEY_BLOB, c->pem.key);
}

static void set_connection(CURL *easy, const struct http_client *c)
{
    const struct http_client_settings *s = &c->settings;
    curl_easy_setopt(easy, CURLOPT_URL, c->url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(s->timeout_ns / 1000000));
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)UPLOAD_BUFFER);
    if (s->idle_conn_timeout_ns)
        curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN,
                         (long)((s->idle_conn_timeout_ns + 999999999) / 1000000000));
    if (s->disable_keep_alives)
        curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    if (s->proxy_url)
        curl_easy_setopt(easy, CURLOPT_PROXY, s->proxy_url);
    if (c->connect_to)
        curl_easy_setopt(easy, CURLOPT_CONNECT_TO, c->connect_to);
}

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
    set_connection(x->easy, c);
    set_tls(x->easy, c);
    curl_easy_setopt(x->easy, CURLOPT_USERAGENT, "tailspan/" TAILSPAN_VERSION);
    curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, c->headers);
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
        curl_multi_add_handle(c->multi, x->easy);
        x = next;
    }
}

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

/* Splits a URL that http_client_check() has accepted into host and port. */
static bool split_url(CURLU *url, char **host, char **port)
{
    return curl_url_get(url, CURLUPART_HOST, host, 0) == CURLUE_OK &&
           curl_url_get(url, CURLUPART_PORT, port, CURLU_DEFAULT_PORT) == CURLUE_OK;
}

/* server_name_override changes whom TLS expects, not where the request goes nor its Host: so the
 * URL gets the other name, and is connected to the first. */
static bool override_name(struct http_client *c, CURLU *url)
{
    const char *name = c->settings.tls.server_name_override;
    char *host = NULL, *port = NULL, *line = NULL, *header = NULL, *changed = NULL;
    bool done = split_url(url, &host, &port) &&
                asprintf(&line, "%s:%s:%s:%s", name, port, host, port) > 0 &&
                asprintf(&header, "Host: %s:%s", host, port) > 0 &&
                curl_url_set(url, CURLUPART_HOST, name, 0) == CURLUE_OK &&
                curl_url_get(url, CURLUPART_URL, &changed, 0) == CURLUE_OK;
    if (done) {
        struct curl_slist *headers = curl_slist_append(c->headers, header);
        c->headers = headers ? headers : c->headers;
        c->connect_to = curl_slist_append(NULL, line);
        free(c->url);
        c->url = strdup(changed);
        done = headers && c->connect_to && c->url;
    }
    curl_free(host);
    curl_free(port);
    curl_free(changed);
    free(line);
    free(header);
    return done;
}

static bool set_url(struct http_client *c)
{
    c->url = strdup(c->settings.url);
    if (!c->settings.tls.server_name_override)
        return c->url != NULL;
    CURLU *url = curl_url();
    bool done = url && c->url && curl_url_set(url, CURLUPART_URL, c->url, 0) == CURLUE_OK &&
                override_name(c, url);
    curl_url_cleanup(url);
    return done;
}

static bool add_header(struct http_client *c, const char *name, const char *value)
{
    char *line = NULL;
    int n = value[0] ? asprintf(&line, "%s: %s", name, value) : asprintf(&line, "%s;", name);
    struct curl_slist *headers = n > 0 ? curl_slist_append(c->headers, line) : NULL;
    if (n > 0)
        free(line);
    if (headers)
        c->headers = headers;
    return headers != NULL;
}

static bool make_headers(struct http_client *c)
{
    const struct http_client_settings *s = &c->settings;
    c->headers = curl_slist_append(NULL, "Expect:");
    bool done = c->headers && add_header(c, "Content-Type", s->content_type) &&
                (!s->content_encoding || add_header(c, "Content-Encoding", s->content_encoding));
    for (size_t i = 0; done && i < s->headers.count; i++)
        done = add_header(c, s->headers.items[i].key, s->headers.items[i].value);
    return done;
}

static void initialize_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* Signals are the main thread's. */
static bool start_thread(struct http_client *c)
{
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
    curl_slist_free_all(c->headers);
    curl_slist_free_all(c->connect_to);
    client_pem_free(&c->pem);
    free(c->url);
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
    e->text[0] = 0;
    c->multi = curl_multi_init();
    if (client_pem_load(&c->pem, &s->tls, e) && c->multi && make_headers(c) && set_url(c)) {
        if (s->max_idle_conns)
            curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, (long)s->max_idle_conns);
        if (s->max_conns_per_host)
            curl_multi_setopt(c->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)s->max_conns_per_host);
        if (start_thread(c))
            return c;
    }
    if (!e->text[0])
        error_set(e, "libcurl cannot be set up for %s", s->url);
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

/* ---- checking settings ---- */

static bool is_token(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "!#$%&'*+-.^_`|~";
    return name[0] && name[strspn(name, allowed)] == 0;
}

static bool is_header_value(const char *value)
{
    for (const char *at = value; *at; at++) {
        if ((unsigned char)*at < 0x20 && *at != '\t')
            return false;
    }
    return true;
}

static bool is_ours(const char *name)
{
    static const char *const ours[] = {"content-type",      "content-encoding", "content-length",
                                       "transfer-encoding", "expect",           "connection"};
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        if (strcasecmp(name, ours[i]) == 0)
            return true;
    }
    return false;
}

static bool check_headers(const struct http_client_settings *s, const struct config_value *place,
                          struct error *e)
{
    for (size_t i = 0; i < s->headers.count; i++) {
        const char *name = s->headers.items[i].key;
        const struct config_value *at = config_child(place, name);
        if (!is_token(name) || is_ours(name))
            return config_error(at, e, "\"%s\" cannot be an HTTP header of one's own", name);
        if (!is_header_value(s->headers.items[i].value))
            return config_error(at, e, "the value has characters that a header cannot have");
    }
    return true;
}

bool http_client_is_url(const char *text)
{
    CURLU *url = curl_url();
    char *scheme = NULL, *host = NULL, *port = NULL;
    bool good = url && curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK &&
                curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0) &&
                split_url(url, &host, &port);
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(url);
    return good;
}

bool http_client_check(const struct http_client_settings *s, const struct config_value *config,
                       struct error *e)
{
    return check_headers(s, config_child(config, "headers"), e) &&
           client_pem_check(&s->tls, config_child(config, "tls"), e);
}
