/* A whole trace: its parts read, merged, and put in order of time. */
#include "storage/reader.h"
#include "storage/summary.h"

#include <stdlib.h>

struct place {
    uint64_t start_ns;
    uint32_t part;
    uint32_t span;
};

/* By start; equal starts stay in the order of their arrival. */
static int compare_places(const void *a, const void *b)
{
    const struct place *x = a;
    const struct place *y = b;
    if (x->start_ns != y->start_ns)
        return x->start_ns < y->start_ns ? -1 : 1;
    if (x->part != y->part)
        return x->part < y->part ? -1 : 1;
    return (x->span > y->span) - (x->span < y->span);
}

static struct place *places_of(const struct trace_parts *parts, size_t *count)
{
    size_t total = 0;
    for (size_t i = 0; i < parts->count; i++)
        total += parts->items[i]->span_count;
    struct place *places = malloc(total * sizeof *places);
    *count = 0;
    for (size_t i = 0; places && i < parts->count; i++) {
        for (uint32_t n = 0; n < parts->items[i]->span_count; n++)
            places[(*count)++] = (struct place){parts->items[i]->spans[n].start_ns, (uint32_t)i, n};
    }
    return places;
}

static struct batch *merge(const struct trace_parts *parts)
{
    size_t count;
    struct place *places = places_of(parts, &count);
    struct batch_builder *w = places ? batch_builder_create() : NULL;
    bool done = w != NULL;
    if (done)
        qsort(places, count, sizeof *places, compare_places);
    for (size_t i = 0; done && i < count; i++)
        done = batch_builder_add(w, parts->items[places[i].part], places[i].span);
    free(places);
    struct batch *b = w ? batch_builder_finish(w) : NULL;
    if (b && !done) {
        batch_release(b);
        return NULL;
    }
    return b;
}

struct batch *reader_merge_trace(struct store_reader *r, const uint8_t trace_id[16])
{
    struct trace_parts parts = {0};
    struct batch *b = NULL;
    if (reader_load_trace(r, trace_id, &parts) && parts.count > 0)
        b = merge(&parts);
    trace_parts_free(&parts);
    return b;
}

struct batch *store_trace(struct store_reader *r, const uint8_t trace_id[16])
{
    struct batch *b = reader_begin(r) ? reader_merge_trace(r, trace_id) : NULL;
    reader_end(r);
    return b;
}

bool store_summary_of(struct store_reader *r, const uint8_t trace_id[16], struct store_summary *out)
{
    struct trace_parts parts = {0};
    bool made = reader_begin(r) && reader_load_trace(r, trace_id, &parts) && parts.count > 0 &&
                summary_make(&parts, out);
    trace_parts_free(&parts);
    reader_end(r);
    return made;
}

void store_summary_free(struct store_summary *s)
{
    summary_free(s);
}
