/* Names and values that are remembered are compared and hashed by words of eight bytes. */
#ifndef TAILSPAN_PROTO_WORD_H
#define TAILSPAN_PROTO_WORD_H

#include "proto/bytes.h"

static inline uint64_t word_at(const uint8_t *data)
{
    uint64_t word;
    memcpy(&word, data, sizeof word);
    return word;
}

/* Of a name. Names begin alike, and differ in length, middle and end. */
static inline uint64_t word_hash(struct bytes name)
{
    uint64_t h = name.len * UINT64_C(0x9e3779b97f4a7c15);
    if (name.len >= 8) {
        h ^= word_at(name.data) * UINT64_C(0xc2b2ae3d27d4eb4f);
        h = (h ^ (h >> 29)) + word_at(name.data + name.len - 8) * UINT64_C(0x165667b19e3779f9);
        h ^= word_at(name.data + name.len / 2 - 4) * UINT64_C(0x27d4eb2f165667c5);
    } else {
        for (size_t i = 0; i < name.len; i++)
            h = (h ^ name.data[i]) * UINT64_C(0x100000001b3);
    }
    return h ^ (h >> 32);
}

/* What two words differ in. */
static inline uint64_t word_differs(const uint8_t *a, const uint8_t *b, size_t at)
{
    return word_at(a + at) ^ word_at(b + at);
}

/* Whether both are the same for `len` bytes: inlined, where a call to memcmp() would cost as much
 * as comparing. Lengths of names vary, so up to 32 bytes there is no loop to be guessed wrong. */
static inline bool words_are_same(const uint8_t *a, const uint8_t *b, size_t len)
{
    if (len < 8)
        return memcmp(a, b, len) == 0;
    uint64_t ends = word_differs(a, b, 0) | word_differs(a, b, len - 8);
    if (len <= 16)
        return !ends;
    ends |= word_differs(a, b, 8) | word_differs(a, b, len - 16);
    for (size_t at = 16; at + 16 < len; at += 8)
        ends |= word_differs(a, b, at);
    return !ends;
}

#endif
