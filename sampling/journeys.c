/* Members of a journey are a list; joining two journeys relabels the shorter one, so a trace is
 * relabelled at most once for each doubling of its journey. Traces are found by open addressing
 * over their numbers; removing one shifts those behind it back, so that no tombstones gather.
 * Journeys form a list by the time of their last join, from whose far end the forgotten ones are
 * taken, a few at each join. */
#include "sampling/journeys.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define NONE       UINT32_MAX
#define FORGET_MAX 4           /* journeys at a join */
#define SLACK_NS   1000000000u /* a trace arrives a moment after its hop was found */

struct member {
    uint64_t trace;
    uint32_t journey;
    uint32_t next; /* in the journey, or of the free ones */
    int32_t open;  /* ends; below 0: joins have closed what is yet to be told as open */
};

struct journey {
    uint64_t joined_ns; /* the last time */
    uint32_t first;     /* member */
    uint32_t count;
    uint32_t open;  /* ends, of all members that have any */
    uint32_t newer; /* in the list by time */
    uint32_t older;
    bool kept;
    bool let_go; /* one of its traces was */
};

/* Numbered records in one array, that grows up to a limit. */
struct pool {
    uint32_t used; /* ever, of the array */
    uint32_t capacity;
    uint32_t free; /* first of those given back */
};

struct journeys {
    struct journeys_settings settings;
    atomic_uint known; /* members; read without the lock */

    pthread_mutex_t lock; /* guards all below */
    struct member *members;
    struct pool member_pool;
    struct journey *journeys;
    struct pool journey_pool;
    uint32_t *table; /* member + 1, by hash */
    uint32_t table_size;
    uint32_t newest;
    uint32_t oldest;
    struct journeys_counts counts;
};

struct journeys *journeys_create(const struct journeys_settings *settings)
{
    struct journeys *j = calloc(1, sizeof *j);
    if (!j)
        return NULL;
    j->settings = *settings;
    j->member_pool.free = j->journey_pool.free = NONE;
    j->newest = j->oldest = NONE;
    pthread_mutex_init(&j->lock, NULL);
    return j;
}

void journeys_destroy(struct journeys *j)
{
    if (!j)
        return;
    pthread_mutex_destroy(&j->lock);
    free(j->members);
    free(j->journeys);
    free(j->table);
    free(j);
}

/* ---- finding ---- */

static uint32_t place_of(const struct journeys *j, uint64_t trace)
{
    uint32_t at = (uint32_t)trace & (j->table_size - 1);
    while (j->table[at] && j->members[j->table[at] - 1].trace != trace)
        at = (at + 1) & (j->table_size - 1);
    return at;
}

static uint32_t find(const struct journeys *j, uint64_t trace)
{
    return j->table_size ? j->table[place_of(j, trace)] - 1 : NONE; /* 0 - 1 is NONE */
}

static bool grow_table(struct journeys *j)
{
    uint32_t size = j->table_size ? j->table_size * 2 : 1024;
    uint32_t *table = calloc(size, sizeof *table);
    if (!table)
        return false;
    uint32_t *old = j->table;
    uint32_t old_size = j->table_size;
    j->table = table;
    j->table_size = size;
    for (uint32_t i = 0; i < old_size; i++) {
        if (old[i])
            table[place_of(j, j->members[old[i] - 1].trace)] = old[i];
    }
    free(old);
    return true;
}

/* Empties a place and moves back those that were pushed behind it. */
static void vacate(struct journeys *j, uint32_t hole)
{
    uint32_t mask = j->table_size - 1;
    for (uint32_t at = (hole + 1) & mask; j->table[at]; at = (at + 1) & mask) {
        uint32_t home = (uint32_t)j->members[j->table[at] - 1].trace & mask;
        if (((at - home) & mask) < ((at - hole) & mask))
            continue; /* it is not behind its home by as much as the hole is before it */
        j->table[hole] = j->table[at];
        hole = at;
    }
    j->table[hole] = 0;
}

/* ---- records ---- */

static bool reserve(void **items, struct pool *p, size_t size, uint32_t limit)
{
    if (p->free != NONE || p->used < p->capacity)
        return true;
    uint32_t capacity = p->capacity ? p->capacity * 2 : 256;
    capacity = capacity > limit ? limit : capacity;
    if (capacity <= p->capacity)
        return false;
    void *larger = reallocarray(*items, capacity, size);
    if (!larger)
        return false;
    *items = larger;
    p->capacity = capacity;
    return true;
}

static void unlink_journey(struct journeys *j, uint32_t number)
{
    struct journey *r = &j->journeys[number];
    *(r->newer == NONE ? &j->newest : &j->journeys[r->newer].older) = r->older;
    *(r->older == NONE ? &j->oldest : &j->journeys[r->older].newer) = r->newer;
}

