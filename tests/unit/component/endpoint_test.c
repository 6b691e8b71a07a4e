/* Endpoints as people write them. */
#include "component/endpoint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void endpoints_are_parsed_and_written_back(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host, *written;
        int port;
    } good[] = {
        {"localhost:4317", "localhost", "localhost:4317", 4317},
        {"0.0.0.0:1", "0.0.0.0", "0.0.0.0:1", 1},
        {"[::1]:65535", "::1", "[::1]:65535", 65535},
        {":4318", "", "[::]:4318", 4318},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct endpoint ep;
        struct error e;
        char text[300];
        assert_true(endpoint_parse(good[i].text, &ep, &e));
        assert_string_equal(ep.host, good[i].host);
        assert_int_equal(ep.port, good[i].port);
        endpoint_format(&ep, text, sizeof text);
        assert_string_equal(text, good[i].written);
    }
    static const char *const bad[] = {
        "",         "localhost",          "localhost:", "localhost:x", "localhost:70000",
        "::1:4317", "localhost:4317/path"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct endpoint ep;
        struct error e;
        assert_false(endpoint_parse(bad[i], &ep, &e));
    }
}

static void a_taken_port_is_named(void **state)
{
    (void)state;
    struct error e = {0};
    uint16_t port = 0, other = 0;
    int fd = endpoint_listen("127.0.0.1:0", &port, &e);
    assert_true(fd >= 0);
    assert_true(port > 0);
    char text[64];
    snprintf(text, sizeof text, "127.0.0.1:%u", port);
    assert_int_equal(endpoint_listen(text, &other, &e), -1);
    assert_non_null(strstr(e.text, text));
    assert_non_null(strstr(e.text, "another component of this configuration listens there"));
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(endpoints_are_parsed_and_written_back),
        cmocka_unit_test(a_taken_port_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
