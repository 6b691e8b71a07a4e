/* SQL: literals go, the rest stays. A lexer, not a parser: it knows where literals, names, comments
 * and parameters begin and end in each dialect, which is all that matters.
 *
 * Where dialects disagree and nobody said which one it is, the reading that hides more is taken. A
 * literal that does not end takes the rest of the text with it. Text with parameters was written by
 * a programmer: its short numbers (LIMIT 10) are theirs and stay.
 *
 * What is left, names and comments, is looked at like any text. Names are not: `password = ?` is no
 * secret. */
#include "processors/scrub/detect_private.h"

#include <strings.h>

enum { SHORT_NUMBER = 4, COLLAPSE_FROM = 32 };

struct sql {
    struct scan *s;
    enum sql_dialect dialect;
    uint32_t start;
    uint32_t at;
    bool asked;      /* whether there are parameters is known */
    bool parameters; /* the text has ? or $1 */
    bool broken;     /* a literal that cannot be told from what follows */
    uint32_t listed; /* the end of the last literal; 0: none yet */
    uint32_t paired; /* quotes before this are in pairs, as far as brackets are concerned */
};

#define WORDS_OF(from, to) [from... to] = true
static const bool word_bytes[256] = {WORDS_OF('0', '9'), WORDS_OF('A', 'Z'), WORDS_OF('a', 'z'),
                                     ['_'] = true,       ['$'] = true,       WORDS_OF(0x80, 0xff)};

static inline bool is_word(uint8_t c)
{
    return word_bytes[c];
}

static uint8_t byte_at(const struct sql *q, uint32_t at)
{
    return at < q->s->end ? q->s->s[at] : 0;
}

/* Whether only commas and brackets stand between the last literal and `at`. */
static bool is_listed(const struct sql *q, uint32_t at)
{
    uint32_t from = q->listed;
    while (from && from < at &&
           (byte_is_space(q->s->s[from]) || q->s->s[from] == ',' || q->s->s[from] == '(' ||
            q->s->s[from] == ')'))
        from++;
    return q->listed && from >= at;
}

/* Long lists are one finding: so the text stays readable where literals are many. */
static void literal(struct sql *q, uint32_t start, uint32_t end)
{
    struct scan *s = q->s;
    if (s->count >= COLLAPSE_FROM && is_listed(q, start)) {
        s->findings[s->count - 1].len = end - s->findings[s->count - 1].start;
        s->floor = s->next = end;
    } else {
        scan_add(s, start, end, SCRUB_SQL_LITERAL);
    }
    q->at = q->listed = end;
}

/* Behind the closing quote. A doubled one is part of the text; so is an escaped one, where the
 * dialect has escapes. Where that is unknown and matters, the text is broken. */
static uint32_t quote_end(struct sql *q, uint32_t at, uint8_t quote, bool escapes, bool unknown)
{
    const uint8_t *s = q->s->s;
    for (at++; at < q->s->end; at++) {
        if (s[at] == '\\' && unknown && byte_at(q, at + 1) == quote)
            q->broken = true;
        if (s[at] == '\\' && escapes) {
            at++;
        } else if (s[at] == quote) {
            if (byte_at(q, at + 1) != quote)
                return at + 1;
            at++;
        }
    }
    return UINT32_MAX;
}

static void text_literal(struct sql *q, uint32_t start, uint32_t quote, bool escapes)
{
    bool unknown = q->dialect == SQL_UNKNOWN && !escapes;
    uint32_t end = quote_end(q, quote, q->s->s[quote], escapes, unknown);
    if (end == UINT32_MAX || q->broken)
        end = q->s->end;
    if (byte_at(q, end) == ':' && byte_at(q, end + 1) == ' ') { /* {'id': 5}, of a driver's */
        scan_kept(q->s, start, end);
        q->at = end;
        return;
    }
    literal(q, start, end);
}

/* $tag$ … $tag$ */
static bool dollar_literal(struct sql *q)
{
    const struct scan *s = q->s;
    uint32_t tag = q->at + 1;
    if (byte_is_digit(byte_at(q, tag)) || q->dialect == SQL_MYSQL)
        return false;
    while (tag < s->end && (byte_is_alnum(s->s[tag]) || s->s[tag] == '_'))
        tag++;
    if (byte_at(q, tag) != '$')
        return false;
    uint32_t len = tag + 1 - q->at;
    const uint8_t *end = memmem(s->s + tag + 1, s->end - tag - 1, s->s + q->at, len);
    literal(q, q->at, end ? (uint32_t)(end - s->s) + len : s->end);
    return true;
}

