/* What happens to the store from outside: kills, torn files, missing files, full disks. It always
 * goes on, and what was committed and is readable stays. */
#include "fixture.h"

#include "component/lane.h"
#include "storage/erase.h"
#include "storage/sql.h"
#include "storage/store_private.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define BASE (1700000000ull * SEC)

static struct span_spec span(uint64_t trace)
{
    return (struct span_spec){
        .trace = trace, .id = 1, .start = BASE + trace, .service = "s", .name = "n"};
}

static void write_trace(struct store *s, uint64_t trace)
{
    struct span_spec spec = span(trace);
    write_spans(s, &spec, 1);
}

static void write_filler(struct store *s, uint64_t trace, size_t bytes)
{
    struct span_spec spec = span(trace);
    spec.filler_bytes = bytes;
    write_spans(s, &spec, 1);
}

static bool reads_trace(struct store_reader *r, uint64_t trace)
{
    uint8_t id[16];
    trace_id_of(trace, id);
    struct batch *b = store_trace(r, id);
    if (b)
        batch_release(b);
    return b != NULL;
}

static bool has_trace(struct store *s, uint64_t trace)
{
    struct store_reader *r = store_reader_open(s);
    bool has = reads_trace(r, trace);
    store_reader_close(r);
    return has;
}

/* A closed store of `slots` slots with one trace in each, 1, 2, … */
static void make_slots(const char *directory, unsigned slots)
{
    struct store_options o = options_of(directory);
    o.slot_ns = 1;
    struct store *s = open_store(&o);
    for (unsigned i = 1; i <= slots; i++) {
        write_trace(s, i);
        flush(s);
    }
    store_close(s);
}

static size_t count_files(const char *directory, const char *suffix)
{
    size_t count;
    char **paths = slot_paths(directory, suffix, &count);
    free_paths(paths, count);
    return count;
}

static void overwrite(const char *path, off_t offset, size_t len)
{
    char *garbage = malloc(len);
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    memset(garbage, 0xa7, len);
    assert_int_equal(pwrite(fd, garbage, len, offset), len);
    close(fd);
    free(garbage);
}

/* Three slots, the middle one spoilt by `spoil`; it is set aside and the rest stays. */
static void spoil_and_reopen(void (*spoil)(const char *path))
{
    char *directory = make_directory();
    size_t count;
    make_slots(directory, 3);
    char **paths = slot_paths(directory, ".sqlite", &count);
    assert_int_equal(count, 3);
    spoil(paths[1]);
    struct store_options o = options_of(directory);
    struct store *s = open_store(&o);
    has_trace(s, 2); /* damage further in is only met when it is read */
    for (int i = 0; i < 6000 && count_files(directory, ".broken") == 0; i++)
        usleep(10000);
    assert_int_equal(count_files(directory, ".sqlite.broken"), 1);
    assert_true(has_trace(s, 1));
    assert_false(has_trace(s, 2));
    assert_true(has_trace(s, 3));
    write_trace(s, 4);
    flush(s);
    assert_true(has_trace(s, 4));
    store_close(s);
    free_paths(paths, count);
    remove_directory(directory);
}

static void spoil_header(const char *path)
{
    overwrite(path, 0, 100);
}

static void spoil_all(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    overwrite(path, 0, (size_t)st.st_size);
}

static void spoil_schema_page(const char *path)
{
    overwrite(path, 100, 16384 - 100);
}

static void spoil_table_pages(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    overwrite(path, 16384, (size_t)st.st_size - 16384);
}

static void make_empty(const char *path)
{
    assert_int_equal(truncate(path, 0), 0);
}

static void cut_short(const char *path)
{
    assert_int_equal(truncate(path, 16384 + 5000), 0);
}

