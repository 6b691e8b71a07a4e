/* What exporters' tests share: batches of numbered spans, configuration without YAML, a component
 * to stand behind a queue, and a tally of which spans arrived how often. */
#ifndef TAILSPAN_TESTS_EXPORTERS_FIXTURE_H
#define TAILSPAN_TESTS_EXPORTERS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "component/component.h"
#include "component/config.h"
#include "component/lane.h"
#include "component/telemetry.h"
#include "proto/frame.h"
#include "proto/wire.h"

#include <endian.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- spans ---- */

/* A batch of `count` spans of one service; their span ids are first, first + 1, … */
static inline struct batch *spans_from(uint64_t first, uint32_t count)
{
    size_t capacity = 64 + (size_t)count * 96;
    uint8_t *scope = malloc(capacity), *request = malloc(capacity + 64);
    struct wire_writer w = wire_writer(scope, capacity);
    for (uint32_t i = 0; i < count; i++) {
        uint8_t trace_id[16] = {7};
        uint8_t span_id[8];
        uint64_t number = htobe64(first + i + 1); /* an id of zeroes is none */
        memcpy(span_id, &number, 8);
        wire_put_frame(&w, 2, 18 + 10 + 8 + 9 + 9);
        wire_put_bytes(&w, 1, bytes_of(trace_id, 16));
        wire_put_bytes(&w, 2, bytes_of(span_id, 8));
        wire_put_bytes(&w, 5, bytes_of_string("a name"));
        wire_put_fixed64(&w, 7, 1000);
        wire_put_fixed64(&w, 8, 2000);
    }
    size_t scope_len = (size_t)(w.at - scope);
    w = wire_writer(request, capacity + 64);
    wire_put_frame(&w, 1, wire_framed_size(2, scope_len));
    wire_put_bytes(&w, 2, bytes_of(scope, scope_len));
    struct batch_report report;
    struct batch *b = batch_from_request(bytes_of(request, (size_t)(w.at - request)), &report);
    free(scope);
    free(request);
    assert_non_null(b);
    assert_int_equal(b->span_count, count);
    return b;
}

/* How often each numbered span arrived. */
#define TALLY_MAX 20000
struct tally {
    pthread_mutex_t lock;
    uint32_t times[TALLY_MAX];
    uint32_t requests;
    uint32_t spans;
};

static inline void tally_request(struct tally *t, struct bytes wire)
{
    struct batch_report report;
    struct batch *b = batch_from_request(wire, &report);
    if (!b)
        abort();
    pthread_mutex_lock(&t->lock);
    t->requests++;
    t->spans += b->span_count;
    for (uint32_t i = 0; i < b->span_count; i++) {
        uint64_t number;
        memcpy(&number, b->spans[i].span_id, 8);
        number = be64toh(number) - 1;
        if (number >= TALLY_MAX)
            abort();
        t->times[number]++;
    }
    pthread_mutex_unlock(&t->lock);
    batch_release(b);
}

static inline void tally_frame(struct tally *t, const struct frame *f)
{
    struct buffer wire = {0};
    frame_flatten(f, &wire);
    tally_request(t, buffer_bytes(&wire));
    buffer_free(&wire);
}

/* Spans [first, first + count) arrived once each. */
static inline void assert_each_once(struct tally *t, uint64_t first, uint32_t count)
{
    pthread_mutex_lock(&t->lock);
    for (uint64_t i = first; i < first + count; i++) {
        if (t->times[i] != 1)
            fail_msg("span %llu arrived %u times", (unsigned long long)i, t->times[i]);
    }
    pthread_mutex_unlock(&t->lock);
}

/* ---- configuration ---- */

struct config_node {
    struct config_value value;
    char key[64];
    char text[256];
};

/* A tree from lines such as "sending_queue.batch.max_size=5"; "a.b={}" makes an empty map. Nodes
 * come from a fixed arena, which the next tree reuses. */
static struct config_node config_nodes[128];
static size_t config_node_count;