/* EXEC p @name = 5: the procedure's own name of what it is given. */
static bool is_assigned(const struct scan *s, uint32_t at)
{
    while (at < s->end && is_word(s->s[at]))
        at++;
    at = behind_blanks(s, at);
    return at < s->end && s->s[at] == '=';
}

/* Whether the text has a parameter, other than by what a literal may hold. */
static bool has_parameters(const struct scan *s, uint32_t start)
{
    for (uint32_t i = start; i < s->end; i++) {
        uint8_t c = s->s[i], next = i + 1 < s->end ? s->s[i + 1] : ' ';
        if (c == '\'')
            return false;
        if (c == '?' || (c == '$' && byte_is_digit(next)) || (c == '%' && next == 's') ||
            ((c == ':' || c == '@') && byte_is_letter(next) && i > 0 && s->s[i - 1] != c &&
             !is_word(s->s[i - 1]) && !(c == '@' && is_assigned(s, i + 1))))
            return true;
    }
    return false;
}

static bool is_parameterised(struct sql *q)
{
    if (!q->asked) {
        q->asked = true;
        q->parameters = has_parameters(q->s, q->start);
        q->s->steps += q->s->end - q->start;
    }
    return q->parameters;
}

static void number(struct sql *q, uint32_t start)
{
    uint32_t at = q->at;
    bool hex = byte_at(q, at) == '0' && (byte_at(q, at + 1) | 0x20) == 'x';
    for (; at < q->s->end; at++) {
        uint8_t c = q->s->s[at];
        bool sign = (c == '-' || c == '+') && !hex && (q->s->s[at - 1] | 0x20) == 'e';
        if (!is_word(c) && c != '.' && !(sign && byte_is_digit(byte_at(q, at + 1))))
            break;
    }
    if (at - q->at <= SHORT_NUMBER && is_parameterised(q)) {
        q->at = at;
    } else {
        literal(q, start, at);
    }
}

/* Words behind which a value stands. */
static bool expects_value(const uint8_t *word, uint32_t len)
{
    static const char *const words[8][4] = {
        [2] = {"in"},
        [4] = {"like", "then", "else", "when"},
        [5] = {"ilike", "limit", "rlike", "value"},
        [6] = {"values", "offset", "regexp", "return"},
        [7] = {"between"},
    };
    if (len > 7)
        return false;
    for (unsigned i = 0; i < 4 && words[len][i]; i++) {
        if (words[len][i][0] == (word[0] | 0x20) &&
            strncasecmp(words[len][i], (const char *)word, len) == 0)
            return true;
    }
    return false;
}

/* Functions of columns, hardly ever of literals. */
static bool is_aggregate(const uint8_t *word, uint32_t len)
{
    static const char *const names[] = {"count", "min", "max", "sum", "avg", NULL};
    return is_word_of(word, len, names);
}

/* Whether what stands at `at` would be a value, by what is before: an operator, VALUES (, IN (, a
 * value and a comma; the name of a function, where quotes may be either. */
static bool is_value(const struct sql *q, uint32_t at)
{
    const uint8_t *s = q->s->s;
    bool bracket = false;
    if (is_listed(q, at))
        return true;
    while (at > 0 && (byte_is_space(s[at - 1]) || s[at - 1] == '('))
        bracket |= s[--at] == '(';
    if (at == 0)
        return false;
    if (s[at - 1] && strchr("=<>!|~+-*/", s[at - 1]))
        return true;
    uint32_t start = at;
    while (start > 0 && is_word(s[start - 1]) && at - start < 8)
        start--;
    if (start == at)
        return false;
    return expects_value(s + start, at - start) ||
           (bracket && q->dialect == SQL_UNKNOWN && s[at] == '(' &&
            !is_aggregate(s + start, at - start));
}

/* "x": a name in the standard, text in MySQL. Where it is unknown: a name when it looks like one
 * and stands where names do. */
static void double_quoted(struct sql *q)
{
    const struct scan *s = q->s;
    bool escapes = q->dialect == SQL_MYSQL;
    uint32_t start = q->at, end;
    bool name = q->dialect != SQL_UNKNOWN && q->dialect != SQL_MYSQL;
    end = quote_end(q, start, '"', escapes, q->dialect == SQL_UNKNOWN);
    if (end == UINT32_MAX || q->broken) {
        literal(q, start, s->end);
        return;
    }
    if (q->dialect == SQL_UNKNOWN) {
        name = !byte_is_digit(byte_at(q, start + 1));
        for (uint32_t i = start + 1; name && i + 1 < end; i++)
            name = is_word(s->s[i]);
        bool dotted = byte_at(q, end) == '.' || (start > 0 && s->s[start - 1] == '.');
        name = name && (dotted || !is_value(q, start));
    }
    if (!name || memchr(s->s + start, '@', end - start)) {
        literal(q, start, end);
        return;
    }
    q->at = end;
}

