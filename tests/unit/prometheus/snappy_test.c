#include "unsnap.h"

#include "metrics/prometheus/snappy.h"

static size_t round_trip(const uint8_t *data, size_t len)
{
    struct buffer packed = {0};
    snappy_pack(bytes_of(data, len), &packed);
    struct buffer plain = unsnap(buffer_bytes(&packed));
    assert_int_equal(plain.len, len);
    if (len > 0)
        assert_memory_equal(plain.data, data, len);
    size_t size = packed.len;
    buffer_free(&packed);
    buffer_free(&plain);
    return size;
}

static void anything_comes_back(void **state)
{
    (void)state;
    static uint8_t data[200000];
    unsigned random = 3;
    for (int round = 0; round < 400; round++) {
        size_t len = round < 100 ? (size_t)round : (random >> 8) % sizeof data;
        unsigned alphabet = 1u << (round % 9);
        for (size_t i = 0; i < len; i++) {
            random = random * 1664525 + 1013904223;
            data[i] = (uint8_t)((random >> 20) % alphabet);
        }
        round_trip(data, len);
    }
}

static void what_repeats_becomes_small(void **state)
{
    (void)state;
    static uint8_t data[300000];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)("label=value,"[i % 12]);
    assert_true(round_trip(data, sizeof data) < sizeof data / 15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(anything_comes_back),
        cmocka_unit_test(what_repeats_becomes_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