static inline struct config_value *config_add(struct config_value *parent, const char *key,
                                              size_t len)
{
    for (struct config_value *c = parent->children; c; c = c->next) {
        if (strlen(c->key) == len && strncmp(c->key, key, len) == 0)
            return c;
    }
    struct config_node *n = &config_nodes[config_node_count++];
    assert_true(config_node_count < 128);
    *n = (struct config_node){.value = {.type = CONFIG_MAP, .parent = parent, .file = "test.yaml"}};
    snprintf(n->key, sizeof n->key, "%.*s", (int)len, key);
    n->value.key = n->key;
    n->value.line = (int)config_node_count;
    n->value.next = parent->children;
    parent->children = &n->value;
    return &n->value;
}

static inline struct config_value *config_of(const char *const *lines)
{
    config_node_count = 0;
    static struct config_value root;
    root = (struct config_value){.type = CONFIG_MAP, .file = "test.yaml", .line = 1};
    for (; *lines; lines++) {
        if (!**lines)
            continue;
        const char *at = *lines;
        const char *equals = strchr(at, '=');
        struct config_value *v = &root;
        while (at < equals) {
            size_t len = strcspn(at, ".=");
            v = config_add(v, at, len);
            at += len + 1;
        }
        struct config_node *n = (struct config_node *)v;
        if (strcmp(equals + 1, "{}") == 0)
            continue;
        snprintf(n->text, sizeof n->text, "%s", equals + 1);
        v->type = CONFIG_SCALAR;
        v->text = n->text;
    }
    return &root;
}
#define CONFIG(...) config_of((const char *const[]){"", ##__VA_ARGS__, NULL})

/* ---- surroundings ---- */

struct surroundings {
    struct telemetry *telemetry;
    struct lane *lane;
    struct lane *lanes[1];
    struct component_spec spec;
};

static inline void surroundings_open(struct surroundings *s, const struct component_kind *kind,
                                     const char *id)
{
    grpc_init();
    s->telemetry = telemetry_create();
    s->lane = lane_create("test");
    s->lanes[0] = s->lane;
    assert_true(lane_start(s->lane));
    s->spec = (struct component_spec){.kind = kind,
                                      .id = id,
                                      .lanes = s->lanes,
                                      .lane_count = 1,
                                      .telemetry = s->telemetry,
                                      .data_directory = "/nonexistent"};
}

static inline void surroundings_close(struct surroundings *s)
{
    lane_destroy(s->lane);
    telemetry_destroy(s->telemetry);
    grpc_shutdown();
}

static inline uint64_t count_of(struct surroundings *s, const char *name)
{
    return counter_read(
        telemetry_counter(s->telemetry, name, "", LABELS({"exporter", s->spec.id})));
}

static inline uint64_t dropped(struct surroundings *s, const char *reason)
{
    return counter_read(telemetry_counter(s->telemetry, "tailspan_exporter_dropped_spans", "",
                                          LABELS({"exporter", s->spec.id}, {"reason", reason})));
}

static inline uint64_t seconds_from_now(unsigned seconds)
{
    return monotonic_ns() + seconds * 1000000000ull;
}

/* Waits until a condition holds; the test's own time limit ends a wait in vain. */
#define eventually(condition)                                                                      \
    do {                                                                                           \
        while (!(condition))                                                                       \
            usleep(1000);                                                                          \
    } while (0)

/* ---- receipts ---- */

struct waiting_sender {
    struct receipt receipt; /* first */
    atomic_bool answered;
    struct outcome outcome;
};

static inline void sender_answered(struct receipt *r, const struct outcome *worst)
{
    struct waiting_sender *w = (struct waiting_sender *)r;
    w->outcome = *worst;
    atomic_store(&w->answered, true);
}

static inline void sender_begin(struct waiting_sender *w)
{
    atomic_init(&w->answered, false);
    receipt_begin(&w->receipt, sender_answered);
}

/* Closes the receipt as a receiver does, with what consume() said. */
static inline void sender_close(struct waiting_sender *w, struct outcome said)
{
    receipt_resolve(&w->receipt, &said);
}

#endif
