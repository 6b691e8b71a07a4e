/* `processors: attributes`: actions on the attributes of spans, of all or of those that include and
 * exclude leave. A span that they leave as it was goes on byte for byte. */
#include "component/config.h"
#include "component/processor_metrics.h"
#include "processors/attributes_actions.h"
#include "processors/attributes_match.h"
#include "processors/processors.h"

#include <stdlib.h>

enum { GRPC_INVALID_ARGUMENT = 3, RETRY_AFTER_MS = 1000 };

struct attributes {
    struct component component;
    struct attribute_actions *actions;
    struct span_match *match;
    struct processor_items items;
};

/* Works on one span; `*b` becomes ours to change when something changes. */
static bool process_span(const struct attributes *p, struct attribute_list *list, struct batch **b,
                         bool *owned, uint32_t span)
{
    attribute_list_load(list, span_bytes(&(*b)->spans[span]), SPAN_ATTRIBUTES);
    if (list->too_many)
        return false;
    attribute_actions_apply(p->actions, list);
    if (!list->changed && !list->failed)
        return true;
    if (!*owned)
        *b = batch_writable(*b);
    *owned = true;
    return *b && attribute_list_write_span(list, *b, span);
}

static struct outcome refuse(const struct attributes *p, const struct attribute_list *list)
{
    if (list->too_many)
        return outcome_rejected(GRPC_INVALID_ARGUMENT, "%s: a span has more than %d attributes",
                                p->component.id, ATTRIBUTE_LIST_MAX);
    return outcome_busy(RETRY_AFTER_MS, "out of memory");
}

static struct outcome attributes_consume(struct component *c, struct batch *b, struct receipt *r)
{
    struct attributes *p = (struct attributes *)c;
    struct attribute_list list = {0};
    struct span_match_memo memo = {0};
    struct outcome answer = outcome_accepted();
    const uint32_t count = b->span_count;
    bool owned = false, done = true;
    counter_add(p->items.incoming, b->span_count);
    for (uint32_t i = 0; done && i < count; i++)
        done = !span_matches(p->match, &memo, b, i) || process_span(p, &list, &b, &owned, i);
    if (!done)
        answer = refuse(p, &list);
    attribute_list_free(&list);
    if (!done) {
        if (b)
            batch_release(b);
        return answer;
    }
    counter_add(p->items.outgoing, b->span_count);
    return component_consume(c->next, b, r);
}

static void attributes_destroy(struct component *c)
{
    struct attributes *p = (struct attributes *)c;
    if (p->actions)
        attribute_actions_destroy(p->actions);
    if (p->match)
        span_match_destroy(p->match);
    free(p);
}

static const struct component_ops ops = {
    .consume = attributes_consume,
    .has_room = component_next_has_room,
    .destroy = attributes_destroy,
};

struct settings {
    const struct config_value *actions;
    const struct config_value *include;
    const struct config_value *exclude;
};

static const struct config_field fields[] = {
    {.key = "actions", .type = FIELD_VALUE, .offset = offsetof(struct settings, actions)},
    {.key = "include", .type = FIELD_VALUE, .offset = offsetof(struct settings, include)},
    {.key = "exclude", .type = FIELD_VALUE, .offset = offsetof(struct settings, exclude)},
    CONFIG_END,
};

static struct component *attributes_create(const struct component_spec *spec, struct error *e)
{
    struct settings s = {0};
    if (!config_read(spec->config, fields, &s, e))
        return NULL;
    struct attributes *p = calloc(1, sizeof *p);
    if (!p) {
        error_set(e, "out of memory");
        return NULL;
    }
    component_init(&p->component, spec, &ops);
    p->actions = attribute_actions_create(spec->config, "actions", e);
    p->match = p->actions ? span_match_create(spec->config, e) : NULL;
    if (!p->match) {
        attributes_destroy(&p->component);
        return NULL;
    }
    p->items = processor_items(spec->telemetry, spec->id);
    return &p->component;
}

const struct component_kind attributes_processor = {
    .type = "attributes",
    .class = COMPONENT_PROCESSOR,
    .summary = "sets, deletes, hashes, extracts and converts attributes of spans",
    .create = attributes_create,
};
