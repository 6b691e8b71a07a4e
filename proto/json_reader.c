/* The JSON reader. Strings are checked once, where they stand: a string without escapes, which is
 * nearly every one, is then used in place, and unescaping needs no error of its own. */
#include "proto/json_reader.h"

#include "proto/binary_text.h"
#include "proto/json_number.h"
#include "proto/utf8.h"

void json_read_begin(struct json_reader *r, struct bytes json)
{
    static const uint8_t nothing[1];
    const uint8_t *data = json.len ? json.data : nothing;
    *r = (struct json_reader){.begin = data, .at = data, .end = data + json.len};
}

bool json_read_fail(struct json_reader *r, const uint8_t *at, const char *error)
{
    r->error = error;
    r->error_at = at;
    return false;
}

uint8_t json_peek(struct json_reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t'))
        r->at++;
    return r->at < r->end ? *r->at : 0;
}

bool json_read_punctuation(struct json_reader *r, char c)
{
    if (json_peek(r) == (uint8_t)c) {
        r->at++;
        return true;
    }
    if (r->at == r->end)
        return json_read_fail(r, r->at, "the document ends too early");
    switch (c) {
    case '{':
        return json_read_fail(r, r->at, "expected an object");
    case '[':
        return json_read_fail(r, r->at, "expected an array");
    case '"':
        return json_read_fail(r, r->at, "expected a string");
    default:
        return json_read_fail(r, r->at, "expected ':'");
    }
}

bool json_read_more(struct json_reader *r, char close, bool *more)
{
    uint8_t c = json_peek(r);
    *more = c == ',';
    if (*more || c == (uint8_t)close) {
        r->at++;
        return true;
    }
    if (r->at == r->end)
        return json_read_fail(r, r->at, "the document ends too early");
    return json_read_fail(r, r->at, close == '}' ? "expected ',' or '}'" : "expected ',' or ']'");
}

/* The four digits of a \u escape at `s`; -1 when they are not. */
static int32_t code_unit(const uint8_t *s, const uint8_t *end)
{
    if (end - s < 4)
        return -1;
    int32_t unit = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(s[i]);
        if (digit < 0)
            return -1;
        unit = unit << 4 | digit;
    }
    return unit;
}

static bool is_high(int32_t unit)
{
    return unit >= 0xd800 && unit < 0xdc00;
}

static bool is_low(int32_t unit)
{
    return unit >= 0xdc00 && unit < 0xe000;
}

/* Checks the escape whose backslash is at `s`; its length, or 0 with the error set. */
static size_t check_escape(struct json_reader *r, const uint8_t *s)
{
    uint8_t c = s + 1 < r->end ? s[1] : 0;
    if (c && strchr("\"\\/bfnrt", c))
        return 2;
    int32_t unit = c == 'u' ? code_unit(s + 2, r->end) : -1;
    if (unit < 0) {
        json_read_fail(r, s, "not an escape sequence");
        return 0;
    }
    if (!is_high(unit) && !is_low(unit))
        return 6;
    if (is_high(unit) && r->end - s >= 12 && s[6] == '\\' && s[7] == 'u' &&
        is_low(code_unit(s + 8, r->end)))
        return 12;
    json_read_fail(r, s, "half of a surrogate pair");
    return 0;
}

bool json_read_string(struct json_reader *r, struct bytes *raw, bool *escaped)
{
    if (!json_read_punctuation(r, '"'))
        return false;
    const uint8_t *s = r->at;
    *escaped = false;
    while (s < r->end && *s != '"') {
        size_t step = 1;
        if (*s == '\\') {
            *escaped = true;
            step = check_escape(r, s);
            if (step == 0)
                return false;
        } else if (*s < 0x20) {
            return json_read_fail(r, s, "a control character in a string");
        } else if (*s >= 0x80) {
            step = utf8_sequence(s, (size_t)(r->end - s));
            if (step == 0)
                return json_read_fail(r, s, "a string that is not UTF-8");
        }
        s += step;
    }
    if (s >= r->end)
        return json_read_fail(r, r->at - 1, "a string without an end");
    *raw = bytes_of(r->at, (size_t)(s - r->at));
    r->at = s + 1;
    return true;
}

size_t json_unescape(struct bytes raw, uint8_t *out)
{
    static const char letters[] = "b\bf\fn\nr\rt\t";
    const uint8_t *s = raw.data;
    const uint8_t *end = s + raw.len;
    uint8_t *to = out;
    while (s < end) {
        if (*s != '\\') {
            *to++ = *s++;
            continue;
        }
        if (s[1] != 'u') {
            const char *letter = strchr(letters, s[1]);
            *to++ = letter ? (uint8_t)letter[1] : s[1];
            s += 2;
            continue;
        }
        uint32_t code = (uint32_t)code_unit(s + 2, end);
        s += 6;
        if (is_high((int32_t)code)) {
            uint32_t low = (uint32_t)code_unit(s + 2, end);
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
            s += 6;
        }
        to += utf8_encode(code, to);
    }
    return (size_t)(to - out);
}

bool json_read_number(struct json_reader *r, struct bytes *text)
{
    size_t len = json_number_length(bytes_of(r->at, (size_t)(r->end - r->at)));
    if (len == 0)
        return json_read_fail(r, r->at, "not a number");
    if (len > JSON_NUMBER_MAX)
        return json_read_fail(r, r->at, "a number with too many digits");
    *text = bytes_of(r->at, len);
    r->at += len;
    return true;
}

bool json_read_literal(struct json_reader *r, const char *literal)
{
    size_t len = strlen(literal);
    if ((size_t)(r->end - r->at) < len || memcmp(r->at, literal, len) != 0)
        return json_read_fail(r, r->at, "not a JSON value");
    r->at += len;
    return true;
}

static bool skip_list(struct json_reader *r, char close, unsigned depth)
{
    if (depth == 0)
        return json_read_fail(r, r->at, "nested too deep");
    r->at++;
    if (json_peek(r) == (uint8_t)close) {
        r->at++;
        return true;
    }
    for (bool more = true; more;) {
        struct bytes key;
        bool escaped;
        if (close == '}' &&
            (!json_read_string(r, &key, &escaped) || !json_read_punctuation(r, ':')))
            return false;
        if (!json_skip_value(r, depth - 1) || !json_read_more(r, close, &more))
            return false;
    }
    return true;
}

bool json_skip_value(struct json_reader *r, unsigned depth)
{
    struct bytes ignored;
    bool escaped;
    switch (json_peek(r)) {
    case '{':
        return skip_list(r, '}', depth);
    case '[':
        return skip_list(r, ']', depth);
    case '"':
        return json_read_string(r, &ignored, &escaped);
    case 't':
        return json_read_literal(r, "true");
    case 'f':
        return json_read_literal(r, "false");
    case 'n':
        return json_read_literal(r, "null");
    case '-':
    case '0' ... '9':
        return json_read_number(r, &ignored);
    default:
        return json_read_fail(r, r->at,
                              r->at == r->end ? "the document ends too early" : "not a JSON value");
    }
}

void json_position(const struct json_reader *r, const uint8_t *at, size_t *line, size_t *column)
{
    *line = 1;
    const uint8_t *start = r->begin;
    const uint8_t *newline;
    while ((newline = memchr(start, '\n', (size_t)(at - start)))) {
        start = newline + 1;
        ++*line;
    }
    *column = (size_t)(at - start) + 1;
}
