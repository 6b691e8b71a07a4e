#include "sampling/shard_private.h"

#include "component/lane.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A turn of the home lane, in work and in time. */
#define TURN_NS      700000U
#define STEP_DECIDE  32U      /* decisions between two looks at the clock */
#define STEP_LEAVE   1024U    /* spans that leave between two */
#define HAND_ON_MAX  2U       /* batches */
#define COMPACT_NS   A_SECOND /* between two looks for thin batches */
#define COMPACT_MAX  8U       /* of them in a turn */
#define IDLE_TURN_NS 100000000U
#define LINGER_NS    500000000U /* that kept spans wait for company at most */
#define RETRY_MIN_NS 10000000U
#define RETRY_MAX_NS (5ULL * A_SECOND)

/* ---- making ---- */

static struct span_chain *chain_of(void *owner, uint32_t trace)
{
    struct shard *s = owner;
    return &trace_table_at(s->traces, trace)->spans;
}

static struct wheel_links *wheel_links_of(void *owner, uint32_t trace)
{
    struct shard *s = owner;
    return &trace_table_at(s->traces, trace)->wheel;
}

struct shard *shard_create(const struct shard_settings *settings, unsigned number,
                           struct policy_set *policies, uint64_t now_ns)
{
    struct shard *s = calloc(1, sizeof *s);
    if (!s) {
        policy_set_destroy(policies);
        return NULL;
    }
    s->settings = settings;
    s->number = number;
    s->policies = policies;
    s->leaving_first = s->leaving_last = TRACE_NONE;
    pthread_mutex_init(&s->lock, NULL);
    uint64_t horizon = settings->decision_wait_ns > settings->after_root_ns
                           ? settings->decision_wait_ns
                           : settings->after_root_ns;
    horizon += settings->hold_ns + A_SECOND;
    s->traces = trace_table_create(settings->traces_limit, policy_set_words(policies));
    s->spans = waiting_spans_create(chain_of, s);
    s->memory = decision_memory_create(settings->memory_bytes);
    s->recent = recent_decisions_create(settings->recent_bytes, policy_set_count(policies));
    s->gather = gather_create();
    bool wheel = wheel_init(&s->wheel, horizon, now_ns, wheel_links_of, s);
    if (s->traces && s->spans && s->memory && s->recent && s->gather && wheel)
        return s;
    shard_destroy(s);
    return NULL;
}

