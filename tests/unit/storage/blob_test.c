/* Compression with a dictionary, and that nothing but what was written is read back. */
#include "fixture.h"

#include "storage/blob.h"

#include <stdio.h>
#include <stdlib.h>

static struct buffer trace_text(unsigned n)
{
    struct buffer b = {0};
    for (unsigned i = 0; i < 20; i++)
        buffer_printf(&b, "http.request.method GET url.path /api/v1/orders/%u worker-%u status %u;",
                      n * 7919 + i, n % 13, 200 + i);
    assert_false(b.failed);
    return b;
}

static void expect_back(struct blob_reader *r, const struct blob_dictionary *d,
                        struct bytes compressed, struct bytes original)
{
    size_t size = blob_size(compressed);
    assert_int_equal(size, original.len);
    uint8_t *out = malloc(size);
    assert_true(blob_read(r, d, compressed, out, size));
    assert_memory_equal(out, original.data, size);
    free(out);
}

static void goes_and_comes_back(void **state)
{
    struct blob_writer *w = blob_writer_create();
    struct blob_reader *r = blob_reader_create();
    struct buffer text = trace_text(1), packed = {0};
    (void)state;
    assert_true(blob_write(w, buffer_bytes(&text), &packed));
    assert_true(packed.len < text.len);
    expect_back(r, NULL, buffer_bytes(&packed), buffer_bytes(&text));
    buffer_free(&text);
    buffer_free(&packed);
    blob_reader_destroy(r);
    blob_writer_destroy(w);
}

static void a_dictionary_is_trained_and_helps(void **state)
{
    struct blob_writer *w = blob_writer_create();
    struct blob_reader *r = blob_reader_create();
    struct buffer text = trace_text(100000), plain = {0}, packed = {0};
    (void)state;
    assert_true(blob_write(w, buffer_bytes(&text), &plain));
    for (unsigned i = 0; !blob_writer_can_train(w); i++) {
        struct buffer other = trace_text(i), unused = {0};
        assert_true(i < 100000);
        assert_true(blob_write(w, buffer_bytes(&other), &unused));
        buffer_free(&other);
        buffer_free(&unused);
    }
    assert_int_equal(blob_writer_dictionary(w).len, 0);
    assert_true(blob_writer_train(w));
    assert_false(blob_writer_can_train(w));
    assert_true(blob_writer_dictionary(w).len > 0);
    assert_true(blob_writer_dictionary(w).len <= BLOB_DICTIONARY_BYTES);
    assert_true(blob_write(w, buffer_bytes(&text), &packed));
    assert_true(packed.len < plain.len);

    struct blob_dictionary *d = blob_dictionary_create(blob_writer_dictionary(w));
    expect_back(r, d, buffer_bytes(&packed), buffer_bytes(&text));
    /* Without its dictionary it is refused and not misread. */
    uint8_t *out = malloc(text.len);
    assert_false(blob_read(r, NULL, buffer_bytes(&packed), out, text.len));
    free(out);
    /* Another writer takes the dictionary over. */
    struct blob_writer *next = blob_writer_create();
    struct buffer again = {0};
    assert_true(blob_writer_use(next, blob_writer_dictionary(w)));
    assert_true(blob_write(next, buffer_bytes(&text), &again));
    expect_back(r, d, buffer_bytes(&again), buffer_bytes(&text));
    assert_true(blob_writer_use(next, bytes_of(NULL, 0)));
    assert_int_equal(blob_writer_dictionary(next).len, 0);
    blob_writer_destroy(next);
    blob_dictionary_destroy(d);
    buffer_free(&text);
    buffer_free(&plain);
    buffer_free(&packed);
    buffer_free(&again);
    blob_reader_destroy(r);
    blob_writer_destroy(w);
}

static void damage_is_noticed(void **state)
{
    struct blob_writer *w = blob_writer_create();
    struct blob_reader *r = blob_reader_create();
    struct buffer text = trace_text(1), packed = {0};
    uint8_t *out = malloc(text.len);
    (void)state;
    assert_true(blob_write(w, buffer_bytes(&text), &packed));
    for (size_t i = 8; i < packed.len; i++) {
        packed.data[i] ^= 0x55;
        assert_false(blob_read(r, NULL, buffer_bytes(&packed), out, text.len));
        packed.data[i] ^= 0x55;
    }
    for (size_t len = 0; len < packed.len; len++)
        assert_false(blob_read(r, NULL, bytes_of(packed.data, len), out, text.len));
    assert_false(blob_read(r, NULL, buffer_bytes(&packed), out, text.len - 1));
    free(out);
    buffer_free(&text);
    buffer_free(&packed);
    blob_reader_destroy(r);
    blob_writer_destroy(w);
}

static void sizes_are_bounded(void **state)
{
    /* A frame header that promises 4 GiB, one without a size, and none. */
    static const uint8_t huge[] = {0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0};
    static const uint8_t unknown[] = {0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58, 1, 0, 0};
    (void)state;
    assert_int_equal(blob_size(bytes_of(huge, sizeof huge)), 0);
    assert_int_equal(blob_size(bytes_of(unknown, sizeof unknown)), 0);
    assert_int_equal(blob_size(bytes_of("garbage!", 8)), 0);
    assert_int_equal(blob_size(bytes_of(NULL, 0)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_and_comes_back),
        cmocka_unit_test(a_dictionary_is_trained_and_helps),
        cmocka_unit_test(damage_is_noticed),
        cmocka_unit_test(sizes_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
