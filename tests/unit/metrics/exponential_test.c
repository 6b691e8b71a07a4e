/* Exponential histograms: every value lies in its bucket, all buckets are as fine as they can be,
 * and nothing is lost when they become coarser or memory runs out. */
#include "metrics/exponential.h"

#include "tests/unit/proto/failing_malloc.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static uint64_t dice = 1;

static uint32_t roll(uint32_t below)
{
    dice = dice * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(dice >> 33) % below;
}

static double upper_bound(int32_t index, int32_t scale)
{
    return exp2(ldexp((double)index + 1, -scale));
}

static void values_lie_in_their_buckets(void **state)
{
    (void)state;
    for (int i = 0; i < 200000; i++) {
        double v = ldexp(1 + (double)roll(1 << 30) / (1 << 30), (int)roll(200) - 100);
        int32_t scale = (int32_t)roll(31) - 10;
        int32_t index = exponential_index(v, scale);
        /* the logarithm's error, in buckets of the finest scale */
        double slack = 1 + 1e-12;
        assert_true(v <= upper_bound(index, scale) * slack);
        assert_true(v * slack >= upper_bound(index - 1, scale));
    }
}

/* A power of two is the upper bound of a bucket, at every scale. */
static void powers_of_two_are_exact(void **state)
{
    (void)state;
    for (int32_t scale = EXPONENTIAL_SCALE_MIN; scale <= EXPONENTIAL_SCALE_MAX; scale++) {
        for (int e = -1000; e <= 1000; e++) {
            int64_t wanted = scale >= 0 ? (int64_t)e * (1 << scale) - 1 : (e - 1) >> -scale;
            assert_int_equal(exponential_index(ldexp(1, e), scale), (int32_t)wanted);
        }
    }
    assert_int_equal(exponential_index(DBL_MAX, 0), 1023);
    assert_int_equal(exponential_index(DBL_MAX, 20), (1024 << 20) - 1);
    assert_int_equal(exponential_index(DBL_TRUE_MIN, 0), -1023);
    assert_int_equal(exponential_index(DBL_MIN, 3), -(1022 << 3) - 1);
}

enum { VALUES = 3000 };

struct sample {
    double values[VALUES];
    uint64_t counts[VALUES];
};

/* As coarse as needed, and no coarser: what one scale finer would need too many buckets. */
static void assert_as_fine_as_can_be(const struct exponential *x, const struct sample *s,
                                     uint32_t max_size)
{
    int32_t low = INT32_MAX, high = INT32_MIN;
    for (int i = 0; i < VALUES; i++) {
        if (s->values[i] == 0)
            continue;
        int32_t index = exponential_index(s->values[i], x->scale + 1);
        low = index < low ? index : low;
        high = index > high ? index : high;
    }
    assert_true(x->len <= max_size);
    if (x->scale < EXPONENTIAL_SCALE_MAX)
        assert_true((int64_t)high - low >= max_size);
}

static void assert_counts(const struct exponential *x, const struct sample *s)
{
    uint64_t zeros = 0;
    double min = INFINITY, max = 0;
    uint64_t *left = calloc(x->len + 1, sizeof *left);
    memcpy(left, x->counts, x->len * sizeof *left);
    for (int i = 0; i < VALUES; i++) {
        min = fmin(min, s->values[i]);
        max = fmax(max, s->values[i]);
        if (s->values[i] == 0) {
            zeros += s->counts[i];
            continue;
        }
        int32_t at = exponential_index(s->values[i], x->scale) - x->offset;
        assert_in_range(at, 0, x->len - 1);
        assert_true(left[at] >= s->counts[i]);
        left[at] -= s->counts[i];
    }
    for (uint32_t i = 0; i < x->len; i++)
        assert_int_equal(left[i], 0);
    assert_int_equal(x->zero_count, zeros);
    assert_true(x->min == min && x->max == max);
    free(left);
}

static void fill(struct sample *s, int spread)
{
    for (int i = 0; i < VALUES; i++) {
        s->values[i] = roll(50) ? ldexp(1 + roll(1000) / 1000.0, (int)roll((uint32_t)spread)) : 0;
        s->counts[i] = 1 + roll(3);
    }
}

static void all_is_counted_as_finely_as_can_be(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {2, 3, 10, 160, 1000};
    static struct sample s;
    for (size_t n = 0; n < sizeof sizes / sizeof sizes[0]; n++) {
        for (int spread = 1; spread < 300; spread += 23) {
            struct exponential x;
            assert_true(exponential_init(&x));
            fill(&s, spread);
            for (int i = 0; i < VALUES; i++)
                exponential_add(&x, sizes[n], s.values[i], s.counts[i]);
            assert_counts(&x, &s);
            assert_as_fine_as_can_be(&x, &s, sizes[n]);
            exponential_free(&x);
        }
    }
}

static void without_memory_it_is_coarser(void **state)
{
    (void)state;
    static struct sample s;
    struct exponential x;
    fill(&s, 20);
    assert_true(exponential_init(&x));
    allocations_left = 0;
    for (int i = 0; i < VALUES; i++)
        exponential_add(&x, 160, s.values[i], s.counts[i]);
    allocations_left = -1;
    assert_counts(&x, &s);
    assert_true(x.len <= x.capacity);
    exponential_free(&x);
}

static void zeros_alone_have_no_scale(void **state)
{
    (void)state;
    struct exponential x;
    assert_true(exponential_init(&x));
    exponential_add(&x, 160, 0, 3);
    assert_int_equal(exponential_scale(&x), 0);
    assert_int_equal(x.zero_count, 3);
    exponential_add(&x, 160, 1.5, 1);
    assert_int_equal(exponential_scale(&x), EXPONENTIAL_SCALE_MAX);
    assert_true(x.min == 0 && x.max == 1.5);
    exponential_free(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_lie_in_their_buckets),
        cmocka_unit_test(powers_of_two_are_exact),
        cmocka_unit_test(all_is_counted_as_finely_as_can_be),
        cmocka_unit_test(without_memory_it_is_coarser),
        cmocka_unit_test(zeros_alone_have_no_scale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
