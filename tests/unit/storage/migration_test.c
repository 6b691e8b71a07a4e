/* Slots of another version, with a history that has one version more than the real one. */
#include "fixture.h"

#include "storage/schema.h"
#include "storage/sql.h"
#include "storage/store_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BASE (1700000000ull * SEC)

enum { REAL_VERSION = 2, TABLES_MAX = 16, SLOTS = 3 };

#define NEW_TABLE "CREATE TABLE note(parts INTEGER NOT NULL)"

static const char *tables[TABLES_MAX + 2];
static const char *const steps[] = {NEW_TABLE, "INSERT INTO note SELECT count(*) FROM part", NULL};
static const char *const failing_steps[] = {NEW_TABLE, "INSERT INTO missing VALUES(1)", NULL};
/* Fail where there is a part, not in a new file. */
static const char *const picky_steps[] = {NEW_TABLE, "INSERT INTO note SELECT NULL FROM part",
                                          NULL};
static const char *const short_steps[] = {"DELETE FROM part", NULL};

static struct schema_version versions[REAL_VERSION + 2];

/* The real versions, and one more that these steps lead to. */
static void pretend(const char *const *to_next)
{
    size_t n = 0;
    memcpy(versions, slot_schema_versions, REAL_VERSION * sizeof versions[0]);
    assert_null(slot_schema_versions[REAL_VERSION].tables);
    for (const char *const *t = versions[REAL_VERSION - 1].tables; *t; t++) {
        assert_true(n < TABLES_MAX);
        tables[n++] = *t;
    }
    tables[n++] = NEW_TABLE;
    tables[n] = NULL;
    versions[REAL_VERSION] = (struct schema_version){.tables = tables, .steps = to_next};
    slot_schema_pretend(versions);
}

static void write_trace(struct store *s, uint64_t trace)
{
    struct span_spec spec = {
        .trace = trace, .id = 1, .start = BASE + trace, .service = "s", .name = "n"};
    write_spans(s, &spec, 1);
    flush(s);
}

static bool has_trace(struct store_reader *r, uint64_t trace)
{
    uint8_t id[16];
    trace_id_of(trace, id);
    struct batch *b = store_trace(r, id);
    if (b)
        batch_release(b);
    return b != NULL;
}

static size_t found(struct store *s)
{
    struct store_reader *r = store_reader_open(s);
    struct store_query q = query_all();
    struct store_results results;
    struct error e;
    assert_true(store_search(r, &q, UINT64_MAX, &results, &e));
    size_t count = results.count;
    store_results_free(&results);
    store_reader_close(r);
    return count;
}

/* Slots of the real version with traces 1, 2, …; the last is open, as a stopped process leaves it.
 */
static int begin(void **state)
{
    char *directory = make_directory();
    struct store_options o = options_of(directory);
    o.slot_ns = 1;
    for (uint64_t i = 1; i <= SLOTS; i++) {
        if (i == SLOTS)
            o.slot_ns = 3600 * (int64_t)SEC;
        struct store *s = open_store(&o);
        write_trace(s, i);
        store_close(s);
    }
    *state = directory;
    return 0;
}

static int end(void **state)
{
    slot_schema_pretend(NULL);
    remove_directory(*state);
    return 0;
}

static int64_t ask(const char *path, const char *sql)
{
    int code;
    sqlite3 *db = sql_open(path, SQL_READ, &code);
    assert_non_null(db);
    int64_t value = sql_integer(db, sql, -1);
    sqlite3_close(db);
    return value;
}

static void assert_versions(const char *directory, size_t slots, int64_t version)
{
    size_t count;
    char **paths = slot_paths(directory, ".sqlite", &count);
    assert_int_equal(count, slots);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(ask(paths[i], "PRAGMA user_version"), version);
    free_paths(paths, count);
}

