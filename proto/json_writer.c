/* The JSON writer: state is one flag a level, everything else goes straight to the buffer.
 *
 * Doubles are written with the fewest digits that read back as the same value. Fifteen digits
 * survive any decimal-to-double-to-decimal trip, so if fifteen do not read back, sixteen or
 * seventeen are needed; only subnormal numbers can do with fewer than "%.15g" prints. */
#include "proto/json_writer.h"

#include "proto/utf8.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void json_begin(struct json_writer *w, struct buffer *out, bool indent)
{
    *w = (struct json_writer){.out = out, .indent = indent};
}

static void new_line(struct json_writer *w)
{
    if (!w->indent)
        return;
    buffer_append_byte(w->out, '\n');
    for (unsigned i = 0; i < w->depth; i++)
        buffer_append(w->out, "  ", 2);
}

/* What stands between the last element and the next value or key. */
static void separate(struct json_writer *w)
{
    if (w->after_key) {
        w->after_key = false;
        return;
    }
    if (w->filled[w->depth])
        buffer_append_byte(w->out, ',');
    w->filled[w->depth] = true;
    if (w->depth > 0)
        new_line(w);
}

static void open_level(struct json_writer *w, char bracket)
{
    separate(w);
    buffer_append_byte(w->out, (uint8_t)bracket);
    assert(w->depth < JSON_MAX_DEPTH);
    w->filled[++w->depth] = false;
}

static void close_level(struct json_writer *w, char bracket)
{
    assert(w->depth > 0);
    bool filled = w->filled[w->depth--];
    if (filled)
        new_line(w);
    buffer_append_byte(w->out, (uint8_t)bracket);
}

void json_object_begin(struct json_writer *w)
{
    open_level(w, '{');
}

void json_object_end(struct json_writer *w)
{
    close_level(w, '}');
}

void json_array_begin(struct json_writer *w)
{
    open_level(w, '[');
}

void json_array_end(struct json_writer *w)
{
    close_level(w, ']');
}

static bool is_plain(uint8_t c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

static void escape(struct buffer *out, uint8_t c)
{
    static const char letters[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    for (const char *l = letters; *l; l += 2) {
        if ((uint8_t)l[0] == c) {
            buffer_append(out, (const char[]){'\\', l[1]}, 2);
            return;
        }
    }
    buffer_printf(out, "\\u%04x", c);
}

static void quoted(struct buffer *out, struct bytes s)
{
    const uint8_t *at = s.data;
    const uint8_t *end = at + s.len;
    buffer_append_byte(out, '"');
    while (at < end) {
        const uint8_t *run = at;
        size_t sequence = 1;
        while (at < end &&
               (is_plain(*at) ||
                (*at >= 0x80 && (sequence = utf8_sequence(at, (size_t)(end - at))) > 0))) {
            at += *at < 0x80 ? 1 : sequence;
        }
        buffer_append(out, run, (size_t)(at - run));
        if (at == end)
            break;
        if (*at < 0x80)
            escape(out, *at);
        else
            buffer_append_string(out, "\xef\xbf\xbd");
        at++;
    }
    buffer_append_byte(out, '"');
}

void json_key_bytes(struct json_writer *w, struct bytes key)
{
    separate(w);
    quoted(w->out, key);
    buffer_append(w->out, ": ", w->indent ? 2 : 1);
    w->after_key = true;
}

void json_key(struct json_writer *w, const char *key)
{
    json_key_bytes(w, bytes_of_string(key));
}

void json_bytes(struct json_writer *w, struct bytes s)
{
    separate(w);
    quoted(w->out, s);
}

void json_text(struct json_writer *w, const char *s)
{
    json_bytes(w, bytes_of_string(s));
}

void json_hex(struct json_writer *w, struct bytes s)
{
    static const char digits[] = "0123456789abcdef";
    separate(w);
    uint8_t *to = s.len < SIZE_MAX / 2 ? buffer_reserve(w->out, s.len * 2 + 2) : NULL;
    if (!to) {
        w->out->failed = true;
        return;
    }
    *to++ = '"';
    for (size_t i = 0; i < s.len; i++) {
        *to++ = (uint8_t)digits[s.data[i] >> 4];
        *to++ = (uint8_t)digits[s.data[i] & 15];
    }
    *to = '"';
    w->out->len += s.len * 2 + 2;
}

void json_base64(struct json_writer *w, struct bytes s)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    separate(w);
    size_t len = s.len < SIZE_MAX / 2 ? (s.len + 2) / 3 * 4 + 2 : SIZE_MAX;
    uint8_t *to = buffer_reserve(w->out, len);
    if (!to)
        return;
    *to++ = '"';
    for (size_t i = 0; i < s.len; i += 3) {
        size_t left = s.len - i;
        uint32_t group = (uint32_t)s.data[i] << 16;
        group |= left > 1 ? (uint32_t)s.data[i + 1] << 8 : 0;
        group |= left > 2 ? s.data[i + 2] : 0;
        *to++ = (uint8_t)digits[group >> 18];
        *to++ = (uint8_t)digits[group >> 12 & 63];
        *to++ = left > 1 ? (uint8_t)digits[group >> 6 & 63] : '=';
        *to++ = left > 2 ? (uint8_t)digits[group & 63] : '=';
    }
    *to = '"';
    w->out->len += len;
}

void json_int(struct json_writer *w, int64_t n)
{
    separate(w);
    buffer_printf(w->out, "%lld", (long long)n);
}

void json_uint(struct json_writer *w, uint64_t n)
{
    separate(w);
    buffer_printf(w->out, "%llu", (unsigned long long)n);
}

void json_int_string(struct json_writer *w, int64_t n)
{
    separate(w);
    buffer_printf(w->out, "\"%lld\"", (long long)n);
}

void json_uint_string(struct json_writer *w, uint64_t n)
{
    separate(w);
    buffer_printf(w->out, "\"%llu\"", (unsigned long long)n);
}

static void shortest(char *text, size_t size, double d)
{
    if (fabs(d) < 1e17 && d == trunc(d)) {
        snprintf(text, size, "%.0f", d);
        return;
    }
    for (int digits = fpclassify(d) == FP_SUBNORMAL ? 1 : 15; digits <= 17; digits++) {
        snprintf(text, size, "%.*g", digits, d);
        if (strtod(text, NULL) == d)
            return;
    }
}

void json_double(struct json_writer *w, double d)
{
    if (isnan(d)) {
        json_text(w, "NaN");
    } else if (isinf(d)) {
        json_text(w, d < 0 ? "-Infinity" : "Infinity");
    } else {
        char text[32];
        shortest(text, sizeof text, d);
        separate(w);
        buffer_append_string(w->out, text);
    }
}

void json_number(struct json_writer *w, struct bytes text)
{
    separate(w);
    buffer_append(w->out, text.data, text.len);
}

void json_bool(struct json_writer *w, bool b)
{
    separate(w);
    buffer_append_string(w->out, b ? "true" : "false");
}

void json_nil(struct json_writer *w)
{
    separate(w);
    buffer_append_string(w->out, "null");
}
