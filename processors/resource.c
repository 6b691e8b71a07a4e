/* `processors: resource`: the actions of `attributes` on the attributes of resources, once for each
 * resource of a batch. */
#include "component/config.h"
#include "component/processor_metrics.h"
#include "processors/attributes_actions.h"
#include "processors/processors.h"

#include <stdlib.h>

enum { GRPC_INVALID_ARGUMENT = 3, RETRY_AFTER_MS = 1000 };

struct resource {
    struct component component;
    struct attribute_actions *actions;
    struct processor_items items;
};

/* Works on one resource; `*b` becomes ours to change when something changes. */
static bool process_resource(const struct resource *p, struct attribute_list *list,
                             struct batch **b, bool *owned, uint32_t resource)
{
    attribute_list_load(list, (*b)->resources[resource].message, RESOURCE_ATTRIBUTES);
    if (list->too_many)
        return false;
    attribute_actions_apply(p->actions, list);
    if (!list->changed && !list->failed)
        return true;
    if (!*owned)
        *b = batch_writable(*b);
    *owned = true;
    return *b && attribute_list_write_resource(list, *b, resource);
}

static struct outcome refuse(const struct resource *p, const struct attribute_list *list)
{
    if (list->too_many)
        return outcome_rejected(GRPC_INVALID_ARGUMENT, "%s: a resource has more than %d attributes",
                                p->component.id, ATTRIBUTE_LIST_MAX);
    return outcome_busy(RETRY_AFTER_MS, "out of memory");
}

static struct outcome resource_consume(struct component *c, struct batch *b, struct receipt *r)
{
    struct resource *p = (struct resource *)c;
    struct attribute_list list = {0};
    struct outcome answer = outcome_accepted();
    const uint32_t count = b->resource_count;
    bool owned = false, done = true;
    counter_add(p->items.incoming, b->span_count);
    for (uint32_t i = 0; done && i < count; i++)
        done = process_resource(p, &list, &b, &owned, i);
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

static void resource_destroy(struct component *c)
{
    struct resource *p = (struct resource *)c;
    if (p->actions)
        attribute_actions_destroy(p->actions);
    free(p);
}

static const struct component_ops ops = {
    .consume = resource_consume,
    .has_room = component_next_has_room,
    .destroy = resource_destroy,
};

static struct component *resource_create(const struct component_spec *spec, struct error *e)
{
    const struct config_value *actions = NULL;
    static const struct config_field fields[] = {
        {.key = "attributes", .type = FIELD_VALUE, .offset = 0},
        CONFIG_END,
    };
    if (!config_read(spec->config, fields, &actions, e))
        return NULL;
    struct resource *p = calloc(1, sizeof *p);
    if (!p) {
        error_set(e, "out of memory");
        return NULL;
    }
    component_init(&p->component, spec, &ops);
    p->actions = attribute_actions_create(spec->config, "attributes", e);
    if (!p->actions) {
        resource_destroy(&p->component);
        return NULL;
    }
    p->items = processor_items(spec->telemetry, spec->id);
    return &p->component;
}

const struct component_kind resource_processor = {
    .type = "resource",
    .class = COMPONENT_PROCESSOR,
    .summary = "sets, deletes, hashes, extracts and converts attributes of resources",
    .create = resource_create,
};
