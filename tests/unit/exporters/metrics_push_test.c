/* When metrics are sent, and what becomes of them when that fails: with a transport that a test
 * scripts. */
#include "local.h"
#include "tests/unit/prometheus/source.h"

#include "component/clock.h"
#include "component/exporter_metrics.h"
#include "exporters/metrics_push.h"

static const struct component_kind kind = {.type = "test", .class = COMPONENT_EXPORTER};
static struct surroundings around;
static struct component exporter;

static struct {
    atomic_uint collected;
    atomic_uint attempts;
    atomic_bool cancelled;
    atomic_bool hangs; /* until cancelled */
    atomic_int result; /* enum send_result */
    unsigned requests; /* made each time */
    atomic_uint_fast64_t rejected;
} script;

static void collect(void *context, struct metric_source *s, struct push_requests *out)
{
    (void)context;
    (void)s;
    atomic_fetch_add(&script.collected, 1);
    for (unsigned i = 0; i < script.requests; i++) {
        struct buffer body = {0};
        buffer_append_string(&body, "body");
        push_requests_add(out, &body, 10);
    }
}

static void send(void *context, struct bytes body, struct send_answer *answer)
{
    (void)context;
    assert_true(bytes_equal_string(body, "body"));
    atomic_fetch_add(&script.attempts, 1);
    while (atomic_load(&script.hangs) && !atomic_load(&script.cancelled))
        usleep(1000);
    answer->result =
        atomic_load(&script.cancelled) ? SEND_RETRY : (enum send_result)atomic_load(&script.result);
    answer->rejected_spans = atomic_load(&script.rejected);
    snprintf(answer->message, sizeof answer->message, "%s",
             answer->result == SEND_OK ? "" : "scripted");
}

static void cancel(void *context)
{
    (void)context;
    atomic_store(&script.cancelled, true);
}

static uint64_t counted(const char *name)
{
    return counter_read(
        telemetry_counter(around.telemetry, name, "", LABELS({"exporter", "test"})));
}
#define SENT         counted("otelcol_exporter_sent_metric_points")
#define SEND_FAILED  counted("otelcol_exporter_send_failed_metric_points")
#define QUEUE_FAILED counted("otelcol_exporter_enqueue_failed_metric_points")

static int open_around(void **state)
{
    (void)state;
    local_open(&around, &kind, "test");
    component_init(&exporter, &around.spec, NULL);
    memset(&script, 0, sizeof script);
    script.requests = 1;
    return 0;
}

static int close_around(void **state)
{
    (void)state;
    local_close(&around);
    return 0;
}

static struct metrics_push *started(struct metric_source *source, size_t requests_max)
{
    struct error e;
    struct metrics_push *p =
        metrics_push_create(&(struct metrics_push_options){.component = &exporter,
                                                           .telemetry = around.telemetry,
                                                           .retry = {.enabled = true,
                                                                     .initial_interval_ns = 1000000,
                                                                     .max_interval_ns = 5000000,
                                                                     .max_elapsed_time_ns = 0,
                                                                     .multiplier = 2},
                                                           .requests_max = requests_max,
                                                           .collect = collect,
                                                           .send = send,
                                                           .cancel = cancel});
    assert_non_null(p);
    assert_true(metrics_push_add(p, source));
    assert_true(metrics_push_start(p, &e));
    return p;
}

static struct metric_source often = {.flush_interval_ns = 1};
static struct metric_source seldom = {.flush_interval_ns = 3600ull * SECOND};
static struct metric_source deltas = {.flush_interval_ns = 1, .delta = true};

static void a_source_is_asked_again_and_again(void **state)
{
    (void)state;
    struct metrics_push *p = started(&often, 0);
    eventually(SENT >= 20);
    metrics_push_drain(p, seconds_from_now(60));
    assert_int_equal(SENT, 10 * atomic_load(&script.collected));
    metrics_push_destroy(p);
}

static void what_is_left_is_sent_at_the_end(void **state)
{
    (void)state;
    struct metrics_push *p = started(&seldom, 0);
    metrics_push_drain(p, seconds_from_now(60));
    assert_int_equal(SENT, 10);
    metrics_push_destroy(p);
    assert_int_equal(SENT, 10);
}

static void a_retryable_failure_is_tried_again(void **state)
{
    (void)state;
    atomic_store(&script.result, SEND_RETRY);
    struct metrics_push *p = started(&deltas, 0);
    eventually(atomic_load(&script.attempts) >= 5);
    assert_int_equal(atomic_load(&script.collected), 1);
    atomic_store(&script.result, SEND_OK);
    eventually(SENT >= 10);
    assert_int_equal(SEND_FAILED, 0);
    metrics_push_destroy(p);
}

/* What is cumulative is told by the next request. */
static void a_request_makes_way_for_a_newer_one(void **state)
{
    (void)state;
    atomic_store(&script.result, SEND_RETRY);
    struct metrics_push *p = started(&often, 0);
    eventually(atomic_load(&script.collected) >= 2);
    assert_int_equal(SEND_FAILED, 10);
    metrics_push_destroy(p);
}

static void a_refusal_is_counted(void **state)
{
    (void)state;
    atomic_store(&script.result, SEND_PERMANENT);
    struct metrics_push *p = started(&seldom, 0);
    metrics_push_drain(p, seconds_from_now(60));
    assert_int_equal(atomic_load(&script.attempts), 1);
    assert_int_equal(SEND_FAILED, 10);
    assert_int_equal(SENT, 0);
    metrics_push_destroy(p);
}

static void a_partial_success_is_counted(void **state)
{
    (void)state;
    atomic_store(&script.rejected, 3);
    struct metrics_push *p = started(&seldom, 0);
    metrics_push_drain(p, seconds_from_now(60));
    assert_int_equal(SENT, 7);
    assert_int_equal(SEND_FAILED, 3);
    metrics_push_destroy(p);
}

static void a_backend_that_hangs_is_left_at_the_deadline(void **state)
{
    (void)state;
    atomic_store(&script.hangs, true);
    struct metrics_push *p = started(&often, 0);
    eventually(atomic_load(&script.attempts) == 1);
    metrics_push_drain(p, monotonic_ns() + 50000000);
    assert_int_equal(SEND_FAILED, 10);
    metrics_push_destroy(p);
}

static void what_finds_no_room_is_counted(void **state)
{
    (void)state;
    script.requests = 5;
    struct metrics_push *p = started(&seldom, 2);
    metrics_push_drain(p, seconds_from_now(60));
    assert_int_equal(SENT, 20);
    assert_int_equal(QUEUE_FAILED, 30);
    metrics_push_destroy(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_source_is_asked_again_and_again, open_around,
                                        close_around),
        cmocka_unit_test_setup_teardown(what_is_left_is_sent_at_the_end, open_around, close_around),
        cmocka_unit_test_setup_teardown(a_retryable_failure_is_tried_again, open_around,
                                        close_around),
        cmocka_unit_test_setup_teardown(a_request_makes_way_for_a_newer_one, open_around,
                                        close_around),
        cmocka_unit_test_setup_teardown(a_refusal_is_counted, open_around, close_around),
        cmocka_unit_test_setup_teardown(a_partial_success_is_counted, open_around, close_around),
        cmocka_unit_test_setup_teardown(a_backend_that_hangs_is_left_at_the_deadline, open_around,
                                        close_around),
        cmocka_unit_test_setup_teardown(what_finds_no_room_is_counted, open_around, close_around),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
