/* Private keys as PEM writes them. */
#include "processors/scrub/detect_private.h"

#include <string.h>

static uint32_t find_text(const struct scan *s, uint32_t at, uint32_t end, const char *text)
{
    const uint8_t *found = memmem(s->s + at, end - at, text, strlen(text));
    return found ? (uint32_t)(found - s->s) : UINT32_MAX;
}

enum {
    BODY_WITHIN = 128, /* of the line that opens it */
    END_WITHIN = 512,  /* of a line behind which no body was seen */
    ROW = 16,
    ROW_IN_WORDS = 40, /* paths are shorter */
};

static bool is_base64(uint8_t c)
{
    return byte_is_alnum(c) || c == '+' || c == '/' || c == '=';
}

/* Whether a row of base64 follows, or one that was cut off. */
static bool has_row(const struct scan *s, uint32_t at)
{
    uint32_t limit = s->end - at > BODY_WITHIN ? at + BODY_WITHIN : s->end, row = 0;
    bool text = false, words = false;
    for (; at < limit; at++) {
        row = is_base64(s->s[at]) ? row + 1 : 0;
        words |= s->s[at] == ' ' && text;
        text |= s->s[at] != ' ';
        if (row >= (words ? ROW_IN_WORDS : ROW))
            return true;
    }
    return row > 0 && !words && limit == s->end && s->s[limit - row - 1] != ' ';
}

/* A blank between two letters. */
static bool is_prose(const struct scan *s, uint32_t at, uint32_t end)
{
    for (at++; at + 1 < end; at++) {
        if (s->s[at] == ' ' && byte_is_letter(s->s[at - 1]) && byte_is_letter(s->s[at + 1]))
            return true;
    }
    return false;
}

/* Whether a key follows the line that ends at `at`: messages name the line as well. */
static bool has_body(struct scan *s, uint32_t at)
{
    uint32_t limit = s->end - at > END_WITHIN ? at + END_WITHIN : s->end;
    s->steps += limit - at;
    if (has_row(s, at) || find_text(s, at, limit, "Proc-Type:") != UINT32_MAX)
        return true;
    uint32_t line = find_text(s, at, limit, "-----END");
    return line != UINT32_MAX && !is_prose(s, at, line);
}

/* -----BEGIN … PRIVATE KEY-----, to its END, or to the end of the value when that is missing. The
 * blanks in it may be encoded. */
void pem_at(struct scan *s, uint32_t at)
{
    if (!s->d->on[SCRUB_PRIVATE_KEY] || !scan_has(s, at, "-----begin"))
        return;
    uint32_t limit = s->end - at < 120 ? s->end : at + 120, name = at + 10;
    uint32_t key = find_text(s, name, limit, "PRIVATE");
    uint32_t line = find_text(s, name, limit, "-----");
    if (key == UINT32_MAX || (line != UINT32_MAX && line < key) ||
        !has_body(s, line == UINT32_MAX ? key + 7 : line + 5))
        return;
    uint32_t end = find_text(s, key, s->end, "-----END"), stop = s->end;
    s->steps += (end == UINT32_MAX ? s->end : end) - key;
    if (end != UINT32_MAX) {
        uint32_t close = find_text(s, end + 8, s->end - end < 120 ? s->end : end + 120, "-----");
        stop = close == UINT32_MAX ? s->end : close + 5;
    }
    scan_add(s, at, stop, SCRUB_PRIVATE_KEY);
}
