/* A set of policies and the decision that they come to.
 *
 * Drop policies are asked first, and one that drops ends it. Then everybody votes in the order of
 * the configuration: sampled by any is sampled. An error is counted and passed over. */
#include "component/clock.h"
#include "proto/consistent.h"
#include "sampling/policy_kind.h"

#include <stdlib.h>
#include <string.h>

#define TIMED_EVERY 64 /* decisions */

struct policy_set {
    struct policy_list list;
    struct predicates *predicates;
    char *component_id;
    bool consistent;
    uint64_t errors;
    uint8_t verdicts[POLICIES_MAX]; /* in the latest decision */
    uint64_t decisions;
    bool timed;                      /* the latest */
    uint64_t times_ns[POLICIES_MAX]; /* that are not taken yet */
};

/* ---- making ---- */

static bool check_names(const struct policy_list *list, const struct config_value *v,
                        struct error *e)
{
    const struct config_value *place = v->children;
    for (unsigned i = 0; i < list->count; i++, place = place->next) {
        if (!*list->items[i]->name)
            return config_error(place, e, "a policy needs a name");
        for (unsigned j = 0; j < i; j++) {
            if (strcmp(list->items[i]->name, list->items[j]->name) == 0)
                return config_error(place, e, "two policies have the name \"%s\"",
                                    list->items[i]->name);
        }
    }
    return true;
}

static bool fill(struct policy_set *s, const struct config_value *policies,
                 const char *component_id, unsigned shards, struct error *e)
{
    s->component_id = strdup(component_id ? component_id : "tail_sampling");
    s->predicates = predicates_create();
    if (!s->component_id || !s->predicates)
        return error_set(e, "out of memory");
    struct policy_maker m = {.predicates = s->predicates,
                             .component_id = s->component_id,
                             .shards = shards > 0 ? shards : 1,
                             .consistent = s->consistent};
    return policy_list_create(&s->list, &m, policies, policies, "policies", POLICIES_MAX, e) &&
           check_names(&s->list, policies, e) &&
           (predicates_ready(s->predicates) || error_set(e, "out of memory"));
}

struct policy_set *policy_set_create(const struct config_value *policies, const char *component_id,
                                     unsigned shards, bool consistent, struct error *e)
{
    struct policy_set *s = calloc(1, sizeof *s);
    if (!s) {
        error_set(e, "out of memory");
        return NULL;
    }
    s->consistent = consistent;
    if (fill(s, policies, component_id, shards, e))
        return s;
    policy_set_destroy(s);
    return NULL;
}

void policy_set_destroy(struct policy_set *s)
{
    if (!s)
        return;
    policy_list_destroy(&s->list);
    predicates_destroy(s->predicates);
    free(s->component_id);
    free(s);
}

unsigned policy_set_count(const struct policy_set *s)
{
    return s->list.count;
}

const char *policy_set_name(const struct policy_set *s, unsigned policy)
{
    return policy < s->list.count ? s->list.items[policy]->name : NULL;
}

const char *policy_set_sub_name(const struct policy_set *s, unsigned policy, unsigned sub_policy)
{
    return policy < s->list.count ? policy_composite_sub_name(s->list.items[policy], sub_policy)
                                  : NULL;
}

uint64_t policy_set_errors(const struct policy_set *s)
{
    return s->errors;
}

const uint8_t *policy_set_verdicts(const struct policy_set *s)
{
    return s->verdicts;
}

uint64_t policy_set_take_time_us(struct policy_set *s, unsigned policy)
{
    uint64_t us = s->times_ns[policy] / 1000;
    s->times_ns[policy] -= us * 1000;
    return us;
}

bool policy_set_timed(const struct policy_set *s)
{
    return s->timed;
}

/* ---- observing ---- */

unsigned policy_set_words(const struct policy_set *s)
{
    return predicates_words(s->predicates);
}

void policy_set_begin(struct policy_set *s, const struct batch *b)
{
    predicates_begin(s->predicates, b);
}

void policy_set_observe(struct policy_set *s, uint32_t span, uint64_t *bits)
{
    if (predicates_words(s->predicates) > 0)
        predicates_observe(s->predicates, span, bits);
}

/* ---- deciding ---- */

/* A decision as it comes about. */
struct count_of_votes {
    struct sampling_decision decision;
    bool chance_to_drop; /* a drop policy might have dropped it */
    bool unknowable;     /* a voter without a threshold sampled it */
};

static struct ballot evaluate(struct policy_set *s, unsigned i, struct policy_question *q)
{
    if (!s->timed)
        return policy_evaluate(s->list.items[i], q);
    uint64_t began_ns = monotonic_ns();
    struct ballot b = policy_evaluate(s->list.items[i], q);
    s->times_ns[i] += TIMED_EVERY * (monotonic_ns() - began_ns);
    return b;
}

