#include "fixture.h"

#include "receivers/body.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

enum { LIMIT = 100000 };

typedef void compress_function(struct bytes in, struct buffer *out);

static const struct {
    enum encoding encoding;
    compress_function *compress;
} encodings[] = {
    {ENCODING_GZIP, compress_gzip},
    {ENCODING_ZLIB, compress_zlib},
    {ENCODING_ZLIB, compress_deflate},
    {ENCODING_ZSTD, compress_zstd},
};

enum { ENCODINGS = sizeof encodings / sizeof encodings[0] };

static enum body_result decode(enum encoding encoding, struct bytes body, struct buffer *out)
{
    struct inflater *f = inflater_create();
    struct batch *b = NULL;
    size_t len = 0;
    char where[BODY_WHERE] = "";
    enum body_result r =
        body_decode(f, (struct body_format){.encoding = encoding}, body, LIMIT, &b, &len, where);
    out->len = 0;
    if (r == BODY_OK) {
        buffer_append(out, batch_payload(b), len);
        batch_release(b);
    }
    assert_true((where[0] != 0) == (r == BODY_MALFORMED));
    inflater_destroy(f);
    assert_int_equal(batch_live_bytes(), 0);
    return r;
}

static uint8_t *sample(size_t len)
{
    uint8_t *text = malloc(len + 1);
    for (size_t i = 0; i < len; i++)
        text[i] = (uint8_t)("service.name"[i % 12] + i / 1000 % 7);
    return text;
}

static void test_every_encoding_gives_back_what_was_put_in(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, 100, 5000, LIMIT - 1, LIMIT};
    struct buffer out = {0};
    for (size_t n = 0; n < sizeof lengths / sizeof lengths[0]; n++) {
        uint8_t *text = sample(lengths[n]);
        for (size_t i = 0; i < ENCODINGS; i++) {
            struct buffer packed = {0};
            encodings[i].compress(bytes_of(text, lengths[n]), &packed);
            assert_int_equal(decode(encodings[i].encoding, buffer_bytes(&packed), &out), BODY_OK);
            assert_true(bytes_equal(buffer_bytes(&out), bytes_of(text, lengths[n])));
            buffer_free(&packed);
        }
        assert_int_equal(decode(ENCODING_IDENTITY, bytes_of(text, lengths[n]), &out), BODY_OK);
        free(text);
    }
    buffer_free(&out);
}

static void test_one_byte_over_the_limit_is_too_large(void **state)
{
    (void)state;
    uint8_t *text = sample(LIMIT + 1);
    struct buffer out = {0};
    for (size_t i = 0; i < ENCODINGS; i++) {
        struct buffer packed = {0};
        encodings[i].compress(bytes_of(text, LIMIT + 1), &packed);
        assert_int_equal(decode(encodings[i].encoding, buffer_bytes(&packed), &out),
                         BODY_TOO_LARGE);
        buffer_free(&packed);
    }
    assert_int_equal(decode(ENCODING_IDENTITY, bytes_of(text, LIMIT + 1), &out), BODY_TOO_LARGE);
    buffer_free(&out);
    free(text);
}

static void test_concatenated_members_are_one_content(void **state)
{
    (void)state;
    uint8_t *text = sample(30000);
    struct buffer packed = {0}, out = {0};
    compress_gzip(bytes_of(text, 29990), &packed);
    compress_gzip(bytes_of(text + 29990, 10), &packed);
    assert_int_equal(decode(ENCODING_GZIP, buffer_bytes(&packed), &out), BODY_OK);
    assert_true(bytes_equal(buffer_bytes(&out), bytes_of(text, 30000)));
    packed.len = 0;
    compress_zstd(bytes_of(text, 10), &packed);
    compress_zstd(bytes_of(text + 10, 29990), &packed);
    assert_int_equal(decode(ENCODING_ZSTD, buffer_bytes(&packed), &out), BODY_OK);
    assert_true(bytes_equal(buffer_bytes(&out), bytes_of(text, 30000)));
    buffer_free(&packed);
    buffer_free(&out);
    free(text);
}

