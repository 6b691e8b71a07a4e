#include "proto/utf8.h"

#include <string.h>

enum { STAND_IN = 0x1a };

/* How far the text is well-formed, looking from `at` on. */
static size_t valid_until(struct bytes text, size_t at)
{
    uint64_t eight;
    size_t len = 1;
    while (len > 0 && at < text.len) {
        if (text.len - at >= sizeof eight) {
            memcpy(&eight, text.data + at, sizeof eight);
            if ((eight & 0x8080808080808080U) == 0) {
                at += sizeof eight;
                continue;
            }
        }
        len = utf8_sequence(text.data + at, text.len - at);
        at += len;
    }
    return at;
}

struct bytes utf8_readable(struct bytes text, struct buffer *copy)
{
    size_t at = valid_until(text, 0);
    if (at == text.len)
        return text;
    copy->len = 0;
    uint8_t *to = buffer_reserve(copy, text.len);
    if (!to)
        return bytes_of(NULL, 0);
    memcpy(to, text.data, text.len);
    copy->len = text.len;
    for (; at < text.len; at = valid_until(buffer_bytes(copy), at + 1))
        to[at] = STAND_IN;
    return buffer_bytes(copy);
}
