/* A summary is made from the trace's spans when it is asked for: parts come at any time, and who is
 * an orphan, and which root is first, is only known of all of them together. It costs some
 * microseconds a trace, for the few traces that a search returns. */
#include "storage/summary.h"

#include "proto/span_kind.h"
#include "storage/listing.h"

#include <stdlib.h>

struct service_count {
    struct bytes name;
    uint32_t spans;
    uint32_t errors;
};

struct work {
    uint64_t *ids; /* of all spans */
    size_t id_count;
    struct service_count *services; /* one for each resource, until sorted and merged */
    size_t service_count;
};

static int compare_ids(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static int compare_services(const void *a, const void *b)
{
    const struct service_count *x = a;
    const struct service_count *y = b;
    size_t len = x->name.len < y->name.len ? x->name.len : y->name.len;
    int order = len ? memcmp(x->name.data, y->name.data, len) : 0;
    return order ? order : (x->name.len > y->name.len) - (x->name.len < y->name.len);
}

static bool work_init(struct work *w, const struct trace_parts *parts)
{
    size_t spans = 0;
    size_t resources = 0;
    *w = (struct work){0};
    for (size_t i = 0; i < parts->count; i++) {
        spans += parts->items[i]->span_count;
        resources += parts->items[i]->resource_count;
    }
    w->ids = malloc((spans + 1) * sizeof *w->ids);
    w->services = calloc(resources + 1, sizeof *w->services);
    return w->ids && w->services;
}

static void work_free(struct work *w)
{
    free(w->ids);
    free(w->services);
}

static void count_span(const struct span_view *span, struct service_count *service,
                       struct store_summary *out)
{
    out->spans++;
    service->spans++;
    if (span->status_code == SPAN_STATUS_ERROR) {
        out->errors++;
        service->errors++;
    }
    if (span->start_ns < out->start_ns)
        out->start_ns = span->start_ns;
    if (span->end_ns > out->end_ns)
        out->end_ns = span->end_ns;
}

struct root {
    const struct batch *batch;
    const struct span_view *span; /* NULL: none yet */
};

static void count(struct work *w, const struct batch *b, struct root *root,
                  struct store_summary *out)
{
    struct service_count *services = w->services + w->service_count;
    for (uint32_t i = 0; i < b->resource_count; i++)
        services[i].name = resource_service_name(&b->resources[i]);
    w->service_count += b->resource_count;
    for (uint32_t i = 0; i < b->span_count; i++) {
        const struct span_view *span = &b->spans[i];
        memcpy(&w->ids[w->id_count++], span->span_id, 8);
        count_span(span, &services[b->scopes[span->scope].resource], out);
        if (span_is_root(span) && (!root->span || span->start_ns < root->span->start_ns))
            *root = (struct root){b, span};
    }
}

static void count_orphans(const struct work *w, const struct batch *b, struct store_summary *out)
{
    for (uint32_t i = 0; i < b->span_count; i++) {
        uint64_t parent;
        memcpy(&parent, b->spans[i].parent_span_id, 8);
        if (parent && !bsearch(&parent, w->ids, w->id_count, sizeof parent, compare_ids))
            out->orphans++;
    }
}

static bool put_services(struct work *w, struct store_summary *out)
{
    out->services = calloc(w->service_count + 1, sizeof *out->services);
    if (!out->services)
        return false;
    qsort(w->services, w->service_count, sizeof *w->services, compare_services);
    struct store_service_count *last = NULL;
    for (size_t i = 0; i < w->service_count; i++) {
        const struct service_count *s = &w->services[i];
        if (s->spans == 0)
            continue;
        if (!last || !bytes_equal_string(s->name, last->name)) {
            last = &out->services[out->service_count];
            last->name = name_copy(s->name);
            if (!last->name)
                return false;
            out->service_count++;
        }
        last->spans += s->spans;
        last->errors += s->errors;
    }
    return true;
}

bool summary_make(const struct trace_parts *parts, struct store_summary *out)
{
    struct work w;
    struct root root = {0};
    *out = (struct store_summary){.start_ns = UINT64_MAX};
    bool done = work_init(&w, parts);
    for (size_t i = 0; done && i < parts->count; i++)
        count(&w, parts->items[i], &root, out);
    if (done) {
        memcpy(out->trace_id, parts->items[0]->spans[0].trace_id, 16);
        qsort(w.ids, w.id_count, sizeof *w.ids, compare_ids);
    }
    for (size_t i = 0; done && i < parts->count; i++)
        count_orphans(&w, parts->items[i], out);
    struct bytes none = bytes_of("", 0);
    out->root_service =
        name_copy(root.span ? resource_service_name(span_resource(root.batch, root.span)) : none);
    out->root_operation = name_copy(root.span ? span_name(root.span) : none);
    done = done && out->root_service && out->root_operation && put_services(&w, out);
    work_free(&w);
    if (!done)
        summary_free(out);
    return done;
}

void summary_free(struct store_summary *s)
{
    for (size_t i = 0; i < s->service_count; i++)
        free(s->services[i].name);
    free(s->services);
    free(s->root_service);
    free(s->root_operation);
    *s = (struct store_summary){0};
}