/* q'[it's]' of Oracle's: the end, behind the quote; `quote` when it is none. */
static uint32_t own_quotes_end(const struct sql *q, uint32_t quote)
{
    const struct scan *s = q->s;
    uint8_t open = byte_at(q, quote + 1);
    uint8_t close = open == '['   ? ']'
                    : open == '{' ? '}'
                    : open == '(' ? ')'
                    : open == '<' ? '>'
                                  : open;
    if (open <= ' ' || is_word(open) || open == '\'' || q->dialect == SQL_MYSQL ||
        q->dialect == SQL_POSTGRESQL)
        return quote;
    for (uint32_t at = quote + 2; at + 1 < s->end; at++) {
        if (s->s[at] == close && s->s[at + 1] == '\'')
            return at + 2;
    }
    return quote;
}

/* '…' with what belongs to it: N'…', E'…', X'…', U&'…', _utf8'…'. */
static void single_quoted(struct sql *q)
{
    const struct scan *s = q->s;
    uint32_t quote = q->at, start = quote;
    bool unicode =
        quote >= s->floor + 2 && s->s[quote - 1] == '&' && (s->s[quote - 2] | 0x20) == 'u';
    if (unicode)
        start -= 2;
    while (!unicode && start > s->floor && is_word(s->s[start - 1]) && quote - start < 16)
        start--;
    uint8_t first = byte_lower(s->s[start]);
    bool letter = quote - start == 1 && strchr("nebxrq", first);
    bool charset = quote - start > 1 && first == '_';
    uint32_t end = letter && first == 'q' ? own_quotes_end(q, quote) : quote;
    if (end > quote) {
        literal(q, start, end);
        return;
    }
    if (!unicode && !letter && !charset)
        start = quote;
    text_literal(q, start, quote, (letter && first == 'e') || q->dialect == SQL_MYSQL);
}

/* What a comment says may be anybody's, unless a machine wrote it: it is scanned as text. MySQL
 * runs what stands in its own kind of comment. */
static bool comment(struct sql *q)
{
    struct scan *s = q->s;
    uint8_t c = byte_at(q, q->at), next = byte_at(q, q->at + 1);
    bool line = (c == '-' && next == '-') || (c == '#' && q->dialect == SQL_MYSQL);
    bool block = c == '/' && next == '*';
    if (!line && !block)
        return false;
    if (block && byte_at(q, q->at + 2) == '!') {
        q->at += 3;
        return true;
    }
    uint32_t start = q->at, end;
    const uint8_t *found = line ? memchr(s->s + start, '\n', s->end - start)
                                : memmem(s->s + start + 2, s->end - start - 2, "*/", 2);
    end = found ? (uint32_t)(found - s->s) + (line ? 1 : 2) : s->end;
    if (block && !found) {
        literal(q, start, s->end);
        return true;
    }
    uint32_t all = s->end;
    s->next = s->floor;
    scan_range(s, start, end);
    s->end = all;
    q->at = end;
    return true;
}

static void quoted_name(struct sql *q, uint8_t close)
{
    uint32_t end = quote_end(q, q->at, close, false, false);
    if (end == UINT32_MAX)
        literal(q, q->at, q->s->end);
    else
        q->at = end;
}

/* Whether the bracket at `at` holds what a name is made of, and nothing else. */
static bool holds_name(const struct sql *q, uint32_t at)
{
    uint8_t c = byte_at(q, at + 1);
    if (!byte_is_letter(c) && c != '_')
        return false;
    while (is_word(c) || c == ' ' || c == '.')
        c = byte_at(q, ++at + 1);
    return c == ']';
}

/* Whether a quote stands alone before the next closing bracket: [it's], or ['a]b']. */
static bool has_odd_quotes(struct sql *q, uint32_t at)
{
    const uint8_t *s = q->s->s;
    if (at < q->paired)
        return false;
    const uint8_t *close = memchr(s + at, ']', q->s->end - at);
    unsigned single = 0, twofold = 0;
    q->paired = close ? (uint32_t)(close - s) : q->s->end;
    q->s->steps += q->paired - at;
    for (; at < q->paired; at++) {
        single += s[at] == '\'';
        twofold += s[at] == '"';
    }
    return close && (single % 2 == 1 || twofold % 2 == 1);
}

