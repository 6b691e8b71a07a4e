/* Policies on a trace as a whole: always_sample, latency, span_count. */
#include "sampling/policy_kind.h"

#include <inttypes.h>
#include <stdlib.h>

static void plain_destroy(struct policy *p)
{
    free(p);
}

/* ---- always_sample ---- */

static struct policy *always_create(struct policy_maker *m, const struct config_value *place,
                                    const struct config_value *section, struct error *e)
{
    (void)m;
    (void)place;
    (void)section;
    return policy_allocate(sizeof(struct policy), e);
}

static struct ballot always_evaluate(struct policy *p, const struct policy_question *q)
{
    (void)p;
    explain(q, "samples every trace");
    return ballot_of(true);
}

const struct policy_kind always_sample_policy = {
    .type = "always_sample",
    .no_section = true,
    .create = always_create,
    .evaluate = always_evaluate,
    .destroy = plain_destroy,
};

/* ---- latency ---- */

struct latency {
    struct policy policy;
    int64_t threshold_ms; /* exclusive */
    int64_t upper_ms;     /* inclusive; 0: none */
};

static const struct config_field latency_fields[] = {
    {.key = "threshold_ms", .type = FIELD_INT, .offset = offsetof(struct latency, threshold_ms)},
    {.key = "upper_threshold_ms", .type = FIELD_INT, .offset = offsetof(struct latency, upper_ms)},
    CONFIG_END,
};

static struct policy *latency_create(struct policy_maker *m, const struct config_value *place,
                                     const struct config_value *section, struct error *e)
{
    (void)m;
    (void)place;
    struct latency *l = policy_allocate(sizeof *l, e);
    if (l && !config_read(section, latency_fields, l, e)) {
        free(l);
        return NULL;
    }
    return l ? &l->policy : NULL;
}

/* Whole milliseconds, as the Collector counts; negative when clocks disagree. */
static int64_t duration_ms(const struct trace_summary *t)
{
    return (int64_t)(t->end_ns - t->start_ns) / 1000000;
}

static struct ballot latency_evaluate(struct policy *p, const struct policy_question *q)
{
    const struct latency *l = (const struct latency *)p;
    int64_t ms = duration_ms(q->trace);
    if (l->upper_ms > 0)
        explain(q, "latency %" PRId64 " ms, wanted over %" PRId64 " up to %" PRId64 " ms", ms,
                l->threshold_ms, l->upper_ms);
    else
        explain(q, "latency %" PRId64 " ms, threshold %" PRId64 " ms", ms, l->threshold_ms);
    return ballot_of(ms > l->threshold_ms && (l->upper_ms == 0 || ms <= l->upper_ms));
}

const struct policy_kind latency_policy = {
    .type = "latency",
    .create = latency_create,
    .evaluate = latency_evaluate,
    .destroy = plain_destroy,
};

/* ---- span_count ---- */

struct span_count {
    struct policy policy;
    int64_t min;
    int64_t max; /* 0: none */
};

static const struct config_field span_count_fields[] = {
    {.key = "min_spans", .type = FIELD_INT, .offset = offsetof(struct span_count, min)},
    {.key = "max_spans", .type = FIELD_INT, .offset = offsetof(struct span_count, max)},
    CONFIG_END,
};

static struct policy *span_count_create(struct policy_maker *m, const struct config_value *place,
                                        const struct config_value *section, struct error *e)
{
    (void)m;
    (void)place;
    struct span_count *c = policy_allocate(sizeof *c, e);
    if (c && !config_read(section, span_count_fields, c, e)) {
        free(c);
        return NULL;
    }
    return c ? &c->policy : NULL;
}

static struct ballot span_count_evaluate(struct policy *p, const struct policy_question *q)
{
    const struct span_count *c = (const struct span_count *)p;
    int64_t spans = q->trace->spans;
    if (c->max > 0)
        explain(q, "%" PRId64 " spans, wanted %" PRId64 " to %" PRId64, spans, c->min, c->max);
    else
        explain(q, "%" PRId64 " spans, wanted at least %" PRId64, spans, c->min);
    return ballot_of(spans >= c->min && (c->max == 0 || spans <= c->max));
}

const struct policy_kind span_count_policy = {
    .type = "span_count",
    .create = span_count_create,
    .evaluate = span_count_evaluate,
    .destroy = plain_destroy,
};
