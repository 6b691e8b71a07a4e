/* `processors: attributes`: actions on the attributes of spans, of all or of those that include and
 * exclude leave. `processors: resource`: the same actions on the attributes of resources, once for
 * each resource of a batch. A message that they leave as it was goes on byte for byte. */
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
    struct span_match *match; /* NULL: of resources */
    struct processor_items items;
};

static void load(const struct attributes *p, struct attribute_list *list, const struct batch *b,
                 uint32_t i)
{
    if (p->match)
        attribute_list_load(list, span_bytes(&b->spans[i]), SPAN_ATTRIBUTES);
    else
        attribute_list_load(list, b->resources[i].message, RESOURCE_ATTRIBUTES);
}

/* Works on one span or resource; `*b` becomes ours to change when something changes. */
static bool process(const struct attributes *p, struct attribute_list *list, struct batch **b,
                    bool *owned, uint32_t i)
{
    load(p, list, *b, i);
    if (list->too_many)
        return false;
    attribute_actions_apply(p->actions, list);
    if (!list->changed && !list->failed)
        return true;
    if (!*owned)
        *b = batch_writable(*b);
    *owned = true;
    return *b && (p->match ? attribute_list_write_span(list, *b, i)
                           : attribute_list_write_resource(list, *b, i));
}

static struct outcome refuse(const struct attributes *p, const struct attribute_list *list)
{
    if (list->too_many)
        return outcome_rejected(GRPC_INVALID_ARGUMENT, "%s: a %s has more than %d attributes",
                                p->component.id, p->match ? "span" : "resource",
                                ATTRIBUTE_LIST_MAX);
    return outcome_busy(RETRY_AFTER_MS, "out of memory");
}

static struct outcome attributes_consume(struct component *c, struct batch *b, struct receipt *r)
{
    struct attributes *p = (struct attributes *)c;
    struct attribute_list list = {0};
    struct span_match_memo memo = {0};
    struct outcome answer = outcome_accepted();
    const uint32_t count = p->match ? b->span_count : b->resource_count;
    bool owned = false, done = true;
    counter_add(p->items.incoming, b->span_count);
    for (uint32_t i = 0; done && i < count; i++)
        done =
            (p->match && !span_matches(p->match, &memo, b, i)) || process(p, &list, &b, &owned, i);
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

/* With the actions under `key`. */
static struct attributes *create(const struct component_spec *spec, const char *key,
                                 struct error *e)
{
    struct attributes *p = calloc(1, sizeof *p);
    if (!p) {
        error_set(e, "out of memory");
        return NULL;
    }
    component_init(&p->component, spec, &ops);
    p->actions = attribute_actions_create(spec->config, key, e);
    if (!p->actions) {
        attributes_destroy(&p->component);
        return NULL;
    }
    p->items = processor_items(spec->telemetry, spec->id);
    return p;
}

struct settings {
    const struct config_value *actions;
    const struct config_value *include;
    const struct config_value *exclude;
};

static struct component *attributes_create(const struct component_spec *spec, struct error *e)
{
    static const struct config_field fields[] = {
        {.key = "actions", .type = FIELD_VALUE, .offset = offsetof(struct settings, actions)},
        {.key = "include", .type = FIELD_VALUE, .offset = offsetof(struct settings, include)},
        {.key = "exclude", .type = FIELD_VALUE, .offset = offsetof(struct settings, exclude)},
        CONFIG_END,
    };
    struct settings s = {0};
    struct attributes *p =
        config_read(spec->config, fields, &s, e) ? create(spec, "actions", e) : NULL;
    if (!p)
        return NULL;
    p->match = span_match_create(spec->config, e);
    if (!p->match) {
        attributes_destroy(&p->component);
        return NULL;
    }
    return &p->component;
}

static struct component *resource_create(const struct component_spec *spec, struct error *e)
{
    static const struct config_field fields[] = {
        {.key = "attributes", .type = FIELD_VALUE, .offset = 0},
        CONFIG_END,
    };
    const struct config_value *actions = NULL;
    struct attributes *p =
        config_read(spec->config, fields, &actions, e) ? create(spec, "attributes", e) : NULL;
    return p ? &p->component : NULL;
}

const struct component_kind attributes_processor = {
    .type = "attributes",
    .class = COMPONENT_PROCESSOR,
    .summary = "sets, deletes, hashes, extracts and converts attributes of spans",
    .create = attributes_create,
};

const struct component_kind resource_processor = {
    .type = "resource",
    .class = COMPONENT_PROCESSOR,
    .summary = "sets, deletes, hashes, extracts and converts attributes of resources",
    .create = resource_create,
};
