/* The processor: a batch is scrubbed on the lane that brought it, before anything counts, keeps or
 * sends it. What cannot be scrubbed for want of memory is given back to its sender.
 *
 * Counters are made when a rule first finds something in a place: most pairs never do. One for
 * which there is no memory then shares a counter with its like. */
#include "processors/scrub/scrub.h"

#include "component/processor_metrics.h"
#include "component/pseudonym.h"
#include "component/telemetry.h"
#include "processors/scrub/walk.h"

#include <stdlib.h>

enum { RETRY_AFTER_MS = 500 };

struct scrub {
    struct component base;
    struct scrub_rules *rules;
    struct telemetry *telemetry;
    struct pseudonymiser pseudonyms;
    struct processor_items items;
    struct counter *others; /* of no rule and place */
    _Atomic(struct counter *) counters[SCRUB_RULES_MAX][REWRITE_PLACES];
};

static const char findings[] = "tailspan_processor_scrub_findings";
static const char findings_help[] = "Parts of spans that were scrubbed, by rule and place.";

static struct counter *counter_of(struct scrub *s, unsigned rule, enum rewrite_place place)
{
    struct counter *c = atomic_load_explicit(&s->counters[rule][place], memory_order_acquire);
    if (c)
        return c;
    c = telemetry_late_counter(s->telemetry, findings, findings_help,
                               LABELS({"processor", s->base.id},
                                      {"rule", scrub_rule_name(s->rules, rule)},
                                      {"place", rewrite_place_name(place)}));
    if (!c)
        return s->others;
    atomic_store_explicit(&s->counters[rule][place], c, memory_order_release);
    return c;
}

static void make_counters(struct scrub *s)
{
    s->items = processor_items(s->telemetry, s->base.id);
    s->others = telemetry_counter(s->telemetry, findings, findings_help,
                                  LABELS({"processor", s->base.id}, {"rule", ""}, {"place", ""}));
}

static void count_hit(void *context, const struct rewrite_item *item, struct bytes value,
                      const struct scrub_hit *hit)
{
    (void)value;
    counter_add(counter_of(context, hit->rule, item->place), 1);
}

static struct outcome scrub_consume(struct component *c, struct batch *b, struct receipt *r)
{
    struct scrub *s = (struct scrub *)c;
    const struct scrub_walk walk = {.rules = s->rules, .context = s, .hit = count_hit};
    uint32_t spans = b->span_count;
    counter_add(s->items.incoming, spans);
    b = batch_writable(b);
    if (!b || !scrub_batch(&walk, b)) {
        batch_release(b);
        return outcome_busy(RETRY_AFTER_MS, "%s: out of memory", c->id);
    }
    counter_add(s->items.outgoing, spans);
    return component_pass(c, b, r);
}

/* The forms that a value may have been given: as any of the classes that are hashed. */
static void forms_of(struct pseudonymiser *p, struct bytes value,
                     void (*each)(void *context, struct bytes form), void *context)
{
    struct scrub *s = (struct scrub *)((char *)p - offsetof(struct scrub, pseudonyms));
    for (unsigned rule = 0; rule < SCRUB_RULES_MAX; rule++) {
        struct buffer form = {0};
        if (!s->rules->hashed[rule])
            continue;
        scrub_pseudonym(s->rules, rule, value, &form);
        if (!form.failed)
            each(context, buffer_bytes(&form));
        buffer_free(&form);
    }
}

static void scrub_destroy(struct component *c)
{
    struct scrub *s = (struct scrub *)c;
    if (s->rules->hashes)
        pseudonym_unregister(&s->pseudonyms);
    scrub_rules_destroy(s->rules);
    free(s);
}

static const struct component_ops ops = {
    .consume = scrub_consume,
    .has_room = component_next_has_room,
    .destroy = scrub_destroy,
};

static struct component *scrub_create(const struct component_spec *spec, struct error *e)
{
    struct scrub_rules *rules = scrub_rules_create(spec->config, e);
    struct scrub *s = rules ? calloc(1, sizeof *s) : NULL;
    if (!s) {
        if (rules)
            error_set(e, "out of memory");
        scrub_rules_destroy(rules);
        return NULL;
    }
    component_init(&s->base, spec, &ops);
    s->rules = rules;
    s->telemetry = spec->telemetry;
    make_counters(s);
    s->pseudonyms.forms = forms_of;
    if (rules->hashes)
        pseudonym_register(&s->pseudonyms);
    return &s->base;
}

const struct component_kind scrub_processor = {
    .type = "scrub",
    .class = COMPONENT_PROCESSOR,
    .summary = "takes personal data and secrets out of spans",
    .create = scrub_create,
};
