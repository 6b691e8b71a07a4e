/* One visit of the history adds every record to its series' slots of time, as wide as a step of the
 * history; then windows slide over the slots, adding what enters and taking away what leaves. */
#include "query/monitor.h"

#include <string.h>

struct slot {
    uint64_t calls;
    uint64_t errors;
    uint64_t *buckets; /* NULL: nothing happened */
};

struct group {
    struct bytes service;
    struct bytes operation;
    struct slot *slots;
    size_t first; /* slot in which it is first known */
};

struct monitor {
    struct history_visitor visitor;
    const struct monitor_query *query;
    struct arena *arena;
    struct group *groups;
    size_t group_count;
    size_t group_capacity;
    uint32_t *group_of; /* by entry: group + 1 */
    size_t entry_capacity;
    uint64_t origin_ns; /* where slots begin */
    uint64_t slot_ns;
    size_t slot_count;
    size_t bucket_count;
    bool no_memory;
};

/* ---- gathering ---- */

static void *larger(struct monitor *m, void *items, size_t used, size_t *capacity, size_t size)
{
    size_t wanted = *capacity ? *capacity * 2 : 64;
    void *copy = arena_array(m->arena, wanted, size);
    if (!copy)
        return NULL;
    if (used)
        memcpy(copy, items, used * size);
    *capacity = wanted;
    return copy;
}

static struct bytes keep_text(struct monitor *m, struct bytes text)
{
    const char *copy = arena_copy(m->arena, text.data, text.len);
    m->no_memory |= copy == NULL;
    return bytes_of(copy, copy ? text.len : 0);
}

static size_t find_group(struct monitor *m, struct bytes service, struct bytes operation)
{
    for (size_t i = 0; i < m->group_count; i++) {
        if (bytes_equal(m->groups[i].service, service) &&
            bytes_equal(m->groups[i].operation, operation))
            return i;
    }
    if (m->group_count == m->group_capacity) {
        struct group *groups =
            larger(m, m->groups, m->group_count, &m->group_capacity, sizeof *groups);
        if (!groups)
            return SIZE_MAX;
        m->groups = groups;
    }
    struct group g = {.service = keep_text(m, service),
                      .operation = keep_text(m, operation),
                      .slots = arena_array(m->arena, m->slot_count, sizeof *g.slots),
                      .first = SIZE_MAX};
    if (!g.slots || m->no_memory)
        return SIZE_MAX;
    m->groups[m->group_count] = g;
    return m->group_count++;
}

static bool is_asked_for(const struct monitor_query *q, const struct history_entry *e)
{
    if (q->kinds && !(q->kinds & 1u << e->kind))
        return false;
    for (size_t i = 0; i < q->service_count; i++) {
        if (bytes_equal_string(e->service, q->services[i]))
            return true;
    }
    return false;
}

static bool wants(struct history_visitor *v, const struct history_entry *e)
{
    struct monitor *m = (struct monitor *)v;
    if (m->no_memory || !is_asked_for(m->query, e))
        return false;
    size_t group =
        find_group(m, e->service, m->query->by_operation ? e->operation : bytes_of(NULL, 0));
    while (group != SIZE_MAX && e->id >= m->entry_capacity) {
        uint32_t *of = larger(m, m->group_of, m->entry_capacity, &m->entry_capacity, sizeof *of);
        if (!of)
            group = SIZE_MAX;
        else
            m->group_of = of;
    }
    m->no_memory |= group == SIZE_MAX;
    if (group != SIZE_MAX)
        m->group_of[e->id] = (uint32_t)group + 1;
    return group != SIZE_MAX;
}

static void add_record(struct history_visitor *v, const struct history_record *r)
{
    struct monitor *m = (struct monitor *)v;
    struct group *g = &m->groups[m->group_of[r->entry->id] - 1];
    size_t at = (size_t)((r->end_ns - m->origin_ns) / m->slot_ns);
    if (m->no_memory || r->end_ns < m->origin_ns || at >= m->slot_count)
        return;
    struct slot *s = &g->slots[at];
    if (!s->buckets)
        s->buckets = arena_array(m->arena, m->bucket_count, sizeof *s->buckets);
    if (!s->buckets) {
        m->no_memory = true;
        return;
    }
    s->calls += r->calls;
    s->errors += r->errors;
    for (size_t i = 0; i < m->bucket_count; i++)
        s->buckets[i] += r->buckets[i];
    g->first = at < g->first ? at : g->first;
}

/* ---- windows ---- */

struct window {
    uint64_t calls;
    uint64_t errors;
    uint64_t durations;
    uint64_t *buckets;
    size_t begin; /* slots [begin, end) are in it */
    size_t end;
};

