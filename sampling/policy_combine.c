/* Policies made of others: and, drop, not.
 *
 * Within `and` and `drop` those that spend something (limiters, dynamic rates) are asked last, so
 * that they spend nothing on traces which another policy refuses anyway. */
#include "sampling/policy_kind.h"

#include <stdlib.h>

enum { SUB_POLICIES_MAX = 256 };

struct combination {
    struct policy policy;
    struct policy_list list; /* in the order of asking */
};

static void combination_destroy(struct policy *p)
{
    struct combination *c = (struct combination *)p;
    policy_list_destroy(&c->list);
    free(c);
}

static void spenders_last(struct policy_list *list)
{
    unsigned front = 0;
    for (unsigned i = 0; i < list->count; i++) {
        struct policy *p = list->items[i];
        if (p->stateful)
            continue;
        memmove(list->items + front + 1, list->items + front, (i - front) * sizeof *list->items);
        list->items[front++] = p;
    }
}

static struct policy *combination_create(struct policy_maker *m, const char *key,
                                         const struct config_value *place,
                                         const struct config_value *section, struct error *e)
{
    const struct config_value *list = NULL;
    const struct config_field fields[] = {{.key = key, .type = FIELD_VALUE}, CONFIG_END};
    if (!config_read(section, fields, &list, e))
        return NULL;
    struct combination *c = policy_allocate(sizeof *c, e);
    if (!c)
        return NULL;
    if (!policy_list_create(&c->list, m, section ? section : place, list, key, SUB_POLICIES_MAX,
                            e)) {
        free(c);
        return NULL;
    }
    spenders_last(&c->list);
    c->policy.stateful = c->list.items[c->list.count - 1]->stateful;
    return &c->policy;
}

/* Asks one after the other until one does not sample, whose reason stays in q->why. */
static struct ballot all_of(struct policy *p, const struct policy_question *q)
{
    const struct combination *c = (const struct combination *)p;
    struct ballot all = ballot_of(true);
    for (unsigned i = 0; i < c->list.count; i++) {
        struct ballot b = policy_evaluate(c->list.items[i], q);
        if (b.threshold > all.threshold)
            all.threshold = b.threshold;
        all.unknowable = all.unknowable || b.unknowable;
        if (b.verdict != SAMPLING_SAMPLED) {
            all.verdict = b.verdict == SAMPLING_ERROR ? SAMPLING_ERROR : SAMPLING_NOT_SAMPLED;
            return all;
        }
    }
    if (c->list.count > 1)
        explain(q, "all %u sub-policies agree", c->list.count);
    return all;
}

/* ---- and ---- */

static struct policy *and_create(struct policy_maker *m, const struct config_value *place,
                                 const struct config_value *section, struct error *e)
{
    return combination_create(m, "and_sub_policy", place, section, e);
}

const struct policy_kind and_policy = {
    .type = "and",
    .create = and_create,
    .evaluate = all_of,
    .destroy = combination_destroy,
};

/* ---- drop ---- */

static struct policy *drop_create(struct policy_maker *m, const struct config_value *place,
                                  const struct config_value *section, struct error *e)
{
    return combination_create(m, "drop_sub_policy", place, section, e);
}

static struct ballot drop_evaluate(struct policy *p, const struct policy_question *q)
{
    struct ballot b = all_of(p, q);
    if (b.verdict == SAMPLING_SAMPLED)
        b.verdict = SAMPLING_DROPPED;
    return b;
}

const struct policy_kind drop_policy = {
    .type = "drop",
    .create = drop_create,
    .evaluate = drop_evaluate,
    .destroy = combination_destroy,
};

/* ---- not ---- */

struct negation {
    struct policy policy;
    struct policy *sub;
};

static struct policy *not_create(struct policy_maker *m, const struct config_value *place,
                                 const struct config_value *section, struct error *e)
{
    const struct config_value *sub = NULL;
    const struct config_field fields[] = {{.key = "not_sub_policy", .type = FIELD_VALUE},
                                          CONFIG_END};
    if (!config_read(section, fields, &sub, e))
        return NULL;
    if (!sub || sub->type == CONFIG_NULL) {
        config_error(section ? section : place, e, "not_sub_policy is needed");
        return NULL;
    }
    struct negation *n = policy_allocate(sizeof *n, e);
    if (!n)
        return NULL;
    n->sub = policy_create(m, sub, e);
    if (!n->sub) {
        free(n);
        return NULL;
    }
    n->policy.stateful = n->sub->stateful;
    return &n->policy;
}

/* The opposite of a threshold is none: what it keeps has too little randomness. */
static struct ballot not_evaluate(struct policy *p, const struct policy_question *q)
{
    struct ballot b = policy_evaluate(((struct negation *)p)->sub, q);
    if (b.verdict == SAMPLING_SAMPLED)
        b.verdict = SAMPLING_NOT_SAMPLED;
    else if (b.verdict == SAMPLING_NOT_SAMPLED)
        b.verdict = SAMPLING_SAMPLED;
    b.unknowable = ballot_by_chance(&b);
    b.threshold = 0;
    b.sub_policy = UINT16_MAX;
    if (q->why && b.verdict != SAMPLING_ERROR) {
        char inner[100];
        snprintf(inner, sizeof inner, "%s", q->why);
        snprintf(q->why, q->why_len, "not: %s", inner);
    }
    return b;
}

static void not_destroy(struct policy *p)
{
    struct negation *n = (struct negation *)p;
    policy_destroy(n->sub);
    free(n);
}

const struct policy_kind not_policy = {
    .type = "not",
    .create = not_create,
    .evaluate = not_evaluate,
    .destroy = not_destroy,
};
