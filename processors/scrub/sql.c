/* SQL: literals are found by reading the text as a database's lexer does. Names, keywords,
 * operators and parameters ($1, ?, :name,
 * @p, %s) stay. What does not end, a quote or a comment, is a literal to the end: nobody knows what
 * is in it. */
#include "processors/scrub/detect_private.h"

struct sql {
    struct scan *scan;
    bool mysql;       /* "…" is a literal, not a name; # begins a comment */
    bool backslashes; /* \' does not end a literal */
    size_t at;
};

static void literal(struct sql *q, size_t begin, size_t end)
{
    scan_found(q->scan, begin, end, SCRUB_SQL_LITERAL);
    q->at = end;
}

/* Behind the closing quote; doubled quotes are one in the text. */
static size_t behind_quote(const struct sql *q, size_t at, uint8_t quote, bool backslashes)
{
    const struct scan *s = q->scan;
    for (at++; at < s->len; at++) {
        if (s->text[at] == '\\' && backslashes) {
            at++;
        } else if (s->text[at] == quote) {
            if (byte_at(s, at + 1) != quote)
                return at + 1;
            at++;
        }
    }
    return s->len;
}

static bool is_word(uint8_t c)
{
    return is_alnum(c) || c == '_' || c == '$' || c >= 0x80;
}

/* $tag$ … $tag$; false: it is a parameter. */
static bool dollar_quote(struct sql *q)
{
    const struct scan *s = q->scan;
    size_t tag = q->at + 1;
    while (tag < s->len && (is_alnum(s->text[tag]) || s->text[tag] == '_'))
        tag++;
    if (byte_at(s, tag) != '$' || is_digit(byte_at(s, q->at + 1)))
        return false;
    size_t len = tag + 1 - q->at;
    const uint8_t *end = memmem(s->text + tag + 1, s->len - tag - 1, s->text + q->at, len);
    literal(q, q->at, end ? (size_t)(end - s->text) + len : s->len);
    return true;
}

static void number(struct sql *q)
{
    const struct scan *s = q->scan;
    size_t end = q->at;
    while (end < s->len &&
           (is_alnum(s->text[end]) || s->text[end] == '.' ||
            ((s->text[end] == '-' || s->text[end] == '+') && (s->text[end - 1] | 0x20) == 'e' &&
             !(s->text[q->at] == '0' && (byte_at(s, q->at + 1) | 0x20) == 'x'))))
        end++;
    literal(q, q->at, end);
}

/* Comments stay, as far as they end; MySQL's hints in them are no literals. */
static bool comment(struct sql *q)
{
    struct scan *s = q->scan;
    bool line = has_at(s, q->at, "--") || (q->mysql && s->text[q->at] == '#');
    if (line) {
        const uint8_t *end = memchr(s->text + q->at, '\n', s->len - q->at);
        q->at = end ? (size_t)(end - s->text) : s->len;
        return true;
    }
    if (!has_at(s, q->at, "/*"))
        return false;
    const uint8_t *end = memmem(s->text + q->at + 2, s->len - q->at - 2, "*/", 2);
    if (end)
        q->at = (size_t)(end - s->text) + 2;
    else
        literal(q, q->at, s->len);
    return true;
}

/* N'…', E'…', B'…', X'…', U&'…', _utf8'…': the word belongs to the quote. */
static size_t behind_word(const struct sql *q)
{
    size_t end = q->at;
    while (end < q->scan->len && is_word(q->scan->text[end]))
        end++;
    return end;
}

static void word(struct sql *q)
{
    const struct scan *s = q->scan;
    size_t end = behind_word(q);
    bool prefix = end - q->at == 1 && byte_at(s, end) == '\'' && strchr("NnEeBbXx", s->text[q->at]);
    if (prefix) {
        bool escapes = (s->text[q->at] | 0x20) == 'e' || q->backslashes;
        literal(q, q->at, behind_quote(q, end, '\'', escapes));
    } else {
        q->at = end;
    }
}

static void step(struct sql *q)
{
    const struct scan *s = q->scan;
    uint8_t c = s->text[q->at];
    if (c == '\'')
        literal(q, q->at, behind_quote(q, q->at, '\'', q->backslashes));
    else if (c == '"' && q->mysql)
        literal(q, q->at, behind_quote(q, q->at, '"', q->backslashes));
    else if (c == '"' || c == '`')
        q->at = behind_quote(q, q->at, c, false);
    else if (c == '[' && is_letter(byte_at(s, q->at + 1)))
        q->at++; /* a name of SQL Server's, or an index */
    else if (c == '$' && !dollar_quote(q))
        q->at = behind_word(q) > q->at ? behind_word(q) : q->at + 1;
    else if (c == '$')
        return;
    else if (is_digit(c) || (c == '.' && is_digit(byte_at(s, q->at + 1)) &&
                             (q->at == 0 || !is_word(s->text[q->at - 1]))))
        number(q);
    else if (c == ':' || c == '@' || c == '?')
        q->at =
            q->at + 1 + (behind_word(&(struct sql){.scan = q->scan, .at = q->at + 1}) - q->at - 1);
    else if (is_word(c))
        word(q);
    else if (!comment(q))
        q->at++;
}

void find_sql(struct scan *s, bool mysql, bool backslashes)
{
    struct sql q = {.scan = s, .mysql = mysql, .backslashes = backslashes};
    while (q.at < s->len && !s->full)
        step(&q);
}