static void count_slot(const struct monitor *m, struct window *w, const struct slot *s, bool enters)
{
    uint64_t sign = enters ? 1 : (uint64_t)-1;
    if (!s->buckets)
        return;
    w->calls += sign * s->calls;
    w->errors += sign * s->errors;
    for (size_t i = 0; i < m->bucket_count; i++) {
        w->buckets[i] += sign * s->buckets[i];
        w->durations += sign * s->buckets[i];
    }
}

/* Records that end within (at - window, at]; those of slot i end at origin + i slots. */
static void slide(const struct monitor *m, const struct group *g, struct window *w, uint64_t at_ns)
{
    size_t end = (size_t)((at_ns - m->origin_ns) / m->slot_ns) + 1;
    uint64_t from_ns = at_ns - m->query->window_ns;
    size_t begin = from_ns < m->origin_ns ? 0 : (size_t)((from_ns - m->origin_ns) / m->slot_ns) + 1;
    end = end < m->slot_count ? end : m->slot_count;
    while (w->end < end)
        count_slot(m, w, &g->slots[w->end++], true);
    while (w->begin < begin && w->begin < w->end)
        count_slot(m, w, &g->slots[w->begin++], false);
}

double monitor_quantile(double quantile, const double *bounds, size_t bound_count,
                        const uint64_t *buckets, uint64_t total)
{
    double rank = quantile * (double)total, below = 0;
    size_t i = 0;
    for (; i < bound_count && below + (double)buckets[i] < rank; i++)
        below += (double)buckets[i];
    if (i == bound_count)
        return bound_count ? bounds[bound_count - 1] : 0;
    double low = i > 0 ? bounds[i - 1] : 0;
    return buckets[i] ? low + (bounds[i] - low) * (rank - below) / (double)buckets[i] : low;
}

/* False: there is no value. */
static bool value_of(const struct monitor *m, const struct window *w, const double *bounds,
                     double *value)
{
    switch (m->query->what) {
    case MONITOR_CALLS:
        *value = (double)w->calls / ((double)m->query->window_ns / 1e9);
        return true;
    case MONITOR_ERRORS:
        *value = w->calls ? (double)w->errors / (double)w->calls : 0;
        return w->calls > 0;
    default:
        if (w->durations == 0)
            return false;
        *value = 1000 * monitor_quantile(m->query->quantile, bounds, m->bucket_count - 1,
                                         w->buckets, w->durations);
        return true;
    }
}

static bool make_series(const struct monitor *m, const struct group *g, const double *bounds,
                        struct monitor_series *out)
{
    const struct monitor_query *q = m->query;
    size_t most = (size_t)((q->end_ns - q->start_ns) / q->step_ns) + 1;
    struct window w = {.buckets = arena_array(m->arena, m->bucket_count, sizeof *w.buckets)};
    *out = (struct monitor_series){.service = g->service,
                                   .operation = g->operation,
                                   .points = arena_array(m->arena, most, sizeof *out->points)};
    if (!w.buckets || !out->points)
        return false;
    for (uint64_t at_ns = q->start_ns; at_ns <= q->end_ns; at_ns += q->step_ns) {
        double value;
        slide(m, g, &w, at_ns);
        if (w.end > g->first && value_of(m, &w, bounds, &value))
            out->points[out->point_count++] = (struct monitor_point){at_ns, value};
    }
    return true;
}

bool monitor_ask(struct history *h, const struct monitor_query *q, struct arena *a,
                 struct monitor_result *out)
{
    struct monitor m = {
        .visitor = {.wants = wants, .record = add_record},
        .query = q,
        .arena = a,
        .slot_ns = history_step_ns(h),
        .bucket_count = history_bound_count(h) + 1,
    };
    /* Steps of the history end at whole multiples of their length, so with slots that begin there
     * a record ends where its slot begins, wherever the windows lie. */
    uint64_t first_ns = q->start_ns > q->window_ns ? q->start_ns - q->window_ns : 0;
    m.origin_ns = first_ns / m.slot_ns * m.slot_ns;
    m.slot_count = (size_t)((q->end_ns - m.origin_ns) / m.slot_ns) + 1;
    *out = (struct monitor_result){0};
    if (!history_visit(h, m.origin_ns, q->end_ns, &m.visitor) || m.no_memory)
        return false;
    out->series = arena_array(a, m.group_count + 1, sizeof *out->series);
    for (size_t i = 0; out->series && i < m.group_count; i++) {
        if (!make_series(&m, &m.groups[i], history_bounds(h), &out->series[out->count]))
            return false;
        out->count += out->series[out->count].point_count > 0;
    }
    return out->series != NULL;
}