static struct ballot ask(struct policy_set *s, unsigned i, struct policy_question *q,
                         struct policy_vote *votes)
{
    q->why = votes ? votes[i].why : NULL;
    struct ballot b = evaluate(s, i, q);
    if (votes)
        votes[i].verdict = b.verdict;
    s->errors += b.verdict == SAMPLING_ERROR;
    s->verdicts[i] = (uint8_t)b.verdict;
    return b;
}

static bool drops(const struct policy_set *s, unsigned i)
{
    return s->list.items[i]->kind == &drop_policy;
}

static bool ask_drops(struct policy_set *s, struct policy_question *q, struct policy_vote *votes,
                      struct count_of_votes *c)
{
    for (unsigned i = 0; i < s->list.count; i++) {
        if (!drops(s, i))
            continue;
        struct ballot b = ask(s, i, q, votes);
        if (b.verdict == SAMPLING_DROPPED) {
            c->decision.verdict = SAMPLING_DROPPED;
            c->decision.policy = (uint16_t)i;
            return true;
        }
        c->chance_to_drop = c->chance_to_drop || ballot_by_chance(&b);
    }
    return false;
}

static void count_sampled(struct count_of_votes *c, unsigned i, const struct ballot *b)
{
    if (c->decision.verdict != SAMPLING_SAMPLED) {
        c->decision.verdict = SAMPLING_SAMPLED;
        c->decision.policy = (uint16_t)i;
        c->decision.sub_policy = b->sub_policy;
        c->decision.threshold = THRESHOLD_LIMIT;
    }
    if (b->unknowable)
        c->unknowable = true;
    else if (b->threshold < c->decision.threshold)
        c->decision.threshold = b->threshold;
}

/* The trace's threshold is the least of those that sampled it. A voter without one leaves the
 * probability unknown, unless another would have kept the trace for certain. */
static void conclude(const struct policy_set *s, struct count_of_votes *c)
{
    struct sampling_decision *d = &c->decision;
    bool unknown = c->chance_to_drop || (c->unknowable && d->threshold > 0);
    d->probability_known = !s->consistent || !unknown;
    if (!s->consistent || unknown || d->verdict != SAMPLING_SAMPLED)
        d->threshold = 0;
}

static void ask_voters(struct policy_set *s, struct policy_question *q, bool first_match,
                       struct policy_vote *votes, struct count_of_votes *c)
{
    /* a threshold is only right once every voter was asked */
    first_match = first_match && !s->consistent;
    for (unsigned i = 0; i < s->list.count; i++) {
        if (drops(s, i))
            continue;
        struct ballot b = ask(s, i, q, votes);
        if (b.verdict != SAMPLING_SAMPLED)
            continue;
        count_sampled(c, i, &b);
        if (first_match)
            return;
    }
}

static void begin_votes(const struct policy_set *s, struct policy_vote *votes)
{
    for (unsigned i = 0; votes && i < s->list.count; i++) {
        votes[i].verdict = SAMPLING_NOT_SAMPLED;
        snprintf(votes[i].why, sizeof votes[i].why, "not asked: decided before its turn");
    }
}

/* Nobody has been asked yet. */
static struct count_of_votes begin_count(struct policy_set *s, struct policy_vote *votes)
{
    s->timed = s->decisions++ % TIMED_EVERY == 0;
    begin_votes(s, votes);
    memset(s->verdicts, POLICY_NOT_ASKED, s->list.count);
    return (struct count_of_votes){.decision = {.verdict = SAMPLING_NOT_SAMPLED,
                                                .policy = UINT16_MAX,
                                                .sub_policy = UINT16_MAX}};
}

struct sampling_decision policy_set_decide(struct policy_set *s, const struct trace_summary *t,
                                           bool sample_on_first_match, uint64_t now_ns,
                                           struct policy_vote *votes)
{
    struct count_of_votes c = begin_count(s, votes);
    struct policy_question q = {.trace = t, .now_ns = now_ns, .why_len = POLICY_WHY_LEN};
    if (!ask_drops(s, &q, votes, &c))
        ask_voters(s, &q, sample_on_first_match, votes, &c);
    conclude(s, &c);
    return c.decision;
}

bool policy_set_drops(const struct policy_set *s)
{
    bool any = false;
    for (unsigned i = 0; i < s->list.count; i++)
        any |= drops(s, i);
    return any;
}

struct sampling_decision policy_set_decide_on_ingest(struct policy_set *s,
                                                     const struct trace_summary *t, uint64_t now_ns,
                                                     struct policy_vote *votes)
{
    struct count_of_votes c = begin_count(s, votes);
    struct policy_question q = {.trace = t, .now_ns = now_ns, .why_len = POLICY_WHY_LEN};
    if (!ask_drops(s, &q, votes, &c) && !policy_set_drops(s))
        ask_voters(s, &q, true, votes, &c);
    conclude(s, &c);
    return c.decision;
}

const char *policy_set_stateful(const struct policy_set *s)
{
    for (unsigned i = 0; i < s->list.count; i++) {
        if (s->list.items[i]->stateful)
            return s->list.items[i]->name;
    }
    return NULL;
}
