/* ottl_condition: samples a trace when any condition holds for any span, or for any event. */
#include "sampling/ottl.h"
#include "sampling/policy_kind.h"

#include "component/log.h"

#include <stdlib.h>

enum error_mode { MODE_PROPAGATE, MODE_IGNORE, MODE_SILENT };

struct ottl_policy {
    struct policy policy;
    const char *component_id;
    int error_mode;
    struct ottl **conditions; /* on spans, then on events */
    size_t span_count;
    size_t event_count;
    uint16_t bit;
    uint16_t failed;
};

struct settings {
    int error_mode;
    struct config_strings spans;
    struct config_strings events;
};

static const char *const modes[] = {"propagate", "ignore", "silent", NULL};

static const struct config_field fields[] = {
    {.key = "error_mode",
     .type = FIELD_CHOICE,
     .offset = offsetof(struct settings, error_mode),
     .choices = modes},
    {.key = "span", .type = FIELD_STRINGS, .offset = offsetof(struct settings, spans)},
    {.key = "spanevent", .type = FIELD_STRINGS, .offset = offsetof(struct settings, events)},
    CONFIG_END,
};

static void ottl_policy_destroy(struct policy *policy)
{
    struct ottl_policy *p = (struct ottl_policy *)policy;
    for (size_t i = 0; p->conditions && i < p->span_count + p->event_count; i++)
        ottl_destroy(p->conditions[i]);
    free(p->conditions);
    free(p);
}

static bool compile(struct ottl **conditions, const struct config_strings *texts,
                    enum ottl_context context, const struct config_value *place, struct error *e)
{
    for (size_t i = 0; i < texts->count; i++) {
        struct error why = {0};
        conditions[i] = ottl_compile(texts->items[i], context, &why);
        if (!conditions[i])
            return config_error(place, e, "condition %zu: %.600s", i + 1, why.text);
    }
    return true;
}

static enum predicate_answer answer_of(const struct ottl_policy *p, enum ottl_result r)
{
    if (r == OTTL_TRUE)
        return PREDICATE_YES;
    if (r == OTTL_FALSE || p->error_mode == MODE_SILENT)
        return PREDICATE_NO;
    if (p->error_mode == MODE_PROPAGATE)
        return PREDICATE_FAILED;
    log_warn(p->component_id, "a condition could not be evaluated and counts as false",
             LOG_S("policy", p->policy.name));
    return PREDICATE_NO;
}

static enum predicate_answer ask_events(const struct ottl_policy *p, const struct batch *b,
                                        uint32_t span)
{
    struct span_cursor cursor;
    struct event_view event;
    span_events_begin(&cursor, span_bytes(&b->spans[span]));
    while (event_next(&cursor, &event)) {
        for (size_t i = 0; i < p->event_count; i++) {
            const struct ottl *o = p->conditions[p->span_count + i];
            enum predicate_answer a = answer_of(p, ottl_evaluate(o, b, span, &event));
            if (a != PREDICATE_NO)
                return a;
        }
    }
    return PREDICATE_NO;
}

static enum predicate_answer ask(const void *arg, const struct batch *b, uint32_t span)
{
    const struct ottl_policy *p = arg;
    for (size_t i = 0; i < p->span_count; i++) {
        enum predicate_answer a = answer_of(p, ottl_evaluate(p->conditions[i], b, span, NULL));
        if (a != PREDICATE_NO)
            return a;
    }
    return p->event_count > 0 ? ask_events(p, b, span) : PREDICATE_NO;
}

static bool fill(struct ottl_policy *p, struct policy_maker *m, const struct settings *s,
                 const struct config_value *section, struct error *e)
{
    p->component_id = m->component_id;
    p->error_mode = s->error_mode;
    p->span_count = s->spans.count;
    p->event_count = s->events.count;
    p->conditions = calloc(p->span_count + p->event_count, sizeof *p->conditions);
    if (!p->conditions)
        return error_set(e, "out of memory");
    struct predicate wanted = {.kind = ASK_SPAN, .ask_span = ask, .arg = p};
    if (!compile(p->conditions, &s->spans, OTTL_SPAN, config_child(section, "span"), e) ||
        !compile(p->conditions + p->span_count, &s->events, OTTL_SPANEVENT,
                 config_child(section, "spanevent"), e) ||
        !policy_add_predicate(m, section, &wanted, e))
        return false;
    p->bit = wanted.bit;
    p->failed = wanted.failed;
    return true;
}

static struct policy *ottl_policy_create(struct policy_maker *m, const struct config_value *place,
                                         const struct config_value *section, struct error *e)
{
    struct settings s = {0};
    if (!config_read(section, fields, &s, e))
        return NULL;
    if (s.spans.count + s.events.count == 0) {
        config_error(section ? section : place, e,
                     "a condition is needed, under span or spanevent");
        return NULL;
    }
    struct ottl_policy *p = policy_allocate(sizeof *p, e);
    if (!p)
        return NULL;
    if (!fill(p, m, &s, section, e)) {
        ottl_policy_destroy(&p->policy);
        return NULL;
    }
    return &p->policy;
}

static struct ballot ottl_policy_evaluate(struct policy *policy, const struct policy_question *q)
{
    const struct ottl_policy *p = (const struct ottl_policy *)policy;
    bool yes = bit_is_set(q->trace->bits, p->bit);
    if (!yes && bit_is_set(q->trace->bits, p->failed)) {
        explain(q, "a condition could not be evaluated");
        return ballot_failed();
    }
    explain(q, "%s",
            yes ? "a condition holds for a span or event"
                : "no condition holds for any span or event");
    return ballot_of(yes);
}

const struct policy_kind ottl_condition_policy = {
    .type = "ottl_condition",
    .create = ottl_policy_create,
    .evaluate = ottl_policy_evaluate,
    .destroy = ottl_policy_destroy,
};
