#include "collector/forward.h"

#include "component/config.h"

#include <stdlib.h>

static const struct config_field fields[] = {CONFIG_END};

static struct outcome forward_consume(struct component *c, struct batch *b, struct receipt *r)
{
    return component_consume(c->next, b, r);
}

static bool forward_has_room(struct component *c, const struct batch *b, struct outcome *why)
{
    return component_has_room(c->next, b, why);
}

static void forward_destroy(struct component *c)
{
    free(c);
}

static const struct component_ops ops = {
    .consume = forward_consume,
    .has_room = forward_has_room,
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
