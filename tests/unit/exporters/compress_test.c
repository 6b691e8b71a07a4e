#include "fixture.h"

#include "exporters/compress.h"

#include <libdeflate.h>
#include <zstd.h>

#define SIZE (700 << 10)

static uint8_t text[SIZE];
static uint8_t inflated[SIZE + 1];

static int write_text(void **state)
{
    (void)state;
    uint32_t x = 1;
    for (size_t i = 0; i < SIZE; i++) {
        x = x * 1664525 + 1013904223;
        text[i] = i % 64 < 48 ? (uint8_t)('a' + i % 7) : (uint8_t)(x >> 24);
    }
    return 0;
}

static size_t inflate(enum compression kind, const struct buffer *b)
{
    if (kind == COMPRESSION_ZSTD)
        return ZSTD_decompress(inflated, sizeof inflated, b->data, b->len);
    struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
    size_t len = 0;
    assert_int_equal(
        libdeflate_gzip_decompress(d, b->data, b->len, inflated, sizeof inflated, &len),
        LIBDEFLATE_SUCCESS);
    libdeflate_free_decompressor(d);
    return len;
}

/* Compresses `len` bytes in slices of `step` and expects them back. */
static void round_trip(struct compressor *c, enum compression kind, size_t len, size_t step)
{
    size_t count = (len + step - 1) / step;
    struct bytes *slices = calloc(count + 1, sizeof *slices);
    for (size_t i = 0; i < count; i++)
        slices[i] = bytes_of(text + i * step, len - i * step < step ? len - i * step : step);
    struct buffer out = {0};
    assert_true(compressor_run(c, slices, count, &out));
    assert_int_equal(inflate(kind, &out), len);
    assert_memory_equal(inflated, text, len);
    if (len > 1000)
        assert_true(out.len < len / 2);
    buffer_free(&out);
    free(slices);
}

static void every_kind_level_and_slicing_comes_back(void **state)
{
    (void)state;
    static const enum compression kinds[] = {COMPRESSION_GZIP, COMPRESSION_ZSTD};
    for (size_t k = 0; k < 2; k++) {
        for (int level = 0; level <= 3; level++) {
            struct error e;
            struct compressor *c = compressor_create(kinds[k], level, &e);
            assert_non_null(c);
            round_trip(c, kinds[k], SIZE, SIZE);
            round_trip(c, kinds[k], SIZE, 550);
            round_trip(c, kinds[k], SIZE, 65536);
            round_trip(c, kinds[k], 1, 1);
            round_trip(c, kinds[k], 0, 1);
            compressor_destroy(c);
        }
    }
}

static void an_empty_last_slice_ends_the_stream(void **state)
{
    (void)state;
    struct error e;
    struct compressor *c = compressor_create(COMPRESSION_GZIP, 1, &e);
    struct buffer out = {0};
    struct bytes slices[] = {bytes_of(text, 100), bytes_of(text, 0)};
    assert_true(compressor_run(c, slices, 2, &out));
    assert_int_equal(inflate(COMPRESSION_GZIP, &out), 100);
    buffer_free(&out);
    compressor_destroy(c);
}

static void a_full_buffer_is_told(void **state)
{
    (void)state;
    for (int kind = COMPRESSION_GZIP; kind <= COMPRESSION_ZSTD; kind++) {
        struct error e;
        struct compressor *c = compressor_create((enum compression)kind, 0, &e);
        struct buffer out = {.limit = 1000};
        struct bytes slice = bytes_of(text, SIZE);
        assert_false(compressor_run(c, &slice, 1, &out));
        buffer_free(&out);
        round_trip(c, (enum compression)kind, 5000, 100); /* and the state is good for the next */
        compressor_destroy(c);
    }
}

static void unknown_levels_are_errors(void **state)
{
    (void)state;
    struct error e;
    assert_null(compressor_create(COMPRESSION_GZIP, 9, &e));
    assert_non_null(strstr(e.text, "1 to 3"));
    assert_null(compressor_create(COMPRESSION_ZSTD, 12, &e));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_level_and_slicing_comes_back),
        cmocka_unit_test(an_empty_last_slice_ends_the_stream),
        cmocka_unit_test(a_full_buffer_is_told),
        cmocka_unit_test(unknown_levels_are_errors),
    };
    return cmocka_run_group_tests(tests, write_text, NULL);
}
