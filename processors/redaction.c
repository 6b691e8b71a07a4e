/* `processors: redaction`: removes attributes that are not allowed, and hides what is blocked.
 *
 * The Collector's, attribute for attribute, in spans, events, resources and scopes. What it passes
 * by is held to the same rules here: links, what arrays, maps and bytes hold, span and event names,
 * status messages.
 *
 * What was done is counted by rule and place; no value is ever logged. */
#include "component/config.h"
#include "component/processor_metrics.h"
#include "component/pseudonym.h"
#include "component/telemetry.h"
#include "processors/processors.h"
#include "processors/redaction_pass.h"

#include <stdio.h>
#include <stdlib.h>

enum { RETRY_AFTER_MS = 1000, FIRST_RULE = RULE_NOT_ALLOWED };

struct redaction {
    struct component component;
    struct redaction_rules *rules;
    struct pseudonymiser hashes; /* of what is masked, when there is a hash function */
    struct counter **hits;       /* [rule - FIRST_RULE][place] */
    struct processor_items items;
};

static void count_hit(void *context, int rule, enum rewrite_place place)
{
    const struct redaction *r = context;
    counter_add(r->hits[(rule - FIRST_RULE) * REWRITE_PLACES + (int)place], 1);
}

/* ---- a batch ---- */

/* Makes the batch ours to change, once. */
static bool own(struct batch **b, bool *owned)
{
    if (!*owned)
        *b = batch_writable(*b);
    *owned = true;
    return *b != NULL;
}

static bool redact_resources(struct redaction_pass *p, struct batch **b, bool *owned)
{
    for (uint32_t i = 0; i < (*b)->resource_count; i++) {
        if (redaction_objects_to_resource(p, (*b)->resources[i].message) &&
            (!own(b, owned) || !redaction_apply_to_resource(p, *b, i)))
            return false;
    }
    return true;
}

static bool redact_scopes(struct redaction_pass *p, struct batch **b, bool *owned)
{
    for (uint32_t i = 0; i < (*b)->scope_count; i++) {
        if (redaction_objects_to_scope(p, (*b)->scopes[i].message) &&
            (!own(b, owned) || !redaction_apply_to_scope(p, *b, i)))
            return false;
    }
    return true;
}

static bool redact_spans(struct redaction_pass *p, struct batch **b, bool *owned)
{
    for (uint32_t i = 0; i < (*b)->span_count; i++) {
        if (redaction_objects_to_span(p, &(*b)->spans[i]) &&
            (!own(b, owned) || !redaction_apply_to_span(p, *b, i)))
            return false;
    }
    return true;
}

/* What goes on, for the reference to `b`. NULL: out of memory. */
static struct batch *redact(struct redaction *r, struct batch *b)
{
    struct redaction_pass pass = {.rules = r->rules, .hit = count_hit, .context = r};
    bool owned = false;
    bool done = redact_resources(&pass, &b, &owned) && redact_scopes(&pass, &b, &owned) &&
                redact_spans(&pass, &b, &owned) && !pass.failed;
    redaction_pass_free(&pass);
    if (done)
        return b;
    if (b)
        batch_release(b);
    return NULL;
}

static struct outcome redaction_consume(struct component *c, struct batch *b,
                                        struct receipt *receipt)
{
    struct redaction *r = (struct redaction *)c;
    counter_add(r->items.incoming, b->span_count);
    b = redact(r, b);
    if (!b)
        return outcome_busy(RETRY_AFTER_MS, "out of memory");
    counter_add(r->items.outgoing, b->span_count);
    return component_consume(c->next, b, receipt);
}

/* ---- its life ---- */

static void hash_of(struct pseudonymiser *p, struct bytes value,
                    void (*each)(void *context, struct bytes form), void *context)
{
    const struct redaction *r =
        (const struct redaction *)((const char *)p - offsetof(struct redaction, hashes));
    char hex[HASH_HEX_MAX];
    size_t len = hash_hex(r->rules->hash, r->rules->hmac_key, value, hex);
    if (len)
        each(context, bytes_of(hex, len));
}

static void redaction_destroy(struct component *c)
{
    struct redaction *r = (struct redaction *)c;
    if (r->hashes.forms)
        pseudonym_unregister(&r->hashes);
    if (r->rules)
        redaction_rules_destroy(r->rules);
    free(r->hits);
    free(r);
}

static const struct component_ops ops = {
    .consume = redaction_consume,
    .has_room = component_next_has_room,
    .destroy = redaction_destroy,
};

static void rule_name(int rule, char *name, size_t len)
{
    if (rule == RULE_NOT_ALLOWED)
        snprintf(name, len, "allowed_keys");
    else if (rule == RULE_BLOCKED_KEY)
        snprintf(name, len, "blocked_key_patterns");
    else
        snprintf(name, len, "blocked_values[%d]", rule);
}

static bool is_place_of(int rule, enum rewrite_place place)
{
    bool text =
        place == PLACE_SPAN_NAME || place == PLACE_EVENT_NAME || place == PLACE_STATUS_MESSAGE;
    return rewrite_place_is_attribute(place) || (text && rule >= 0);
}

static bool make_counters(struct redaction *r, const struct component_spec *spec)
{
    int rules = (int)r->rules->blocked_values.count - FIRST_RULE;
    r->hits = calloc((size_t)rules * REWRITE_PLACES, sizeof *r->hits);
    for (int i = 0; r->hits && i < rules * REWRITE_PLACES; i++) {
        int rule = i / REWRITE_PLACES + FIRST_RULE;
        enum rewrite_place place = (enum rewrite_place)(i % REWRITE_PLACES);
        char name[40];
        if (!is_place_of(rule, place))
            continue;
        rule_name(rule, name, sizeof name);
        r->hits[i] = telemetry_counter(
            spec->telemetry, "tailspan_redaction_hits", "Values that were removed or masked.",
            LABELS({"processor", spec->id}, {"rule", name}, {"place", rewrite_place_name(place)}));
    }
    return r->hits != NULL;
}

static struct component *redaction_create(const struct component_spec *spec, struct error *e)
{
    struct redaction *r = calloc(1, sizeof *r);
    if (!r) {
        error_set(e, "out of memory");
        return NULL;
    }
    component_init(&r->component, spec, &ops);
    r->rules = redaction_rules_create(spec->config, e);
    if (!r->rules || (!make_counters(r, spec) && !error_set(e, "out of memory"))) {
        redaction_destroy(&r->component);
        return NULL;
    }
    if (r->rules->hash != HASH_NONE) {
        r->hashes.forms = hash_of;
        pseudonym_register(&r->hashes);
    }
    r->items = processor_items(spec->telemetry, spec->id);
    return &r->component;
}

const struct component_kind redaction_processor = {
    .type = "redaction",
    .class = COMPONENT_PROCESSOR,
    .summary = "removes attributes that are not allowed and masks values that are blocked",
    .create = redaction_create,
};
