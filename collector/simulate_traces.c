#include "collector/simulate_traces.h"

#include "collector/otlp_file.h"
#include "storage/group.h"
#include "storage/replay.h"

#include <stdlib.h>

bool traces_of_store(const char *directory, trace_visitor *each, void *context, struct error *e)
{
    struct store *s = store_open_to_read(directory, e);
    if (!s)
        return false;
    struct store_reader *r = store_reader_open(s);
    bool done = r ? store_each_trace(r, each, context, e) : error_set(e, "out of memory");
    store_reader_close(r);
    store_close(s);
    return done;
}

/* ---- files ---- */

struct ordered {
    uint64_t end_ns;
    uint32_t trace;
};

static int compare_ends(const void *a, const void *b)
{
    const struct ordered *x = a, *y = b;
    return (x->end_ns > y->end_ns) - (x->end_ns < y->end_ns);
}

static const struct span_view *span_of(const struct otlp_batches *all, const struct span_ref *r)
{
    return &all->items[r->batch]->spans[r->span];
}

static struct batch *build(const struct otlp_batches *all, const struct grouping *g, uint32_t trace)
{
    struct batch_builder *w = batch_builder_create();
    const struct trace_group *t = &g->traces[trace];
    bool done = w != NULL;
    for (uint32_t i = 0; i < t->count && done; i++) {
        const struct span_ref *r = &g->refs[t->first + i];
        done = batch_builder_add(w, all->items[r->batch], r->span);
    }
    struct batch *b = w ? batch_builder_finish(w) : NULL;
    if (done)
        return b;
    batch_release(b);
    return NULL;
}

static struct ordered *order(const struct otlp_batches *all, const struct grouping *g)
{
    struct ordered *o = calloc(g->trace_count + 1, sizeof *o);
    for (uint32_t i = 0; o && i < g->trace_count; i++) {
        o[i] = (struct ordered){0, i};
        for (uint32_t n = 0; n < g->traces[i].count; n++) {
            uint64_t end_ns = span_of(all, &g->refs[g->traces[i].first + n])->end_ns;
            o[i].end_ns = end_ns > o[i].end_ns ? end_ns : o[i].end_ns;
        }
    }
    if (o)
        qsort(o, g->trace_count, sizeof *o, compare_ends);
    return o;
}

static bool show(const struct otlp_batches *all, trace_visitor *each, void *context,
                 struct error *e)
{
    struct grouping g = {0};
    struct ordered *o = group_spans(&g, all->items, all->count) ? order(all, &g) : NULL;
    bool done = o || error_set(e, "out of memory");
    for (uint32_t i = 0; o && i < g.trace_count && done; i++) {
        struct batch *trace = build(all, &g, o[i].trace);
        if (trace)
            done = each(context, trace, (i + 1.0) / g.trace_count) || error_set(e, "stopped");
        else
            done = error_set(e, "out of memory");
        batch_release(trace);
    }
    free(o);
    group_free(&g);
    return done;
}

bool traces_of_file(const char *path, trace_visitor *each, void *context, struct error *e)
{
    struct otlp_batches all = {0};
    bool done = otlp_file_read(path, &all, e) && show(&all, each, context, e);
    otlp_batches_free(&all);
    return done;
}
