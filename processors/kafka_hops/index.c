/* The index's life, and what time does to it. */
#include "processors/kafka_hops/index_private.h"

#include <stdlib.h>

enum {
    TURN_MAX = 1024,   /* records that one tick lets go, judges or settles, of each kind */
    SWEEP_SLOTS = 64,  /* parties that it looks at */
    LEAST_PAUSE_MS = 5 /* between ticks */
};

/* ---- its life ---- */

static bool init_chains(struct hop_index *ix)
{
    const struct ring *p = &ix->produced, *c = &ix->consumed;
#define FIELDS(record_, next_, from_, last_)                                                       \
    &(const struct chains_fields)                                                                  \
    {                                                                                              \
        offsetof(struct record_, next_), offsetof(struct record_, from_),                          \
            offsetof(struct record_, last_)                                                        \
    }
    return chains_init(&ix->produced_id, p, FIELDS(produced, next_id, next_id, span_id)) &&
           chains_init(&ix->produced_place, p, FIELDS(produced, next_place, party, end_ns)) &&
           chains_init(&ix->produced_key, p, FIELDS(produced, next_key, next_key, party)) &&
           chains_init(&ix->consumed_target, c,
                       FIELDS(consumed, next_target, next_target, target)) &&
           chains_init(&ix->consumed_place, c, FIELDS(consumed, next_place, offset, start_ns)) &&
           chains_init(&ix->consumed_key, c, FIELDS(consumed, next_key, party, key));
#undef FIELDS
}

struct hop_index *hop_index_create(const struct index_settings *settings,
                                   const struct index_counters *counters,
                                   struct hop_metrics *metrics)
{
    struct hop_index *ix = calloc(1, sizeof *ix);
    if (!ix)
        return NULL;
    ix->settings = *settings;
    ix->counters = *counters;
    ix->metrics = metrics;
    bool rings = ring_init(&ix->produced, sizeof(struct produced), settings->max_records) &&
                 ring_init(&ix->consumed, sizeof(struct consumed), settings->max_records);
    ix->judged = ix->produced.head;
    ix->settled = ix->consumed.head;
    deliveries_init(&ix->deliveries, settings->max_records);
    if (!rings || !parties_init(&ix->parties) || !init_chains(ix)) {
        hop_index_destroy(ix);
        return NULL;
    }
    return ix;
}

void hop_index_destroy(struct hop_index *ix)
{
    if (!ix)
        return;
    chains_free(&ix->produced_id);
    chains_free(&ix->produced_place);
    chains_free(&ix->produced_key);
    chains_free(&ix->consumed_target);
    chains_free(&ix->consumed_place);
    chains_free(&ix->consumed_key);
    ring_free(&ix->produced);
    ring_free(&ix->consumed);
    deliveries_free(&ix->deliveries);
    parties_free(&ix->parties);
    free(ix);
}

/* ---- letting go ---- */

static void judge(struct hop_index *ix, uint32_t number)
{
    struct produced *p = produced_at(ix, number);
    if (p->taken)
        return;
    counter_add(ix->counters.expired_producers, 1);
    hop_metrics_unmatched(ix->metrics, party_of_produced(ix, p), true);
}

static void drop_produced(struct hop_index *ix)
{
    struct produced *p = produced_at(ix, ix->produced.head);
    if (ix->judged == ix->produced.head)
        judge(ix, ix->judged++);
    deliveries_drop(&ix->deliveries, p->deliveries);
    party_of_produced(ix, p)->records--;
    ring_pop(&ix->produced);
}

static void drop_consumed(struct hop_index *ix)
{
    struct consumed *c = consumed_at(ix, ix->consumed.head);
    if (!c->done && c->via != VIA_ORIGINAL) {
        counter_add(ix->counters.expired_consumers, 1);
        hop_metrics_unmatched(ix->metrics, party_of_consumed(ix, c), false);
    }
    if (ix->settled == ix->consumed.head)
        ix->settled++;
    party_of_consumed(ix, c)->records--;
    ring_pop(&ix->consumed);
}

/* Lanes look at the clock before they take the lock, so a record may be younger than now. */
static uint32_t age_of(uint32_t arrived_ms, uint32_t now_ms)
{
    int32_t age = (int32_t)(now_ms - arrived_ms);
    return age > 0 ? (uint32_t)age : 0;
}

static bool is_over(const struct ring *r, uint32_t arrived_ms, uint32_t age_ms, uint32_t now_ms)
{
    return ring_count(r) > 0 && age_of(arrived_ms, now_ms) >= age_ms;
}

static uint32_t eldest_produced_ms(const struct hop_index *ix)
{
    return ring_count(&ix->produced) > 0 ? produced_at(ix, ix->produced.head)->arrived_ms : 0;
}

static uint32_t eldest_consumed_ms(const struct hop_index *ix)
{
    return ring_count(&ix->consumed) > 0 ? consumed_at(ix, ix->consumed.head)->arrived_ms : 0;
}

/* Returns whose it was. There is one. */
static struct party *drop_eldest(struct hop_index *ix, uint32_t now_ms)
{
    uint32_t produced_age = age_of(eldest_produced_ms(ix), now_ms);
    uint32_t consumed_age = age_of(eldest_consumed_ms(ix), now_ms);
    counter_add(ix->counters.overflow[OVERFLOW_RECORDS], 1);
    if (ring_count(&ix->consumed) == 0 ||
        (ring_count(&ix->produced) > 0 && produced_age >= consumed_age)) {
        struct party *party = party_of_produced(ix, produced_at(ix, ix->produced.head));
        drop_produced(ix);
        return party;
    }
    struct party *party = party_of_consumed(ix, consumed_at(ix, ix->consumed.head));
    drop_consumed(ix);
    return party;
}

