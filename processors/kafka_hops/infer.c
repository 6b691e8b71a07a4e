/* What is likely: the same topic and message key, and times that fit.
 *
 * Records of one key lie in one partition, so each group takes them in the order in which they were
 * written. All that is not matched yet of one key and group, within a window, is laid out in time,
 * and written records queue up until they are taken. A stretch in which the queue fills and empties
 * again, with nobody left over, is paired off in order. Where something is left over (a record
 * taken that nobody wrote, one written that nobody took) a span is missing, and any pair of the
 * stretch may be wrong: nothing is inferred. Precision comes before completeness. */
#include "processors/kafka_hops/index_private.h"

#include <math.h>

enum {
    EVENTS_MAX = 64,
    PAIRS_MAX =
        5, /* in a stretch: the longer it is, the likelier has something been lost on both sides */
    WAITING_MAX = 16, /* that are looked at again when a producer comes */
    CONFIDENCE_ALONE = 99,
    CONFIDENCE_QUEUED = 97, /* less one for each more in the queue */
    CONFIDENCE_LEAST = 90,
};

/* What clocks may differ by before a record seems taken before it was written. */
#define SLACK_NS UINT64_C(20000000)
/* A record that nobody wrote, taken so shortly before a stretch, throws doubt on it. */
#define DOUBT_NS UINT64_C(1000000000)

/* Something that happened to a key. */
struct event {
    uint64_t time_ns;
    uint32_t number;
    bool written;
    bool settled;
};

struct story {
    struct hop_index *ix;
    const struct consumed *about;
    struct party *party; /* the consumer */
    uint32_t group;
    struct event events[EVENTS_MAX];
    unsigned count;
    bool too_long;
    bool repeated; /* the key was written or taken in the window by others, long matched */
};

static void tell(struct story *s, struct event e)
{
    if (s->count == EVENTS_MAX) {
        s->too_long = true;
        return;
    }
    unsigned i = s->count++;
    for (; i > 0 && s->events[i - 1].time_ns > e.time_ns; i--)
        s->events[i] = s->events[i - 1];
    s->events[i] = e;
}

static bool in_window(const struct story *s, uint64_t time_ns)
{
    uint64_t start_ns = s->about->start_ns, window_ns = s->ix->settings.window_ns;
    return time_ns > start_ns ? time_ns - start_ns <= window_ns : start_ns - time_ns <= window_ns;
}

/* When a record was appended, at the earliest. */
static uint64_t written_ns(const struct produced *p)
{
    uint64_t before_ns = (uint64_t)p->took_us * 1000 + SLACK_NS;
    return p->end_ns > before_ns ? p->end_ns - before_ns : 0;
}

/* ---- what was written ---- */

static bool may_be_about(const struct story *s, const struct produced *p)
{
    const struct consumed *c = s->about;
    return p->key == c->key && in_window(s, written_ns(p)) &&
           (p->partition < 0 || c->partition < 0 || p->partition == c->partition) &&
           parties_match(party_of_produced(s->ix, p), s->party);
}

static void tell_written(struct story *s)
{
    const struct chains *chains = &s->ix->produced_key;
    uint32_t hash = topic_key_hash(s->party->key.topic_hash, s->about->key);
    unsigned walked = 0;
    for (uint32_t n = chains_first(chains, hash); ring_is_live(chains->ring, n) && !s->too_long;
         n = chains_next(chains, n)) {
        const struct produced *p = produced_at(s->ix, n);
        s->too_long |= ++walked == WALK_MAX;
        if (!may_be_about(s, p))
            continue;
        bool known = p->offset >= 0 && s->about->offset >= 0;
        if (known || deliveries_has(&s->ix->deliveries, p->deliveries, s->group))
            s->repeated = true;
        else
            tell(s, (struct event){.time_ns = written_ns(p), .number = n, .written = true});
    }
}

/* ---- what was taken ---- */

static bool same_record(const struct consumed *a, const struct consumed *b)
{
    return a->offset >= 0 && a->offset == b->offset && a->partition == b->partition;
}

/* Whether the record is told, by a delivery that began before; one that began later is taken out.
 */
static bool is_told(struct story *s, const struct consumed *c)
{
    for (unsigned i = 0; i < s->count; i++) {
        const struct event *e = &s->events[i];
        if (e->written || !same_record(consumed_at(s->ix, e->number), c))
            continue;
        if (e->time_ns <= c->start_ns)
            return true;
        memmove(&s->events[i], &s->events[i + 1], (--s->count - i) * sizeof s->events[0]);
        return false;
    }
    return false;
}

