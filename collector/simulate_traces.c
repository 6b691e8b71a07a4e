#include "collector/simulate_traces.h"

#include "proto/otlp_json.h"
#include "storage/group.h"
#include "storage/replay.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

struct batches {
    struct batch **items;
    uint32_t count;
    uint32_t capacity;
};

static bool add(struct batches *all, struct batch *b)
{
    if (all->count == all->capacity) {
        uint32_t capacity = all->capacity ? all->capacity * 2 : 64;
        struct batch **items = reallocarray(all->items, capacity, sizeof(struct batch *));
        if (!items)
            return false;
        all->items = items;
        all->capacity = capacity;
    }
    all->items[all->count++] = b;
    return true;
}

static bool add_request(struct batches *all, struct bytes json, struct error *e)
{
    char where[256];
    struct buffer wire = {0};
    struct batch_report report = {0};
    if (!otlp_json_parse(json, OTLP_TRACE_REQUEST, &wire, where, sizeof where)) {
        buffer_free(&wire);
        return error_set(e, "%s", where);
    }
    struct batch *b = batch_from_request(buffer_bytes(&wire), &report);
    buffer_free(&wire);
    if (!b)
        return error_set(e, "%s", report.where);
    if (b->span_count > 0 && add(all, b))
        return true;
    bool empty = b->span_count == 0;
    batch_release(b);
    return empty || error_set(e, "out of memory");
}

static bool is_blank(const char *line)
{
    return line[strspn(line, " \t\r\n")] == 0;
}

/* A request that is spread over lines is no line of its own: then the file is one request. */
static bool read_lines(FILE *f, struct batches *all, struct error *e)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t len;
    size_t number = 0;
    bool done = true;
    while (done && (len = getline(&line, &room, f)) >= 0) {
        struct error why;
        number++;
        if (is_blank(line))
            continue;
        done = add_request(all, bytes_of(line, (size_t)len), &why) ||
               error_set(e, "line %zu: %.900s", number, why.text);
    }
    free(line);
    return done;
}

static bool read_whole(FILE *f, struct batches *all, struct error *e)
{
    struct buffer text = {0};
    uint8_t *room;
    size_t len;
    rewind(f);
    while ((room = buffer_reserve(&text, 1 << 20)) && (len = fread(room, 1, 1 << 20, f)) > 0)
        text.len += len;
    bool done =
        text.failed ? error_set(e, "out of memory") : add_request(all, buffer_bytes(&text), e);
    buffer_free(&text);
    return done;
}

static bool read_file(const char *path, struct batches *all, struct error *e)
{
    FILE *f = fopen(path, "r");
    if (!f)
        return error_set(e, "%s: %s", path, strerror(errno));
    struct error lines, whole;
    bool done = read_lines(f, all, &lines) || (all->count == 0 && read_whole(f, all, &whole)) ||
                error_set(e, "%s: %.900s", path, all->count ? lines.text : whole.text);
    fclose(f);
    return done;
}

struct ordered {
    uint64_t end_ns;
    uint32_t trace;
};

static int compare_ends(const void *a, const void *b)
{
    const struct ordered *x = a, *y = b;
    return (x->end_ns > y->end_ns) - (x->end_ns < y->end_ns);
}

static const struct span_view *span_of(const struct batches *all, const struct span_ref *r)
{
    return &all->items[r->batch]->spans[r->span];
}

static struct batch *build(const struct batches *all, const struct grouping *g, uint32_t trace)
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

static struct ordered *order(const struct batches *all, const struct grouping *g)
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

static bool show(const struct batches *all, trace_visitor *each, void *context, struct error *e)
{
    struct grouping g = {0};
    struct ordered *o = group_spans(&g, all->items, all->count) ? order(all, &g) : NULL;
    bool done = o || error_set(e, "out of memory");
    for (uint32_t i = 0; i < g.trace_count && done; i++) {
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
    struct batches all = {0};
    bool done = read_file(path, &all, e) && show(&all, each, context, e);
    for (uint32_t i = 0; i < all.count; i++)
        batch_release(all.items[i]);
    free(all.items);
    return done;
}
