/* Reads Snappy's block format, from its description; whatever is wrong fails the test. */
#ifndef TAILSPAN_TESTS_PROMETHEUS_UNSNAP_H
#define TAILSPAN_TESTS_PROMETHEUS_UNSNAP_H

#include "source.h"

#include "proto/buffer.h"
#include "proto/wire.h"

static inline struct buffer unsnap(struct bytes packed)
{
    struct buffer out = {0};
    const uint8_t *end = packed.data + packed.len;
    uint64_t expected = 0;
    const uint8_t *at = wire_varint(packed.data, end, &expected);
    assert_non_null(at);
    while (at < end) {
        uint8_t tag = *at++;
        size_t len = (size_t)(tag >> 2) + 1;
        if ((tag & 3) == 0) {
            if (len > 60) {
                size_t bytes = len - 60;
                len = 0;
                assert_true((size_t)(end - at) >= bytes);
                for (size_t i = 0; i < bytes; i++)
                    len |= (size_t)*at++ << (8 * i);
                len++;
            }
            assert_true((size_t)(end - at) >= len);
            buffer_append(&out, at, len);
            at += len;
            continue;
        }
        assert_int_equal(tag & 3, 2);
        assert_true(end - at >= 2);
        size_t distance = at[0] | (size_t)at[1] << 8;
        at += 2;
        assert_true(distance > 0 && distance <= out.len);
        for (; len > 0; len--)
            buffer_append_byte(&out, out.data[out.len - distance]);
    }
    assert_int_equal(out.len, expected);
    return out;
}

#endif
