#include "fixture.h"

#include "receivers/cors.h"

static const char *const origin_items[] = {"https://shop.example.com", "http://*.example.com",
                                           "https://localhost:*"};
static const struct config_strings origins = {origin_items, 3};

static void test_origins(void **state)
{
    (void)state;
    assert_true(cors_origin_allowed(&origins, "https://shop.example.com"));
    assert_true(cors_origin_allowed(&origins, "HTTPS://Shop.example.com"));
    assert_true(cors_origin_allowed(&origins, "http://a.b.example.com"));
    assert_true(cors_origin_allowed(&origins, "https://localhost:3000"));
    assert_false(cors_origin_allowed(&origins, "http://shop.example.com.evil.com"));
    assert_false(cors_origin_allowed(&origins, "https://a.example.com"));
    assert_false(cors_origin_allowed(&origins, "http://example.com"));
    assert_false(cors_origin_allowed(&origins, "https://shop.example.com:8080"));
    assert_false(cors_origin_allowed(&origins, "null"));
    assert_false(cors_origin_allowed(&origins, ""));
}

static void test_a_lone_star_allows_any_origin(void **state)
{
    (void)state;
    static const char *const items[] = {"*"};
    const struct config_strings any = {items, 1};
    assert_true(cors_origin_allowed(&any, "https://anything.example"));
    assert_true(cors_origin_allowed(&any, ""));
}

/* "ab*bc" needs both ends, not a shared middle. */
static void test_a_star_does_not_overlap(void **state)
{
    (void)state;
    static const char *const items[] = {"ab*bc"};
    const struct config_strings pattern = {items, 1};
    assert_false(cors_origin_allowed(&pattern, "abc"));
    assert_true(cors_origin_allowed(&pattern, "abbc"));
}

static void test_headers(void **state)
{
    (void)state;
    static const char *const items[] = {"X-Tenant"};
    const struct config_strings allowed = {items, 1};
    const struct config_strings none = {NULL, 0};
    assert_true(cors_headers_allowed(&none, ""));
    assert_true(cors_headers_allowed(&none, "content-type,content-encoding"));
    assert_false(cors_headers_allowed(&none, "content-type,x-tenant"));
    assert_true(cors_headers_allowed(&allowed, "Content-Type , x-tenant"));
    assert_false(cors_headers_allowed(&allowed, "x-tenants"));
    assert_false(cors_headers_allowed(&allowed, "x-tenant, x-other"));
    static const char *const star[] = {"*"};
    const struct config_strings any = {star, 1};
    assert_true(cors_headers_allowed(&any, "x-whatever"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_origins),
        cmocka_unit_test(test_a_lone_star_allows_any_origin),
        cmocka_unit_test(test_a_star_does_not_overlap),
        cmocka_unit_test(test_headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
