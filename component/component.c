/* Outcomes and receipts: how an answer finds its way back to the receiver. */
#include "component/component.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

struct outcome outcome_busy(uint32_t retry_after_ms, const char *format, ...)
{
    struct outcome o = {.verdict = VERDICT_BUSY, .retry_after_ms = retry_after_ms};
    va_list args;
    va_start(args, format);
    vsnprintf(o.message, sizeof o.message, format, args);
    va_end(args);
    return o;
}

struct outcome outcome_rejected(int grpc_status, const char *format, ...)
{
    struct outcome o = {.verdict = VERDICT_REJECTED, .grpc_status = grpc_status};
    va_list args;
    va_start(args, format);
    vsnprintf(o.message, sizeof o.message, format, args);
    va_end(args);
    return o;
}

void receipt_begin(struct receipt *r, void (*done)(struct receipt *r, const struct outcome *worst))
{
    *r = (struct receipt){.done = done, .lock = PTHREAD_MUTEX_INITIALIZER};
    atomic_init(&r->open, 1);
    r->worst = outcome_accepted();
}

void receipt_hold(struct receipt *r)
{
    atomic_fetch_add_explicit(&r->open, 1, memory_order_relaxed);
}

void receipt_resolve(struct receipt *r, const struct outcome *answer)
{
    /* Taking the lock only for bad news keeps the ordinary request free of it; the release and
     * acquire on `open` make the worst answer visible to whoever is last. */
    if (answer->verdict > VERDICT_PENDING) {
        pthread_mutex_lock(&r->lock);
        if (answer->verdict > r->worst.verdict)
            r->worst = *answer;
        pthread_mutex_unlock(&r->lock);
    }
    unsigned before = atomic_fetch_sub_explicit(&r->open, 1, memory_order_acq_rel);
    assert(before > 0);
    if (before == 1) {
        pthread_mutex_destroy(&r->lock);
        r->done(r, &r->worst);
    }
}

void component_init(struct component *c, const struct component_spec *spec,
                    const struct component_ops *ops)
{
    c->ops = ops;
    c->kind = spec->kind;
    c->id = spec->id;
    c->next = NULL;
    component_status_init(&c->status);
}

struct outcome component_pass(struct component *c, struct batch *b, struct receipt *r)
{
    return component_consume(c->next, b, r);
}

bool component_next_has_room(struct component *c, const struct batch *b, struct outcome *why)
{
    return component_has_room(c->next, b, why);
}

const char *component_class_name(enum component_class class)
{
    static const char *const names[COMPONENT_CLASSES] = {
        "receiver", "processor", "connector", "exporter", "extension",
    };
    return names[class];
}
