/* The file exporter's disk side: whole records, truncation, rotation, what a failed write leaves.
 */
#include "exporters/file_output.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants those above first */
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[64];
static struct error e;

static int make_directory(void **state)
{
    (void)state;
    snprintf(directory, sizeof directory, "/tmp/file_output_test.XXXXXX");
    return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", directory);
    return system(command);
}

static const char *path_of(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

static void write_file(const char *name, const char *content)
{
    FILE *f = fopen(path_of(name), "w");
    assert_non_null(f);
    fputs(content, f);
    fclose(f);
}

static void file_has(const char *name, const char *content)
{
    char text[256] = "";
    FILE *f = fopen(path_of(name), "r");
    assert_non_null(f);
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = '\0';
    assert_string_equal(text, content);
}

/* Names in the directory, sorted, but for the current file's. */
static size_t backups(char names[][256], size_t max)
{
    struct dirent **entries;
    int n = scandir(directory, &entries, NULL, alphasort);
    assert_true(n >= 2);
    size_t count = 0;
    for (int i = 0; i < n; i++) {
        if (entries[i]->d_name[0] != '.' && strcmp(entries[i]->d_name, "spans.json") != 0) {
            assert_true(count < max);
            snprintf(names[count++], 256, "%s", entries[i]->d_name);
        }
        free(entries[i]);
    }
    free(entries);
    return count;
}

static void append(struct file_output *o, const char *record)
{
    if (!file_output_append(o, bytes_of_string(record), 1, &e))
        fail_msg("%s", e.text);
}

static void records_wait_until_flushed(void **state)
{
    (void)state;
    write_file("spans.json", "old\n");
    struct file_output o;
    assert_true(
        file_output_open(&o, &(struct file_output_options){.path = path_of("spans.json")}, &e));
    file_has("spans.json", "");
    append(&o, "one\n");
    append(&o, "two\n");
    file_has("spans.json", "");
    assert_int_equal(o.written_spans, 0);
    assert_true(file_output_flush(&o, &e));
    file_has("spans.json", "one\ntwo\n");
    assert_int_equal(o.written_spans, 2);
    assert_int_equal(o.lost_spans, 0);
    file_output_close(&o);
}

static void appends_when_asked(void **state)
{
    (void)state;
    write_file("spans.json", "old\n");
    struct file_output o;
    assert_true(file_output_open(
        &o, &(struct file_output_options){.path = path_of("spans.json"), .append = true}, &e));
    append(&o, "new\n");
    assert_true(file_output_flush(&o, &e));
    file_has("spans.json", "old\nnew\n");
    file_output_close(&o);
}

static void creates_directories(void **state)
{
    (void)state;
    struct file_output o;
    struct file_output_options options = {.path = path_of("a/b/spans.json"),
                                          .directory_mode = 0700};
    assert_false(file_output_open(&o, &options, &e));
    assert_non_null(strstr(e.text, "a/b/spans.json: No such file or directory"));
    options.create_directory = true;
    assert_true(file_output_open(&o, &options, &e));
    file_output_close(&o);
    struct stat st;
    assert_int_equal(stat(path_of("a/b"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
}

static struct file_output_options rotating(void)
{
    static char path[256];
    snprintf(path, sizeof path, "%s", path_of("spans.json"));
    return (struct file_output_options){.path = path, .rotate = true, .max_bytes = 10};
}

static void rotates_before_it_is_too_long(void **state)
{
    (void)state;
    struct file_output_options options = rotating();
    struct file_output o;
    assert_true(file_output_open(&o, &options, &e));
    append(&o, "1234\n");
    append(&o, "5678\n"); /* ten bytes exactly */
    append(&o, "90\n");
    append(&o, "a record that is longer than any file may be\n");
    append(&o, "z\n");
    assert_true(file_output_flush(&o, &e));
    assert_int_equal(o.written_spans, 5);
    file_output_close(&o);

    char names[8][256];
    assert_int_equal(backups(names, 8), 3);
    file_has(names[0], "1234\n5678\n");
    file_has(names[1], "90\n");
    file_has(names[2], "a record that is longer than any file may be\n");
    file_has("spans.json", "z\n");
    for (int i = 0; i < 3; i++) {
        unsigned year, month, day, hour, minute, second, millisecond;
        int end = 0;
        assert_int_equal(sscanf(names[i], "spans-%4u-%2u-%2uT%2u-%2u-%2u.%3u.json%n", &year, &month,
                                &day, &hour, &minute, &second, &millisecond, &end),
                         7);
        assert_int_equal(end, strlen(names[i]));
    }
}

static void goes_on_with_the_file_it_finds(void **state)
{
    (void)state;
    write_file("spans.json", "12345678\n");
    struct file_output_options options = rotating();
    struct file_output o;
    assert_true(file_output_open(&o, &options, &e));
    append(&o, "9\n");
    assert_true(file_output_flush(&o, &e));
    file_output_close(&o);
    char names[2][256];
    assert_int_equal(backups(names, 2), 1);
    file_has(names[0], "12345678\n");
    file_has("spans.json", "9\n");
}

static void keeps_the_newest_backups_and_other_files(void **state)
{
    (void)state;
    write_file("spans-2020-01-02T03-04-05.678.json", "");
    write_file("spans-2020-01-02T03-04-05.679.json", "");
    write_file("spans-2020-01-02T03-04-05.67.json", "");   /* not ours */
    write_file("spans-2020-01-02T03:04:05.678.json", "");  /* not ours */
    write_file("spans2-2020-01-02T03-04-05.678.json", ""); /* another's */
    struct file_output_options options = rotating();
    options.max_backups = 2;
    struct file_output o;
    assert_true(file_output_open(&o, &options, &e));
    append(&o, "12345678\n");
    append(&o, "12345678\n");
    file_output_close(&o);

    char names[8][256];
    assert_int_equal(backups(names, 8), 5);
    assert_string_equal(names[0], "spans-2020-01-02T03-04-05.67.json");
    assert_string_equal(names[1], "spans-2020-01-02T03-04-05.679.json");
    assert_string_equal(names[2], "spans-2020-01-02T03:04:05.678.json");
    assert_non_null(strstr(names[3], "spans-2"));
    assert_string_equal(names[4], "spans2-2020-01-02T03-04-05.678.json");
}

static void old_backups_go_at_the_start(void **state)
{
    (void)state;
    write_file("spans-2020-01-02T03-04-05.678.json", "");
    write_file("spans-2999-01-02T03-04-05.678.json", "");
    struct file_output_options options = rotating();
    options.max_age_ns = 86400ll * 1000000000;
    options.local_time = true;
    struct file_output o;
    assert_true(file_output_open(&o, &options, &e));
    file_output_close(&o);
    char names[8][256];
    assert_int_equal(backups(names, 8), 1);
    assert_string_equal(names[0], "spans-2999-01-02T03-04-05.678.json");
}

static void a_failed_write_leaves_no_torn_record(void **state)
{
    (void)state;
    struct file_output o;
    assert_true(
        file_output_open(&o, &(struct file_output_options){.path = path_of("spans.json")}, &e));
    append(&o, "first\n");
    assert_true(file_output_flush(&o, &e));

    /* A limit on file size makes the kernel write a part, as a full disk does. */
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit before;
    getrlimit(RLIMIT_FSIZE, &before);
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){.rlim_cur = 10, .rlim_max = before.rlim_max});
    append(&o, "a second record\n");
    append(&o, "a third record\n");
    bool ok = file_output_flush(&o, &e);
    setrlimit(RLIMIT_FSIZE, &before);

    assert_false(ok);
    assert_non_null(strstr(e.text, "cannot write to"));
    assert_int_equal(o.lost_spans, 2);
    file_has("spans.json", "first\n");
    append(&o, "fourth\n");
    assert_true(file_output_flush(&o, &e));
    file_has("spans.json", "first\nfourth\n");
    assert_int_equal(o.written_spans, 2);
    file_output_close(&o);
}

static void a_full_device_says_so(void **state)
{
    (void)state;
    struct file_output o;
    assert_true(file_output_open(&o, &(struct file_output_options){.path = "/dev/full"}, &e));
    append(&o, "x\n");
    assert_false(file_output_flush(&o, &e));
    assert_string_equal(e.text, "cannot write to /dev/full: No space left on device");
    assert_int_equal(o.lost_spans, 1);
    assert_false(file_output_probe(&o, &e));
    assert_string_equal(e.text, "cannot write to /dev/full: No space left on device");
    file_output_close(&o);
}

static void a_probe_leaves_the_file_as_it_is(void **state)
{
    (void)state;
    struct file_output o;
    assert_true(
        file_output_open(&o, &(struct file_output_options){.path = path_of("spans.json")}, &e));
    append(&o, "one\n");
    assert_true(file_output_flush(&o, &e));
    assert_true(file_output_probe(&o, &e));
    file_has("spans.json", "one\n");
    append(&o, "two\n");
    assert_true(file_output_flush(&o, &e));
    file_has("spans.json", "one\ntwo\n");
    int fd = o.fd;
    o.fd = open(path_of("spans.json"), O_RDONLY); /* as on a file system that became read-only */
    assert_false(file_output_probe(&o, &e));
    assert_non_null(strstr(e.text, "cannot write to"));
    close(fd);
    file_output_close(&o);
}

static void nobody_else_can_read_the_file(void **state)
{
    (void)state;
    struct stat st;
    struct file_output o;
    mode_t before = umask(0);
    assert_true(
        file_output_open(&o, &(struct file_output_options){.path = path_of("spans.json")}, &e));
    umask(before);
    assert_int_equal(stat(path_of("spans.json"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    file_output_close(&o);
}

int main(void)
{
#define in_directory(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)
    const struct CMUnitTest tests[] = {
        in_directory(records_wait_until_flushed),
        in_directory(appends_when_asked),
        in_directory(nobody_else_can_read_the_file),
        in_directory(creates_directories),
        in_directory(rotates_before_it_is_too_long),
        in_directory(goes_on_with_the_file_it_finds),
        in_directory(keeps_the_newest_backups_and_other_files),
        in_directory(old_backups_go_at_the_start),
        in_directory(a_failed_write_leaves_no_torn_record),
        in_directory(a_full_device_says_so),
        in_directory(a_probe_leaves_the_file_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
