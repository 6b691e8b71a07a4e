/* Breadth first: each step asks the store once, for all traces that the last step found. */
#include "query/journey.h"

#include "component/clock.h"

#include <stdlib.h>

static bool knows(const struct journey *j, const uint8_t id[16])
{
    for (size_t i = 0; i < j->trace_count; i++) {
        if (memcmp(j->traces[i], id, 16) == 0)
            return true;
    }
    return false;
}

static void add(struct journey *j, const uint8_t id[16])
{
    if (knows(j, id))
        return;
    if (j->trace_count == JOURNEY_TRACES_MAX)
        j->cut = true;
    else
        memcpy(j->traces[j->trace_count++], id, 16);
}

/* Looks for what joins the traces from `first` on. */
static bool step(struct store_reader *r, struct journey *j, size_t first)
{
    struct store_hops hops;
    bool done = store_hops_of(r, (const uint8_t(*)[16])j->traces + first, j->trace_count - first,
                              JOURNEY_HOPS_MAX, &hops);
    j->cut |= hops.cut;
    for (size_t i = 0; done && i < hops.count; i++) {
        add(j, hops.items[i].producer_trace);
        add(j, hops.items[i].consumer_trace);
    }
    store_hops_free(&hops);
    return done;
}

/* Those that lead out of what was found are left out. */
static void keep_inner(struct journey *j)
{
    size_t kept = 0;
    for (size_t i = 0; i < j->hops.count; i++) {
        const struct store_hop *h = &j->hops.items[i];
        if (knows(j, h->producer_trace) && knows(j, h->consumer_trace))
            j->hops.items[kept++] = *h;
    }
    j->hops.count = kept;
}

bool journey_find(struct store_reader *r, const uint8_t trace_id[16], uint64_t deadline_ns,
                  struct journey *j)
{
    *j = (struct journey){.traces = calloc(JOURNEY_TRACES_MAX, sizeof *j->traces)};
    if (!j->traces)
        return false;
    add(j, trace_id);
    unsigned depth = 0;
    for (size_t first = 0, end; first < j->trace_count; first = end) {
        end = j->trace_count;
        if (depth++ == JOURNEY_DEPTH_MAX || monotonic_ns() >= deadline_ns) {
            j->cut = true;
            break;
        }
        if (!step(r, j, first))
            return false;
    }
    if (!store_hops_of(r, (const uint8_t(*)[16])j->traces, j->trace_count, JOURNEY_HOPS_MAX,
                       &j->hops))
        return false;
    j->cut |= j->hops.cut;
    keep_inner(j);
    return true;
}

void journey_free(struct journey *j)
{
    store_hops_free(&j->hops);
    free(j->traces);
    *j = (struct journey){0};
}