/* Streaming senders do not write the content's length into the frame. */
static void test_zstd_without_a_content_size(void **state)
{
    (void)state;
    uint8_t *text = sample(LIMIT + 1);
    ZSTD_CCtx *c = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(c, ZSTD_c_contentSizeFlag, 0);
    struct buffer packed = {0}, out = {0};
    for (size_t len = LIMIT; len <= LIMIT + 1; len++) {
        uint8_t *at = buffer_reserve(&packed, ZSTD_compressBound(len));
        packed.len = ZSTD_compress2(c, at, ZSTD_compressBound(len), text, len);
        assert_int_equal(decode(ENCODING_ZSTD, buffer_bytes(&packed), &out),
                         len == LIMIT ? BODY_OK : BODY_TOO_LARGE);
        packed.len = 0;
    }
    ZSTD_freeCCtx(c);
    buffer_free(&packed);
    buffer_free(&out);
    free(text);
}

static void test_damage_is_malformed(void **state)
{
    (void)state;
    uint8_t *text = sample(5000);
    struct buffer out = {0};
    for (size_t i = 0; i < ENCODINGS; i++) {
        struct buffer packed = {0};
        encodings[i].compress(bytes_of(text, 5000), &packed);
        struct bytes whole = buffer_bytes(&packed);
        assert_int_equal(decode(encodings[i].encoding, bytes_of(whole.data, 0), &out),
                         BODY_MALFORMED);
        assert_int_not_equal(
            decode(encodings[i].encoding, bytes_of(whole.data, whole.len / 2), &out), BODY_OK);
        assert_int_equal(decode(encodings[i].encoding, bytes_of(text, 100), &out), BODY_MALFORMED);
        buffer_append_string(&packed, "more");
        assert_int_not_equal(decode(encodings[i].encoding, buffer_bytes(&packed), &out), BODY_OK);
        buffer_free(&packed);
    }
    buffer_free(&out);
    free(text);
}

/* A trailer that claims less than the content is found out after at most the limit was inflated. */
static void test_a_lying_length_is_refused(void **state)
{
    (void)state;
    uint8_t *text = sample(50000);
    struct buffer packed = {0}, out = {0};
    compress_gzip(bytes_of(text, 50000), &packed);
    memset(packed.data + packed.len - 4, 0, 4);
    assert_int_equal(decode(ENCODING_GZIP, buffer_bytes(&packed), &out), BODY_MALFORMED);
    memset(packed.data + packed.len - 4, 0xff, 4);
    assert_int_equal(decode(ENCODING_GZIP, buffer_bytes(&packed), &out), BODY_TOO_LARGE);
    buffer_free(&packed);
    buffer_free(&out);
    free(text);
}

static void test_json_becomes_protobuf(void **state)
{
    (void)state;
    static const char json[] = "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"traceId\":"
                               "\"0102030405060708090a0b0c0d0e0f10\",\"spanId\":"
                               "\"0102030405060708\",\"name\":\"a\"}]}]}]}";
    struct inflater *f = inflater_create();
    struct buffer packed = {0};
    compress_gzip(bytes_of_string(json), &packed);
    struct batch *b = NULL;
    size_t len = 0;
    char where[BODY_WHERE];
    struct body_format format = {.encoding = ENCODING_GZIP, .json = true};
    assert_int_equal(body_decode(f, format, buffer_bytes(&packed), LIMIT, &b, &len, where),
                     BODY_OK);
    struct batch_report report;
    assert_true(batch_index(b, len, &report));
    assert_int_equal(b->span_count, 1);
    assert_true(bytes_equal_string(span_name(&b->spans[0]), "a"));
    batch_release(b);
    format.encoding = ENCODING_IDENTITY;
    assert_int_equal(
        body_decode(f, format, bytes_of_string("{\"resourceSpans\":[5]}"), LIMIT, &b, &len, where),
        BODY_MALFORMED);
    assert_non_null(strstr(where, "resourceSpans[0]"));
    buffer_free(&packed);
    inflater_destroy(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_encoding_gives_back_what_was_put_in),
        cmocka_unit_test(test_one_byte_over_the_limit_is_too_large),
        cmocka_unit_test(test_concatenated_members_are_one_content),
        cmocka_unit_test(test_zstd_without_a_content_size),
        cmocka_unit_test(test_damage_is_malformed),
        cmocka_unit_test(test_a_lying_length_is_refused),
        cmocka_unit_test(test_json_becomes_protobuf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