static bool is_of_group(const struct story *s, const struct consumed *c)
{
    const struct party *party = party_of_consumed(s->ix, c);
    return !c->done && c->key == s->about->key && in_window(s, c->start_ns) &&
           c->via != VIA_ORIGINAL && delivery_group(party, c) == s->group &&
           (c->partition < 0 || s->about->partition < 0 || c->partition == s->about->partition) &&
           parties_match(party, s->party);
}

/* Of redeliveries the first is told; they all get its producer by their place. */
static void tell_taken(struct story *s)
{
    const struct chains *chains = &s->ix->consumed_key;
    uint32_t hash = topic_key_hash(s->party->key.topic_hash, s->about->key);
    unsigned walked = 0;
    for (uint32_t n = chains_first(chains, hash); ring_is_live(chains->ring, n) && !s->too_long;
         n = chains_next(chains, n)) {
        const struct consumed *c = consumed_at(s->ix, n);
        s->too_long |= ++walked == WALK_MAX;
        if (is_of_group(s, c) && !is_told(s, c))
            tell(s, (struct event){.time_ns = c->start_ns, .number = n, .settled = c->settled});
    }
}

/* ---- reading the story ---- */

/* Events [from, to) in which the queue filled and emptied. */
struct stretch {
    unsigned from;
    unsigned to;
};

static bool contains(const struct story *s, const struct stretch *t)
{
    for (unsigned i = t->from; i < t->to; i++) {
        const struct event *e = &s->events[i];
        if (!e->written && (consumed_at(s->ix, e->number) == s->about ||
                            same_record(consumed_at(s->ix, e->number), s->about)))
            return true;
    }
    return false;
}

static bool is_clean(const struct story *s, const struct stretch *t)
{
    for (unsigned i = t->from; i < t->to; i++) {
        if (!s->events[i].written && !s->events[i].settled)
            return false;
    }
    if ((t->to - t->from) / 2 > PAIRS_MAX)
        return false;
    bool left_over_behind = t->to < s->count && !s->events[t->to].written;
    bool left_over_before = t->from > 0 && !s->events[t->from - 1].written &&
                            s->events[t->from].time_ns - s->events[t->from - 1].time_ns < DOUBT_NS;
    return !left_over_behind && !left_over_before;
}

/* The stretch that the consumer is in, which is closed and clean. */
static bool find_stretch(const struct story *s, struct stretch *t)
{
    unsigned depth = 0, from = 0;
    for (unsigned i = 0; i < s->count; i++) {
        const struct event *e = &s->events[i];
        if (e->written && depth++ == 0)
            from = i;
        if (e->written || depth == 0 || --depth > 0)
            continue;
        *t = (struct stretch){from, i + 1};
        if (contains(s, t))
            return is_clean(s, t);
    }
    return false;
}

/* Nobody else wrote or took anything of this key. */
static bool is_alone(const struct story *s)
{
    return s->count == 2 && !s->repeated;
}

/* ---- lags ---- */

/* A consumer's lags are mostly alike, and those of wrong pairs anything up to the window: a pair
 * that waited many times the median is not believed. The median is followed by a small step up or
 * down with each lag; what is not believed is followed as well, so that a consumer that falls
 * behind for good is believed again. */
enum { LAGS_ENOUGH = 16 };

#define LAG_STEP         0.1f
#define LAG_FACTOR_ALONE 3.0f /* binary logarithm of how many times */
#define LAG_FACTOR       2.0f /* where the key is seen more often */

static float log_lag(uint64_t end_ns, uint64_t start_ns)
{
    double ms = start_ns > end_ns ? (double)(start_ns - end_ns) / 1e6 : 0;
    return (float)log2(ms + 1);
}

void infer_learn_lag(struct party *consumer, uint64_t end_ns, uint64_t start_ns)
{
    float lag = log_lag(end_ns, start_ns);
    if (consumer->lags < LAGS_ENOUGH) { /* the mean will do to begin with */
        consumer->lags++;
        consumer->median_lag += (lag - consumer->median_lag) / (float)consumer->lags;
        return;
    }
    consumer->median_lag += lag > consumer->median_lag ? LAG_STEP : -LAG_STEP;
}