void shard_destroy(struct shard *s)
{
    if (!s)
        return;
    for (uint32_t i = 0; i < s->outbox_count; i++)
        batch_release(s->outbox[(s->outbox_first + i) % OUTBOX_MAX]);
    gather_destroy(s->gather);
    recent_decisions_destroy(s->recent);
    decision_memory_destroy(s->memory);
    waiting_spans_destroy(s->spans);
    wheel_free(&s->wheel);
    trace_table_destroy(s->traces);
    policy_set_destroy(s->policies);
    free(s->ingest.traces);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

unsigned shard_of_trace(uint64_t hash, unsigned shards)
{
    return (unsigned)(((hash >> 32) * shards) >> 32);
}

bool shard_has_room(struct shard *s)
{
    return !atomic_load_explicit(&s->full, memory_order_relaxed);
}

void shard_update_full(struct shard *s)
{
    bool blocked = s->outbox_count == OUTBOX_MAX || s->settings->block_on_overflow;
    bool full = (blocked && trace_table_full(s->traces)) || s->leaving_count >= LEAVING_MAX ||
                gather_count(s->gather) >= GATHERED_MAX;
    atomic_store_explicit(&s->full, full, memory_order_relaxed);
}

uint64_t shard_clock(struct shard *s, uint64_t now_ns)
{
    if (now_ns > s->clock_ns)
        s->clock_ns = now_ns;
    return s->clock_ns;
}

/* ---- turns ---- */

/* Decides one trace that is due. False: none is. */
static bool decide_next(struct shard *s, uint64_t now_ns)
{
    uint32_t number = s->draining ? wheel_first(&s->wheel) : wheel_expire(&s->wheel, now_ns);
    if (number == WHEEL_NONE)
        return false;
    if (s->draining && s->settings->drop_pending) {
        struct trace *t = trace_table_at(s->traces, number);
        counter_add(s->settings->metrics->lost_shutdown, t->span_count);
    } else if (!shard_decide(s, number, s->draining ? REASON_SHUTDOWN : REASON_POLICIES, now_ns)) {
        return true;
    }
    shard_begin_to_leave(s, number);
    return true;
}

/* Under the lock. True: there is more to do at once. */
static bool decide_and_leave(struct shard *s, uint64_t now_ns)
{
    uint64_t began_ns = monotonic_ns();
    bool more = false;
    while (monotonic_ns() - began_ns < TURN_NS) {
        if (!shard_leave(s, STEP_LEAVE, now_ns))
            return false; /* there is no room ahead: the others wait on */
        more = s->leaving_first != TRACE_NONE;
        for (unsigned i = 0; !more && i < STEP_DECIDE; i++) {
            if (!decide_next(s, now_ns))
                break;
            more = i + 1 == STEP_DECIDE || s->leaving_first != TRACE_NONE;
        }
        if (!more)
            break;
    }
    if (!more && now_ns >= s->compact_ns) {
        more = !waiting_spans_compact(s->spans, COMPACT_MAX);
        s->compact_ns = more ? now_ns : now_ns + COMPACT_NS;
    }
    if (!more && gather_count(s->gather) > 0 &&
        (s->draining || gather_full(s->gather) || now_ns - s->gather_since_ns >= LINGER_NS))
        (void)shard_flush(s);
    return more;
}

/* How long the decisions due at one time took, over all their turns. */
static void time_decisions(struct shard *s, bool more, uint64_t turn_ns)
{
    if (more && s->began_ns == 0)
        s->began_ns = turn_ns;
    if (more || (s->began_ns == 0 && trace_table_count(s->traces) == 0))
        return;
    uint64_t since_ns = s->began_ns ? s->began_ns : turn_ns;
    histogram_observe(&s->settings->metrics->timer_latency_ms,
                      (monotonic_ns() - since_ns) / 1000000U);
    s->began_ns = 0;
}

/* Hands on the oldest batch of the outbox, without the lock meanwhile. False: not now. */
static bool hand_on(struct shard *s, uint64_t now_ns)
{
    if (s->outbox_count == 0 || s->retry_ns > now_ns)
        return false;
    struct batch *b = s->outbox[s->outbox_first];
    struct component *next = s->settings->sampler->next;
    uint32_t spans = b->span_count;
    pthread_mutex_unlock(&s->lock);
    struct outcome o = component_consume(next, batch_retain(b), NULL);
    pthread_mutex_lock(&s->lock);
    if (o.verdict == VERDICT_BUSY) {
        uint64_t wait_ns = (uint64_t)o.retry_after_ms * 1000000U;
        wait_ns = wait_ns < RETRY_MIN_NS ? RETRY_MIN_NS : wait_ns;
        s->retry_ns = now_ns + (wait_ns > RETRY_MAX_NS ? RETRY_MAX_NS : wait_ns);
        return false;
    }
    if (o.verdict == VERDICT_REJECTED) {
        counter_add(s->settings->metrics->lost_rejected, spans);
        component_note_error(s->settings->sampler, "%u kept spans were rejected: %s", spans,
                             o.message);
    } else {
        counter_add(s->settings->metrics->items.outgoing, spans);
    }
    s->outbox_first = (s->outbox_first + 1) % OUTBOX_MAX;
    s->outbox_count--;
    s->retry_ns = 0;
    batch_release(b);
    return true;
}

uint64_t shard_turn(struct shard *s, uint64_t now_ns)
{
    pthread_mutex_lock(&s->lock);
    now_ns = shard_clock(s, now_ns);
    uint64_t began_ns = monotonic_ns();
    bool more = decide_and_leave(s, now_ns);
    time_decisions(s, more, began_ns);
    for (unsigned i = 0; i < HAND_ON_MAX && hand_on(s, now_ns); i++)
        ;
    bool handing = s->outbox_count > 0 && s->retry_ns == 0;
    uint64_t next_ns = now_ns + IDLE_TURN_NS;
    if (s->retry_ns > now_ns && s->retry_ns < next_ns)
        next_ns = s->retry_ns;
    shard_update_full(s);
    pthread_mutex_unlock(&s->lock);
    return more || handing ? now_ns : next_ns;
}

void shard_drain(struct shard *s)
{
    pthread_mutex_lock(&s->lock);
    s->draining = true;
    pthread_mutex_unlock(&s->lock);
}
