#include "collector/fanout.h"

#include <stdlib.h>

struct fanout {
    struct component component;
    size_t count;
    struct component *targets[];
};

static bool fanout_has_room(struct component *c, const struct batch *b, struct outcome *why)
{
    const struct fanout *f = (const struct fanout *)c;
    for (size_t i = 0; i < f->count; i++) {
        if (!component_has_room(f->targets[i], b, why))
            return false;
    }
    return true;
}

static struct outcome fanout_consume(struct component *c, struct batch *b, struct receipt *r)
{
    struct fanout *f = (struct fanout *)c;
    struct outcome worst = outcome_accepted();
    if (!fanout_has_room(c, b, &worst)) {
        batch_release(b);
        return worst;
    }
    for (size_t i = 0; i < f->count; i++) {
        struct batch *share = i + 1 < f->count ? batch_retain(b) : b;
        struct outcome o = component_consume(f->targets[i], share, r);
        if (o.verdict > worst.verdict)
            worst = o;
    }
    return worst;
}

static void fanout_destroy(struct component *c)
{
    free(c);
}

static const struct component_ops ops = {
    .consume = fanout_consume,
    .has_room = fanout_has_room,
    .destroy = fanout_destroy,
};

struct component *fanout_create(struct component *const *targets, size_t count)
{
    struct fanout *f = calloc(1, sizeof *f + count * sizeof f->targets[0]);
    if (!f)
        return NULL;
    struct component_spec spec = {.id = "fanout"};
    component_init(&f->component, &spec, &ops);
    f->count = count;
    for (size_t i = 0; i < count; i++)
        f->targets[i] = targets[i];
    return &f->component;
}