static void link_newest(struct journeys *j, uint32_t number)
{
    struct journey *r = &j->journeys[number];
    r->newer = NONE;
    r->older = j->newest;
    *(j->newest == NONE ? &j->oldest : &j->journeys[j->newest].newer) = number;
    j->newest = number;
}

static void free_journey(struct journeys *j, uint32_t number)
{
    unlink_journey(j, number);
    j->journeys[number].first = j->journey_pool.free;
    j->journey_pool.free = number;
    j->counts.journeys--;
}

static void forget(struct journeys *j, uint32_t number)
{
    for (uint32_t m = j->journeys[number].first, next; m != NONE; m = next) {
        next = j->members[m].next;
        vacate(j, place_of(j, j->members[m].trace));
        j->members[m].next = j->member_pool.free;
        j->member_pool.free = m;
        j->counts.traces--;
    }
    free_journey(j, number);
}

static void forget_some(struct journeys *j, uint64_t now_ns)
{
    for (unsigned i = 0; i < FORGET_MAX && j->oldest != NONE; i++) {
        const struct journey *r = &j->journeys[j->oldest];
        bool crowded = j->counts.traces + 2 > j->settings.most_traces;
        if (!crowded && now_ns - r->joined_ns < j->settings.forget_ns)
            break;
        forget(j, j->oldest);
    }
}

static bool make_room(struct journeys *j)
{
    uint32_t limit = j->settings.most_traces;
    return (j->table_size > 2 * (j->counts.traces + 2) || grow_table(j)) &&
           reserve((void **)&j->members, &j->member_pool, sizeof *j->members, limit) &&
           reserve((void **)&j->journeys, &j->journey_pool, sizeof *j->journeys, limit);
}

static uint32_t take(struct pool *p, uint32_t next_free)
{
    if (p->free == NONE)
        return p->used++;
    uint32_t number = p->free;
    p->free = next_free;
    return number;
}

/* The trace's member, in a journey of its own when it is new. NONE: no room. */
static uint32_t member_for(struct journeys *j, uint64_t trace)
{
    uint32_t m = find(j, trace);
    if (m != NONE)
        return m;
    if (!make_room(j))
        return NONE;
    struct pool *mp = &j->member_pool, *jp = &j->journey_pool;
    m = take(mp, mp->free == NONE ? NONE : j->members[mp->free].next);
    uint32_t r = take(jp, jp->free == NONE ? NONE : j->journeys[jp->free].first);
    j->members[m] = (struct member){.trace = trace, .journey = r, .next = NONE};
    j->journeys[r] = (struct journey){.first = m, .count = 1};
    link_newest(j, r);
    j->table[place_of(j, trace)] = m + 1;
    j->counts.traces++;
    j->counts.journeys++;
    return m;
}

/* ---- joining ---- */

static void settle(struct journeys *j, struct journey *r, bool kept, bool let_go)
{
    bool whole = !(r->kept && r->let_go);
    r->kept |= kept;
    r->let_go |= let_go;
    j->counts.broken += whole && r->kept && r->let_go;
}

/* Moves the members of the smaller of two journeys to the larger one. */
static uint32_t merge(struct journeys *j, uint32_t a, uint32_t b)
{
    uint32_t to = j->journeys[a].count >= j->journeys[b].count ? a : b;
    uint32_t from = to == a ? b : a;
    uint32_t last = NONE;
    for (uint32_t m = j->journeys[from].first; m != NONE; m = j->members[m].next) {
        j->members[m].journey = to;
        last = m;
    }
    j->members[last].next = j->journeys[to].first;
    j->journeys[to].first = j->journeys[from].first;
    j->journeys[to].count += j->journeys[from].count;
    j->journeys[to].open += j->journeys[from].open;
    settle(j, &j->journeys[to], j->journeys[from].kept, j->journeys[from].let_go);
    free_journey(j, from);
    return to;
}

static uint32_t open_ends(const struct member *m)
{
    return m->open > 0 ? (uint32_t)m->open : 0;
}

/* Lanes tell of ends and joins side by side, so one that closes may come before its end. */
static void count_ends(struct journeys *j, uint32_t number, int32_t more)
{
    struct member *m = &j->members[number];
    struct journey *r = &j->journeys[m->journey];
    r->open -= open_ends(m);
    m->open += more;
    r->open += open_ends(m);
}

/* The journey of one side, with what is known of it taken in. NONE: no room. */
static uint32_t enter(struct journeys *j, const struct journey_side *s)
{
    uint32_t m = member_for(j, s->trace);
    if (m == NONE)
        return NONE;
    struct journey *r = &j->journeys[j->members[m].journey];
    if (s->closes)
        count_ends(j, m, -1);
    settle(j, r, s->past == PAST_KEPT, s->past == PAST_DROPPED);
    return j->members[m].journey;
}

