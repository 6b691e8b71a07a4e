/* Filters: never a wrong "no", seldom a wrong "maybe". */
#include "fixture.h"

#include "storage/filter.h"

#include <stdio.h>
#include <stdlib.h>

static uint32_t pair_of(const char *key, unsigned n)
{
    char value[32];
    snprintf(value, sizeof value, "value-%u", n);
    return filter_pair(bytes_of_string(key), bytes_of_string(value));
}

static void what_is_in_is_found(void **state)
{
    struct filter_set set = {0};
    struct buffer b = {0};
    (void)state;
    for (unsigned i = 0; i < 10000; i++)
        filter_add(&set, i % 5, pair_of("id", i), false);
    filter_write(&set, &b);
    struct filter f = filter_of(buffer_bytes(&b));
    for (unsigned i = 0; i < 10000; i++) {
        assert_true(filter_may_have(&f, pair_of("id", i)));
        assert_true(filter_may_have_owned(&f, i % 5, pair_of("id", i)));
    }
    unsigned wrong = 0;
    for (unsigned i = 0; i < 10000; i++)
        wrong += filter_may_have(&f, pair_of("other", i));
    assert_true(wrong < 100); /* some 40 are expected */
    buffer_free(&b);
    filter_free(&set);
}

static void a_repeated_pair_is_known_by_service(void **state)
{
    struct filter_set set = {0};
    struct buffer b = {0};
    (void)state;
    for (unsigned i = 0; i < 50; i++)
        filter_add(&set, 1, pair_of("db", 1), false);
    filter_add(&set, 2, pair_of("db", 1), false);
    filter_add(&set, 3, pair_of("host", 1), true);
    filter_add(&set, 3, pair_of("once", 1), false);
    filter_write(&set, &b);
    struct filter f = filter_of(buffer_bytes(&b));
    assert_true(filter_may_have_owned(&f, 1, pair_of("db", 1)));
    assert_true(filter_may_have_owned(&f, 2, pair_of("db", 1)));
    assert_false(filter_may_have_owned(&f, 3, pair_of("db", 1)));
    assert_true(filter_may_have_owned(&f, 3, pair_of("host", 1)));
    assert_false(filter_may_have_owned(&f, 1, pair_of("host", 1)));
    assert_true(filter_may_have_owned(&f, 1, pair_of("once", 1)));
    buffer_free(&b);
    filter_free(&set);
}

static void clearing_forgets(void **state)
{
    struct filter_set set = {0};
    struct buffer b = {0};
    (void)state;
    filter_add(&set, 1, pair_of("a", 1), false);
    filter_clear(&set);
    assert_int_equal(set.count, 0);
    filter_add(&set, 1, pair_of("b", 1), false);
    filter_write(&set, &b);
    struct filter f = filter_of(buffer_bytes(&b));
    assert_false(filter_may_have(&f, pair_of("a", 1)));
    assert_true(filter_may_have(&f, pair_of("b", 1)));
    buffer_free(&b);
    filter_free(&set);
}

static void too_many_pairs_rule_out_nothing(void **state)
{
    struct filter_set set = {0};
    struct buffer b = {0};
    (void)state;
    for (unsigned i = 0; i < 700000; i++)
        filter_add(&set, 1, i * 2654435761u, false);
    filter_settle(&set);
    assert_true(set.saturated);
    filter_write(&set, &b);
    assert_int_equal(b.len, 0);
    struct filter f = filter_of(buffer_bytes(&b));
    assert_true(filter_may_have(&f, 1));
    assert_true(filter_may_have_owned(&f, 9, 1));
    filter_clear(&set);
    assert_false(set.saturated);
    filter_free(&set);
}

static void any_bytes_are_a_filter(void **state)
{
    (void)state;
    for (unsigned len = 0; len < 64; len++) {
        for (unsigned fill = 0; fill < 256; fill += 5) {
            uint8_t *bytes = malloc(len + 1); /* its own size, for the sanitizer's sake */
            memset(bytes, (int)fill, len);
            if (len >= 4)
                memcpy(bytes, (uint32_t[]){fill % 7 == 0 ? fill : len / 4}, 4);
            struct filter f = filter_of(bytes_of(bytes, len));
            for (unsigned i = 0; i < 20; i++) {
                filter_may_have(&f, pair_of("x", i));
                filter_may_have_owned(&f, i, pair_of("x", i));
            }
            free(bytes);
        }
    }
    struct filter f = filter_of(bytes_of("\0\0", 2));
    assert_true(f.open);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_in_is_found),
        cmocka_unit_test(a_repeated_pair_is_known_by_service),
        cmocka_unit_test(clearing_forgets),
        cmocka_unit_test(too_many_pairs_rule_out_nothing),
        cmocka_unit_test(any_bytes_are_a_filter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