/* [x]: a name where brackets are for nothing else. Elsewhere arrays and indices stand in them, and
 * what is in those is read like any. Where it is unknown: one in which a quote stands alone might
 * be either, and all that follows would be read inside out; it takes the rest with it. */
static void bracket(struct sql *q)
{
    if (q->dialect == SQL_BRACKETS || holds_name(q, q->at))
        quoted_name(q, ']');
    else if (q->dialect == SQL_UNKNOWN && has_odd_quotes(q, q->at))
        literal(q, q->at, q->s->end);
    else
        q->at++;
}

/* A digit that begins a number, and no end of a name or of a parameter ($1, :1, ?1). */
static void digit(struct sql *q)
{
    uint8_t before = q->at ? q->s->s[q->at - 1] : ' ';
    if (!is_word(before) && has_uuid(q->s, q->at)) {
        literal(q, q->at, q->at + UUID_LEN);
        return;
    }
    if (!is_word(before) && before != ':' && before != '?' && before != '@') {
        number(q, q->at);
        return;
    }
    while (q->at < q->s->end && is_word(q->s->s[q->at]))
        q->at++;
}

/* "= -5" is one literal; in "a - 5" the minus is nobody's. */
static void sign(struct sql *q)
{
    uint32_t start = q->at++, id = start - 8;
    if (start >= q->s->floor + 8 && has_uuid(q->s, id) && (id == 0 || !is_word(q->s->s[id - 1]))) {
        literal(q, id, id + UUID_LEN); /* of CQL, which writes them without quotes */
        return;
    }
    if (byte_is_digit(byte_at(q, q->at)) && is_value(q, start))
        number(q, start);
}

/* What a step has to look at; all else is passed over. */
static const bool telling[256] = {
    ['\''] = true, ['"'] = true, ['`'] = true, ['['] = true, ['$'] = true,        ['-'] = true,
    ['+'] = true,  ['/'] = true, ['#'] = true, ['.'] = true, ['0' ... '9'] = true};

static void step(struct sql *q)
{
    uint8_t c = q->s->s[q->at], next = byte_at(q, q->at + 1);
    if (c == '\'')
        single_quoted(q);
    else if (c == '"')
        double_quoted(q);
    else if (c == '`')
        quoted_name(q, '`');
    else if (c == '[')
        bracket(q);
    else if (byte_is_digit(c))
        digit(q);
    else if (c == '.' && byte_is_digit(next) && (q->at == 0 || !is_word(q->s->s[q->at - 1])))
        number(q, q->at);
    else if ((c == '$' && dollar_literal(q)) || comment(q))
        return;
    else if (c == '-' || c == '+')
        sign(q);
    else
        q->at++;
}

/* Where the word or name begins that stands behind IDENTIFIED BY, of statements that may have it;
 * else the end. */
static uint32_t bare_password(const struct scan *s, uint32_t at)
{
    static const char *const verbs[] = {"alter ", "create ", "grant "};
    static const char by[] = "identified by ";
    bool has = false;
    at = behind_blanks(s, at);
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        has |= scan_has(s, at, verbs[i]);
    for (; has && at < s->end; at++) {
        if (byte_lower(s->s[at]) == 'i' && scan_has(s, at, by)) {
            at = behind_blanks(s, at + (uint32_t)sizeof by - 1);
            return at < s->end && (is_word(s->s[at]) || s->s[at] == '"') ? at : s->end;
        }
    }
    return s->end;
}

static void read_until(struct sql *q, uint32_t end)
{
    while (q->at < end && !q->s->overflow) {
        if (telling[q->s->s[q->at]])
            step(q);
        else
            q->at++;
    }
}

static void read_from(struct scan *s, uint32_t start, enum sql_dialect dialect)
{
    struct sql q = {.s = s, .dialect = dialect, .start = start, .at = start};
    uint32_t password = bare_password(s, start), end = password;
    s->steps += 2 * (uint64_t)(s->end - start);
    read_until(&q, password);
    bool quoted = end < s->end && s->s[end] == '"';
    while (end < s->end && (quoted || s->s[end] > ' ') && s->s[end] != ';') {
        if (s->s[end++] == '"' && quoted && end > password + 1)
            break;
    }
    if (q.at == password && end > password)
        literal(&q, password, end);
    read_until(&q, s->end);
}

void sql_find(struct scan *s, enum sql_dialect dialect)
{
    read_from(s, 0, dialect);
}

void sql_range(struct scan *s, uint32_t start, uint32_t end)
{
    uint32_t all = s->end;
    s->end = end;
    read_from(s, start, SQL_UNKNOWN);
    s->end = all;
    if (s->next < end)
        s->next = end;
}