static bool join(struct journeys *j, const struct journey_side *a, const struct journey_side *b,
                 uint64_t now_ns)
{
    forget_some(j, now_ns);
    uint32_t r = enter(j, a);
    uint32_t other = r == NONE ? NONE : enter(j, b);
    if (other == NONE)
        return false;
    bool fits = r == other ||
                j->journeys[r].count + j->journeys[other].count <= j->settings.most_traces_each;
    if (fits && r != other)
        r = merge(j, r, other);
    j->journeys[r].joined_ns = now_ns;
    unlink_journey(j, r);
    link_newest(j, r);
    if (!fits)
        j->journeys[other].joined_ns = now_ns;
    return fits;
}

static bool open_end(struct journeys *j, uint64_t trace, uint64_t now_ns)
{
    forget_some(j, now_ns);
    uint32_t m = member_for(j, trace);
    if (m == NONE)
        return false;
    uint32_t r = j->members[m].journey;
    count_ends(j, m, 1);
    j->journeys[r].joined_ns = now_ns;
    unlink_journey(j, r);
    link_newest(j, r);
    return true;
}

bool journeys_open(struct journeys *j, uint64_t trace, uint64_t now_ns)
{
    pthread_mutex_lock(&j->lock);
    bool noted = open_end(j, trace, now_ns);
    atomic_store_explicit(&j->known, j->counts.traces, memory_order_relaxed);
    pthread_mutex_unlock(&j->lock);
    return noted;
}

bool journeys_join(struct journeys *j, const struct journey_side *a, const struct journey_side *b,
                   uint64_t now_ns)
{
    pthread_mutex_lock(&j->lock);
    bool joined = join(j, a, b, now_ns);
    j->counts.apart += !joined;
    atomic_store_explicit(&j->known, j->counts.traces, memory_order_relaxed);
    pthread_mutex_unlock(&j->lock);
    return joined;
}

/* ---- asking ---- */

static enum journey_answer ask(struct journeys *j, uint64_t trace, uint64_t arrived_ns,
                               uint64_t now_ns, uint64_t *until_ns)
{
    uint32_t m = find(j, trace);
    if (m == NONE)
        return JOURNEY_NONE;
    struct journey *r = &j->journeys[j->members[m].journey];
    if (r->kept)
        return JOURNEY_KEPT;
    if (r->count == 1 && r->open == 0)
        return JOURNEY_NONE;
    uint64_t longest_ns = arrived_ns + j->settings.wait_ns + j->settings.hold_ns;
    *until_ns = r->joined_ns + j->settings.wait_ns + SLACK_NS;
    if (r->open > 0)
        *until_ns = j->settings.ask_again_ns ? now_ns + j->settings.ask_again_ns : longest_ns;
    if (*until_ns > longest_ns)
        *until_ns = longest_ns;
    if (now_ns < *until_ns)
        return JOURNEY_HOLD;
    settle(j, r, false, true);
    return JOURNEY_OVER;
}

enum journey_answer journeys_ask(struct journeys *j, uint64_t trace, uint64_t arrived_ns,
                                 uint64_t now_ns, uint64_t *until_ns)
{
    if (!journeys_any(j))
        return JOURNEY_NONE;
    pthread_mutex_lock(&j->lock);
    enum journey_answer answer = ask(j, trace, arrived_ns, now_ns, until_ns);
    pthread_mutex_unlock(&j->lock);
    return answer;
}

bool journeys_keep(struct journeys *j, uint64_t trace)
{
    if (!journeys_any(j))
        return false;
    pthread_mutex_lock(&j->lock);
    uint32_t m = find(j, trace);
    struct journey *r = m == NONE ? NULL : &j->journeys[j->members[m].journey];
    bool news = r && !r->kept;
    if (news)
        settle(j, r, true, false);
    pthread_mutex_unlock(&j->lock);
    return news;
}

void journeys_let_go(struct journeys *j, uint64_t trace)
{
    if (!journeys_any(j))
        return;
    pthread_mutex_lock(&j->lock);
    uint32_t m = find(j, trace);
    if (m != NONE)
        settle(j, &j->journeys[j->members[m].journey], false, true);
    pthread_mutex_unlock(&j->lock);
}

void journeys_count(struct journeys *j, struct journeys_counts *out)
{
    pthread_mutex_lock(&j->lock);
    *out = j->counts;
    pthread_mutex_unlock(&j->lock);
}

bool journeys_any(const struct journeys *j)
{
    return atomic_load_explicit(&j->known, memory_order_relaxed) > 0;
}
