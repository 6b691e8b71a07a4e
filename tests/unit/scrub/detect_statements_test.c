/* Statements within messages, and what databases say of their values. */
#include "tests/unit/scrub/marked.h"

static void literals_of_messages_go(void **state)
{
    (void)state;
    static const struct marked_case cases[] = {
        {NULL, "(e) [SQL: INSERT INTO users (name, pw) VALUES («'x'»,«'S3'»)]", SCRUB_SQL_LITERAL},
        {NULL, "[SQL: SELECT a[i] FROM t WHERE b = «'x'»]\n[parameters: («'S3'», «5»)]\nmore 'x'",
         SCRUB_SQL_LITERAL},
        {NULL, "[parameters: {'name': «'S3'»}] (Background on this)", SCRUB_SQL_LITERAL},
        {NULL, "Error executing SQL: INSERT INTO users VALUES («'x'»,«'S3'»)\nnext 'line'",
         SCRUB_SQL_LITERAL},
        {NULL, "ALTER USER app IDENTIFIED BY '«S3cret X9»'", SCRUB_SENSITIVE_KEY},
        {NULL, "CREATE ROLE app PASSWORD '«S3cret X9»' VALID UNTIL 'infinity'",
         SCRUB_SENSITIVE_KEY},
        {NULL, "Duplicate entry '«S3»' for key 'users.token'", SCRUB_SENSITIVE_KEY},
        {NULL, "DETAIL:  Key (email, token)=(bob, «S3») already exists.", SCRUB_SENSITIVE_KEY},
        {NULL, "Key (token)=(«S3»)", SCRUB_SENSITIVE_KEY},
        {NULL, "EXEC p @password='«S3x»'", SCRUB_SENSITIVE_KEY},
        {NULL, "invalid token '«S3cretX9»' supplied", SCRUB_SENSITIVE_KEY},
    };
    CHECK_CASES(cases);
}

static void lists_have_names_and_values(void **state)
{
    (void)state;
    static const struct marked_case cases[] = {
        {NULL, "[('user', 'x'), ('api_key', '«S3 cret»'), ('token', '«a-b»')]",
         SCRUB_SENSITIVE_KEY},
        {NULL, "rawHeaders: [ 'Accept', '*/*', 'Authorization', 'Token «S3cretX9»', 'x', 'y' ]",
         SCRUB_BEARER},
        {NULL, "['x-api-key', '«S3cretX9»', 'accept', 'x']", SCRUB_SENSITIVE_KEY},
        {NULL,
         "scopes: ['token', 'refresh', 'x'], ('name', 'S3cretX9'), IN ('token', 'key'), "
         "'password', 'reset'",
         -1},
    };
    CHECK_CASES(cases);
}

static void what_is_said_of_them_stays(void **state)
{
    (void)state;
    static const struct marked_case cases[] = {
        {NULL, "[SQL: INSERT INTO t (a) VALUES (%(a)s)]", -1},
        {NULL, "Duplicate entry 'bob' for key 'users.name'", -1},
        {NULL, "Key (id)=(5) is still referenced from table \"orders\"", -1},
        {NULL, "invalid password 'too short' given, unexpected token 'else'", -1},
        {NULL, "query: select one of 'a' and 'b'", -1},
        {NULL, "vendor@token-svc=c3c522dd", -1},
        {NULL, "SQL: two files, 'a' and 'b'", -1},
    };
    CHECK_CASES(cases);
}

/* Older instrumentations name spans by their statements. */
static void names_of_spans_may_be_statements(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t findings;
    } cases[] = {
        {"UPDATE users SET name = 'Oliveira' WHERE id = 12341", 2},
        {"select a from b where c = 'x'", 1},
        {"INSERT INTO a (b) VALUES ('x', 5)", 2},
        {"UPDATE users SET name = ? WHERE id = ?", 0},
        {"SELECT shop.orders", 0},
        {"Update profile 'x' = 5", 0},
        {"GET /a='b'", 0},
    };
    struct detector *d = marked_detector(false, false);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct finding found[FINDINGS_MAX];
        size_t count;
        const struct detect_context where = {.place = PLACE_SPAN_NAME};
        detector_find(d, &where, bytes_of_string(cases[i].name), found, &count);
        if (count != cases[i].findings)
            fail_msg("%s: %zu", cases[i].name, count);
        for (size_t n = 0; n < count; n++)
            assert_int_equal(found[n].class, SCRUB_SQL_LITERAL);
    }
    detector_destroy(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(literals_of_messages_go),
        cmocka_unit_test(lists_have_names_and_values),
        cmocka_unit_test(what_is_said_of_them_stays),
        cmocka_unit_test(names_of_spans_may_be_statements),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
