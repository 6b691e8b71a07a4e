/* The samples are the beginnings of traces, of every eighth one, until there are enough; they are
 * dropped once a dictionary is made. When a slot is begun the writer trains anew if it has samples,
 * so a dictionary is never older than a slot, and else goes on with the one that it has.
 *
 * SQLite's pages have no checksum, so a blob ends in one of its compressed bytes; zstd's own, of
 * the decompressed ones, would cost a tenth of the whole compression. Frames carry no dictionary
 * id, since the part's row says it. */
#define XXH_INLINE_ALL
#define ZDICT_STATIC_LINKING_ONLY
#include "storage/blob.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#include <zdict.h>
#include <zstd.h>

#define SAMPLE_EVERY  8
#define SAMPLE_BYTES  (16 << 10) /* of one trace */
#define SAMPLES_BYTES (2 << 20)
#define SAMPLES_MAX   512
#define SAMPLES_MIN   96
#define CHECKSUM_LEN  4

struct blob_writer {
    ZSTD_CCtx *context;
    ZSTD_CDict *prepared; /* of `dictionary`; NULL: none */
    struct buffer dictionary;

    struct buffer samples; /* one behind the other */
    size_t sizes[SAMPLES_MAX];
    unsigned count;
    unsigned skipped;
};

struct blob_writer *blob_writer_create(void)
{
    struct blob_writer *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->context = ZSTD_createCCtx();
    w->samples.limit = SAMPLES_BYTES;
    if (!w->context) {
        free(w);
        return NULL;
    }
    ZSTD_CCtx_setParameter(w->context, ZSTD_c_compressionLevel, 1);
    ZSTD_CCtx_setParameter(w->context, ZSTD_c_dictIDFlag, 0);
    return w;
}

void blob_writer_destroy(struct blob_writer *w)
{
    if (!w)
        return;
    ZSTD_freeCCtx(w->context);
    ZSTD_freeCDict(w->prepared);
    buffer_free(&w->dictionary);
    buffer_free(&w->samples);
    free(w);
}

bool blob_writer_use(struct blob_writer *w, struct bytes dictionary)
{
    struct buffer copy = {0};
    ZSTD_CDict *prepared = NULL;
    if (dictionary.len > 0) {
        buffer_append(&copy, dictionary.data, dictionary.len);
        prepared = copy.failed ? NULL : ZSTD_createCDict(copy.data, copy.len, 1);
        if (!prepared) {
            buffer_free(&copy);
            return false;
        }
    }
    ZSTD_CCtx_refCDict(w->context, prepared);
    ZSTD_freeCDict(w->prepared);
    buffer_free(&w->dictionary);
    w->prepared = prepared;
    w->dictionary = copy;
    return true;
}

struct bytes blob_writer_dictionary(const struct blob_writer *w)
{
    return buffer_bytes(&w->dictionary);
}

int64_t blob_dictionary_checksum(struct bytes dictionary)
{
    return (int64_t)XXH3_64bits(dictionary.data, dictionary.len);
}

bool blob_is_dictionary(struct bytes dictionary)
{
    return dictionary.len <= BLOB_DICTIONARY_BYTES &&
           !ZDICT_isError(ZDICT_getDictHeaderSize(dictionary.data, dictionary.len));
}

static void sample(struct blob_writer *w, struct bytes in)
{
    if (w->count == SAMPLES_MAX || w->skipped++ % SAMPLE_EVERY != 0)
        return;
    size_t len = in.len < SAMPLE_BYTES ? in.len : SAMPLE_BYTES;
    if (w->samples.len + len > SAMPLES_BYTES)
        return;
    buffer_append(&w->samples, in.data, len);
    if (!w->samples.failed)
        w->sizes[w->count++] = len;
}

static uint32_t checksum(const uint8_t *data, size_t len)
{
    return htole32((uint32_t)XXH3_64bits(data, len));
}

