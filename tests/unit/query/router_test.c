#include "query/router.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void one(struct call *c)
{
    (void)c;
}

static const struct route table[] = {
    {"GET", "/", one, false},
    {"GET", "/api/traces", one, false},
    {"GET", "/api/traces/{id}", one, false},
    {"POST", "/api/archive/{id}", one, false},
    {"GET", "/api/services/{+service}/operations", one, false},
    {0},
};

static char parameter[CALL_PARAMETER_MAX];
static const char *allowed;

static const struct route *find(const char *method, const char *path)
{
    return router_find(table, method, path, parameter, &allowed);
}

static void finds_by_path(void **state)
{
    (void)state;
    assert_ptr_equal(find("GET", "/"), &table[0]);
    assert_ptr_equal(find("GET", "/api/traces"), &table[1]);
    assert_ptr_equal(find("GET", "/api/traces/12ab"), &table[2]);
    assert_string_equal(parameter, "12ab");
    assert_ptr_equal(find("HEAD", "/api/traces/12ab"), &table[2]);
    assert_ptr_equal(find("POST", "/api/archive/12ab"), &table[3]);
}

static void service_names_may_hold_slashes(void **state)
{
    (void)state;
    assert_ptr_equal(find("GET", "/api/services/team/a b/operations"), &table[4]);
    assert_string_equal(parameter, "team/a b");
    assert_null(find("GET", "/api/services//operations"));
    assert_null(allowed);
    assert_null(find("GET", "/api/services/operations"));
}

static void ids_in_base64_may_hold_slashes(void **state)
{
    (void)state;
    assert_ptr_equal(find("GET", "/api/traces/AQID/AUGBwgJCgsMDQ4PEA=="), &table[2]);
    assert_string_equal(parameter, "AQID/AUGBwgJCgsMDQ4PEA==");
    assert_null(find("GET", "/api/traces/AQID/AUG"));
}

static void unknown_paths_are_unknown(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "",          "/api",         "/api/traces/", "/api/traces/a/b",
        "/api/trac", "/api/tracesx", "//",           "/api/archive/"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        assert_null(find("GET", paths[i]));
        assert_null(allowed);
    }
}

static void other_methods_are_told_what_is_allowed(void **state)
{
    (void)state;
    assert_null(find("DELETE", "/api/traces/12ab"));
    assert_string_equal(allowed, "GET, HEAD, OPTIONS");
    assert_null(find("GET", "/api/archive/12ab"));
    assert_string_equal(allowed, "POST, OPTIONS");
    assert_null(find("HEAD", "/api/archive/12ab"));
    assert_string_equal(allowed, "POST, OPTIONS");
}

static void long_parameters_match_nothing(void **state)
{
    (void)state;
    char path[CALL_PARAMETER_MAX + 64] = "/api/traces/";
    size_t before = strlen(path);
    memset(path + before, 'a', CALL_PARAMETER_MAX);
    assert_null(find("GET", path));
    path[before + CALL_PARAMETER_MAX - 1] = 0;
    assert_ptr_equal(find("GET", path), &table[2]);
}

static void no_route_hides_another(void **state)
{
    (void)state;
    for (const struct route *r = routes; r->method; r++) {
        char path[256];
        char *out = path;
        const char *in = r->pattern;
        while (*in) { /* a value for the parameter */
            if (*in == '{') {
                *out++ = 'x';
                in = strchr(in, '}') + 1;
            } else {
                *out++ = *in++;
            }
        }
        *out = 0;
        assert_ptr_equal(router_find(routes, r->method, path, parameter, &allowed), r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_by_path),
        cmocka_unit_test(service_names_may_hold_slashes),
        cmocka_unit_test(ids_in_base64_may_hold_slashes),
        cmocka_unit_test(unknown_paths_are_unknown),
        cmocka_unit_test(other_methods_are_told_what_is_allowed),
        cmocka_unit_test(long_parameters_match_nothing),
        cmocka_unit_test(no_route_hides_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