static void older_slots_are_migrated_with_what_is_in_them(void **state)
{
    struct store_options o = options_of(*state);
    pretend(steps);
    struct store *s = open_store(&o);
    while (found(s) < SLOTS)
        usleep(10000);
    write_trace(s, SLOTS + 1);
    struct store_reader *r = store_reader_open(s);
    for (uint64_t i = 1; i <= SLOTS + 1; i++)
        assert_true(has_trace(r, i));
    store_reader_close(r);
    store_close(s);

    assert_versions(*state, SLOTS + 1, REAL_VERSION + 1);
    size_t count;
    char **paths = slot_paths(*state, ".sqlite", &count);
    for (size_t i = 0; i < SLOTS; i++) {
        assert_int_equal(ask(paths[i], "SELECT parts FROM note"), 1);
        assert_int_equal(ask(paths[i], "SELECT value FROM meta WHERE key='sealed'"), 1);
        assert_int_equal(ask(paths[i], "SELECT count(*) FROM trace"), 1);
    }
    free_paths(paths, count);

    s = open_store(&o); /* and they are current ones from now on */
    assert_int_equal(found(s), SLOTS + 1);
    store_close(s);
}

/* However often it is tried, what cannot be migrated is neither read nor changed nor thrown away,
 * and new spans have a slot. */
static void what_cannot_be_migrated_stays_as_it_is(void **state)
{
    static const char *const *const bad[] = {failing_steps, short_steps};
    struct store_options o = options_of(*state);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        pretend(bad[i]);
        struct store *s = open_store(&o);
        for (int n = 0; n < 120; n++) { /* more than one tick */
            assert_int_equal(found(s), 0);
            usleep(10000);
        }
        store_close(s);
        assert_versions(*state, SLOTS, REAL_VERSION);
    }
    slot_schema_pretend(NULL);
    struct store *s = open_store(&o);
    assert_int_equal(found(s), SLOTS);
    store_close(s);
}

static void new_spans_do_not_wait_for_the_migration(void **state)
{
    struct store_options o = options_of(*state);
    pretend(picky_steps);
    struct store *s = open_store(&o);
    write_trace(s, 99);
    assert_int_equal(found(s), 1);
    store_close(s);
}

static void newer_slots_are_left_alone(void **state)
{
    struct store_options o = options_of(*state);
    pretend(steps);
    struct store *s = open_store(&o);
    while (found(s) < SLOTS)
        usleep(10000);
    store_close(s);

    slot_schema_pretend(NULL);
    s = open_store(&o);
    assert_int_equal(found(s), 0);
    write_trace(s, SLOTS + 1);
    assert_int_equal(found(s), 1);
    store_close(s);

    size_t count;
    char **paths = slot_paths(*state, ".sqlite", &count);
    assert_int_equal(count, SLOTS + 1);
    for (size_t i = 0; i < SLOTS; i++)
        assert_int_equal(ask(paths[i], "PRAGMA user_version"), REAL_VERSION + 1);
    free_paths(paths, count);
}

static bool is_sealed(struct store *s, size_t at)
{
    struct slot_list slots;
    assert_true(slots_copy(s, &slots));
    assert_true(at < slots.count);
    bool sealed = atomic_load(&slots.items[at]->state) == SLOT_SEALED;
    slot_list_free(&slots);
    return sealed;
}

/* A reader is in the way of sealing the newest one, which is tried again when it has gone. */
static void a_migrated_slot_is_not_written_while_it_waits_to_be_sealed(void **state)
{
    struct store_options o = options_of(*state);
    size_t count;
    int code;
    char **paths = slot_paths(*state, ".sqlite", &count);
    sqlite3 *reading = sql_open(paths[SLOTS - 1], SQL_READ, &code);
    assert_non_null(reading);
    assert_int_equal(sql_exec(reading, "BEGIN; SELECT * FROM meta"), SQLITE_OK);

    pretend(steps);
    struct store *s = open_store(&o);
    while (ask(paths[SLOTS - 1], "PRAGMA user_version") != REAL_VERSION + 1)
        usleep(10000);
    write_trace(s, SLOTS + 1);
    assert_false(is_sealed(s, SLOTS - 1));
    assert_int_equal(ask(paths[SLOTS - 1], "SELECT count(*) FROM part"), 1);
    assert_versions(*state, SLOTS + 1, REAL_VERSION + 1);

    assert_int_equal(sql_exec(reading, "COMMIT"), SQLITE_OK);
    while (!is_sealed(s, SLOTS - 1))
        usleep(10000);
    assert_int_equal(found(s), SLOTS + 1);
    sqlite3_close(reading);
    store_close(s);
    free_paths(paths, count);
}

