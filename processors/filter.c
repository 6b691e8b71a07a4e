/* `processors: filter`: drops spans, and events of spans, for which a condition holds.
 *
 * Each span is asked once, in place. A batch without a hit goes on as it came. Dropped spans leave
 * through a selection, which copies the index only; a span that loses events is written anew.
 *
 * The groups of trace_conditions are, for spans, one long list joined by "or": whichever drops a
 * span, it is gone, and so are its events. So conditions are kept in two lists, of spans and of
 * events, and only what to do about an error is each condition's own. */
#include "component/clock.h"
#include "component/config.h"
#include "component/log.h"
#include "component/loss_log.h"
#include "component/processor_metrics.h"
#include "component/telemetry.h"
#include "processors/processors.h"
#include "proto/edit.h"
#include "sampling/ottl.h"

#include <pthread.h>
#include <stdlib.h>

enum { GRPC_INTERNAL = 13, RETRY_AFTER_MS = 1000 };

enum error_mode { MODE_IGNORE, MODE_SILENT, MODE_PROPAGATE };

static const char *const modes[] = {"ignore", "silent", "propagate", NULL};

struct condition {
    struct ottl *ottl;
    int error_mode;
};

struct conditions {
    struct condition *items;
    size_t count;
};

struct filter {
    struct component component;
    struct conditions of_spans;
    struct conditions of_events;
    struct counter *filtered;
    struct processor_items items;

    pthread_mutex_t lock; /* guards: */
    struct loss_log errors;
};

/* ---- configuration ---- */

struct trace_settings {
    struct config_strings spans;
    struct config_strings events;
};

struct settings {
    int error_mode;
    struct trace_settings traces;
    const struct config_value *groups;
};

struct group_settings {
    int error_mode;
    int context;
    struct config_strings conditions;
    bool has_error_mode;
};

enum group_context { CONTEXT_INFERRED, CONTEXT_SPAN, CONTEXT_SPANEVENT };

static const char *const contexts[] = {"", "span", "spanevent", NULL};

static const struct config_field trace_fields[] = {
    {.key = "span", .type = FIELD_STRINGS, .offset = offsetof(struct trace_settings, spans)},
    {.key = "spanevent", .type = FIELD_STRINGS, .offset = offsetof(struct trace_settings, events)},
    CONFIG_END,
};

static const struct config_field fields[] = {
    {.key = "error_mode",
     .type = FIELD_CHOICE,
     .offset = offsetof(struct settings, error_mode),
     .choices = modes},
    {.key = "traces",
     .type = FIELD_SECTION,
     .offset = offsetof(struct settings, traces),
     .section = trace_fields},
    {.key = "trace_conditions", .type = FIELD_VALUE, .offset = offsetof(struct settings, groups)},
    CONFIG_END,
};

static const struct config_field group_fields[] = {
    {.key = "context",
     .type = FIELD_CHOICE,
     .offset = offsetof(struct group_settings, context),
     .choices = contexts},
    {.key = "conditions",
     .type = FIELD_STRINGS,
     .offset = offsetof(struct group_settings, conditions)},
    {.key = "error_mode",
     .type = FIELD_CHOICE,
     .offset = offsetof(struct group_settings, error_mode),
     .choices = modes,
     .present = offsetof(struct group_settings, has_error_mode)},
    CONFIG_END,
};

static bool add_condition(struct conditions *list, const char *text, enum ottl_context context,
                          int error_mode, struct error *why)
{
    struct condition *grown = reallocarray(list->items, list->count + 1, sizeof *grown);
    if (!grown)
        return error_set(why, "out of memory");
    list->items = grown;
    struct ottl *o = ottl_compile(text, context, why);
    if (!o)
        return false;
    list->items[list->count++] = (struct condition){o, error_mode};
    return true;
}

static bool add_conditions(struct filter *f, const struct config_strings *texts,
                           enum ottl_context context, int error_mode,
                           const struct config_value *place, struct error *e)
{
    struct conditions *list = context == OTTL_SPAN ? &f->of_spans : &f->of_events;
    for (size_t i = 0; i < texts->count; i++) {
        struct error why = {0};
        if (!add_condition(list, texts->items[i], context, error_mode, &why))
            return config_error(place, e, "condition %zu: %.600s", i + 1, why.text);
    }
    return true;
}

/* What a condition is about shows in its paths: an event, when they make sense of no span. */
static bool add_inferred(struct filter *f, const char *text, int error_mode, struct error *why)
{
    return add_condition(&f->of_spans, text, OTTL_SPAN, error_mode, why) ||
           add_condition(&f->of_events, text, OTTL_SPANEVENT, error_mode, why);
}

