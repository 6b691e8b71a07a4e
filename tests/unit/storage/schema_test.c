/* Which files are believed. */
#include "fixture.h"

#include "storage/schema.h"
#include "storage/sql.h"

#include <stdio.h>

static enum schema_state state_after(const char *sql)
{
    char *directory = make_directory();
    char path[512];
    int code;
    snprintf(path, sizeof path, "%s/a.sqlite", directory);
    sqlite3 *db = sql_open(path, SQL_WRITE, &code);
    assert_non_null(db);
    assert_int_equal(slot_schema_check(db, &code), SCHEMA_EMPTY);
    assert_int_equal(slot_schema_migrate(db), SQLITE_OK);
    assert_int_equal(slot_schema_check(db, &code), SCHEMA_CURRENT);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 1, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 1, NULL);
    assert_int_equal(sql_exec(db, sql), SQLITE_OK);
    enum schema_state result = slot_schema_check(db, &code);
    assert_int_equal(code, SQLITE_OK);
    sqlite3_close(db);
    remove_directory(directory);
    return result;
}

static void ours_and_others(void **state)
{
    (void)state;
    assert_int_equal(state_after("SELECT 1"), SCHEMA_CURRENT);
    assert_int_equal(state_after("PRAGMA user_version=99"), SCHEMA_NEWER);
    assert_int_equal(state_after("PRAGMA user_version=-1"), SCHEMA_OTHER);
    assert_int_equal(state_after("PRAGMA user_version=0"), SCHEMA_OTHER);
    assert_int_equal(state_after("DROP TABLE trace"), SCHEMA_OTHER);
    assert_int_equal(state_after("CREATE TABLE more(x)"), SCHEMA_OTHER);
    assert_int_equal(state_after("CREATE INDEX i ON part(dictionary)"), SCHEMA_OTHER);
    assert_int_equal(state_after("DROP TABLE part; CREATE VIEW part AS SELECT 1 AS id"),
                     SCHEMA_OTHER);
    assert_int_equal(state_after("CREATE TRIGGER t AFTER INSERT ON part BEGIN"
                                 " DELETE FROM meta; END"),
                     SCHEMA_OTHER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(ours_and_others)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
