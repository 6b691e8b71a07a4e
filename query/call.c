#include "query/call.h"

#include "component/clock.h"
#include "proto/json_writer.h"

#include <stdio.h>
#include <stdlib.h>

const char *call_query(const struct call *c, const char *name)
{
    const char *value = http_query(c->http, name);
    return value && value[0] ? value : NULL;
}

uint64_t call_time_left(const struct call *c)
{
    uint64_t now_ns = monotonic_ns();
    return c->deadline_ns > now_ns ? c->deadline_ns - now_ns : 0;
}

void call_restart(struct call *c, unsigned status, const char *content_type)
{
    buffer_free(&c->reply->body);
    c->reply->body.limit = c->limits->reply;
    c->reply->status = status;
    c->reply->content_type = content_type;
}

void call_json(struct call *c, struct json_writer *w, bool pretty)
{
    call_restart(c, 200, "application/json");
    json_begin(w, &c->reply->body, pretty);
}

void call_finish(struct call *c, void (*fail)(struct call *c, unsigned status, const char *text))
{
    if (!c->reply->body.failed)
        return;
    char text[128];
    snprintf(text, sizeof text,
             "the answer is over %zu MiB or does not fit into memory; ask for fewer traces",
             c->limits->reply >> 20);
    fail(c, 500, text);
}