void index_make_room(struct hop_index *ix, uint32_t now_ms)
{
    if (is_over(&ix->produced, eldest_produced_ms(ix), ix->settings.ttl_ms, now_ms))
        drop_produced(ix);
    if (is_over(&ix->consumed, eldest_consumed_ms(ix), ix->settings.wait_ms, now_ms))
        drop_consumed(ix);
    if (ring_count(&ix->produced) + ring_count(&ix->consumed) >= ix->settings.max_records)
        drop_eldest(ix, now_ms);
}

/* A party is kept by its records, and they by their time: so a stranger's parties would take every
 * place for that long. The eldest records go instead, as when there are too many. */
struct party *index_party(struct hop_index *ix, const struct party_key *k, uint32_t now_ms)
{
    enum { DROPPED_MAX = 64 };
    struct party *party = parties_get(&ix->parties, k, now_ms);
    for (unsigned i = 0; !party && i < DROPPED_MAX; i++) {
        if (ring_count(&ix->produced) + ring_count(&ix->consumed) == 0)
            break;
        struct party *left = drop_eldest(ix, now_ms);
        if (left->records > 0 || left->seen_ms == now_ms) /* or in use */
            continue;
        parties_give_up(&ix->parties, left);
        party = parties_get(&ix->parties, k, now_ms);
    }
    if (!party)
        counter_add(ix->counters.overflow[OVERFLOW_PARTIES], 1);
    return party;
}

/* ---- time ---- */

/* How long until a record that arrived then is so old; 0: it is. */
static uint32_t left_ms(uint32_t arrived_ms, uint32_t age_ms, uint32_t now_ms)
{
    uint32_t age = age_of(arrived_ms, now_ms);
    return age >= age_ms ? 0 : age_ms - age;
}

static void sooner(uint32_t *pause_ms, uint32_t left)
{
    if (left < *pause_ms)
        *pause_ms = left;
}

static void settle(struct hop_index *ix, uint32_t age_ms, uint32_t now_ms, uint32_t most,
                   uint32_t *pause_ms, struct found_hops *found)
{
    for (; ring_is_live(&ix->consumed, ix->settled); ix->settled++) {
        struct consumed *c = consumed_at(ix, ix->settled);
        uint32_t left = left_ms(c->arrived_ms, age_ms, now_ms);
        if (left > 0 || most-- == 0) {
            sooner(pause_ms, left);
            return;
        }
        c->settled = true;
        infer_consumed(ix, ix->settled, found);
    }
}

static void judge_old(struct hop_index *ix, uint32_t now_ms, uint32_t *pause_ms)
{
    uint32_t most = TURN_MAX;
    for (; ring_is_live(&ix->produced, ix->judged); ix->judged++) {
        uint32_t left =
            left_ms(produced_at(ix, ix->judged)->arrived_ms, ix->settings.wait_ms, now_ms);
        if (left > 0 || most-- == 0) {
            sooner(pause_ms, left);
            return;
        }
        judge(ix, ix->judged);
    }
}

static void expire(struct hop_index *ix, uint32_t now_ms, uint32_t *pause_ms)
{
    uint32_t most = TURN_MAX;
    while (is_over(&ix->produced, eldest_produced_ms(ix), ix->settings.ttl_ms, now_ms) &&
           most-- > 0)
        drop_produced(ix);
    most = TURN_MAX;
    while (is_over(&ix->consumed, eldest_consumed_ms(ix), ix->settings.wait_ms, now_ms) &&
           most-- > 0)
        drop_consumed(ix);
    if (ring_count(&ix->produced) > 0)
        sooner(pause_ms, left_ms(eldest_produced_ms(ix), ix->settings.ttl_ms, now_ms));
    if (ring_count(&ix->consumed) > 0)
        sooner(pause_ms, left_ms(eldest_consumed_ms(ix), ix->settings.wait_ms, now_ms));
}

uint32_t hop_index_tick(struct hop_index *ix, uint32_t now_ms, struct found_hops *found)
{
    uint32_t pause_ms = ix->settings.settle_ms;
    settle(ix, ix->settings.settle_ms, now_ms, TURN_MAX, &pause_ms, found);
    judge_old(ix, now_ms, &pause_ms);
    expire(ix, now_ms, &pause_ms);
    parties_sweep(&ix->parties, now_ms, SWEEP_SLOTS);
    return now_ms + (pause_ms > LEAST_PAUSE_MS ? pause_ms : LEAST_PAUSE_MS);
}

void hop_index_settle(struct hop_index *ix, struct found_hops *found)
{
    uint32_t pause_ms = 0;
    settle(ix, 0, 0, UINT32_MAX, &pause_ms, found);
}

void hop_index_size(const struct hop_index *ix, struct index_size *size)
{
    const struct chains *chains[] = {&ix->produced_id,     &ix->produced_place, &ix->produced_key,
                                     &ix->consumed_target, &ix->consumed_place, &ix->consumed_key};
    *size = (struct index_size){.producers = ring_count(&ix->produced),
                                .consumers = ring_count(&ix->consumed),
                                .parties = ix->parties.count,
                                .bytes = ring_bytes(&ix->produced) + ring_bytes(&ix->consumed) +
                                         ix->parties.bytes +
                                         ix->deliveries.capacity * sizeof *ix->deliveries.items};
    for (size_t i = 0; i < sizeof chains / sizeof *chains; i++)
        size->bytes += chains_bytes(chains[i]);
}
