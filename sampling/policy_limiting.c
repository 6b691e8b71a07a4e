/* rate_limiting and bytes_limiting: whole traces, as far as a token bucket reaches.
 *
 * Several shards share the rate. The burst is each shard's own: it has to hold a whole trace. */
#include "sampling/policy_kind.h"
#include "sampling/token_bucket.h"

#include <inttypes.h>
#include <stdlib.h>

struct limiter {
    struct policy policy;
    struct token_bucket bucket;
};

struct settings {
    int64_t rate;
    int64_t burst;
};

static struct policy *limiter_create(const char *rate_key, struct policy_maker *m,
                                     const struct config_value *section, struct error *e)
{
    struct settings s = {0};
    const struct config_field fields[] = {
        {.key = rate_key,
         .type = FIELD_INT,
         .offset = offsetof(struct settings, rate),
         .max = INT64_MAX / 4},
        {.key = "burst_capacity",
         .type = FIELD_INT,
         .offset = offsetof(struct settings, burst),
         .max = INT64_MAX / 4},
        CONFIG_END,
    };
    if (!config_read(section, fields, &s, e))
        return NULL;
    struct limiter *l = policy_allocate(sizeof *l, e);
    if (!l)
        return NULL;
    double burst = (double)(s.burst > 0 ? s.burst : 2 * s.rate);
    l->bucket = token_bucket((double)s.rate / m->shards, burst);
    return &l->policy;
}

static struct ballot limiter_vote(struct policy *p, const struct policy_question *q,
                                  uint64_t wanted, const char *unit)
{
    struct limiter *l = (struct limiter *)p;
    double left = token_bucket_fill(&l->bucket, q->now_ns);
    bool sampled = token_bucket_take(&l->bucket, (double)wanted, q->now_ns);
    explain(q, "%" PRIu64 " %s, %.0f were left of %g a second", wanted, unit, left, l->bucket.rate);
    return ballot_limited(sampled);
}

static void limiter_destroy(struct policy *p)
{
    free(p);
}

static struct policy *rate_create(struct policy_maker *m, const struct config_value *place,
                                  const struct config_value *section, struct error *e)
{
    (void)place;
    return limiter_create("spans_per_second", m, section, e);
}

static struct ballot rate_evaluate(struct policy *p, const struct policy_question *q)
{
    return limiter_vote(p, q, q->trace->spans, "spans");
}

const struct policy_kind rate_limiting_policy = {
    .type = "rate_limiting",
    .stateful = true,
    .create = rate_create,
    .evaluate = rate_evaluate,
    .destroy = limiter_destroy,
};

static struct policy *bytes_create(struct policy_maker *m, const struct config_value *place,
                                   const struct config_value *section, struct error *e)
{
    (void)place;
    return limiter_create("bytes_per_second", m, section, e);
}

static struct ballot bytes_evaluate(struct policy *p, const struct policy_question *q)
{
    return limiter_vote(p, q, q->trace->bytes, "bytes");
}

const struct policy_kind bytes_limiting_policy = {
    .type = "bytes_limiting",
    .stateful = true,
    .create = bytes_create,
    .evaluate = bytes_evaluate,
    .destroy = limiter_destroy,
};
