/* Policies on attributes of any span or its resource: numeric, string, boolean.
 *
 * With invert_match the policy samples traces in which no attribute matches, so one that lacks the
 * key altogether is sampled. */
#include "sampling/policy_kind.h"
#include "sampling/regex.h"

#include <inttypes.h>
#include <stdlib.h>

struct attribute_policy {
    struct policy policy;
    struct bytes key;
    bool invert;
    uint16_t bit;
    uint16_t failed;

    bool wanted; /* boolean */

    int64_t min; /* numeric, both inclusive */
    int64_t max;

    struct bytes *values; /* string: by length, then content */
    size_t value_count;
    struct regex **patterns;
    size_t pattern_count;
};

static void attribute_destroy(struct policy *p)
{
    struct attribute_policy *a = (struct attribute_policy *)p;
    for (size_t i = 0; i < a->pattern_count; i++)
        regex_destroy(a->patterns[i]);
    free(a->patterns);
    free(a->values);
    free(a);
}

/* What every kind here reads. */
struct settings {
    const char *key;
    bool invert;
    bool has_min;
    bool has_max;
    int64_t min;
    int64_t max;
    bool wanted;
    struct config_strings values;
    bool regex;
    int64_t cache_max_size; /* the JIT needs no cache of answers */
};

#define FIELD(key_, type_, member_, ...)                                                           \
    {                                                                                              \
        .key = key_, .type = type_, .offset = offsetof(struct settings, member_), __VA_ARGS__      \
    }

typedef enum predicate_answer question(const void *arg, const struct value *v, bool of_resource);

static struct attribute_policy *attribute_create(const struct settings *s,
                                                 const struct config_value *place, struct error *e)
{
    if (!s->key || !*s->key) {
        config_error(place, e, "key is needed: the attribute's name");
        return NULL;
    }
    struct attribute_policy *a = policy_allocate(sizeof *a, e);
    if (!a)
        return NULL;
    a->key = bytes_of_string(s->key);
    a->invert = s->invert;
    return a;
}

/* Takes over `a`. */
static struct policy *with_predicate(struct attribute_policy *a, struct policy_maker *m,
                                     const struct config_value *place, question *ask,
                                     struct error *e)
{
    struct predicate wanted = {.kind = ASK_ATTRIBUTE, .key = a->key, .ask_value = ask, .arg = a};
    if (!policy_add_predicate(m, place, &wanted, e)) {
        attribute_destroy(&a->policy);
        return NULL;
    }
    a->bit = wanted.bit;
    a->failed = wanted.failed;
    return &a->policy;
}

static struct ballot attribute_vote(const struct attribute_policy *a,
                                    const struct policy_question *q, const char *what)
{
    bool yes = bit_is_set(q->trace->bits, a->bit);
    if (!yes && bit_is_set(q->trace->bits, a->failed)) {
        explain(q, "a regular expression gave up on %.60s", (const char *)a->key.data);
        return ballot_failed();
    }
    explain(q, "%s %.60s %s%s", yes ? "there is a" : "no", (const char *)a->key.data, what,
            a->invert ? "; inverted" : "");
    return ballot_of(yes != a->invert);
}

/* ---- numeric_attribute ---- */

/* An integer is compared as one; a float is, too, which the Collector takes for 0. */
static enum predicate_answer in_range(const void *arg, const struct value *v, bool of_resource)
{
    const struct attribute_policy *a = arg;
    (void)of_resource;
    bool yes = false;
    if (v->type == VALUE_INT)
        yes = v->integer >= a->min && v->integer <= a->max;
    else if (v->type == VALUE_DOUBLE)
        yes = v->real >= (double)a->min && v->real <= (double)a->max;
    return yes ? PREDICATE_YES : PREDICATE_NO;
}

static const struct config_field numeric_fields[] = {
    FIELD("key", FIELD_STRING, key),
    FIELD("min_value", FIELD_INT, min, .present = offsetof(struct settings, has_min)),
    FIELD("max_value", FIELD_INT, max, .present = offsetof(struct settings, has_max)),
    FIELD("invert_match", FIELD_BOOL, invert),
    CONFIG_END,
};

static struct policy *numeric_create(struct policy_maker *m, const struct config_value *place,
                                     const struct config_value *section, struct error *e)
{
    struct settings s = {0};
    if (!config_read(section, numeric_fields, &s, e))
        return NULL;
    if (!s.has_min && !s.has_max) {
        config_error(section ? section : place, e, "min_value or max_value is needed, or both");
        return NULL;
    }
    if (s.has_min && s.has_max && s.min > s.max) {
        config_error(section, e, "min_value is greater than max_value");
        return NULL;
    }
    struct attribute_policy *a = attribute_create(&s, section, e);
    if (!a)
        return NULL;
    a->min = s.has_min ? s.min : INT64_MIN;
    a->max = s.has_max ? s.max : INT64_MAX;
    return with_predicate(a, m, place, in_range, e);
}

static struct ballot numeric_evaluate(struct policy *p, const struct policy_question *q)
{
    const struct attribute_policy *a = (const struct attribute_policy *)p;
    char what[64] = "";
    if (!q->why)
        ;
    else if (a->min == INT64_MIN)
        snprintf(what, sizeof what, "of at most %" PRId64, a->max);
    else if (a->max == INT64_MAX)
        snprintf(what, sizeof what, "of at least %" PRId64, a->min);
    else
        snprintf(what, sizeof what, "from %" PRId64 " to %" PRId64, a->min, a->max);
    return attribute_vote(a, q, what);
}

const struct policy_kind numeric_attribute_policy = {
    .type = "numeric_attribute",
    .create = numeric_create,
    .evaluate = numeric_evaluate,
    .destroy = attribute_destroy,
};

