/* A record is its length in two bytes, ids, seven numbers of fixed size, and strings with a length
 * byte. Fixed sizes compress well, and zstd sees a row's records together. */
#define XXH_INLINE_ALL
#include "storage/hop_record.h"

#include <endian.h>
#include <string.h>
#include <xxhash.h>
#include <zstd.h>

enum {
    IDS = 48,
    NUMBERS = 8 + 8 + 8 + 4 + 4 + 1,
    STRINGS = 5,
    HEAD = 2 + IDS + NUMBERS,
    STRING_MAX = 255,
    LEVEL = 1,
    UNPACKED_MAX = 1 << 20,
};

static void put(struct buffer *out, uint64_t v, size_t bytes)
{
    v = htole64(v);
    buffer_append(out, &v, bytes);
}

static size_t string_len(struct bytes s)
{
    return s.len < STRING_MAX ? s.len : STRING_MAX;
}

static const struct bytes *const *strings_of(const struct store_hop *h,
                                             const struct bytes *out[STRINGS])
{
    out[0] = &h->matched_by;
    out[1] = &h->topic;
    out[2] = &h->group;
    out[3] = &h->producer_service;
    out[4] = &h->consumer_service;
    return out;
}

void hop_record_write(struct buffer *out, const struct store_hop *hop)
{
    const struct bytes *strings[STRINGS];
    strings_of(hop, strings);
    size_t len = HEAD;
    for (unsigned i = 0; i < STRINGS; i++)
        len += 1 + string_len(*strings[i]);
    if (!buffer_reserve(out, len))
        return;
    put(out, len, 2);
    buffer_append(out, hop->producer_trace, 16);
    buffer_append(out, hop->producer_span, 8);
    buffer_append(out, hop->consumer_trace, 16);
    buffer_append(out, hop->consumer_span, 8);
    put(out, hop->producer_end_ns, 8);
    put(out, hop->consumer_start_ns, 8);
    put(out, (uint64_t)hop->offset, 8);
    put(out, (uint32_t)hop->partition, 4);
    put(out, hop->attempt, 4);
    put(out, hop->confidence, 1);
    for (unsigned i = 0; i < STRINGS; i++) {
        put(out, string_len(*strings[i]), 1);
        buffer_append(out, strings[i]->data, string_len(*strings[i]));
    }
}

static uint64_t take(const uint8_t **at, size_t bytes)
{
    uint64_t v = 0;
    memcpy(&v, *at, bytes);
    *at += bytes;
    return le64toh(v);
}

static void take_bytes(const uint8_t **at, uint8_t *out, size_t bytes)
{
    memcpy(out, *at, bytes);
    *at += bytes;
}

bool hop_record_next(struct bytes *records, struct store_hop *hop)
{
    const uint8_t *at = records->data;
    if (records->len < HEAD)
        return false;
    size_t len = take(&at, 2);
    const uint8_t *end = records->data + len;
    if (len < HEAD || len > records->len)
        return false;
    take_bytes(&at, hop->producer_trace, 16);
    take_bytes(&at, hop->producer_span, 8);
    take_bytes(&at, hop->consumer_trace, 16);
    take_bytes(&at, hop->consumer_span, 8);
    hop->producer_end_ns = take(&at, 8);
    hop->consumer_start_ns = take(&at, 8);
    hop->offset = (int64_t)take(&at, 8);
    hop->partition = (int32_t)take(&at, 4);
    hop->attempt = (uint32_t)take(&at, 4);
    hop->confidence = (uint8_t)take(&at, 1);
    struct bytes *const strings[STRINGS] = {&hop->matched_by, &hop->topic, &hop->group,
                                            &hop->producer_service, &hop->consumer_service};
    for (unsigned i = 0; i < STRINGS; i++) {
        size_t left = (size_t)(end - at);
        if (left == 0 || left - 1 < *at)
            return false;
        *strings[i] = bytes_of(at + 1, *at);
        at += 1 + *at;
    }
    *records = bytes_of(end, records->len - len);
    return true;
}

struct bytes hop_records_row(struct bytes *records)
{
    struct bytes row = bytes_of(records->data, 0);
    while (records->len - row.len >= HEAD) {
        const uint8_t *at = row.data + row.len;
        size_t len = take(&at, 2);
        if (len < HEAD || len > records->len - row.len || row.len + len > HOP_ROW_BYTES)
            break;
        row.len += len;
    }
    *records = bytes_of(records->data + row.len, records->len - row.len);
    return row;
}

uint64_t hop_key(const uint8_t trace_id[16], uint64_t seed)
{
    return XXH3_64bits_withSeed(trace_id, 16, seed);
}

void hop_keys_write(struct buffer *out, struct bytes records, uint64_t seed)
{
    struct store_hop hop;
    while (hop_record_next(&records, &hop)) {
        put(out, hop_key(hop.producer_trace, seed), 8);
        put(out, hop_key(hop.consumer_trace, seed), 8);
    }
}

bool hop_row_pack(struct buffer *out, struct bytes records)
{
    size_t room = ZSTD_compressBound(records.len);
    uint8_t *at = buffer_reserve(out, room);
    size_t len = at ? ZSTD_compress(at, room, records.data, records.len, LEVEL) : 0;
    if (!at || ZSTD_isError(len))
        return false;
    out->len += len;
    return true;
}

bool hop_row_unpack(struct buffer *out, struct bytes packed)
{
    unsigned long long size = ZSTD_getFrameContentSize(packed.data, packed.len);
    if (size == 0 || size > UNPACKED_MAX) /* errors are the largest numbers */
        return false;
    uint8_t *at = buffer_reserve(out, size);
    size_t len = at ? ZSTD_decompress(at, size, packed.data, packed.len) : 0;
    if (!at || ZSTD_isError(len) || len != size)
        return false;
    out->len += len;
    return true;
}