static bool add_group(struct filter *f, const struct group_settings *g,
                      const struct config_value *place, struct error *e)
{
    if (g->conditions.count == 0)
        return config_error(place, e, "a condition is needed, under conditions");
    if (g->context != CONTEXT_INFERRED)
        return add_conditions(f, &g->conditions,
                              g->context == CONTEXT_SPAN ? OTTL_SPAN : OTTL_SPANEVENT,
                              g->error_mode, place, e);
    for (size_t i = 0; i < g->conditions.count; i++) {
        struct error why = {0};
        if (!add_inferred(f, g->conditions.items[i], g->error_mode, &why))
            return config_error(place, e, "condition %zu: %.600s", i + 1, why.text);
    }
    return true;
}

/* A list of conditions, which is one group, or of groups. */
static bool add_groups(struct filter *f, const struct config_value *list, int error_mode,
                       struct error *e)
{
    static const struct config_field only_conditions[] = {
        {.key = "trace_conditions",
         .type = FIELD_STRINGS,
         .offset = offsetof(struct group_settings, conditions)},
        CONFIG_END,
    };
    struct group_settings all = {.error_mode = error_mode};
    if (list->type != CONFIG_LIST)
        return config_error(list, e, "is not a list");
    if (list->children && list->children->type == CONFIG_SCALAR) {
        struct config_value copy = *list, map = {.type = CONFIG_MAP, .children = &copy};
        copy.next = NULL;
        return config_read(&map, only_conditions, &all, e) && add_group(f, &all, list, e);
    }
    for (const struct config_value *v = list->children; v; v = v->next) {
        struct group_settings g = {0};
        if (!config_read(v, group_fields, &g, e))
            return false;
        if (!g.has_error_mode)
            g.error_mode = error_mode;
        if (!add_group(f, &g, v, e))
            return false;
    }
    return true;
}

static bool compile(struct filter *f, const struct settings *s, const struct config_value *config,
                    struct error *e)
{
    const struct config_value *traces = config_child(config, "traces");
    bool explicit = s->traces.spans.count + s->traces.events.count > 0;
    if (explicit && s->groups && s->groups->type != CONFIG_NULL)
        return config_error(s->groups, e, "cannot be used together with traces");
    if (s->groups && s->groups->type != CONFIG_NULL && !add_groups(f, s->groups, s->error_mode, e))
        return false;
    return add_conditions(f, &s->traces.spans, OTTL_SPAN, s->error_mode,
                          config_child(traces, "span"), e) &&
           add_conditions(f, &s->traces.events, OTTL_SPANEVENT, s->error_mode,
                          config_child(traces, "spanevent"), e);
}

/* ---- asking ---- */

/* What becomes of a batch. */
struct sieve {
    const struct filter *filter;
    const struct batch *batch;
    uint32_t *kept; /* indices of the spans that stay */
    uint32_t kept_count;
    uint32_t *edited; /* positions among those kept of spans that lose events */
    uint32_t edited_count;
    uint32_t span;   /* the one that is_filtered() is about */
    uint64_t errors; /* of conditions that are ignored, and logged */
    bool failed;     /* a condition that is not to be ignored could not be evaluated */
};

static bool any_holds(struct sieve *s, const struct conditions *list, uint32_t span,
                      const struct event_view *event)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct condition *c = &list->items[i];
        enum ottl_result r = ottl_evaluate(c->ottl, s->batch, span, event);
        if (r == OTTL_TRUE)
            return true;
        if (r == OTTL_FALSE)
            continue;
        s->errors += c->error_mode == MODE_IGNORE;
        if (c->error_mode == MODE_PROPAGATE) {
            s->failed = true;
            return false;
        }
    }
    return false;
}

static bool is_filtered(void *context, const struct event_view *event)
{
    struct sieve *s = context;
    return any_holds(s, &s->filter->of_events, s->span, event);
}

static bool loses_events(struct sieve *s, uint32_t span)
{
    struct span_cursor cursor;
    struct event_view event;
    bool any = false;
    if (s->filter->of_events.count == 0)
        return false;
    s->span = span;
    span_events_begin(&cursor, span_bytes(&s->batch->spans[span]));
    while (event_next(&cursor, &event))
        any |= is_filtered(s, &event);
    return any;
}

/* ---- a batch ---- */

static bool sift(struct sieve *s)
{
    uint32_t count = s->batch->span_count;
    s->kept = malloc(2 * (size_t)count * sizeof *s->kept);
    if (!s->kept)
        return false;
    s->edited = s->kept + count;
    for (uint32_t i = 0; i < count; i++) {
        if (any_holds(s, &s->filter->of_spans, i, NULL))
            continue;
        if (loses_events(s, i))
            s->edited[s->edited_count++] = s->kept_count;
        s->kept[s->kept_count++] = i;
    }
    return true;
}

