/* POST /api/transform: a file of OTLP JSON, to be looked at in Jaeger UI without being stored. */
#include "query/jaeger_v1.h"

#include "component/hash_seed.h"
#include "proto/json_writer.h"
#include "proto/otlp_json.h"
#include "query/jaeger_v1_trace.h"

#include <stdio.h>
#include <xxhash.h>

#define NONE UINT32_MAX

/* Spans of one trace as a list: `next` leads through it, `last` is where to add. */
struct groups {
    uint32_t *slots; /* by hash of the trace id: its first span, or NONE */
    uint32_t *next;
    uint32_t *last;
    uint32_t mask;
};

static bool groups_begin(struct groups *g, const struct trace *t)
{
    uint32_t size = 8;
    while (size / 2 < t->span_count && size < UINT32_MAX / 2)
        size *= 2;
    g->mask = size - 1;
    g->slots = arena_array(t->arena, size, sizeof *g->slots);
    g->next = arena_array(t->arena, t->span_count, sizeof *g->next);
    g->last = arena_array(t->arena, t->span_count, sizeof *g->last);
    if (!g->slots || !g->next || !g->last)
        return false;
    memset(g->slots, 0xff, (size_t)size * sizeof *g->slots);
    memset(g->next, 0xff, (size_t)t->span_count * sizeof *g->next);
    return true;
}

/* The first span of the same trace: `i` itself when there was none. */
static uint32_t groups_add(struct groups *g, const struct trace *t, uint32_t i)
{
    const uint8_t *id = t->spans[i].view->trace_id;
    uint32_t at = (uint32_t)XXH3_64bits_withSeed(id, 16, hash_seed()) & g->mask;
    while (g->slots[at] != NONE && memcmp(t->spans[g->slots[at]].view->trace_id, id, 16) != 0)
        at = (at + 1) & g->mask;
    uint32_t first = g->slots[at];
    if (first == NONE)
        first = g->slots[at] = i;
    else
        g->next[g->last[first]] = i;
    g->last[first] = i;
    return first;
}

/* Traces in the order of their first spans. */
static bool write_traces(struct json_writer *w, const struct trace *t)
{
    struct groups g;
    struct jaeger_v1_writer v;
    if (!groups_begin(&g, t) || !jaeger_v1_writer_begin(&v, t, g.next))
        return false;
    bool *is_first = arena_array(t->arena, t->span_count, sizeof *is_first);
    if (!is_first)
        return false;
    for (uint32_t i = 0; i < t->span_count; i++)
        is_first[i] = groups_add(&g, t, i) == i;
    for (uint32_t i = 0; i < t->span_count && !w->out->failed; i++)
        if (is_first[i])
            jaeger_v1_trace_write(&v, w, i);
    return true;
}

static void answer(struct call *c, const struct batch *b)
{
    struct arena arena = {.limit = c->limits->memory};
    struct trace t;
    struct json_writer w;
    jaeger_v1_begin(c, &w);
    json_array_begin(&w);
    if (trace_build(&t, &arena, b) && write_traces(&w, &t)) {
        json_array_end(&w);
        jaeger_v1_end(c, &w, 0);
    } else {
        jaeger_v1_error(c, 500, "the file is too large to be shown");
    }
    arena_free(&arena);
}

void jaeger_v1_transform(struct call *c)
{
    struct buffer wire = {.limit = c->limits->memory};
    struct batch_report report = {0};
    char where[256] = "";
    char text[512];
    struct batch *b = NULL;
    if (!otlp_json_parse(c->http->body, OTLP_TRACE_REQUEST, &wire, where, sizeof where))
        snprintf(text, sizeof text, "cannot unmarshal OTLP: %s", where);
    else if (!(b = batch_from_request(buffer_bytes(&wire), &report)))
        snprintf(text, sizeof text, "cannot unmarshal OTLP: %s", report.where);
    buffer_free(&wire);
    if (!b) {
        jaeger_v1_error(c, 400, text);
        return;
    }
    answer(c, b);
    batch_release(b);
}
