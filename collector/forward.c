#include "collector/forward.h"

#include "component/config.h"

#include <stdlib.h>

static const struct config_field fields[] = {CONFIG_END};

static void forward_destroy(struct component *c)
{
    free(c);
}

static const struct component_ops ops = {
    .consume = component_pass,
    .has_room = component_next_has_room,
    .destroy = forward_destroy,
};

static struct component *forward_create(const struct component_spec *spec, struct error *e)
{
    if (!config_read(spec->config, fields, NULL, e))
        return NULL;
    struct component *c = calloc(1, sizeof *c);
    if (!c) {
        error_set(e, "out of memory");
        return NULL;
    }
    component_init(c, spec, &ops);
    return c;
}

const struct component_kind forward_connector = {
    .type = "forward",
    .class = COMPONENT_CONNECTOR,
    .summary = "hands spans from one pipeline to others",
    .create = forward_create,
};
