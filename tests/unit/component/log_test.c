/* Log lines: valid JSON whatever is logged, and no flood of the same line. */
#include "component/log.h"

#include "tests/unit/captured_stderr.h"

#include <jansson.h>

static void a_line_is_json(void **state)
{
    (void)state;
    log_configure(LOG_INFO, LOG_FORMAT_JSON);
    struct captured_stderr captured = capture_stderr();
    log_info("otlp/x", "said \"hello\"\n", LOG_S("text", "tab\tand \xff byte"), LOG_I("n", -5),
             LOG_D("d", 0.5));
    log_debug("otlp/x", "not at this level");
    char *text = captured_text(&captured);
    json_error_t error;
    json_t *line = json_loads(text, 0, &error);
    assert_non_null(line);
    assert_string_equal(json_string_value(json_object_get(line, "component")), "otlp/x");
    assert_string_equal(json_string_value(json_object_get(line, "level")), "info");
    assert_string_equal(json_string_value(json_object_get(line, "msg")), "said \"hello\"\n");
    assert_int_equal(json_integer_value(json_object_get(line, "n")), -5);
    assert_string_equal(json_string_value(json_object_get(line, "text")),
                        "tab\tand \xef\xbf\xbd byte");
    json_decref(line);
    free(text);
}

static void text_cannot_steer_a_terminal(void **state)
{
    (void)state;
    log_configure(LOG_INFO, LOG_FORMAT_TEXT);
    struct captured_stderr captured = capture_stderr();
    log_warn(NULL, "peer said", LOG_S("error", "\x1b[2Jgone\r\nnew line"));
    char *text = captured_text(&captured);
    assert_null(strchr(text, 0x1b));
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
    free(text);
}

static void a_flood_is_held_back(void **state)
{
    (void)state;
    log_configure(LOG_INFO, LOG_FORMAT_JSON);
    struct captured_stderr captured = capture_stderr();
    for (int i = 0; i < 1000; i++)
        log_info("flood", "the same again", LOG_I("i", i));
    char *text = captured_text(&captured);
    char last[1024];
    assert_in_range(lines_with(text, "the same again", last), 10, 99);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_json),
        cmocka_unit_test(text_cannot_steer_a_terminal),
        cmocka_unit_test(a_flood_is_held_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
