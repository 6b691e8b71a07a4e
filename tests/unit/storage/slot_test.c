/* A slot's name and files. */
#include "fixture.h"

#include "storage/slot.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void names(void **state)
{
    uint64_t id;
    enum slot_state slot;
    (void)state;
    assert_true(slot_parse_name("slot-1764284931123.sqlite", &id, &slot));
    assert_true(id == 1764284931123u && slot == SLOT_OPEN);
    assert_true(slot_parse_name("slot-1764284931123.sqlite.broken", &id, &slot));
    assert_true(slot == SLOT_BROKEN);
    static const char *const others[] = {"",
                                         "slot-",
                                         "slot-1.sqlite",
                                         "slot-1764284931123",
                                         "slot-1764284931123.sqlite-wal",
                                         "slot-1764284931123.sqlite.broken-wal",
                                         "slot--764284931123.sqlite",
                                         "slot-99999999999999999999.sqlite",
                                         "x-1764284931123.sqlite"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_false(slot_parse_name(others[i], &id, &slot));
}

static void touch(const char *directory, const char *name, size_t bytes)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
    close(fd);
}

static bool exists(const char *directory, const char *name)
{
    char path[512];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return stat(path, &st) == 0;
}

static void files_are_measured_moved_and_removed(void **state)
{
    char *directory = make_directory();
    (void)state;
    struct slot *s = slot_create(directory, 1764284931123, SLOT_OPEN);
    assert_false(slot_measure(s));
    touch(directory, "slot-1764284931123.sqlite", 1000);
    touch(directory, "slot-1764284931123.sqlite-wal", 200);
    touch(directory, "slot-1764284931123.sqlite-shm", 30);
    assert_true(slot_measure(s));
    assert_int_equal(atomic_load(&s->bytes), 1230);
    slot_set_aside(s, "test");
    assert_int_equal(atomic_load(&s->state), SLOT_BROKEN);
    assert_true(exists(directory, "slot-1764284931123.sqlite.broken"));
    assert_true(exists(directory, "slot-1764284931123.sqlite.broken-wal"));
    assert_false(exists(directory, "slot-1764284931123.sqlite"));
    assert_true(slot_measure(s));
    assert_int_equal(atomic_load(&s->bytes), 1230);
    slot_unlink(s);
    assert_false(slot_measure(s));
    assert_false(exists(directory, "slot-1764284931123.sqlite.broken-shm"));
    slot_release(slot_retain(s));
    slot_release(s);
    remove_directory(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(files_are_measured_moved_and_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
