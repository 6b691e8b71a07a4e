/* composite: a budget of spans a second, shared out among sub-policies in an order.
 *
 * The first sub-policy that samples a trace and has room for it in its share decides. Unlike the
 * Collector's: a sub-policy over its share leaves the trace to the next instead of refusing it; the
 * total is the total of all shares; policy_order is the order; a share counts in a bucket of one
 * second, so a burst at a second's turn cannot be twice the budget; and sub-policies that spend
 * something themselves are asked only while their share and the total have room. */
#include "sampling/policy_kind.h"
#include "sampling/token_bucket.h"

#include <inttypes.h>
#include <stdlib.h>

enum { SUB_POLICIES_MAX = 256 };

struct composite {
    struct policy policy;
    struct policy_list list; /* as configured: sub_policy is an index into it */
    struct token_bucket total;
    struct token_bucket *shares; /* as list */
    uint16_t *order;             /* of asking, indices into list */
};

struct settings {
    int64_t max_total;
    struct config_strings order;
    const struct config_value *subs;
    const struct config_value *rates;
};

static const struct config_field fields[] = {
    {.key = "max_total_spans_per_second",
     .type = FIELD_INT,
     .offset = offsetof(struct settings, max_total),
     .max = INT64_MAX / 4},
    {.key = "policy_order", .type = FIELD_STRINGS, .offset = offsetof(struct settings, order)},
    {.key = "composite_sub_policy", .type = FIELD_VALUE, .offset = offsetof(struct settings, subs)},
    {.key = "rate_allocation", .type = FIELD_VALUE, .offset = offsetof(struct settings, rates)},
    CONFIG_END,
};

struct allocation {
    const char *policy;
    int64_t percent;
};

static const struct config_field allocation_fields[] = {
    {.key = "policy", .type = FIELD_STRING, .offset = offsetof(struct allocation, policy)},
    {.key = "percent",
     .type = FIELD_INT,
     .offset = offsetof(struct allocation, percent),
     .max = 100},
    CONFIG_END,
};

static void composite_destroy(struct policy *p)
{
    struct composite *c = (struct composite *)p;
    policy_list_destroy(&c->list);
    free(c->shares);
    free(c->order);
    free(c);
}

static bool find_sub(const struct composite *c, const char *name, const struct config_value *place,
                     unsigned *index, struct error *e)
{
    for (unsigned i = 0; i < c->list.count; i++) {
        if (strcmp(c->list.items[i]->name, name) == 0) {
            *index = i;
            return true;
        }
    }
    return config_error(place, e, "there is no sub-policy \"%s\" in composite_sub_policy", name);
}

/* A sub-policy without an allocation gets an equal share, as if there were none. */
static bool allocate_shares(struct composite *c, const struct settings *s, double rate,
                            struct error *e)
{
    for (unsigned i = 0; i < c->list.count; i++)
        c->shares[i] = token_bucket(rate / c->list.count, rate / c->list.count);
    if (s->rates && s->rates->type == CONFIG_MAP)
        return config_error(s->rates, e, "is not a list of {policy: …, percent: …}");
    for (const struct config_value *v = s->rates ? s->rates->children : NULL; v; v = v->next) {
        struct allocation a = {0};
        unsigned i = 0;
        if (!config_read(v, allocation_fields, &a, e) ||
            !find_sub(c, a.policy ? a.policy : "", v, &i, e))
            return false;
        double share = rate * (double)a.percent / 100;
        if (a.percent > 0)
            c->shares[i] = token_bucket(share, share);
    }
    return true;
}

/* Those named come first. */
static bool read_order(struct composite *c, const struct settings *s,
                       const struct config_value *section, struct error *e)
{
    bool taken[SUB_POLICIES_MAX] = {0};
    unsigned count = 0;
    for (size_t n = 0; n < s->order.count; n++) {
        unsigned i = 0;
        const struct config_value *place = config_child(section, "policy_order");
        if (!find_sub(c, s->order.items[n], place, &i, e))
            return false;
        if (taken[i])
            return config_error(place, e, "\"%s\" is named twice", s->order.items[n]);
        taken[i] = true;
        c->order[count++] = (uint16_t)i;
    }
    for (unsigned i = 0; i < c->list.count; i++) {
        if (!taken[i])
            c->order[count++] = (uint16_t)i;
    }
    return true;
}

static bool fill(struct composite *c, struct policy_maker *m, const struct settings *s,
                 const struct config_value *section, struct error *e)
{
    if (!policy_list_create(&c->list, m, section, s->subs, "composite_sub_policy", SUB_POLICIES_MAX,
                            e))
        return false;
    c->shares = calloc(c->list.count, sizeof *c->shares);
    c->order = calloc(c->list.count, sizeof *c->order);
    if (!c->shares || !c->order)
        return error_set(e, "out of memory");
    double rate = (double)s->max_total / m->shards;
    c->total = token_bucket(rate, rate);
    return allocate_shares(c, s, rate, e) && read_order(c, s, section, e);
}

static struct policy *composite_create(struct policy_maker *m, const struct config_value *place,
                                       const struct config_value *section, struct error *e)
{
    struct settings s = {0};
    if (!config_read(section, fields, &s, e))
        return NULL;
    if (s.max_total <= 0) {
        config_error(section ? section : place, e,
                     "max_total_spans_per_second must be greater than 0");
        return NULL;
    }
    struct composite *c = policy_allocate(sizeof *c, e);
    if (!c)
        return NULL;
    if (!fill(c, m, &s, section, e)) {
        composite_destroy(&c->policy);
        return NULL;
    }
    return &c->policy;
}

/* Whether the sub-policy's share has room; a full share only matters once it would sample. */
static struct ballot ask(struct composite *c, unsigned i, const struct policy_question *q,
                         bool *in_budget)
{
    double spans = q->trace->spans;
    struct policy *sub = c->list.items[i];
    *in_budget = token_bucket_fill(&c->shares[i], q->now_ns) >= spans && c->total.tokens >= spans;
    if (!*in_budget && sub->stateful)
        return ballot_of(false);
    return policy_evaluate(sub, q);
}

static struct ballot composite_evaluate(struct policy *p, const struct policy_question *q)
{
    struct composite *c = (struct composite *)p;
    unsigned over = 0;
    token_bucket_fill(&c->total, q->now_ns);
    for (unsigned n = 0; n < c->list.count; n++) {
        unsigned i = c->order[n];
        bool in_budget;
        struct ballot b = ask(c, i, q, &in_budget);
        if (b.verdict == SAMPLING_ERROR)
            return b;
        over += !in_budget;
        if (b.verdict != SAMPLING_SAMPLED || !in_budget)
            continue;
        c->shares[i].tokens -= q->trace->spans;
        c->total.tokens -= q->trace->spans;
        explain(q, "sub-policy %.60s, %" PRIu32 " spans within its share", c->list.items[i]->name,
                q->trace->spans);
        b = ballot_limited(true);
        b.sub_policy = (uint16_t)i;
        return b;
    }
    explain(q, "no sub-policy sampled it; %u of %u were over their share", over, c->list.count);
    return ballot_limited(false);
}

const struct policy_kind composite_policy = {
    .type = "composite",
    .stateful = true,
    .create = composite_create,
    .evaluate = composite_evaluate,
    .destroy = composite_destroy,
};

const char *policy_composite_sub_name(const struct policy *p, unsigned sub)
{
    const struct composite *c = (const struct composite *)p;
    return p->kind == &composite_policy && sub < c->list.count ? c->list.items[sub]->name : NULL;
}
