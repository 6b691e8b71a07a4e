/* `processors: batch`, accepted because every configuration has it.
 *
 * The Collector's batch processor holds spans back, unacknowledged by anything behind it. Here a
 * batch passes on at once, and the exporters behind, which frame spans anew anyway, merge and split
 * to these sizes in their queues: the same requests on the wire, and nothing waits outside of a
 * queue that counts. The graph reads the settings and gives them to those exporters. */
#include "component/config.h"
#include "component/processor_metrics.h"
#include "processors/processors.h"

#include <stdlib.h>

struct settings {
    int64_t send_batch_size;
    int64_t send_batch_max_size;
    int64_t timeout_ns;
    struct config_strings metadata_keys;
    int64_t metadata_cardinality_limit;
};

static const struct config_field fields[] = {
    {.key = "send_batch_size",
     .type = FIELD_INT,
     .offset = offsetof(struct settings, send_batch_size),
     .fallback = "8192",
     .min = 0,
     .max = UINT32_MAX},
    {.key = "send_batch_max_size",
     .type = FIELD_INT,
     .offset = offsetof(struct settings, send_batch_max_size),
     .fallback = "0",
     .min = 0,
     .max = UINT32_MAX},
    {.key = "timeout",
     .type = FIELD_DURATION,
     .offset = offsetof(struct settings, timeout_ns),
     .fallback = "200ms"},
    {.key = "metadata_keys",
     .type = FIELD_STRINGS,
     .offset = offsetof(struct settings, metadata_keys)},
    {.key = "metadata_cardinality_limit",
     .type = FIELD_INT,
     .offset = offsetof(struct settings, metadata_cardinality_limit),
     .fallback = "1000",
     .min = 1,
     .max = UINT32_MAX},
    CONFIG_END,
};

bool batch_processor_settings(const struct config_value *config, struct batch_settings *out,
                              struct error *e)
{
    struct settings s = {0};
    if (!config_read(config, fields, &s, e))
        return false;
    if (s.metadata_keys.count > 0)
        return config_error(config_child(config, "metadata_keys"), e,
                            "is not supported: batches are not kept apart by client metadata");
    if (s.send_batch_max_size != 0 && s.send_batch_max_size < s.send_batch_size)
        return config_error(config, e, "send_batch_max_size must not be less than send_batch_size");
    *out = (struct batch_settings){.present = true,
                                   .timeout_ns = (uint64_t)s.timeout_ns,
                                   .min_spans = (uint32_t)s.send_batch_size,
                                   .max_spans = (uint32_t)s.send_batch_max_size};
    return true;
}

struct batch_processor {
    struct component base;
    struct processor_items items;
};

static struct outcome batch_consume(struct component *c, struct batch *b, struct receipt *r)
{
    struct batch_processor *p = (struct batch_processor *)c;
    counter_add(p->items.incoming, b->span_count);
    counter_add(p->items.outgoing, b->span_count);
    return component_pass(c, b, r);
}

static void batch_destroy(struct component *c)
{
    free(c);
}

static const struct component_ops ops = {
    .consume = batch_consume,
    .has_room = component_next_has_room,
    .destroy = batch_destroy,
};

static struct component *batch_processor_create(const struct component_spec *spec, struct error *e)
{
    struct batch_settings settings;
    if (!batch_processor_settings(spec->config, &settings, e))
        return NULL;
    struct batch_processor *p = calloc(1, sizeof *p);
    if (!p) {
        error_set(e, "out of memory");
        return NULL;
    }
    component_init(&p->base, spec, &ops);
    p->items = processor_items(spec->telemetry, spec->id);
    return &p->base;
}

const struct component_kind batch_processor = {
    .type = "batch",
    .class = COMPONENT_PROCESSOR,
    .summary = "re-batches at the exporters behind it",
    .create = batch_processor_create,
};
