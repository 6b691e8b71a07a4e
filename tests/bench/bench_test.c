/* What the figures rest on: requests that are what they claim to be, a count that is right, and
 * percentiles that are. */
#include "proto/batch.h"
#include "tests/bench/count.h"
#include "tests/bench/histogram.h"
#include "tests/bench/spans.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const uint64_t now_ns = 1700000000000000000u;

static struct batch *index_request(const struct request *q)
{
    struct batch_report report = {0};
    struct batch *b = batch_from_request(bytes_of(q->data, q->len), &report);
    assert_string_equal(report.where, "");
    assert_non_null(b);
    assert_int_equal(report.rejected_spans, 0);
    assert_int_equal(b->span_count, q->spans);
    return b;
}

/* Traces are whole: one root each, and parents that exist. */
static void check_traces(const struct batch *b, const struct request *q)
{
    uint32_t roots = 0;
    for (uint32_t i = 0; i < b->span_count; i++) {
        const struct span_view *v = &b->spans[i];
        bool found = span_is_root(v);
        roots += found;
        assert_true(v->start_ns <= v->end_ns && v->end_ns <= now_ns);
        for (uint32_t j = 0; !found && j < b->span_count; j++)
            found = memcmp(v->trace_id, b->spans[j].trace_id, 16) == 0 &&
                    memcmp(v->parent_span_id, b->spans[j].span_id, 8) == 0;
        assert_true(found);
    }
    assert_int_equal(roots, q->traces);
}

static void requests_are_whole_traces(void **state)
{
    static const struct request_shape shapes[] = {{512, 8}, {1, 1}, {64, 30}, {13, 8}};
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct random random = {.state = i};
        struct request q;
        request_build(&q, &shapes[i], &random);
        request_refresh(&q, &random, now_ns);
        struct batch *b = index_request(&q);
        check_traces(b, &q);
        batch_release(b);
        request_free(&q);
    }
}

static void spans_are_of_realistic_size(void **state)
{
    struct random random = {.state = 1};
    struct request q;
    (void)state;
    request_build(&q, &(struct request_shape){512, 8}, &random);
    assert_in_range(q.len / q.spans, 530, 570);
    request_free(&q);
}

static void every_sending_is_counted_and_new(void **state)
{
    struct random random = {.state = 1};
    struct request q;
    struct id_set ids = {0};
    struct span_count count = {0};
    (void)state;
    request_build(&q, &(struct request_shape){512, 8}, &random);
    for (int i = 0; i < 50; i++) {
        /* Cut into slices at varying places, as a transport would. */
        size_t cut = 1 + (size_t)i * 97 % (q.len - 2);
        request_refresh(&q, &random, now_ns);
        struct iovec slices[] = {{q.data, cut}, {q.data, 0}, {q.data + cut, q.len - cut}};
        count_spans(slices, 3, &ids, &count);
    }
    assert_int_equal(count.spans, 50 * 512);
    assert_int_equal(count.duplicates, 0);
    struct iovec again = {q.data, q.len};
    count_spans(&again, 1, &ids, &count);
    assert_int_equal(count.duplicates, 512);
    assert_false(count.malformed);
    id_set_free(&ids);
    request_free(&q);
}

static void a_torn_request_is_malformed(void **state)
{
    struct random random = {.state = 1};
    struct request q;
    struct span_count count = {0};
    (void)state;
    request_build(&q, &(struct request_shape){4, 4}, &random);
    struct iovec torn = {q.data, q.len - 1};
    count_spans(&torn, 1, NULL, &count);
    assert_true(count.malformed);
    request_free(&q);
}

static void percentiles_are_close(void **state)
{
    struct histogram *h = calloc(1, sizeof *h);
    (void)state;
    assert_non_null(h);
    assert_int_equal(histogram_percentile(h, 99), 0);
    for (uint64_t ns = 1; ns <= 1000000; ns++)
        histogram_add(h, ns);
    static const double percentiles[] = {1, 50, 99, 99.9};
    for (size_t i = 0; i < sizeof percentiles / sizeof *percentiles; i++) {
        double exact = percentiles[i] * 10000;
        double got = (double)histogram_percentile(h, percentiles[i]);
        assert_true(got >= exact * 0.999 && got <= exact * 1.017);
    }
    assert_int_equal(histogram_percentile(h, 100), 1000000);
    histogram_add(h, UINT64_MAX);
    assert_true(histogram_percentile(h, 100) == UINT64_MAX);
    free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_whole_traces),
        cmocka_unit_test(spans_are_of_realistic_size),
        cmocka_unit_test(every_sending_is_counted_and_new),
        cmocka_unit_test(a_torn_request_is_malformed),
        cmocka_unit_test(percentiles_are_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
