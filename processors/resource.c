/* `processors: resource`: the actions of `attributes` on the attributes of resources, once for each
 * resource of a batch. */
#include "component/config.h"
#include "component/telemetry.h"
#include "processors/attributes_actions.h"
#include "processors/processors.h"

#include <stdlib.h>

enum { RETRY_AFTER_MS = 1000 };

struct resource {
    struct component component;
    struct attribute_actions *actions;
    struct counter *incoming;
    struct counter *outgoing;
};

/* Changes the resources of `b`, for the reference to it. NULL: out of memory. */
static struct batch *process(const struct resource *p, struct batch *b)
{
    struct attribute_list list = {0};
    bool writable = false;
    for (uint32_t i = 0; b && i < b->resource_count; i++) {
        attribute_list_load(&list, b->resources[i].message, RESOURCE_ATTRIBUTES);
        attribute_actions_apply(p->actions, &list);
        if (!list.changed && !list.failed)
            continue;
        if (!writable)
            b = batch_writable(b);
        writable = true;
        if (b && !attribute_list_write_resource(&list, b, i)) {
            batch_release(b);
            b = NULL;
        }
    }
    attribute_list_free(&list);
    return b;
}

static struct outcome resource_consume(struct component *c, struct batch *b, struct receipt *r)
{
    struct resource *p = (struct resource *)c;
    counter_add(p->incoming, b->span_count);
    b = process(p, b);
    if (!b)
        return outcome_busy(RETRY_AFTER_MS, "out of memory");
    counter_add(p->outgoing, b->span_count);
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
    const struct label *processor = LABELS({"processor", spec->id}, {"otel_signal", "traces"});
    p->incoming = telemetry_counter(spec->telemetry, "otelcol_processor_incoming_items",
                                    "Items passed to the processor.", processor);
    p->outgoing = telemetry_counter(spec->telemetry, "otelcol_processor_outgoing_items",
                                    "Items emitted from the processor.", processor);
    return &p->component;
}

const struct component_kind resource_processor = {
    .type = "resource",
    .class = COMPONENT_PROCESSOR,
    .summary = "sets, deletes, hashes, extracts and converts attributes of resources",
    .create = resource_create,
};
