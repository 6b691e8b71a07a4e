/* `exporters: nop`: takes every span and forgets it. For measuring what lies in front of it. */
#include "component/config.h"
#include "component/exporter_metrics.h"
#include "component/telemetry.h"
#include "exporters/exporters.h"

#include <stdlib.h>

struct nop {
    struct component component;
    struct counter *sent;
};

static struct outcome nop_consume(struct component *c, struct batch *b, struct receipt *r)
{
    (void)r;
    counter_add(((struct nop *)c)->sent, b->span_count);
    batch_release(b);
    return outcome_accepted();
}

/* Never asks. */
static bool nop_take_metrics(struct component *c, struct metric_source *source)
{
    (void)c;
    (void)source;
    return true;
}

static void nop_destroy(struct component *c)
{
    free(c);
}

static const struct component_ops ops = {
    .consume = nop_consume,
    .take_metrics = nop_take_metrics,
    .destroy = nop_destroy,
};

static struct component *nop_create(const struct component_spec *spec, struct error *e)
{
    static const struct config_field none[] = {CONFIG_END};
    struct nop *n = NULL;
    if (!config_read(spec->config, none, &n, e))
        return NULL;
    n = calloc(1, sizeof *n);
    if (!n) {
        error_set(e, "out of memory");
        return NULL;
    }
    component_init(&n->component, spec, &ops);
    n->sent =
        telemetry_counter(spec->telemetry, EXPORTER_SENT_SPANS, LABELS({"exporter", spec->id}));
    return &n->component;
}

const struct component_kind nop_exporter = {
    .type = "nop",
    .class = COMPONENT_EXPORTER,
    .summary = "takes every span and forgets it",
    .create = nop_create,
};
