#include "component/status.h"

#include "component/clock.h"
#include "component/component.h"
#include "component/log.h"

#include <stdarg.h>
#include <stdio.h>

const char *component_state_name(enum component_state state)
{
    switch (state) {
    case STATE_STARTING:
        return "starting";
    case STATE_OK:
        return "ok";
    case STATE_DEGRADED:
        return "degraded";
    case STATE_FAILED:
        return "failed";
    case STATE_STOPPED:
        return "stopped";
    }
    return "unknown";
}

void component_status_init(struct component_status *s)
{
    *s = (struct component_status){
        .lock = PTHREAD_MUTEX_INITIALIZER, .state = STATE_STARTING, .since_ns = realtime_ns()};
}

static void log_change(const struct component *c, enum component_state from,
                       enum component_state to, const char *error)
{
    if (to == STATE_OK && from >= STATE_DEGRADED)
        log_info(c->id, "recovered", LOG_S("from", component_state_name(from)));
    else if (to == STATE_DEGRADED)
        log_warn(c->id, "degraded", LOG_S("error", error));
    else if (to == STATE_FAILED)
        log_error(c->id, "failed", LOG_S("error", error));
}

void component_set_state(struct component *c, enum component_state state, const char *format, ...)
{
    struct component_status *s = &c->status;
    char error[sizeof s->error];
    error[0] = 0;
    if (format) {
        va_list args;
        va_start(args, format);
        vsnprintf(error, sizeof error, format, args);
        va_end(args);
    }
    uint64_t now = realtime_ns();
    pthread_mutex_lock(&s->lock);
    enum component_state from = s->state;
    if (from != state) {
        s->state = state;
        s->since_ns = now;
    }
    if (format) {
        s->error_ns = now;
        memcpy(s->error, error, sizeof s->error);
    }
    pthread_mutex_unlock(&s->lock);
    if (from != state)
        log_change(c, from, state, error);
}

void component_note_error(struct component *c, const char *format, ...)
{
    struct component_status *s = &c->status;
    char error[sizeof s->error];
    va_list args;
    va_start(args, format);
    vsnprintf(error, sizeof error, format, args);
    va_end(args);
    uint64_t now = realtime_ns();
    pthread_mutex_lock(&s->lock);
    s->error_ns = now;
    memcpy(s->error, error, sizeof s->error);
    pthread_mutex_unlock(&s->lock);
}

void component_set_ok(struct component *c)
{
    component_set_state(c, STATE_OK, NULL);
}

struct component_report component_report(struct component *c)
{
    struct component_status *s = &c->status;
    struct component_report r;
    if (c->ops->refresh)
        c->ops->refresh(c);
    pthread_mutex_lock(&s->lock);
    r = (struct component_report){
        .state = s->state, .since_ns = s->since_ns, .error_ns = s->error_ns};
    memcpy(r.error, s->error, sizeof r.error);
    pthread_mutex_unlock(&s->lock);
    return r;
}
