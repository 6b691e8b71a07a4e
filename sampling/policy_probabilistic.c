/* probabilistic: a percentage of all traces.
 *
 * As a rule by the Collector's hash, which claims no threshold: nobody downstream could check it.
 * In consistent sampling by the trace's own randomness, with the threshold told. */
#include "sampling/chance.h"
#include "sampling/policy_kind.h"

#include <inttypes.h>
#include <stdlib.h>

struct probabilistic {
    struct policy policy;
    bool consistent;
    double percentage;
    uint64_t salted;
    uint64_t boundary;  /* of the hash */
    uint64_t threshold; /* of the randomness */
};

struct settings {
    double percentage;
    const char *salt;
};

static const struct config_field fields[] = {
    {.key = "sampling_percentage",
     .type = FIELD_DOUBLE,
     .offset = offsetof(struct settings, percentage)},
    {.key = "hash_salt", .type = FIELD_STRING, .offset = offsetof(struct settings, salt)},
    CONFIG_END,
};

static struct policy *probabilistic_create(struct policy_maker *m, const struct config_value *place,
                                           const struct config_value *section, struct error *e)
{
    struct settings s = {0};
    if (!config_read(section, fields, &s, e))
        return NULL;
    if (!(s.percentage >= 0)) {
        config_error(section ? section : place, e, "sampling_percentage must be at least 0");
        return NULL;
    }
    struct probabilistic *p = policy_allocate(sizeof *p, e);
    if (!p)
        return NULL;
    p->consistent = m->consistent;
    p->percentage = s.percentage;
    p->salted = chance_salt(bytes_of_string(s.salt && *s.salt ? s.salt : "default-hash-seed"));
    p->boundary = chance_boundary(s.percentage / 100);
    p->threshold = chance_threshold(s.percentage / 100);
    return &p->policy;
}

static struct ballot probabilistic_evaluate(struct policy *policy, const struct policy_question *q)
{
    const struct probabilistic *p = (const struct probabilistic *)policy;
    if (p->consistent) {
        struct ballot b = ballot_of(q->trace->randomness >= p->threshold);
        b.threshold = p->threshold;
        explain(q, "randomness %014" PRIx64 ", threshold %014" PRIx64 " for %g %%",
                q->trace->randomness, p->threshold, p->percentage);
        return b;
    }
    bool sampled = chance_hash(p->salted, q->trace->trace_id) <= p->boundary;
    explain(q, "the id's hash is %s the %g %% sampled", sampled ? "among" : "not among",
            p->percentage);
    return ballot_of(sampled);
}

static void probabilistic_destroy(struct policy *p)
{
    free(p);
}

const struct policy_kind probabilistic_policy = {
    .type = "probabilistic",
    .create = probabilistic_create,
    .evaluate = probabilistic_evaluate,
    .destroy = probabilistic_destroy,
};
