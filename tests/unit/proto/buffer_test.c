/* The buffer: growth, its cap, the error that sticks, and giving memory away. */
#include "proto/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka wants the four above first */
#include <cmocka.h>

static void grows_and_keeps_what_it_has(void **state)
{
    (void)state;
    struct buffer b = {0};
    for (size_t i = 0; i < 10000; i++)
        buffer_append(&b, (const uint8_t[]){(uint8_t)i, (uint8_t)(i >> 8)}, 2);
    assert_false(b.failed);
    assert_int_equal(b.len, 20000);
    for (size_t i = 0; i < 10000; i++)
        assert_int_equal(b.data[2 * i] | b.data[2 * i + 1] << 8, i);
    buffer_free(&b);
    assert_null(b.data);
    assert_int_equal(b.len, 0);
}

static void appends_strings_bytes_and_formats(void **state)
{
    (void)state;
    struct buffer b = {0};
    buffer_append_string(&b, "one");
    buffer_append_byte(&b, ' ');
    buffer_printf(&b, "%d %s", 2, "three");
    buffer_append(&b, NULL, 0);
    assert_true(bytes_equal_string(buffer_bytes(&b), "one 2 three"));
    buffer_free(&b);
}

static void the_limit_is_exact(void **state)
{
    (void)state;
    struct buffer b = {.limit = 10};
    buffer_append_string(&b, "0123456789");
    assert_false(b.failed);
    buffer_append_byte(&b, 'x');
    assert_true(b.failed);
    assert_true(b.capped);
    assert_int_equal(b.len, 10);
    buffer_free(&b);
}

static void failure_sticks_until_freed(void **state)
{
    (void)state;
    struct buffer b = {.limit = 4};
    buffer_append_string(&b, "too long");
    assert_true(b.failed);
    buffer_append_byte(&b, 'a'); /* would fit */
    buffer_printf(&b, "b");
    assert_int_equal(b.len, 0);
    assert_null(buffer_reserve(&b, 1));
    assert_null(buffer_take(&b, NULL));
    assert_false(b.failed);
    buffer_append_string(&b, "ab");
    assert_int_equal(b.len, 2);
    buffer_free(&b);
}

static void absurd_lengths_fail(void **state)
{
    (void)state;
    struct buffer b = {0};
    buffer_append_byte(&b, 'a');
    assert_null(buffer_reserve(&b, SIZE_MAX));
    assert_true(b.failed);
    assert_false(b.capped);
    buffer_free(&b);
    assert_null(buffer_reserve(&b, SIZE_MAX));
    buffer_free(&b);
}

static void take_ends_with_nul_and_leaves_it_empty(void **state)
{
    (void)state;
    struct buffer b = {0};
    size_t len = 1;
    char *s = buffer_take(&b, &len);
    assert_non_null(s);
    assert_string_equal(s, "");
    assert_int_equal(len, 0);
    free(s);

    for (int i = 0; i < 256; i++) /* fills the first capacity to the brim */
        buffer_append_byte(&b, 'y');
    s = buffer_take(&b, &len);
    assert_int_equal(len, 256);
    assert_int_equal(strlen(s), 256);
    free(s);
    assert_null(b.data);
    assert_int_equal(b.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_and_keeps_what_it_has),
        cmocka_unit_test(appends_strings_bytes_and_formats),
        cmocka_unit_test(the_limit_is_exact),
        cmocka_unit_test(failure_sticks_until_freed),
        cmocka_unit_test(absurd_lengths_fail),
        cmocka_unit_test(take_ends_with_nul_and_leaves_it_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
