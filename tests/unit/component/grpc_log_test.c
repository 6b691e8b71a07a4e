/* C core's lines come out as ours do: escaped, and held to ten a second. */
#include "component/grpc_log.h"

#include "component/log.h"

#include <grpc/grpc.h>
#include <grpc/support/log.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void what_a_client_sent_is_escaped_and_held_back(void **state)
{
    (void)state;
    char text[65536];
    log_configure(LOG_INFO, LOG_FORMAT_JSON);
    grpc_log_take_over();
    grpc_init();
    FILE *captured = tmpfile();
    int saved = dup(STDERR_FILENO);
    dup2(fileno(captured), STDERR_FILENO);
    for (int i = 0; i < 1000; i++)
        gpr_log(GPR_ERROR, "bad value \n{\"level\":\"forged\"}\x1b[31m %d", i);
    dup2(saved, STDERR_FILENO);
    close(saved);
    rewind(captured);
    text[fread(text, 1, sizeof text - 1, captured)] = 0;
    fclose(captured);

    unsigned lines = 0;
    for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1, lines++) {
        *end = 0;
        json_t *parsed = json_loads(line, 0, NULL);
        assert_non_null(parsed);
        assert_string_equal(json_string_value(json_object_get(parsed, "level")), "warn");
        assert_string_equal(json_string_value(json_object_get(parsed, "msg")), "gRPC");
        assert_non_null(strstr(json_string_value(json_object_get(parsed, "text")), "forged"));
        json_decref(parsed);
    }
    assert_in_range(lines, 1, 500);
    grpc_shutdown_blocking();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_client_sent_is_escaped_and_held_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
