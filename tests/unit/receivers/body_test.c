/* What a body is refused for decides whether its sender tries again. */
#include "receivers/body.h"

#include "tests/unit/proto/failing_malloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka wants those above first */
#include <cmocka.h>

enum { NAME_BYTES = 100000 };

static char json[NAME_BYTES + 512];
static const struct body_format as_json = {.encoding = ENCODING_IDENTITY, .json = true};

static struct bytes request(void)
{
    static char name[NAME_BYTES + 1];
    memset(name, 'n', NAME_BYTES);
    int len = snprintf(json, sizeof json,
                       "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{"
                       "\"traceId\":\"0102030405060708090a0b0c0d0e0f10\","
                       "\"spanId\":\"0102030405060708\",\"name\":\"%s\"}]}]}]}",
                       name);
    return bytes_of(json, (size_t)len);
}

static enum body_result decode(struct bytes body, size_t limit)
{
    struct batch *b = NULL;
    size_t len;
    char where[BODY_WHERE];
    enum body_result r = body_decode(NULL, as_json, body, limit, &b, &len, where);
    assert_int_equal(b != NULL, r == BODY_OK);
    if (b)
        batch_release(b);
    return r;
}

static void json_beyond_the_limit_is_too_large(void **state)
{
    (void)state;
    struct bytes body = request();
    assert_int_equal(decode(body, 1 << 20), BODY_OK);
    assert_int_equal(decode(body, NAME_BYTES), BODY_TOO_LARGE);
    assert_int_equal(decode(bytes_of_string("{\"resourceSpans\":[]} x"), 1 << 20), BODY_MALFORMED);
}

static bool decoded(void *body)
{
    enum body_result r = decode(*(struct bytes *)body, 1 << 20);
    assert_true(r == BODY_OK || r == BODY_NO_MEMORY);
    return r == BODY_OK;
}

static void json_without_memory_is_not_too_large(void **state)
{
    (void)state;
    struct bytes body = request();
    assert_true(until_memory_suffices(decoded, &body) > 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_beyond_the_limit_is_too_large),
        cmocka_unit_test(json_without_memory_is_not_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
