/* Codes for names: stable, kept in the file, bounded. */
#include "fixture.h"

#include "storage/names.h"
#include "storage/schema.h"
#include "storage/sql.h"

#include <stdio.h>
#include <stdlib.h>

static sqlite3 *open_new(const char *directory)
{
    char path[512];
    int code;
    snprintf(path, sizeof path, "%s/names.sqlite", directory);
    sqlite3 *db = sql_open(path, SQL_WRITE, &code);
    assert_non_null(db);
    return db;
}

static void codes_are_kept(void **state)
{
    char *directory = make_directory();
    sqlite3 *db = open_new(directory);
    int code;
    (void)state;
    assert_int_equal(slot_schema_migrate(db), SQLITE_OK);
    struct names *n = names_open(db, &code);
    assert_non_null(n);
    uint32_t a = names_service(n, bytes_of_string("a"));
    uint32_t none = names_service(n, bytes_of_string(""));
    uint32_t get = names_operation(n, a, 2, bytes_of_string("GET"));
    assert_true(a && none && get && a != none);
    assert_int_equal(names_service(n, bytes_of_string("a")), a);
    assert_int_equal(names_operation(n, a, 2, bytes_of_string("GET")), get);
    uint32_t other_kind = names_operation(n, a, 3, bytes_of_string("GET"));
    uint32_t other_service = names_operation(n, none, 2, bytes_of_string("GET"));
    assert_true(other_kind != get && other_service != get && other_kind != other_service);
    for (unsigned i = 0; i < 3000; i++) {
        char name[32];
        snprintf(name, sizeof name, "op-%u", i);
        assert_true(names_operation(n, a, 1, bytes_of_string(name)) > 0);
    }
    assert_int_equal(names_error(n), SQLITE_OK);
    names_close(n);

    n = names_open(db, &code);
    assert_non_null(n);
    assert_int_equal(names_service(n, bytes_of_string("")), none);
    assert_int_equal(names_operation(n, a, 2, bytes_of_string("GET")), get);
    assert_int_equal(names_operation(n, a, 1, bytes_of_string("op-2999")), other_service + 3000);
    names_close(n);
    sqlite3_close(db);
    remove_directory(directory);
}

static void too_long_and_too_many_get_no_code(void **state)
{
    char *directory = make_directory();
    sqlite3 *db = open_new(directory);
    char longest[NAMES_MAX_LENGTH + 1];
    int code;
    (void)state;
    assert_int_equal(slot_schema_migrate(db), SQLITE_OK);
    assert_int_equal(sql_exec(db, "BEGIN"), SQLITE_OK);
    struct names *n = names_open(db, &code);
    memset(longest, 'x', sizeof longest);
    assert_int_equal(names_service(n, bytes_of(longest, sizeof longest)), 0);
    assert_int_equal(names_service(n, bytes_of(longest, sizeof longest - 1)), 1);
    assert_int_equal(names_operation(n, 0, 1, bytes_of_string("x")), 0);
    for (unsigned i = 0; i < NAMES_MAX_SERVICES + 10; i++) {
        char name[32];
        snprintf(name, sizeof name, "s-%u", i);
        uint32_t its = names_service(n, bytes_of_string(name));
        assert_int_equal(its, i + 2 <= NAMES_MAX_SERVICES ? i + 2 : 0);
    }
    assert_int_equal(names_error(n), SQLITE_OK);
    names_close(n);
    sqlite3_close(db);
    remove_directory(directory);
}

static void names_that_are_not_ours_are_refused(void **state)
{
    static const char *const planted[] = {
        "INSERT INTO service VALUES(7, x'61')",
        "INSERT INTO service VALUES(1, x'61'), (2, x'61')",
        "INSERT INTO operation VALUES(0, 1, 1, x'61')",
    };
    (void)state;
    for (size_t i = 0; i < sizeof planted / sizeof planted[0]; i++) {
        char *directory = make_directory();
        sqlite3 *db = open_new(directory);
        int code;
        assert_int_equal(slot_schema_migrate(db), SQLITE_OK);
        assert_int_equal(sql_exec(db, planted[i]), SQLITE_OK);
        assert_null(names_open(db, &code));
        assert_true(sql_is_corrupt(code));
        sqlite3_close(db);
        remove_directory(directory);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_are_kept),
        cmocka_unit_test(too_long_and_too_many_get_no_code),
        cmocka_unit_test(names_that_are_not_ours_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