static void make_foreign(const char *path)
{
    unlink(path);
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "CREATE TABLE t(x)", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void torn_files_are_set_aside(void **state)
{
    (void)state;
    spoil_and_reopen(spoil_header);
    spoil_and_reopen(spoil_all);
    spoil_and_reopen(spoil_schema_page);
    spoil_and_reopen(spoil_table_pages);
    spoil_and_reopen(make_empty);
    spoil_and_reopen(cut_short);
    spoil_and_reopen(make_foreign);
}

/* With a reader that has read of the file, and knows how long it was. */
static void a_file_cut_short_while_it_is_open_is_set_aside(void **state)
{
    char *directory = make_directory();
    struct store_options o = options_of(directory);
    size_t count;
    (void)state;
    o.slot_ns = 1;
    struct store *s = open_store(&o);
    write_filler(s, 1, 4 << 20);
    flush(s);
    write_trace(s, 2);
    flush(s);
    store_close(s);
    char **paths = slot_paths(directory, ".sqlite", &count);
    assert_int_equal(count, 2);

    s = open_store(&o);
    struct store_reader *r = store_reader_open(s);
    assert_true(reads_trace(r, 1));
    assert_int_equal(truncate(paths[0], 16384), 0);
    assert_false(reads_trace(r, 1));
    for (int i = 0; i < 6000 && count_files(directory, ".broken") == 0; i++)
        usleep(10000);
    assert_int_equal(count_files(directory, ".sqlite.broken"), 1);
    assert_false(reads_trace(r, 1));
    assert_true(reads_trace(r, 2));
    store_reader_close(r);
    store_close(s);
    free_paths(paths, count);
    remove_directory(directory);
}

static void make_link(const char *path)
{
    char target[512];
    snprintf(target, sizeof target, "%s.elsewhere", path);
    assert_int_equal(rename(path, target), 0);
    assert_int_equal(chmod(target, 0644), 0);
    assert_int_equal(symlink(target, path), 0);
}

static void make_pipe(const char *path)
{
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
}

/* Opening a pipe would wait for ever, and a link's target is not ours to change. */
static void what_is_no_file_is_left_alone(void **state)
{
    (void)state;
    static void (*const spoilers[])(const char *path) = {make_link, make_pipe};
    for (size_t i = 0; i < sizeof spoilers / sizeof spoilers[0]; i++) {
        struct store_stats stats;
        struct stat before, after;
        char *directory = make_directory();
        make_slots(directory, 1);
        size_t count;
        char **paths = slot_paths(directory, ".sqlite", &count);
        assert_int_equal(count, 1);
        spoilers[i](paths[0]);
        assert_int_equal(stat(paths[0], &before), 0);
        struct store_options o = options_of(directory);
        struct store *s = open_store(&o);
        write_trace(s, 99);
        flush(s);
        store_stats(s, &stats);
        assert_int_equal(stats.slots, 1);
        store_close(s);
        assert_int_equal(stat(paths[0], &after), 0);
        assert_int_equal(after.st_mode, before.st_mode);
        assert_int_equal(after.st_size, before.st_size);
        free_paths(paths, count);
        remove_directory(directory);
    }
}

/* Every page of a slot in turn filled with garbage: no read of any kind may crash or hang. */
static void no_garbage_crashes_a_reader(void **state)
{
    char *directory = make_directory();
    struct stat st;
    size_t count;
    (void)state;
    make_slots(directory, 1);
    char **paths = slot_paths(directory, ".sqlite", &count);
    assert_int_equal(stat(paths[0], &st), 0);
    char *good = malloc((size_t)st.st_size);
    int fd = open(paths[0], O_RDONLY);
    assert_int_equal(read(fd, good, (size_t)st.st_size), st.st_size);
    close(fd);
    for (off_t at = 0; at < st.st_size; at += 1024 + 512) {
        fd = open(paths[0], O_WRONLY | O_CREAT | O_TRUNC, 0600);
        assert_int_equal(write(fd, good, (size_t)st.st_size), st.st_size);
        close(fd);
        overwrite(paths[0], at, (size_t)(st.st_size - at < 700 ? st.st_size - at : 700));
        struct store_options o = options_of(directory);
        struct store *s = open_store(&o);
        struct store_reader *r = store_reader_open(s);
        struct store_query q = query_all();
        struct store_results results;
        struct store_dependencies d;
        struct store_names names;
        struct error e;
        has_trace(s, 1);
        store_search(r, &q, UINT64_MAX, &results, &e);
        store_results_free(&results);
        store_dependencies(r, 1, UINT64_MAX - 1, &d);
        store_dependencies_free(&d);
        store_services(r, &names);
        store_names_free(&names);
        store_reader_close(r);
        store_close(s);
        size_t broken;
        char **set_aside = slot_paths(directory, ".broken", &broken);
        for (size_t i = 0; i < broken; i++)
            unlink(set_aside[i]);
        free_paths(set_aside, broken);
    }
    free(good);
    free_paths(paths, count);
    remove_directory(directory);
}

static void a_newer_version_is_left_alone(void **state)
{
    char *directory = make_directory();
    size_t count;
    sqlite3 *db;
    struct store_stats stats;
    (void)state;
    make_slots(directory, 2);
    char **paths = slot_paths(directory, ".sqlite", &count);
    assert_int_equal(sqlite3_open(paths[1], &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version=99", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    struct store_options o = options_of(directory);
    struct store *s = open_store(&o);
    store_stats(s, &stats);
    assert_int_equal(stats.slots, 1);
    assert_true(has_trace(s, 1));
    assert_false(has_trace(s, 2));
    write_trace(s, 3);
    flush(s);
    assert_true(has_trace(s, 3));
    store_close(s);
    assert_int_equal(count_files(directory, ".broken"), 0);
    assert_int_equal(count_files(directory, ".sqlite"), 3);
    free_paths(paths, count);
    remove_directory(directory);
}

static void a_lost_wal_loses_only_its_commits(void **state)
{
    char *directory = make_directory();
    struct store_options o = options_of(directory);
    size_t count;
    int status;
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        struct store *s = open_store(&o);
        write_trace(s, 1);
        flush(s);
        _exit(0); /* without closing: all of it is still in the -wal */
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    char **paths = slot_paths(directory, "-wal", &count);
    assert_int_equal(count, 1);
    unlink(paths[0]);
    struct store *s = open_store(&o);
    assert_false(has_trace(s, 1));
    write_trace(s, 2);
    flush(s);
    assert_true(has_trace(s, 2));
    store_close(s);
    free_paths(paths, count);
    remove_directory(directory);
}

static void a_missing_dictionary_hides_only_its_traces(void **state)
{
    char *directory = make_directory();
    size_t count;
    sqlite3 *db;
    (void)state;
    make_slots(directory, 2);
    char **paths = slot_paths(directory, ".sqlite", &count);
    assert_int_equal(sqlite3_open(paths[0], &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "UPDATE part SET dictionary=5", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    struct store_options o = options_of(directory);
    struct store *s = open_store(&o);
    assert_false(has_trace(s, 1));
    assert_true(has_trace(s, 2));
    store_close(s);
    free_paths(paths, count);
    remove_directory(directory);
}

static void change_slot(const char *directory, const char *sql)
{
    size_t count;
    sqlite3 *db;
    char **paths = slot_paths(directory, ".sqlite", &count);
    assert_int_equal(count, 1);
    assert_int_equal(sqlite3_open(paths[0], &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    free_paths(paths, count);
}

/* A slot that would be written on, with rows that no writer made. */
static void what_cannot_be_gone_on_with_is_set_aside(void **state)
{
    static const char *const changes[] = {
        "INSERT INTO part VALUES(9223372036854775807, 0, x'00')",
        "INSERT INTO envelope VALUES(9223372036854775807, x'')",
        "DELETE FROM envelope; INSERT INTO envelope VALUES(-2, x'')",
        "INSERT INTO dictionary VALUES(1, x'37a430ec0102030405060708090a0b0c')",
        "INSERT INTO dictionary VALUES(1, zeroblob(100000))",
    };
    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        char *directory = make_directory();
        struct store_options o = options_of(directory);
        struct store *s = open_store(&o);
        write_trace(s, 1);
        flush(s);
        store_close(s);
        change_slot(directory, changes[i]);
        s = open_store(&o);
        write_trace(s, 2);
        flush(s);
        assert_true(has_trace(s, 2));
        store_close(s);
        assert_int_equal(count_files(directory, ".broken"), 1);
        remove_directory(directory);
    }
}

/* With one byte of it changed zstd still reads what it compressed, as something else. */
static void a_damaged_dictionary_tells_no_lies(void **state)
{
    char *directory = make_directory();
    struct store_options o = options_of(directory);
    uint64_t last = 6000;
    (void)state;
    struct store *s = open_store(&o);
    for (uint64_t i = 1; i <= last; i++)
        write_trace(s, i);
    flush(s);
    assert_true(has_trace(s, last));
    store_close(s);
    change_slot(directory,
                "UPDATE dictionary SET data = CAST(substr(data, 1, length(data) - 40) || "
                "x'5a' || substr(data, length(data) - 38) AS BLOB)");
    s = open_store(&o);
    assert_false(has_trace(s, last));
    assert_true(has_trace(s, 1)); /* of before there was one */
    write_trace(s, last + 1);
    flush(s);
    assert_true(has_trace(s, last + 1));
    store_close(s);
    assert_int_equal(count_files(directory, ".broken"), 1);
    remove_directory(directory);
}

/* Nobody lives to see all numbers tried up to the last part's. */
static void a_part_far_off_ends_no_walk(void **state)
{
    char *directory = make_directory();
    struct error e;
    struct erase_where where;
    struct erase_result result;
    (void)state;
    make_slots(directory, 1);
    change_slot(directory, "INSERT INTO part VALUES(9223372036854775806, 0, x'00');"
                           "UPDATE part SET id=1000000000000 WHERE id=1");
    struct store_options o = options_of(directory);
    struct store *s = open_store(&o);
    assert_true(erase_where_parse("*~\"s\"", &where, &e));
    const struct erase_options ask = {.where = &where, .dry_run = true, .asked = "test"};
    assert_true(store_erase(s, &ask, &result, &e));
    erase_where_free(&where);
    store_close(s);
    remove_directory(directory);
}

/* The child tells of each commit through the pipe; all that it told of must be there. */
static void a_kill_loses_nothing_committed(void **state)
{
    (void)state;
    for (int round = 0; round < 6; round++) {
        char *directory = make_directory();
        struct store_options o = options_of(directory);
        int ends[2];
        int status;
        assert_int_equal(pipe(ends), 0);
        pid_t child = fork();
        if (child == 0) {
            struct store *s = open_store(&o);
            for (uint64_t trace = 1;; trace++) {
                write_trace(s, trace);
                if (trace % 3 == 0) {
                    flush(s);
                    if (write(ends[1], &trace, sizeof trace) != sizeof trace)
                        _exit(1);
                }
            }
        }
        close(ends[1]);
        uint64_t told = 0;
        for (int i = 0; i < 5 + 17 * round; i++)
            assert_int_equal(read(ends[0], &told, sizeof told), sizeof told);
        kill(child, SIGKILL);
        while (read(ends[0], &told, sizeof told) == sizeof told)
            ;
        close(ends[0]);
        assert_int_equal(waitpid(child, &status, 0), child);
        struct store *s = open_store(&o);
        for (uint64_t trace = 1; trace <= told; trace++)
            assert_true(has_trace(s, trace));
        write_trace(s, 1000000);
        flush(s);
        assert_true(has_trace(s, 1000000));
        assert_true(has_trace(s, told));
        store_close(s);
        assert_int_equal(count_files(directory, ".broken"), 0);
        remove_directory(directory);
    }
}

static void a_deleted_directory_is_made_again(void **state)
{
    char *directory = make_directory();
    struct store_options o = options_of(directory);
    (void)state;
    struct store *s = open_store(&o);
    write_trace(s, 1);
    flush(s);
    remove_directory(strdup(directory));
    write_trace(s, 2);
    flush(s);
    assert_true(has_trace(s, 2));
    assert_false(has_trace(s, 1));
    assert_int_equal(count_files(directory, ".sqlite"), 1);
    store_close(s);
    remove_directory(directory);
}

struct changes {
    struct store *store;
    int to_failing;
    int to_writable;
};

static void on_changed(void *context)
{
    struct changes *c = context;
    struct store_stats stats;
    store_stats(c->store, &stats);
    if (stats.writable)
        c->to_writable++;
    else
        c->to_failing++;
}

static void a_full_file_drops_counts_and_recovers(void **state)
{
    char *directory = make_directory();
    struct store_options o = options_of(directory);
    struct changes changes = {0};
    struct store_stats stats;
    (void)state;
    o.changed = on_changed;
    o.context = &changes;
    struct store *s = open_store(&o);
    changes.store = s;
    write_trace(s, 1);
    flush(s);
    store_limit_pages(s, 20);
    write_filler(s, 2, 4 << 20);
    flush(s);
    store_stats(s, &stats);
    assert_false(stats.writable);
    assert_non_null(strstr(stats.error, "full"));
    assert_int_equal(stats.spans_dropped_failed, 1);
    assert_int_equal(stats.spans_written, 1);
    write_filler(s, 3, 4 << 20);
    flush(s);
    store_stats(s, &stats);
    assert_int_equal(stats.spans_dropped_failed, 2);
    assert_true(has_trace(s, 1)); /* reading goes on */
    store_limit_pages(s, 0);
    write_trace(s, 4);
    flush(s);
    store_stats(s, &stats);
    assert_true(stats.writable);
    assert_int_equal(stats.spans_written, 2);
    assert_true(has_trace(s, 1) && has_trace(s, 4));
    assert_false(has_trace(s, 2));
    store_close(s);
    assert_int_equal(changes.to_failing, 1);
    assert_int_equal(changes.to_writable, 1);
    remove_directory(directory);
}

static void a_full_disk_drops_counts_and_recovers(void **state)
{
    char *directory = make_directory();
    struct store_stats stats;
    char ballast[600];
    (void)state;
    if (mount("tmpfs", directory, "tmpfs", 0, "size=3m,mode=0700") != 0) {
        remove_directory(directory);
        skip();
    }
    struct store_options o = options_of(directory);
    struct store *s = open_store(&o);
    write_trace(s, 1);
    flush(s);
    snprintf(ballast, sizeof ballast, "%s/ballast", directory);
    int fd = open(ballast, O_WRONLY | O_CREAT, 0600);
    char block[4096] = {0};
    while (write(fd, block, sizeof block) > 0)
        ;
    close(fd);
    write_filler(s, 2, 1 << 20);
    flush(s);
    store_stats(s, &stats);
    assert_false(stats.writable);
    assert_int_equal(stats.spans_dropped_failed, 1);
    unlink(ballast);
    write_trace(s, 3);
    flush(s);
    store_stats(s, &stats);
    assert_true(stats.writable);
    assert_true(has_trace(s, 1) && has_trace(s, 3));
    store_close(s);
    assert_int_equal(umount(directory), 0);
    remove_directory(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(torn_files_are_set_aside),
        cmocka_unit_test(a_file_cut_short_while_it_is_open_is_set_aside),
        cmocka_unit_test(no_garbage_crashes_a_reader),
        cmocka_unit_test(what_is_no_file_is_left_alone),
        cmocka_unit_test(a_newer_version_is_left_alone),
        cmocka_unit_test(a_lost_wal_loses_only_its_commits),
        cmocka_unit_test(a_missing_dictionary_hides_only_its_traces),
        cmocka_unit_test(what_cannot_be_gone_on_with_is_set_aside),
        cmocka_unit_test(a_damaged_dictionary_tells_no_lies),
        cmocka_unit_test(a_part_far_off_ends_no_walk),
        cmocka_unit_test(a_kill_loses_nothing_committed),
        cmocka_unit_test(a_deleted_directory_is_made_again),
        cmocka_unit_test(a_full_file_drops_counts_and_recovers),
        cmocka_unit_test(a_full_disk_drops_counts_and_recovers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
