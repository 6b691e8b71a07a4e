/* Policies on fields of any span: status_code, trace_flags, trace_state. */
#include "sampling/policy_kind.h"
#include "sampling/trace_state.h"

#include <stdlib.h>

struct span_policy {
    struct policy policy;
    uint16_t bit;
    uint8_t codes; /* status_code: bit n for status n */
    char names[24];
    struct bytes key; /* trace_state */
    struct config_strings values;
};

static void span_policy_destroy(struct policy *p)
{
    free(p);
}

typedef enum predicate_answer question(const void *arg, const struct batch *b, uint32_t span);

static struct policy *with_predicate(struct span_policy *s, struct policy_maker *m,
                                     const struct config_value *place, question *ask,
                                     struct error *e)
{
    struct predicate wanted = {.kind = ASK_SPAN, .ask_span = ask, .arg = s};
    if (!policy_add_predicate(m, place, &wanted, e)) {
        free(s);
        return NULL;
    }
    s->bit = wanted.bit;
    return &s->policy;
}

static bool holds(const struct span_policy *s, const struct policy_question *q)
{
    return bit_is_set(q->trace->bits, s->bit);
}

/* ---- status_code ---- */

static const char *const code_names[] = {"UNSET", "OK", "ERROR"};

static enum predicate_answer has_status(const void *arg, const struct batch *b, uint32_t span)
{
    const struct span_policy *s = arg;
    unsigned code = b->spans[span].status_code;
    return code < 3 && s->codes >> code & 1 ? PREDICATE_YES : PREDICATE_NO;
}

static bool read_codes(struct span_policy *s, const struct config_value *place,
                       const struct config_value *section, struct error *e)
{
    struct config_strings codes = {0};
    const struct config_field fields[] = {
        {.key = "status_codes", .type = FIELD_STRINGS, .offset = 0},
        CONFIG_END,
    };
    if (!config_read(section, fields, &codes, e))
        return false;
    if (codes.count == 0)
        return config_error(section ? section : place, e,
                            "status_codes needs at least one of OK, ERROR, UNSET");
    for (size_t i = 0; i < codes.count; i++) {
        unsigned code = 0;
        while (code < 3 && strcmp(codes.items[i], code_names[code]) != 0)
            code++;
        if (code == 3)
            return config_error(config_child(section, "status_codes"), e,
                                "\"%s\" is not a status code; supported: OK, ERROR, UNSET",
                                codes.items[i]);
        s->codes |= (uint8_t)(1u << code);
    }
    for (unsigned code = 0; code < 3; code++) {
        if (s->codes >> code & 1) {
            size_t used = strlen(s->names);
            snprintf(s->names + used, sizeof s->names - used, "%s%s", used ? " or " : "",
                     code_names[code]);
        }
    }
    return true;
}

static struct policy *status_create(struct policy_maker *m, const struct config_value *place,
                                    const struct config_value *section, struct error *e)
{
    struct span_policy *s = policy_allocate(sizeof *s, e);
    if (!s)
        return NULL;
    if (!read_codes(s, place, section, e)) {
        free(s);
        return NULL;
    }
    return with_predicate(s, m, place, has_status, e);
}

static struct ballot status_evaluate(struct policy *p, const struct policy_question *q)
{
    const struct span_policy *s = (const struct span_policy *)p;
    bool yes = holds(s, q);
    explain(q, "%s span has status %s", yes ? "a" : "no", s->names);
    return ballot_of(yes);
}

const struct policy_kind status_code_policy = {
    .type = "status_code",
    .create = status_create,
    .evaluate = status_evaluate,
    .destroy = span_policy_destroy,
};

/* ---- trace_flags ---- */

static enum predicate_answer is_flagged(const void *arg, const struct batch *b, uint32_t span)
{
    (void)arg;
    return b->spans[span].flags & 1 ? PREDICATE_YES : PREDICATE_NO;
}

static struct policy *flags_create(struct policy_maker *m, const struct config_value *place,
                                   const struct config_value *section, struct error *e)
{
    (void)section;
    struct span_policy *s = policy_allocate(sizeof *s, e);
    return s ? with_predicate(s, m, place, is_flagged, e) : NULL;
}

static struct ballot flags_evaluate(struct policy *p, const struct policy_question *q)
{
    bool yes = holds((const struct span_policy *)p, q);
    explain(q, "%s span has the sampled flag", yes ? "a" : "no");
    return ballot_of(yes);
}

const struct policy_kind trace_flags_policy = {
    .type = "trace_flags",
    .no_section = true,
    .create = flags_create,
    .evaluate = flags_evaluate,
    .destroy = span_policy_destroy,
};

/* ---- trace_state ---- */

enum { MEMBER_MAX = 256 }; /* bytes of a member, key and value, by W3C */

static enum predicate_answer has_member(const void *arg, const struct batch *b, uint32_t span)
{
    const struct span_policy *s = arg;
    struct bytes state = span_trace_state(span_bytes(&b->spans[span])), value;
    if (state.len == 0 || !trace_state_find(state, s->key, &value) || value.len == 0 ||
        s->key.len + value.len >= MEMBER_MAX)
        return PREDICATE_NO;
    for (size_t i = 0; i < s->values.count; i++) {
        if (bytes_equal_string(value, s->values.items[i]))
            return PREDICATE_YES;
    }
    return PREDICATE_NO;
}

struct trace_state_settings {
    const char *key;
    struct config_strings values;
};

static const struct config_field trace_state_fields[] = {
    {.key = "key", .type = FIELD_STRING, .offset = offsetof(struct trace_state_settings, key)},
    {.key = "values",
     .type = FIELD_STRINGS,
     .offset = offsetof(struct trace_state_settings, values)},
    CONFIG_END,
};

static struct policy *trace_state_create(struct policy_maker *m, const struct config_value *place,
                                         const struct config_value *section, struct error *e)
{
    struct trace_state_settings settings = {0};
    if (!config_read(section, trace_state_fields, &settings, e))
        return NULL;
    if (!settings.key || !*settings.key || settings.values.count == 0) {
        config_error(section ? section : place, e, "key and values are needed");
        return NULL;
    }
    struct span_policy *s = policy_allocate(sizeof *s, e);
    if (!s)
        return NULL;
    s->key = bytes_of_string(settings.key);
    s->values = settings.values;
    return with_predicate(s, m, place, has_member, e);
}

static struct ballot trace_state_evaluate(struct policy *p, const struct policy_question *q)
{
    const struct span_policy *s = (const struct span_policy *)p;
    bool yes = holds(s, q);
    explain(q, "%s span has a wanted value of %.60s in its tracestate", yes ? "a" : "no",
            (const char *)s->key.data);
    return ballot_of(yes);
}

const struct policy_kind trace_state_policy = {
    .type = "trace_state",
    .create = trace_state_create,
    .evaluate = trace_state_evaluate,
    .destroy = span_policy_destroy,
};
