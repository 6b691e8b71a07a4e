/* A processor between a test that sends and an end that keeps what it gets. Configurations and
 * spans are JSON in which ' stands for " and ` for \". */
#ifndef TAILSPAN_TESTS_PROCESSORS_PIPE_H
#define TAILSPAN_TESTS_PROCESSORS_PIPE_H

#include "component/telemetry.h"
#include "processors/processors.h"
#include "proto/attribute.h"
#include "tests/unit/proto/failing_malloc.h"
#include "tests/unit/sampling/policy_support.h"

struct pipe {
    struct telemetry *telemetry;
    struct component *processor;
    struct component end;
    struct batch *received; /* the last one */
};

static inline struct outcome pipe_take(struct component *c, struct batch *b, struct receipt *r)
{
    struct pipe *p = (struct pipe *)((char *)c - offsetof(struct pipe, end));
    (void)r;
    if (p->received)
        batch_release(p->received);
    p->received = b;
    return outcome_accepted();
}

static inline struct component *pipe_make(const struct component_kind *kind, struct telemetry *t,
                                          const char *config, struct error *e)
{
    struct component_spec spec = {
        .kind = kind, .id = "x", .config = config_of(config), .telemetry = t};
    return kind->create(&spec, e);
}

static inline struct pipe *pipe_open(const struct component_kind *kind, const char *config)
{
    static const struct component_ops ops = {.consume = pipe_take};
    struct pipe *p = calloc(1, sizeof *p);
    struct error e = {0};
    p->telemetry = telemetry_create();
    p->end.ops = &ops;
    p->processor = pipe_make(kind, p->telemetry, config, &e);
    if (!p->processor)
        fail_msg("%s", e.text);
    p->processor->next = &p->end;
    return p;
}

static inline void pipe_close(struct pipe *p)
{
    if (p->received)
        batch_release(p->received);
    p->processor->ops->destroy(p->processor);
    telemetry_destroy(p->telemetry);
    free(p);
}

static inline enum verdict pipe_send(struct pipe *p, struct batch *b)
{
    return component_consume(p->processor, b, NULL).verdict;
}

/* The names of what was received last, with those of its events: "a b(x y)". */
static inline const char *names_of(const struct batch *b)
{
    static char text[500];
    struct span_cursor cursor;
    struct event_view event;
    size_t len = 0;
    text[0] = 0;
    for (uint32_t i = 0; b && i < b->span_count; i++) {
        struct bytes name = span_name(&b->spans[i]);
        unsigned events = 0;
        len += (size_t)sprintf(text + len, "%s%.*s", i ? " " : "", (int)name.len, name.data);
        span_events_begin(&cursor, span_bytes(&b->spans[i]));
        while (event_next(&cursor, &event))
            len += (size_t)sprintf(text + len, "%c%.*s", events++ ? ' ' : '(', (int)event.name.len,
                                   event.name.data);
        if (events)
            len += (size_t)sprintf(text + len, ")");
    }
    return text;
}

static inline void assert_counted(struct pipe *p, const char *line)
{
    struct buffer out = {0};
    telemetry_write(p->telemetry, &out);
    char *text = buffer_take(&out, NULL);
    if (!strstr(text, line))
        fail_msg("no %s in:\n%s", line, text);
    free(text);
}

struct attempt {
    struct pipe *pipe;
    struct batch *batch;
};

static inline bool pipe_attempt(void *context)
{
    struct attempt *a = context;
    enum verdict v = pipe_send(a->pipe, batch_retain(a->batch));
    assert_true(v == VERDICT_ACCEPTED || v == VERDICT_BUSY);
    assert_int_equal(v == VERDICT_ACCEPTED, a->pipe->received != NULL);
    return v == VERDICT_ACCEPTED;
}

/* Sends `b` with less memory than it takes, then with enough. It is busy until then. */
static inline void pipe_send_short_of_memory(struct pipe *p, struct batch *b)
{
    struct attempt a = {p, b};
    assert_true(until_memory_suffices(pipe_attempt, &a) >= 2);
    batch_release(b);
}

static inline void assert_refused(const struct component_kind *kind, const char *config,
                                  const char *part)
{
    struct telemetry *t = telemetry_create();
    struct error e = {0};
    assert_null(pipe_make(kind, t, config, &e));
    if (!strstr(e.text, part))
        fail_msg("%s: \"%s\" does not say \"%s\"", config, e.text, part);
    telemetry_destroy(t);
}

static inline int pipe_teardown(void **state)
{
    (void)state;
    config_release();
    return 0;
}

#endif
