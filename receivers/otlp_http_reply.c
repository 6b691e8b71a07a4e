/* What a client is told over HTTP: the body in its own content type, the headers around it.
 *
 * The reply to a request whose spans were all accepted is made once and used again. */
#include "receivers/otlp_http.h"

#include "receivers/cors.h"

#include <stdio.h>
#include <stdlib.h>

const char *http_header_value(const struct http_call *c, const char *name)
{
    return MHD_lookup_connection_value(c->connection, MHD_HEADER_KIND, name);
}

bool http_cors_on(const struct otlp_http *h)
{
    return h->settings.cors.allowed_origins.count > 0;
}

/* Whether the connection is to be closed behind this reply. */
static bool closes(const struct otlp_http *h)
{
    return !h->settings.keep_alives_enabled || h->connections > HTTP_KEPT_MOST ||
           atomic_load(&h->refusing);
}

static void add_common_headers(const struct otlp_http *h, struct MHD_Response *response)
{
    const struct config_pairs *extra = &h->settings.response_headers;
    for (size_t i = 0; i < extra->count; i++)
        MHD_add_response_header(response, extra->items[i].key, extra->items[i].value);
    if (http_cors_on(h))
        MHD_add_response_header(response, "Vary", "Origin");
    if (closes(h))
        MHD_add_response_header(response, "Connection", "close");
}

static void add_list(struct MHD_Response *response, const char *name,
                     const struct config_strings *list)
{
    struct buffer joined = {0};
    for (size_t i = 0; i < list->count; i++)
        buffer_printf(&joined, "%s%s", i ? ", " : "", list->items[i]);
    char *text = buffer_take(&joined, &(size_t){0});
    if (text)
        MHD_add_response_header(response, name, text);
    free(text);
}

static void add_origin(const struct otlp_http *h, struct MHD_Response *response, const char *origin)
{
    MHD_add_response_header(response, "Access-Control-Allow-Origin", origin);
    MHD_add_response_header(response, "Access-Control-Allow-Credentials", "true");
    if (h->settings.cors.exposed_headers.count > 0)
        add_list(response, "Access-Control-Expose-Headers", &h->settings.cors.exposed_headers);
}

const char *http_content_type(bool json)
{
    return json ? "application/json" : "application/x-protobuf";
}

static struct MHD_Response *response_create(struct buffer *body)
{
    size_t len;
    char *text = buffer_take(body, &len);
    struct MHD_Response *response =
        text ? MHD_create_response_from_buffer(len, text, MHD_RESPMEM_MUST_FREE)
             : MHD_create_response_from_buffer(0, (void *)(uintptr_t) "", MHD_RESPMEM_PERSISTENT);
    if (!response)
        free(text);
    return response;
}

struct MHD_Response *http_accepted_response(const struct otlp_http *h, bool json)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        json ? 2 : 0, (void *)(uintptr_t)(json ? "{}" : ""), MHD_RESPMEM_PERSISTENT);
    if (!response)
        return NULL;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, http_content_type(json));
    add_common_headers(h, response);
    return response;
}

static struct MHD_Response *reply_response(struct http_call *c)
{
    const struct reply *r = &c->rq.reply;
    struct buffer body = {0};
    if (c->plain)
        buffer_append_string(&body, r->message);
    else
        reply_body(r, c->format.json, &body);
    struct MHD_Response *response = response_create(&body);
    if (!response)
        return NULL;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
                            c->plain ? "text/plain; charset=utf-8"
                                     : http_content_type(c->format.json));
    if (r->http_status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "POST");
    unsigned seconds = reply_retry_after(r);
    if (seconds > 0) {
        char text[16];
        snprintf(text, sizeof text, "%u", seconds);
        MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, text);
    }
    add_common_headers(c->server, response);
    return response;
}

/* What nearly every request is answered, made once. */
static bool is_usual(const struct http_call *c)
{
    return c->rq.reply.status == GRPC_STATUS_OK && c->rq.reply.rejected_spans == 0 &&
           closes(c->server) == !c->server->settings.keep_alives_enabled;
}

static enum MHD_Result queue_reply(struct http_call *c)
{
    struct otlp_http *h = c->server;
    const char *origin = http_cors_on(h) ? http_header_value(c, "Origin") : NULL;
    unsigned status = reply_http_status(&c->rq.reply);
    if (is_usual(c) && !origin)
        return MHD_queue_response(c->connection, status, h->accepted[c->format.json]);
    struct MHD_Response *response = reply_response(c);
    if (!response)
        return MHD_NO;
    if (origin && cors_origin_allowed(&h->settings.cors.allowed_origins, origin))
        add_origin(h, response, origin);
    enum MHD_Result result = MHD_queue_response(c->connection, status, response);
    MHD_destroy_response(response);
    return result;
}

/* What is not allowed is answered without the headers that would allow it, which browsers take for
 * no. */
static enum MHD_Result queue_preflight(struct http_call *c)
{
    const struct otlp_http *h = c->server;
    struct MHD_Response *response = response_create(&(struct buffer){0});
    if (!response)
        return MHD_NO;
    const char *origin = http_header_value(c, "Origin");
    const char *method = http_header_value(c, "Access-Control-Request-Method");
    const char *headers = http_header_value(c, "Access-Control-Request-Headers");
    if (cors_origin_allowed(&h->settings.cors.allowed_origins, origin) &&
        strcmp(method, "POST") == 0 &&
        (!headers || cors_headers_allowed(&h->settings.cors.allowed_headers, headers))) {
        add_origin(h, response, origin);
        MHD_add_response_header(response, "Access-Control-Allow-Methods", "POST");
        if (headers)
            MHD_add_response_header(response, "Access-Control-Allow-Headers", headers);
        if (h->settings.cors.max_age > 0) {
            char text[24];
            snprintf(text, sizeof text, "%lld", (long long)h->settings.cors.max_age);
            MHD_add_response_header(response, "Access-Control-Max-Age", text);
        }
    }
    add_common_headers(h, response);
    enum MHD_Result result = MHD_queue_response(c->connection, MHD_HTTP_NO_CONTENT, response);
    MHD_destroy_response(response);
    return result;
}

enum MHD_Result http_queue_reply(struct http_call *c)
{
    return c->preflight ? queue_preflight(c) : queue_reply(c);
}
