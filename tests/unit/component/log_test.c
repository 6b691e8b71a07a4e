/* Log lines: valid JSON whatever is logged, and no flood of the same line. */
#include "component/log.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int saved;
static FILE *captured;

static void capture(void)
{
    fflush(stderr);
    captured = tmpfile();
    saved = dup(STDERR_FILENO);
    dup2(fileno(captured), STDERR_FILENO);
}

static char *captured_text(void)
{
    static char text[65536];
    dup2(saved, STDERR_FILENO);
    close(saved);
    rewind(captured);
    text[fread(text, 1, sizeof text - 1, captured)] = 0;
    fclose(captured);
    return text;
}

static void a_line_is_json(void **state)
{
    (void)state;
    log_configure(LOG_INFO, LOG_FORMAT_JSON);
    capture();
    log_info("otlp/x", "said \"hello\"\n", LOG_S("text", "tab\tand \xff byte"), LOG_I("n", -5),
             LOG_D("d", 0.5));
    log_debug("otlp/x", "not at this level");
    const char *text = captured_text();
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
}

static void text_cannot_steer_a_terminal(void **state)
{
    (void)state;
    log_configure(LOG_INFO, LOG_FORMAT_TEXT);
    capture();
    log_warn(NULL, "peer said", LOG_S("error", "\x1b[2Jgone\r\nnew line"));
    const char *text = captured_text();
    assert_null(strchr(text, 0x1b));
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
}

static void a_flood_is_held_back(void **state)
{
    (void)state;
    log_configure(LOG_INFO, LOG_FORMAT_JSON);
    capture();
    for (int i = 0; i < 1000; i++)
        log_info("flood", "the same again", LOG_I("i", i));
    const char *text = captured_text();
    int lines = 0;
    for (; *text; text++)
        lines += *text == '\n';
    assert_true(lines >= 10 && lines < 100);
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