/* The batch that goes on, for the reference to `b`. NULL: out of memory. */
static struct batch *apply(struct sieve *s, struct batch *b)
{
    if (s->kept_count < b->span_count) {
        struct batch *selected = batch_select(b, s->kept, s->kept_count);
        batch_release(b);
        if (!selected)
            return NULL;
        b = selected;
    }
    if (s->edited_count > 0)
        b = batch_writable(b);
    s->batch = b;
    for (uint32_t i = 0; b && i < s->edited_count; i++) {
        s->span = s->edited[i];
        if (!span_remove_events(b, s->span, is_filtered, s)) {
            batch_release(b);
            return NULL;
        }
    }
    return b;
}

static struct outcome hand_on(struct filter *f, struct sieve *s, struct batch *b, struct receipt *r)
{
    uint32_t dropped = b->span_count - s->kept_count;
    if (s->failed) {
        batch_release(b);
        return outcome_rejected(GRPC_INTERNAL, "%s: a condition could not be evaluated",
                                f->component.id);
    }
    if (s->kept_count == 0) {
        batch_release(b);
        counter_add(f->filtered, dropped);
        return outcome_accepted();
    }
    b = apply(s, b);
    if (!b)
        return outcome_busy(RETRY_AFTER_MS, "out of memory");
    counter_add(f->filtered, dropped);
    counter_add(f->items.outgoing, b->span_count);
    return component_consume(f->component.next, b, r);
}

static void log_errors(const struct filter *f, const struct loss *told)
{
    log_warn(f->component.id, "conditions could not be evaluated and count as false",
             LOG_I("times", told->items), LOG_I("requests", told->requests));
}

/* One line a minute: spans that a condition does not fit come again and again. */
static void tell_errors(struct filter *f, uint64_t errors)
{
    struct loss told;
    pthread_mutex_lock(&f->lock);
    loss_log_add(&f->errors, errors);
    bool due = loss_log_take(&f->errors, monotonic_ns(), &told);
    pthread_mutex_unlock(&f->lock);
    if (due)
        log_errors(f, &told);
}

static struct outcome filter_consume(struct component *c, struct batch *b, struct receipt *r)
{
    struct filter *f = (struct filter *)c;
    struct sieve s = {.filter = f, .batch = b};
    counter_add(f->items.incoming, b->span_count);
    if (b->span_count == 0)
        return component_consume(c->next, b, r);
    if (!sift(&s)) {
        batch_release(b);
        return outcome_busy(RETRY_AFTER_MS, "out of memory");
    }
    if (s.errors > 0)
        tell_errors(f, s.errors);
    struct outcome o = hand_on(f, &s, b, r);
    free(s.kept);
    return o;
}

/* ---- its life ---- */

static void conditions_free(struct conditions *list)
{
    for (size_t i = 0; i < list->count; i++)
        ottl_destroy(list->items[i].ottl);
    free(list->items);
}

static void filter_destroy(struct component *c)
{
    struct filter *f = (struct filter *)c;
    struct loss told;
    if (loss_log_take(&f->errors, UINT64_MAX, &told))
        log_errors(f, &told);
    conditions_free(&f->of_spans);
    conditions_free(&f->of_events);
    pthread_mutex_destroy(&f->lock);
    free(f);
}

static const struct component_ops ops = {
    .consume = filter_consume,
    .has_room = component_next_has_room,
    .destroy = filter_destroy,
};

static struct component *filter_create(const struct component_spec *spec, struct error *e)
{
    struct settings s = {0};
    if (!config_read(spec->config, fields, &s, e))
        return NULL;
    struct filter *f = calloc(1, sizeof *f);
    if (!f) {
        error_set(e, "out of memory");
        return NULL;
    }
    component_init(&f->component, spec, &ops);
    pthread_mutex_init(&f->lock, NULL);
    if (!compile(f, &s, spec->config, e)) {
        filter_destroy(&f->component);
        return NULL;
    }
    f->filtered = telemetry_counter(spec->telemetry, "otelcol_processor_filter_spans_filtered",
                                    "Spans that the filter dropped.", LABELS({"filter", spec->id}));
    f->items = processor_items(spec->telemetry, spec->id);
    return &f->component;
}

const struct component_kind filter_processor = {
    .type = "filter",
    .class = COMPONENT_PROCESSOR,
    .summary = "drops spans, and events of spans, by conditions",
    .create = filter_create,
};
