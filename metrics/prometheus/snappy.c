/* Blocks of 64 KiB are packed each for itself, so that a copy's distance fits two bytes. A table
 * remembers where four bytes were seen last; where they are seen again, a copy begins. */
#include "metrics/prometheus/snappy.h"

#include "proto/message_writer.h"

enum {
    BLOCK = 1 << 16,
    TABLE_BITS = 13,
    COPY_MAX = 64,
    MARGIN = 16, /* at the end of a block nothing is looked for */

    TAG_LITERAL = 0,
    TAG_COPY_2 = 2, /* distance in two bytes */
};

static uint32_t hash(uint32_t four)
{
    return (four * 0x1e35a7bdu) >> (32 - TABLE_BITS);
}

static void put_literal(struct buffer *out, const uint8_t *from, size_t len)
{
    if (len == 0)
        return;
    size_t n = len - 1;
    if (n < 60) {
        buffer_append_byte(out, (uint8_t)(n << 2 | TAG_LITERAL));
    } else { /* 61: the length is in two bytes */
        const uint8_t head[] = {61 << 2 | TAG_LITERAL, (uint8_t)n, (uint8_t)(n >> 8)};
        buffer_append(out, head, sizeof head);
    }
    buffer_append(out, from, len);
}

static void put_copy(struct buffer *out, size_t distance, size_t len)
{
    while (len > 0) {
        size_t n = len < COPY_MAX ? len : COPY_MAX;
        const uint8_t copy[] = {(uint8_t)((n - 1) << 2 | TAG_COPY_2), (uint8_t)distance,
                                (uint8_t)(distance >> 8)};
        buffer_append(out, copy, sizeof copy);
        len -= n;
    }
}

static size_t match_length(const uint8_t *a, const uint8_t *b, const uint8_t *end)
{
    const uint8_t *begin = b;
    while (b < end && *a == *b) {
        a++;
        b++;
    }
    return (size_t)(b - begin);
}

static void pack_block(const uint8_t *block, size_t len, struct buffer *out)
{
    uint16_t seen[1 << TABLE_BITS] = {0};
    size_t done = 0, at = 1;
    while (len > MARGIN && at < len - MARGIN) {
        uint32_t four = wire_load32(block + at);
        uint16_t *slot = &seen[hash(four)];
        size_t before = *slot;
        *slot = (uint16_t)at;
        if (before >= at || wire_load32(block + before) != four) {
            at += 1 + (at - done) / 32; /* faster where nothing is found */
            continue;
        }
        size_t n = match_length(block + before, block + at, block + len);
        put_literal(out, block + done, at - done);
        put_copy(out, at - before, n);
        at += n;
        done = at;
    }
    put_literal(out, block + done, len - done);
}

void snappy_pack(struct bytes plain, struct buffer *out)
{
    message_varint(out, plain.len);
    for (size_t at = 0; at < plain.len && !out->failed; at += BLOCK)
        pack_block(plain.data + at, plain.len - at < BLOCK ? plain.len - at : BLOCK, out);
}
