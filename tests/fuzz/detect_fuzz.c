/* Any value under any key, with every class on and with some: findings are in order and within the
 * value, the work is bounded by the length, looking twice finds the same, and normalising what was
 * found does not fail.
 *
 * The first byte chooses the detector and the database's name, the second how long the key is,
 * which comes next; the rest is the value. */
#include "processors/scrub/detect_private.h"
#include "proto/buffer.h"

#include <stdlib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DETECTORS = 4, STEPS_A_BYTE = 64, STEPS_AT_LEAST = 4096 };

static struct detector *detectors[DETECTORS];

static const char *const systems[] = {"",      "postgresql", "mysql",   "mssql",
                                      "redis", "memcached",  "mongodb", "elasticsearch"};

static void check(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    static const char *const url_keys[] = {"k", "sig"};
    for (unsigned i = 0; i < DETECTORS; i++) {
        struct detector_options o = {.strict = i == 0};
        for (unsigned c = 0; c < SCRUB_CLASSES; c++)
            o.classes[c] = i == 0 || i == 3 ||
                           scrub_profile_has((enum scrub_profile)(i - 1), (enum scrub_class)c);
        if (i == 3) {
            o.url_keys = url_keys;
            o.url_key_count = 2;
        }
        detectors[i] = detector_create(&o);
        check(detectors[i] != NULL);
    }
    return 0;
}

static void check_findings(struct bytes value, const struct finding *f, size_t count)
{
    struct buffer normal = {0};
    size_t done = 0;
    check(count <= FINDINGS_MAX);
    for (size_t i = 0; i < count; i++) {
        check(f[i].start >= done && f[i].len > 0 && f[i].class < SCRUB_CLASSES);
        done = (size_t)f[i].start + f[i].len;
        check(done <= value.len);
        scrub_normalise(f[i].class, bytes_of(value.data + f[i].start, f[i].len), &normal);
    }
    check(!normal.failed);
    buffer_free(&normal);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct finding first[FINDINGS_MAX], second[FINDINGS_MAX];
    size_t count, again;
    if (size < 2)
        return 0;
    const struct detector *d = detectors[data[0] % DETECTORS];
    const char *system = systems[data[0] / DETECTORS % (sizeof systems / sizeof systems[0])];
    size_t key_len = data[1] % 32 < size - 2 ? data[1] % 32 : size - 2;
    const struct detect_context where = {.key = bytes_of(data + 2, key_len),
                                         .top_key = bytes_of(data + 2, key_len),
                                         .db_system = bytes_of_string(system)};
    struct bytes value = bytes_of(data + 2 + key_len, size - 2 - key_len);
    (void)detect_steps_taken();
    enum detect_result result = detector_find(d, &where, value, first, &count);
    check(detect_steps_taken() <= STEPS_A_BYTE * value.len + STEPS_AT_LEAST);
    check_findings(value, first, count);
    check(result == DETECT_OK || (count == 1 && first[0].start == 0 && first[0].len == value.len));
    check(detector_find(d, &where, value, second, &again) == result && again == count);
    for (size_t i = 0; i < count; i++)
        check(first[i].start == second[i].start && first[i].len == second[i].len);
    return 0;
}
