/* Exponential histograms in Prometheus' terms, against a model that counts bucket by bucket. */
#include "source.h"

#include "metrics/prometheus/native_histogram.h"

enum { MODEL = 4096, HALF = MODEL / 2 };

/* Reads spans and deltas back into counts by index. */
static void read_back(const struct native_histogram *h, int64_t model[MODEL])
{
    memset(model, 0, MODEL * sizeof *model);
    int64_t index = 0, count = 0;
    size_t d = 0;
    for (size_t s = 0; s < h->span_count; s++) {
        assert_true(s == 0 || h->spans[s].offset > 0);
        index += h->spans[s].offset;
        for (uint32_t i = 0; i < h->spans[s].length; i++) {
            count += h->deltas[d++];
            model[HALF + index++] = count;
        }
    }
    assert_int_equal(d, h->delta_count);
}

static void check(struct native_histogram *h, int32_t scale, int32_t offset, const uint64_t *counts,
                  size_t n)
{
    int64_t expected[MODEL] = {0}, got[MODEL];
    int shift = scale > 8 ? scale - 8 : 0;
    for (size_t i = 0; i < n; i++) {
        int64_t place = (int64_t)offset + (int64_t)i;
        int64_t merged = place >= 0 ? place >> shift : -((-place + (1 << shift) - 1) >> shift);
        expected[HALF + merged + 1] += (int64_t)counts[i];
    }
    const struct metric_point p = {
        .scale = scale, .positive_offset = offset, .positive = counts, .positive_count = n};
    assert_true(native_histogram_make(h, &p));
    assert_int_equal(h->schema, scale > 8 ? 8 : scale);
    read_back(h, got);
    assert_memory_equal(got, expected, sizeof got);
}

static void buckets_survive(void **state)
{
    (void)state;
    struct native_histogram h = {0};
    uint64_t counts[200];
    unsigned random = 1;
    for (int round = 0; round < 2000; round++) {
        size_t n = (size_t)round % 200;
        for (size_t i = 0; i < n; i++) {
            random = random * 1664525 + 1013904223;
            counts[i] = (random >> 28) < 8 ? 0 : random >> 20;
        }
        check(&h, round % 16 - 4, (int32_t)(random >> 16) % 400 - 200, counts, n);
    }
    native_histogram_free(&h);
}

static void long_gaps_become_spans(void **state)
{
    (void)state;
    struct native_histogram h = {0};
    check(&h, 2, -2, (const uint64_t[]){3, 0, 0, 2, 0, 0, 0, 1}, 8);
    assert_int_equal(h.span_count, 2);
    assert_int_equal(h.spans[0].offset, -1);
    assert_int_equal(h.spans[0].length, 4);
    assert_int_equal(h.spans[1].offset, 3);
    native_histogram_free(&h);
}

static void what_is_too_coarse_is_refused(void **state)
{
    (void)state;
    struct native_histogram h = {0};
    assert_false(native_histogram_make(&h, &(struct metric_point){.scale = -5}));
    native_histogram_free(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buckets_survive),
        cmocka_unit_test(long_gaps_become_spans),
        cmocka_unit_test(what_is_too_coarse_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