static bool lag_is_likely(const struct party *consumer, uint64_t end_ns, uint64_t start_ns,
                          float factor)
{
    return consumer->lags < LAGS_ENOUGH ||
           log_lag(end_ns, start_ns) <= consumer->median_lag + factor;
}

static unsigned confidence_of(const struct story *s, const struct stretch *t)
{
    unsigned pairs = (t->to - t->from) / 2;
    if (is_alone(s))
        return CONFIDENCE_ALONE;
    unsigned less = pairs - 1;
    return CONFIDENCE_QUEUED - less > CONFIDENCE_LEAST ? CONFIDENCE_QUEUED - less
                                                       : CONFIDENCE_LEAST;
}

/* The pairs of a stretch: written[i] was taken by taken[i]. */
struct pairs {
    uint32_t written[EVENTS_MAX / 2];
    uint32_t taken[EVENTS_MAX / 2];
    unsigned count;
};

/* Offsets tell the order better than times, which are alike within a batch. */
static bool was_appended_before(const struct consumed *a, const struct consumed *b)
{
    return a->offset >= 0 && b->offset >= 0 && a->offset < b->offset;
}

static void pair_off(const struct story *s, const struct stretch *t, struct pairs *p)
{
    unsigned written = 0, taken = 0;
    for (unsigned i = t->from; i < t->to; i++) {
        uint32_t number = s->events[i].number;
        if (s->events[i].written) {
            p->written[written++] = number;
            continue;
        }
        unsigned at = taken++;
        for (; at > 0 && was_appended_before(consumed_at(s->ix, number),
                                             consumed_at(s->ix, p->taken[at - 1]));
             at--)
            p->taken[at] = p->taken[at - 1];
        p->taken[at] = number;
    }
    p->count = taken;
}

static bool are_likely(struct story *s, const struct pairs *p)
{
    float factor = is_alone(s) ? LAG_FACTOR_ALONE : LAG_FACTOR;
    bool likely = true;
    for (unsigned i = 0; i < p->count; i++) {
        const struct produced *written = produced_at(s->ix, p->written[i]);
        const struct consumed *taken = consumed_at(s->ix, p->taken[i]);
        if (lag_is_likely(s->party, written->end_ns, taken->start_ns, factor))
            continue;
        infer_learn_lag(s->party, written->end_ns, taken->start_ns);
        likely = false;
    }
    return likely;
}

static void believe(struct story *s, const struct stretch *t, struct found_hops *found)
{
    struct pairs p;
    unsigned confidence = confidence_of(s, t);
    pair_off(s, t, &p);
    if (!are_likely(s, &p))
        return;
    for (unsigned i = 0; i < p.count; i++) {
        struct consumed *c = consumed_at(s->ix, p.taken[i]);
        if (!c->done)
            found_hop(s->ix, p.written[i], c, HOP_BY_KEY, confidence, HOP_NO_SPAN, found);
    }
}

void infer_consumed(struct hop_index *ix, uint32_t consumed, struct found_hops *found)
{
    const struct consumed *c = consumed_at(ix, consumed);
    struct party *party = party_of_consumed(ix, c);
    struct story s = {.ix = ix, .about = c, .party = party, .group = delivery_group(party, c)};
    struct stretch t;
    if (c->done || !c->key || c->via == VIA_LINK || c->via == VIA_ORIGINAL)
        return;
    tell_written(&s);
    if (s.count == 0)
        return;
    tell_taken(&s);
    if (s.too_long)
        counter_add(ix->counters.overflow[OVERFLOW_SEARCH], 1);
    else if (find_stretch(&s, &t))
        believe(&s, &t, found);
}

void infer_for_produced(struct hop_index *ix, uint32_t produced, struct found_hops *found)
{
    const struct produced *p = produced_at(ix, produced);
    const struct chains *chains = &ix->consumed_key;
    uint32_t hash = topic_key_hash(party_of_produced(ix, p)->key.topic_hash, p->key);
    unsigned looked = 0;
    for (uint32_t n = chains_first(chains, hash); ring_is_live(chains->ring, n);
         n = chains_next(chains, n)) {
        const struct consumed *c = consumed_at(ix, n);
        if (!c->done && c->settled && c->key == p->key)
            infer_consumed(ix, n, found);
        if (++looked == WAITING_MAX)
            return;
    }
}