/* ---- string_attribute ---- */

static int by_length(const void *x, const void *y)
{
    const struct bytes *a = x, *b = y;
    if (a->len != b->len)
        return a->len < b->len ? -1 : 1;
    return a->len ? memcmp(a->data, b->data, a->len) : 0;
}

static enum predicate_answer is_listed(const void *arg, const struct value *v, bool of_resource)
{
    const struct attribute_policy *a = arg;
    (void)of_resource;
    if (v->type != VALUE_STRING)
        return PREDICATE_NO;
    bool yes = bsearch(&v->bytes, a->values, a->value_count, sizeof v->bytes, by_length);
    return yes ? PREDICATE_YES : PREDICATE_NO;
}

/* As in the Collector, an empty text of a span is not looked at; a resource's is. */
static enum predicate_answer is_matched(const void *arg, const struct value *v, bool of_resource)
{
    const struct attribute_policy *a = arg;
    enum predicate_answer answer = PREDICATE_NO;
    if (v->type != VALUE_STRING || (v->bytes.len == 0 && !of_resource))
        return PREDICATE_NO;
    for (size_t i = 0; i < a->pattern_count; i++) {
        switch (regex_match(a->patterns[i], v->bytes)) {
        case REGEX_YES:
            return PREDICATE_YES;
        case REGEX_GAVE_UP:
            answer = PREDICATE_FAILED;
            break;
        default:
            break;
        }
    }
    return answer;
}

static bool compile_patterns(struct attribute_policy *a, const struct settings *s,
                             const struct config_value *section, struct error *e)
{
    a->patterns = calloc(s->values.count, sizeof *a->patterns);
    if (!a->patterns)
        return error_set(e, "out of memory");
    for (size_t i = 0; i < s->values.count; i++) {
        struct error why = {0};
        a->patterns[i] = regex_compile(bytes_of_string(s->values.items[i]), &why);
        if (!a->patterns[i])
            return config_error(config_child(section, "values"), e, "\"%.100s\": %.500s",
                                s->values.items[i], why.text);
        a->pattern_count++;
    }
    return true;
}

static bool sort_values(struct attribute_policy *a, const struct settings *s, struct error *e)
{
    a->values = calloc(s->values.count, sizeof *a->values);
    if (!a->values)
        return error_set(e, "out of memory");
    for (size_t i = 0; i < s->values.count; i++) {
        if (s->values.items[i] && *s->values.items[i])
            a->values[a->value_count++] = bytes_of_string(s->values.items[i]);
    }
    qsort(a->values, a->value_count, sizeof *a->values, by_length);
    return true;
}

static const struct config_field string_fields[] = {
    FIELD("key", FIELD_STRING, key),
    FIELD("values", FIELD_STRINGS, values),
    FIELD("enabled_regex_matching", FIELD_BOOL, regex),
    FIELD("cache_max_size", FIELD_INT, cache_max_size),
    FIELD("invert_match", FIELD_BOOL, invert),
    CONFIG_END,
};

static struct policy *string_create(struct policy_maker *m, const struct config_value *place,
                                    const struct config_value *section, struct error *e)
{
    struct settings s = {0};
    if (!config_read(section, string_fields, &s, e))
        return NULL;
    if (s.values.count == 0) {
        config_error(section ? section : place, e, "values needs at least one value");
        return NULL;
    }
    struct attribute_policy *a = attribute_create(&s, section, e);
    if (!a)
        return NULL;
    if (s.regex ? !compile_patterns(a, &s, section, e) : !sort_values(a, &s, e)) {
        attribute_destroy(&a->policy);
        return NULL;
    }
    return with_predicate(a, m, place, s.regex ? is_matched : is_listed, e);
}

static struct ballot string_evaluate(struct policy *p, const struct policy_question *q)
{
    const struct attribute_policy *a = (const struct attribute_policy *)p;
    return attribute_vote(a, q,
                          a->patterns ? "that matches a pattern" : "that is one of the values");
}

const struct policy_kind string_attribute_policy = {
    .type = "string_attribute",
    .create = string_create,
    .evaluate = string_evaluate,
    .destroy = attribute_destroy,
};

/* ---- boolean_attribute ---- */

static enum predicate_answer is_wanted(const void *arg, const struct value *v, bool of_resource)
{
    const struct attribute_policy *a = arg;
    (void)of_resource;
    return v->type == VALUE_BOOL && v->boolean == a->wanted ? PREDICATE_YES : PREDICATE_NO;
}

static const struct config_field boolean_fields[] = {
    FIELD("key", FIELD_STRING, key),
    FIELD("value", FIELD_BOOL, wanted),
    FIELD("invert_match", FIELD_BOOL, invert),
    CONFIG_END,
};

static struct policy *boolean_create(struct policy_maker *m, const struct config_value *place,
                                     const struct config_value *section, struct error *e)
{
    struct settings s = {0};
    if (!config_read(section, boolean_fields, &s, e))
        return NULL;
    struct attribute_policy *a = attribute_create(&s, section ? section : place, e);
    if (!a)
        return NULL;
    a->wanted = s.wanted;
    return with_predicate(a, m, place, is_wanted, e);
}

static struct ballot boolean_evaluate(struct policy *p, const struct policy_question *q)
{
    const struct attribute_policy *a = (const struct attribute_policy *)p;
    return attribute_vote(a, q, a->wanted ? "that is true" : "that is false");
}

const struct policy_kind boolean_attribute_policy = {
    .type = "boolean_attribute",
    .create = boolean_create,
    .evaluate = boolean_evaluate,
    .destroy = attribute_destroy,
};
