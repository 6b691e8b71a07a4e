/* The memory limiter: passes below limit - spike, answers busy above, recovers by itself. */
#include "component/config.h"
#include "component/telemetry.h"
#include "processors/processors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static unsigned received;

static struct outcome take(struct component *c, struct batch *b, struct receipt *r)
{
    (void)c;
    (void)r;
    received++;
    batch_release(b);
    return outcome_accepted();
}

static const struct component_ops end_ops = {.consume = take};

static const struct config_value root = {.type = CONFIG_MAP};
static struct config_value map = {
    .parent = &root, .type = CONFIG_MAP, .key = "memory_limiter", .file = "t", .line = 1};

static void set(const char *key, const char *value)
{
    struct config_value *v = config_keep(1, sizeof *v);
    *v = (struct config_value){
        .type = CONFIG_SCALAR, .key = key, .text = value, .parent = &map, .next = map.children};
    map.children = v;
}

static struct component *make(struct telemetry *t, struct error *e)
{
    struct component_spec spec = {
        .kind = &memory_limiter_processor, .id = "memory_limiter", .config = &map, .telemetry = t};
    return memory_limiter_processor.create(&spec, e);
}

static void assert_counted(struct telemetry *t, const char *line)
{
    struct buffer out = {0};
    telemetry_write(t, &out);
    char *text = buffer_take(&out, NULL);
    assert_non_null(strstr(text, line));
    free(text);
}

static void spans_are_refused_while_memory_is_short(void **state)
{
    (void)state;
    struct telemetry *t = telemetry_create();
    struct error e = {0};
    map.children = NULL;
    set("check_interval", "1s");
    set("limit_mib", "10");
    set("spike_limit_mib", "2");
    struct component *c = make(t, &e);
    assert_non_null(c);
    struct component end = {.ops = &end_ops};
    c->next = &end;
    received = 0;
    assert_int_equal(component_consume(c, batch_create(100), NULL).verdict, VERDICT_ACCEPTED);
    struct batch *held = batch_create(9 << 20);
    assert_non_null(held);
    struct outcome why;
    held->span_count = 3; /* as far as the limiter looks */
    assert_false(component_has_room(c, held, &why));
    held->span_count = 0;
    assert_counted(
        t, "otelcol_processor_memory_limiter_refused_spans{processor=\"memory_limiter\"} 3");
    struct outcome o = component_consume(c, batch_create(100), NULL);
    assert_int_equal(o.verdict, VERDICT_BUSY);
    assert_true(o.retry_after_ms > 0);
    assert_int_equal(component_report(c).state, STATE_DEGRADED);
    batch_release(held); /* nobody sends to who is not ready, so it recovers without */
    assert_int_equal(component_report(c).state, STATE_OK);
    assert_int_equal(component_consume(c, batch_create(100), NULL).verdict, VERDICT_ACCEPTED);
    assert_int_equal(received, 2);
    c->ops->destroy(c);
    telemetry_destroy(t);
}

/* 300,000 spans of 30 bytes, whose index is three times as large as the limit. */
static void indexing_is_held_to_the_limit(void **state)
{
    (void)state;
    enum { SPANS = 300000, SPAN = 30 };
    static const char span[SPAN + 1] = "\x12\x1c\x0a\x10traceidtraceidtr\x12\x08spanidsp";
    static const uint8_t head[] = {0x0a, 0xc5, 0xa8, 0xa5, 0x04, 0x12, 0xc0, 0xa8, 0xa5, 0x04};
    struct telemetry *t = telemetry_create();
    struct error e = {0};
    struct batch_report report;
    map.children = NULL;
    set("check_interval", "1s");
    set("limit_mib", "20");
    struct component *c = make(t, &e);
    assert_true(c->ops->start(c, &e));
    struct batch *b = batch_create(sizeof head + SPANS * SPAN);
    uint8_t *at = memcpy(batch_payload(b), head, sizeof head);
    for (size_t i = 0; i < SPANS; i++)
        memcpy(at + sizeof head + i * SPAN, span, SPAN);
    assert_false(batch_index(b, sizeof head + SPANS * SPAN, &report));
    assert_string_equal(report.where, "out of memory");
    batch_release(b);
    batch_limit_live_bytes(0);
    c->ops->destroy(c);
    telemetry_destroy(t);
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    static const char *const cases[][2] = {{"limit_mib", "0"},
                                           {"spike_limit_mib", "100"},
                                           {"limit_percentage", "101"},
                                           {"colour", "red"}};
    struct telemetry *t = telemetry_create();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error e = {0};
        map.children = NULL;
        set("check_interval", "1s");
        if (i > 0)
            set("limit_mib", "50");
        set(cases[i][0], cases[i][1]);
        assert_null(make(t, &e));
        assert_non_null(strstr(e.text, "memory_limiter"));
    }
    struct error e = {0};
    map.children = NULL;
    set("limit_mib", "50");
    assert_null(make(t, &e));
    assert_non_null(strstr(e.text, "check_interval"));
    telemetry_destroy(t);
}

static int free_all(void **state)
{
    (void)state;
    config_release();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_are_refused_while_memory_is_short),
        cmocka_unit_test(indexing_is_held_to_the_limit),
        cmocka_unit_test(nonsense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, free_all);
}
