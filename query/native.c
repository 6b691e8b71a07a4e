#include "query/native.h"

#include "proto/frame.h"
#include "proto/json_writer.h"
#include "proto/otlp_json.h"
#include "query/openapi.h"
#include "query/params.h"

#include <stdio.h>

static const char *status_title(unsigned status)
{
    switch (status) {
    case 400:
        return "Bad Request";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 406:
        return "Not Acceptable";
    case 504:
        return "Gateway Timeout";
    default:
        return "Internal Server Error";
    }
}

void native_error(struct call *c, unsigned status, const char *detail)
{
    struct json_writer w;
    call_restart(c, status, "application/problem+json");
    json_begin(&w, &c->reply->body, false);
    json_object_begin(&w);
    json_key(&w, "type");
    json_text(&w, "about:blank");
    json_key(&w, "title");
    json_text(&w, status_title(status));
    json_key(&w, "status");
    json_uint(&w, status);
    json_key(&w, "detail");
    json_text(&w, detail);
    json_object_end(&w);
    buffer_append_byte(&c->reply->body, '\n');
}

struct parameters {
    const char *const *names;
    uint32_t seen; /* a bit for each name */
    struct error error;
};

static void describe(const char *const *names, struct error *e)
{
    size_t len = strlen(e->text);
    for (size_t i = 0; names[i]; i++) {
        const char *before = i == 0 ? "; there are " : names[i + 1] ? ", " : " and ";
        len += (size_t)snprintf(e->text + len, sizeof e->text - len, "%s%s", before, names[i]);
    }
}

static bool is_expected(void *context, const char *name, const char *value)
{
    struct parameters *p = context;
    for (unsigned i = 0; p->names[i]; i++) {
        if (strcmp(p->names[i], name) != 0)
            continue;
        if (!value || !value[0])
            return error_set(&p->error, "%s has no value", name);
        if (p->seen & 1U << i)
            return error_set(&p->error, "%s is there twice", name);
        p->seen |= 1U << i;
        return true;
    }
    error_set(&p->error, "unknown parameter %.100s", name);
    describe(p->names, &p->error);
    return false;
}

bool native_parameters_are(struct call *c, const char *const *names)
{
    struct parameters p = {.names = names};
    http_query_each(c->http, is_expected, &p);
    if (p.error.text[0])
        native_error(c, 400, p.error.text);
    return !p.error.text[0];
}

bool native_has_no_parameters(struct call *c)
{
    static const char *const none[] = {NULL};
    return native_parameters_are(c, none);
}

void native_front_page(struct call *c)
{
    static const char page[] =
        "<!DOCTYPE html>\n"
        "<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Tailspan</title></head>\n"
        "<body><h1>Tailspan " TAILSPAN_VERSION "</h1>\n"
        "<p>The traces that this collector keeps can be asked for here:</p>\n"
        "<ul>\n"
        "<li><a href=\"/api/v1/services\">/api/v1/services</a>: the services that sent spans</li>\n"
        "<li><a href=\"/api/v1/search\">/api/v1/search</a>: the newest traces</li>\n"
        "<li>/api/v1/traces/{id}: one trace, as OTLP</li>\n"
        "<li>/api/v1/traces/{id}/decision: why tail sampling kept a trace, or did not</li>\n"
        "<li>/api/v1/journeys/{id}: the traces that hops through Kafka join with a trace</li>\n"
        "<li><a href=\"/api/v1/openapi.json\">/api/v1/openapi.json</a>: all of this, with "
        "parameters and answers</li>\n"
        "</ul>\n"
        "<p>Jaeger's HTTP APIs are served beside it (/api/traces, /api/v3/traces, …), so Grafana's "
        "Jaeger data source can be pointed at this address.</p>\n"
        "</body></html>\n";
    call_restart(c, 200, "text/html; charset=utf-8");
    buffer_append_string(&c->reply->body, page);
}

void native_openapi(struct call *c)
{
    struct bytes document = openapi_document();
    if (!native_has_no_parameters(c))
        return;
    call_restart(c, 200, "application/json");
    buffer_append(&c->reply->body, document.data, document.len);
}

void native_services(struct call *c)
{
    struct store_names names;
    struct json_writer w;
    if (!native_has_no_parameters(c))
        return;
    if (!store_services(c->reader, &names)) {
        native_error(c, 500, "the trace store cannot be read");
        return;
    }
    call_json(c, &w, false);
    json_object_begin(&w);
    json_key(&w, "services");
    json_array_begin(&w);
    for (size_t i = 0; i < names.count; i++)
        json_text(&w, names.items[i]);
    json_array_end(&w);
    json_object_end(&w);
    call_finish(c, native_error);
    store_names_free(&names);
}

/* One trace. */

enum format {
    FORMAT_JSON,
    FORMAT_PROTOBUF,
    FORMAT_NONE,
};

/* What the Accept header asks for; without one, JSON. Weights are not compared: protobuf is only
 * named by who wants it. */
static enum format accepted_format(const struct call *c)
{
    const char *accept = http_header(c->http, "Accept");
    if (!accept || !accept[0])
        return FORMAT_JSON;
    if (strstr(accept, "application/x-protobuf") || strstr(accept, "application/protobuf"))
        return FORMAT_PROTOBUF;
    if (strstr(accept, "application/json") || strstr(accept, "application/*") ||
        strstr(accept, "*/*"))
        return FORMAT_JSON;
    return FORMAT_NONE;
}

static void write_trace(struct call *c, struct batch *b, enum format format)
{
    struct buffer *body = &c->reply->body;
    if (format == FORMAT_PROTOBUF) {
        call_restart(c, 200, "application/x-protobuf");
        frame_batch(b, body);
    } else {
        struct buffer wire = {0};
        call_restart(c, 200, "application/json");
        if (!frame_batch(b, &wire) ||
            !otlp_json_print(buffer_bytes(&wire), OTLP_TRACE_REQUEST, false, body))
            body->failed = true;
        buffer_free(&wire);
    }
    http_reply_header(c->reply, "Vary", "Accept");
    call_finish(c, native_error);
}

void native_trace(struct call *c)
{
    struct error e;
    uint8_t id[16];
    enum format format = accepted_format(c);
    if (!native_has_no_parameters(c))
        return;
    if (!param_trace_id(c->parameter, id, &e)) {
        native_error(c, 400, "a trace id is up to 32 hex digits");
        return;
    }
    if (format == FORMAT_NONE) {
        native_error(c, 406, "a trace can be had as application/json or application/x-protobuf");
        return;
    }
    struct batch *b = store_trace(c->reader, id);
    if (b && b->span_count > 0)
        write_trace(c, b, format);
    else
        native_error(c, 404, "there is no trace with this id, or no longer");
    if (b)
        batch_release(b);
}