bool blob_write(struct blob_writer *w, struct bytes in, struct buffer *out)
{
    sample(w, in);
    size_t bound = ZSTD_compressBound(in.len);
    uint8_t *to = buffer_reserve(out, bound + CHECKSUM_LEN);
    if (!to)
        return false;
    size_t len = ZSTD_compress2(w->context, to, bound, in.data, in.len);
    if (ZSTD_isError(len))
        return false;
    uint32_t sum = checksum(to, len);
    memcpy(to + len, &sum, CHECKSUM_LEN);
    out->len += len + CHECKSUM_LEN;
    return true;
}

bool blob_writer_can_train(const struct blob_writer *w)
{
    return w->count >= SAMPLES_MIN &&
           (w->count == SAMPLES_MAX || w->samples.len > SAMPLES_BYTES - SAMPLE_BYTES);
}

static void forget_samples(struct blob_writer *w)
{
    buffer_free(&w->samples);
    w->samples.limit = SAMPLES_BYTES;
    w->count = 0;
}

bool blob_writer_train(struct blob_writer *w)
{
    ZDICT_fastCover_params_t parameters = {
        .k = 2048, .d = 8, .f = 18, .accel = 1, .zParams = {.compressionLevel = 1}};
    uint8_t *dictionary = malloc(BLOB_DICTIONARY_BYTES);
    bool done = false;
    if (dictionary) {
        size_t len = ZDICT_trainFromBuffer_fastCover(
            dictionary, BLOB_DICTIONARY_BYTES, w->samples.data, w->sizes, w->count, parameters);
        done = !ZDICT_isError(len) && blob_writer_use(w, bytes_of(dictionary, len));
    }
    free(dictionary);
    forget_samples(w);
    return done;
}

struct blob_reader {
    ZSTD_DCtx *context;
};

struct blob_dictionary {
    ZSTD_DDict *prepared;
};

struct blob_reader *blob_reader_create(void)
{
    struct blob_reader *r = calloc(1, sizeof *r);
    if (r)
        r->context = ZSTD_createDCtx();
    if (r && !r->context) {
        free(r);
        return NULL;
    }
    return r;
}

void blob_reader_destroy(struct blob_reader *r)
{
    if (!r)
        return;
    ZSTD_freeDCtx(r->context);
    free(r);
}

struct blob_dictionary *blob_dictionary_create(struct bytes dictionary)
{
    struct blob_dictionary *d = blob_is_dictionary(dictionary) ? calloc(1, sizeof *d) : NULL;
    if (d)
        d->prepared = ZSTD_createDDict(dictionary.data, dictionary.len);
    if (d && !d->prepared) {
        free(d);
        return NULL;
    }
    return d;
}

void blob_dictionary_destroy(struct blob_dictionary *d)
{
    if (!d)
        return;
    ZSTD_freeDDict(d->prepared);
    free(d);
}

size_t blob_size(struct bytes compressed)
{
    if (compressed.len <= CHECKSUM_LEN)
        return 0;
    unsigned long long size =
        ZSTD_getFrameContentSize(compressed.data, compressed.len - CHECKSUM_LEN);
    return size <= BLOB_MAX_BYTES ? (size_t)size : 0;
}

bool blob_read(struct blob_reader *r, const struct blob_dictionary *d, struct bytes compressed,
               uint8_t *out, size_t size)
{
    if (compressed.len <= CHECKSUM_LEN)
        return false;
    size_t frame = compressed.len - CHECKSUM_LEN;
    uint32_t sum = checksum(compressed.data, frame);
    if (memcmp(compressed.data + frame, &sum, CHECKSUM_LEN) != 0)
        return false;
    ZSTD_DCtx_reset(r->context, ZSTD_reset_session_only);
    size_t len = ZSTD_decompress_usingDDict(r->context, out, size, compressed.data, frame,
                                            d ? d->prepared : NULL);
    return !ZSTD_isError(len) && len == size;
}
