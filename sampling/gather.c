#include "sampling/gather.h"

#include "proto/attribute.h"
#include "proto/consistent.h"
#include "proto/edit.h"
#include "sampling/batch_copy.h"

#include <stdlib.h>

struct kept {
    struct batch *batch;
    uint32_t span;
    uint32_t group;
    uint64_t randomness;
};

struct gather {
    struct kept *spans;
    uint32_t count;
    uint32_t room;
    size_t bytes;
};

struct gather *gather_create(void)
{
    return calloc(1, sizeof(struct gather));
}

static void clear(struct gather *g)
{
    for (uint32_t i = 0; i < g->count; i++)
        batch_release(g->spans[i].batch);
    g->count = 0;
    g->bytes = 0;
}

void gather_destroy(struct gather *g)
{
    if (!g)
        return;
    clear(g);
    free(g->spans);
    free(g);
}

bool gather_add(struct gather *g, struct batch *b, uint32_t span, uint32_t group,
                uint64_t randomness)
{
    if (g->count == g->room) {
        uint32_t room = g->room ? g->room * 2 : GATHER_SPANS;
        struct kept *spans = realloc(g->spans, sizeof *spans * room);
        if (!spans) {
            batch_release(b);
            return false;
        }
        g->spans = spans;
        g->room = room;
    }
    g->spans[g->count++] = (struct kept){b, span, group, randomness};
    g->bytes += b->spans[span].len;
    return true;
}

uint32_t gather_count(const struct gather *g)
{
    return g->count;
}

bool gather_full(const struct gather *g)
{
    return g->count >= GATHER_SPANS || g->bytes >= GATHER_BYTES;
}

static int by_group_and_place(const void *x, const void *y)
{
    const struct kept *a = x, *b = y;
    if (a->group != b->group)
        return a->group < b->group ? -1 : 1;
    if (a->batch != b->batch)
        return (uintptr_t)a->batch < (uintptr_t)b->batch ? -1 : 1;
    return a->span < b->span ? -1 : a->span > b->span;
}

static bool set_string(struct batch *b, uint32_t scope, const char *key, const char *text)
{
    struct value v = {.type = VALUE_STRING, .bytes = bytes_of_string(text)};
    return scope_set_attribute(b, scope, bytes_of_string(key), &v);
}

static bool mark_scopes(struct batch *b, const struct kept_mark *m)
{
    static const struct value yes = {.type = VALUE_BOOL, .boolean = true};
    bool good = true;
    for (uint32_t i = 0; good && i < b->scope_count; i++) {
        good = set_string(b, i, "tailsampling.policy", m->policy);
        if (good && m->composite_policy)
            good = set_string(b, i, "tailsampling.composite_policy", m->composite_policy);
        if (good && m->cached_decision)
            good = scope_set_attribute(b, i, bytes_of_string("tailsampling.cached_decision"), &yes);
    }
    return good;
}

static bool write_thresholds(struct batch *b, const struct kept *spans, const struct kept_mark *m)
{
    char text[TRACE_STATE_MAX + OT_ENTRY_MAX];
    for (uint32_t i = 0; i < b->span_count; i++) {
        int len = ot_rewrite(span_trace_state(span_bytes(&b->spans[i])), spans[i].randomness,
                             m->threshold, m->probability_known, text);
        if (len >= 0 && !span_set_trace_state(b, i, bytes_of(text, (size_t)len)))
            return false;
    }
    return true;
}

/* The batch of one group's spans, marked. NULL: out of memory. */
static struct batch *build_group(const struct kept *spans, uint32_t count,
                                 const struct kept_mark *m)
{
    struct batch_builder *w = batch_builder_create();
    bool good = w != NULL;
    for (uint32_t i = 0; good && i < count; i++)
        good = batch_builder_add(w, spans[i].batch, spans[i].span);
    struct batch *b = w ? batch_builder_finish(w) : NULL;
    good = good && b && (!m->policy || mark_scopes(b, m)) &&
           (!m->consistent || write_thresholds(b, spans, m));
    if (good)
        return b;
    batch_release(b);
    return NULL;
}

struct batch *gather_finish(struct gather *g,
                            void (*mark)(void *context, uint32_t group, struct kept_mark *out),
                            void *context, uint32_t *lost)
{
    *lost = 0;
    if (g->count == 0)
        return NULL;
    qsort(g->spans, g->count, sizeof *g->spans, by_group_and_place);
    struct frame *f = frame_create();
    uint64_t received_ns = UINT64_MAX;
    uint32_t framed = 0;
    for (uint32_t first = 0, end; first < g->count; first = end) {
        const struct kept *k = &g->spans[first];
        for (end = first; end < g->count && g->spans[end].group == k->group; end++)
            ;
        struct kept_mark m = {0};
        mark(context, k->group, &m);
        struct batch *b = f ? build_group(k, end - first, &m) : NULL;
        if (b && frame_add(f, b, 0, b->span_count))
            framed += b->span_count;
        if (b && b->received_ns < received_ns)
            received_ns = b->received_ns;
        batch_release(b);
    }
    struct batch *out = framed > 0 ? batch_from_frame(f, received_ns) : NULL;
    if (f && framed == 0)
        frame_release(f);
    *lost = out ? g->count - framed : g->count;
    clear(g);
    return out;
}
