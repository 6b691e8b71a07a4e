#include "receivers/inflate.h"

#include <libdeflate.h>
#include <stdlib.h>
#include <zstd.h>
#include <zstd_errors.h>

enum {
    DEFLATE_MAX_RATIO = 1032, /* two bits may stand for 258 bytes */
    GZIP_SHORTEST = 18,       /* header and trailer around nothing */
    FIRST_GUESS = 8,          /* times the body, where the format does not tell */
    GUESS_LEAST = 4096,
};

struct inflater {
    struct libdeflate_decompressor *deflate;
    ZSTD_DCtx *zstd;
};

struct inflater *inflater_create(void)
{
    return calloc(1, sizeof(struct inflater));
}

void inflater_destroy(struct inflater *f)
{
    if (!f)
        return;
    libdeflate_free_decompressor(f->deflate);
    ZSTD_freeDCtx(f->zstd);
    free(f);
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* A gzip member ends with its content's length; that of the last one is the whole in practice. */
static uint64_t gzip_length(struct bytes body)
{
    if (body.len < GZIP_SHORTEST || body.data[0] != 0x1f || body.data[1] != 0x8b)
        return 0; /* will turn out to be malformed */
    const uint8_t *t = body.data + body.len - 4;
    uint64_t told =
        (uint64_t)t[0] | (uint64_t)t[1] << 8 | (uint64_t)t[2] << 16 | (uint64_t)t[3] << 24;
    return least(told, (uint64_t)body.len * DEFLATE_MAX_RATIO);
}

size_t inflate_room(enum encoding encoding, struct bytes body, size_t limit)
{
    uint64_t guess = (uint64_t)body.len * FIRST_GUESS + GUESS_LEAST;
    unsigned long long told;
    switch (encoding) {
    case ENCODING_GZIP:
        return (size_t)least(gzip_length(body), (uint64_t)limit + 1);
    case ENCODING_ZSTD:
        told = ZSTD_getFrameContentSize(body.data, body.len);
        if (told == ZSTD_CONTENTSIZE_ERROR)
            return 0; /* will turn out to be malformed */
        return (size_t)(told == ZSTD_CONTENTSIZE_UNKNOWN ? least(guess, limit)
                                                         : least(told, (uint64_t)limit + 1));
    default:
        return (size_t)least(guess, limit);
    }
}

static enum inflate_result deflate_result(enum libdeflate_result r)
{
    switch (r) {
    case LIBDEFLATE_SUCCESS:
        return INFLATE_OK;
    case LIBDEFLATE_INSUFFICIENT_SPACE:
        return INFLATE_NO_ROOM;
    default:
        return INFLATE_MALFORMED;
    }
}

static enum inflate_result gunzip(struct inflater *f, struct bytes body, uint8_t *out, size_t room,
                                  size_t *len)
{
    size_t written = 0;
    do {
        size_t used, made;
        enum inflate_result r = deflate_result(libdeflate_gzip_decompress_ex(
            f->deflate, body.data, body.len, out + written, room - written, &used, &made));
        if (r != INFLATE_OK)
            return r;
        body = bytes_of(body.data + used, body.len - used);
        written += made;
    } while (body.len > 0);
    *len = written;
    return INFLATE_OK;
}

static bool has_zlib_header(struct bytes body)
{
    return body.len >= 2 && (body.data[0] & 0x0f) == 8 &&
           ((unsigned)body.data[0] << 8 | body.data[1]) % 31 == 0;
}

static enum inflate_result unzlib(struct inflater *f, struct bytes body, uint8_t *out, size_t room,
                                  size_t *len)
{
    size_t used = 0;
    enum libdeflate_result r =
        has_zlib_header(body)
            ? libdeflate_zlib_decompress_ex(f->deflate, body.data, body.len, out, room, &used, len)
            : libdeflate_deflate_decompress_ex(f->deflate, body.data, body.len, out, room, &used,
                                               len);
    if (r == LIBDEFLATE_SUCCESS && used != body.len)
        return INFLATE_MALFORMED;
    return deflate_result(r);
}

static enum inflate_result unzstd(struct inflater *f, struct bytes body, uint8_t *out, size_t room,
                                  size_t *len)
{
    if (body.len == 0)
        return INFLATE_MALFORMED;
    if (!f->zstd && !(f->zstd = ZSTD_createDCtx()))
        return INFLATE_NO_MEMORY;
    size_t n = ZSTD_decompressDCtx(f->zstd, out, room, body.data, body.len);
    if (!ZSTD_isError(n)) {
        *len = n;
        return INFLATE_OK;
    }
    switch (ZSTD_getErrorCode(n)) {
    case ZSTD_error_dstSize_tooSmall:
        return INFLATE_NO_ROOM;
    case ZSTD_error_memory_allocation:
        return INFLATE_NO_MEMORY;
    default:
        return INFLATE_MALFORMED;
    }
}

enum inflate_result inflate_body(struct inflater *f, enum encoding encoding, struct bytes body,
                                 uint8_t *out, size_t room, size_t *len)
{
    if (encoding == ENCODING_ZSTD)
        return unzstd(f, body, out, room, len);
    if (!f->deflate && !(f->deflate = libdeflate_alloc_decompressor()))
        return INFLATE_NO_MEMORY;
    if (encoding == ENCODING_GZIP)
        return gunzip(f, body, out, room, len);
    return unzlib(f, body, out, room, len);
}
