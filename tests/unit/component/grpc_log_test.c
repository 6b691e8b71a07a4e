/* C core's lines come out as ours do: escaped, and held to ten a second. */
#include "component/grpc_log.h"

#include "component/log.h"
#include "tests/unit/captured_stderr.h"

#include <grpc/grpc.h>
#include <grpc/support/log.h>
#include <jansson.h>

static void what_a_client_sent_is_escaped_and_held_back(void **state)
{
    (void)state;
    log_configure(LOG_INFO, LOG_FORMAT_JSON);
    grpc_log_take_over();
    grpc_init();
    struct captured_stderr captured = capture_stderr();
    for (int i = 0; i < 1000; i++)
        gpr_log(GPR_ERROR, "bad value \n{\"level\":\"forged\"}\x1b[31m %d", i);
    char *text = captured_text(&captured);

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
    free(text);
    grpc_shutdown_blocking();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_client_sent_is_escaped_and_held_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
