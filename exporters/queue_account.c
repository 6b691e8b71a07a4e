#include "exporters/queue_account.h"

#include "component/clock.h"
#include "component/exporter_metrics.h"
#include "component/log.h"

#include <stdio.h>
#include <string.h>

const char *drop_reason_name(enum drop_reason reason)
{
    static const char *const names[] = {
        [DROP_REFUSED] = "refused",           [DROP_PARTIAL] = "partial_success",
        [DROP_RETRIES] = "retries_exhausted", [DROP_SHUTDOWN] = "shutdown",
        [DROP_MEMORY] = "out_of_memory",
    };
    return names[reason];
}

void queue_account_init(struct queue_account *a, const struct component_spec *spec,
                        struct component *c)
{
    struct telemetry *t = spec->telemetry;
    const struct label *own = LABELS({"exporter", spec->id});
    a->component = c;
    pthread_mutex_init(&a->lock, NULL);
    a->sent = telemetry_counter(t, EXPORTER_SENT_SPANS, own);
    a->send_failed = telemetry_counter(t, EXPORTER_SEND_FAILED_SPANS, own);
    a->enqueue_failed = telemetry_counter(t, EXPORTER_ENQUEUE_FAILED_SPANS, own);
    a->refused = telemetry_counter(t, EXPORTER_REFUSED_SPANS, own);
    for (int i = 0; i < DROP_REASONS; i++)
        a->dropped[i] = telemetry_counter(
            t, EXPORTER_DROPPED_SPANS,
            LABELS({"exporter", spec->id}, {"reason", drop_reason_name((enum drop_reason)i)}));
}

/* ---- reasons ---- */

#define HANDSHAKE_COUNTS_NS 60000000000u

/* Of the addresses of a name one may refuse the connection while the other's handshake fails, and
 * gRPC reports either: the handshake is what somebody can mend, so it is what is told. `reason`
 * gets that; returns whether a handshake failed that was not known to. */
static bool find_reason(struct queue_account *a, const char *message,
                        char reason[COMPONENT_ERROR_MAX])
{
    bool handshake = strstr(message, "andshake failed");
    uint64_t now = monotonic_ns();
    pthread_mutex_lock(&a->lock);
    bool known = a->handshake_ns && now < a->handshake_ns + HANDSHAKE_COUNTS_NS;
    if (handshake) {
        snprintf(a->handshake, sizeof a->handshake, "%s", message);
        a->handshake_ns = now;
    }
    bool hidden = known && strstr(message, "onnection refused");
    snprintf(reason, COMPONENT_ERROR_MAX, "%s", hidden ? a->handshake : message);
    pthread_mutex_unlock(&a->lock);
    return handshake && !known;
}

static void forget_handshake(struct queue_account *a)
{
    pthread_mutex_lock(&a->lock);
    a->handshake_ns = 0;
    pthread_mutex_unlock(&a->lock);
}

/* ---- losses ---- */

/* Takes what is untold of a reason and tells it; `message` is NULL when there is none any more. */
static void tell(struct queue_account *a, enum drop_reason reason, uint64_t now_ns,
                 const char *message)
{
    struct loss told;
    pthread_mutex_lock(&a->lock);
    bool due = loss_log_take(&a->losses[reason], now_ns, &told);
    pthread_mutex_unlock(&a->lock);
    if (due && message)
        log_error(a->component->id, "spans dropped", LOG_S("reason", drop_reason_name(reason)),
                  LOG_I("requests", told.requests), LOG_I("spans", told.items),
                  LOG_S("error", message));
    else if (due)
        log_error(a->component->id, "spans dropped", LOG_S("reason", drop_reason_name(reason)),
                  LOG_I("requests", told.requests), LOG_I("spans", told.items));
}

static void tell_all(struct queue_account *a, uint64_t now_ns)
{
    for (int i = 0; i < DROP_REASONS; i++)
        tell(a, (enum drop_reason)i, now_ns, NULL);
}

void queue_account_dropped(struct queue_account *a, enum drop_reason reason, uint64_t spans,
                           const char *message)
{
    char why[COMPONENT_ERROR_MAX];
    find_reason(a, message, why);
    counter_add(a->dropped[reason], spans);
    pthread_mutex_lock(&a->lock);
    loss_log_add(&a->losses[reason], spans);
    pthread_mutex_unlock(&a->lock);
    tell(a, reason, monotonic_ns(), why);
}

void queue_account_free(struct queue_account *a)
{
    tell_all(a, UINT64_MAX);
    pthread_mutex_destroy(&a->lock);
}

/* ---- the state ---- */

/* Under the lock, so that of two changes the state that is set last is the newest. */
static void follow(struct queue_account *a, const char *message)
{
    pthread_mutex_lock(&a->lock);
    bool losing = atomic_load(&a->losing);
    bool full = atomic_load(&a->full);
    if (losing && message)
        component_set_state(a->component, STATE_DEGRADED, "%s", message);
    else if (full && !a->degraded)
        component_set_state(a->component, STATE_DEGRADED, "sending queue is full");
    else if (!losing && !full && a->degraded)
        component_set_ok(a->component);
    a->degraded = losing || full;
    pthread_mutex_unlock(&a->lock);
}

void queue_account_failed(struct queue_account *a, const char *message)
{
    char reason[COMPONENT_ERROR_MAX];
    bool news = find_reason(a, message, reason);
    component_note_error(a->component, "%s", reason);
    if (!atomic_exchange(&a->failing, true) || news)
        log_warn(a->component->id, "the backend fails; spans wait in the queue",
                 LOG_S("error", reason));
}

void queue_account_lost(struct queue_account *a, const char *message)
{
    char reason[COMPONENT_ERROR_MAX];
    find_reason(a, message, reason);
    atomic_store(&a->failing, true);
    pthread_mutex_lock(&a->lock);
    a->lost_ns = monotonic_ns();
    atomic_store(&a->losing, true);
    pthread_mutex_unlock(&a->lock);
    follow(a, reason);
}

void queue_account_succeeded(struct queue_account *a)
{
    if (!atomic_load_explicit(&a->failing, memory_order_relaxed))
        return;
    if (atomic_exchange(&a->failing, false)) {
        forget_handshake(a);
        log_info(a->component->id, "the backend answers again");
    }
    if (atomic_exchange(&a->losing, false))
        follow(a, NULL);
}

void queue_account_full(struct queue_account *a, bool full)
{
    if (atomic_load_explicit(&a->full, memory_order_relaxed) != full &&
        atomic_exchange(&a->full, full) != full)
        follow(a, NULL);
}

void queue_account_idle(struct queue_account *a, uint64_t now_ns)
{
    queue_account_full(a, false);
    tell_all(a, now_ns);
    if (!atomic_load_explicit(&a->losing, memory_order_relaxed))
        return;
    pthread_mutex_lock(&a->lock);
    bool rested = now_ns >= a->lost_ns + QUEUE_ACCOUNT_REST_NS;
    if (rested)
        atomic_store(&a->losing, false);
    pthread_mutex_unlock(&a->lock);
    if (rested)
        follow(a, NULL);
}