/* As a process leaves it that was killed when it had marked the slot and not emptied its -wal. */
static void a_slot_that_is_marked_as_sealed_is_not_written(void **state)
{
    struct store_options o = options_of(*state);
    size_t count;
    int code;
    char **paths = slot_paths(*state, ".sqlite", &count);
    sqlite3 *left = sql_open(paths[SLOTS - 1], SQL_WRITE, &code);
    assert_non_null(left);
    assert_int_equal(sql_exec(left, "INSERT INTO meta VALUES('sealed', 1)"), SQLITE_OK);

    struct store *s = open_store(&o);
    write_trace(s, SLOTS + 1);
    assert_int_equal(ask(paths[SLOTS - 1], "SELECT count(*) FROM part"), 1);
    while (!is_sealed(s, SLOTS - 1))
        usleep(10000);
    assert_int_equal(found(s), SLOTS + 1);
    store_close(s);
    sqlite3_close(left);
    free_paths(paths, count);
    assert_versions(*state, SLOTS + 1, REAL_VERSION);
}

/* A version's number does not make a file ours. */
static void a_foreign_file_with_an_older_number_is_set_aside(void **state)
{
    struct store_options o = options_of(*state);
    size_t count;
    char **paths = slot_paths(*state, ".sqlite", &count);
    int code;
    sqlite3 *db = sql_open(paths[0], SQL_WRITE, &code);
    assert_non_null(db);
    assert_int_equal(sql_exec(db, "CREATE TABLE more(x)"), SQLITE_OK);
    sqlite3_close(db);
    free_paths(paths, count);
    pretend(steps);
    struct store *s = open_store(&o);
    while (found(s) < SLOTS - 1)
        usleep(10000);
    store_close(s);
    free_paths(slot_paths(*state, ".broken", &count), count);
    assert_int_equal(count, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

/* Every version that ever was becomes today's, and its traces are found. */
static void every_version_becomes_todays(void **state)
{
    (void)state;
    for (size_t old = 1; old < REAL_VERSION; old++) {
        char *directory = make_directory();
        struct store_options o = options_of(directory);
        memset(versions, 0, sizeof versions);
        memcpy(versions, slot_schema_versions, old * sizeof versions[0]);
        slot_schema_pretend(versions);
        int code;
        char path[4096];
        snprintf(path, sizeof path, "%s/slot-1700000000000.sqlite", directory);
        sqlite3 *db = sql_open(path, SQL_WRITE, &code);
        assert_int_equal(slot_schema_migrate(db), SQLITE_OK);
        sqlite3_close(db);
        slot_schema_pretend(NULL);
        assert_versions(directory, 1, (int64_t)old);
        o.max_age_ns = INT64_MAX / 2;
        struct store *s = open_store(&o);
        write_trace(s, 1);
        store_close(s);
        s = open_store(&o);
        assert_int_equal(found(s), 1);
        store_close(s);
        for (int i = 0; i < 100 && ask(path, "PRAGMA user_version") != REAL_VERSION; i++) {
            s = open_store(&o); /* one is migrated at each start, or each second */
            usleep(20000);
            store_close(s);
        }
        assert_int_equal(ask(path, "PRAGMA user_version"), REAL_VERSION);
        assert_int_equal(ask(path, "SELECT count(*) FROM hop"), 0);
        remove_directory(directory);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_version_becomes_todays),
        TEST(older_slots_are_migrated_with_what_is_in_them),
        TEST(what_cannot_be_migrated_stays_as_it_is),
        TEST(new_spans_do_not_wait_for_the_migration),
        TEST(a_migrated_slot_is_not_written_while_it_waits_to_be_sealed),
        TEST(a_slot_that_is_marked_as_sealed_is_not_written),
        TEST(newer_slots_are_left_alone),
        TEST(a_foreign_file_with_an_older_number_is_set_aside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
