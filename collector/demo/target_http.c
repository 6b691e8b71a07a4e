/* OTLP/HTTP by libcurl: one handle, its connection kept alive. */
#include "collector/demo/target.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct http_target {
    CURL *curl;
    struct curl_slist *headers;
    char url[1024];
    uint8_t reply[REPLY_MAX];
    size_t reply_len;
};

static size_t take_reply(char *data, size_t size, size_t count, void *context)
{
    struct http_target *t = context;
    size_t len = size * count;
    size_t room = REPLY_MAX - t->reply_len;
    memcpy(t->reply + t->reply_len, data, len < room ? len : room);
    t->reply_len += len < room ? len : room;
    return len;
}

static void http_close(void *state)
{
    struct http_target *t = state;
    curl_slist_free_all(t->headers);
    curl_easy_cleanup(t->curl);
    free(t);
    curl_global_cleanup();
}

static void *http_open(const char *endpoint, char *message, size_t message_len)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
    struct http_target *t = calloc(1, sizeof *t);
    if (!t || !(t->curl = curl_easy_init())) {
        snprintf(message, message_len, "out of memory");
        free(t);
        return NULL;
    }
    size_t len = strlen(endpoint);
    while (len > 0 && endpoint[len - 1] == '/')
        len--;
    const char *scheme = strstr(endpoint, "://") ? "" : "http://";
    snprintf(t->url, sizeof t->url, "%s%.*s/v1/traces", scheme, (int)len, endpoint);
    t->headers = curl_slist_append(NULL, "Content-Type: application/x-protobuf");
    t->headers = curl_slist_append(t->headers, "Expect:"); /* no 100-continue */
    curl_easy_setopt(t->curl, CURLOPT_URL, t->url);
    curl_easy_setopt(t->curl, CURLOPT_HTTPHEADER, t->headers);
    curl_easy_setopt(t->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(t->curl, CURLOPT_TIMEOUT, (long)SEND_SECONDS);
    curl_easy_setopt(t->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(t->curl, CURLOPT_USERAGENT, "tailspan-demo/" TAILSPAN_VERSION);
    curl_easy_setopt(t->curl, CURLOPT_WRITEFUNCTION, take_reply);
    curl_easy_setopt(t->curl, CURLOPT_WRITEDATA, t);
    return t;
}

static void http_send(void *state, const uint8_t *request, size_t len, struct send_outcome *out)
{
    struct http_target *t = state;
    t->reply_len = 0;
    curl_easy_setopt(t->curl, CURLOPT_POSTFIELDS, request);
    curl_easy_setopt(t->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
    CURLcode code = curl_easy_perform(t->curl);
    if (code != CURLE_OK) {
        out->unreachable = true;
        snprintf(out->message, sizeof out->message, "%s", curl_easy_strerror(code));
        return;
    }
    long status = 0;
    curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
    out->delivered = status >= 200 && status < 300;
    if (out->delivered)
        target_read_response(t->reply, t->reply_len, out);
    else
        snprintf(out->message, sizeof out->message, "the receiver answered HTTP %ld", status);
}

const struct target_kind target_http = {http_open, http_send, http_close};
