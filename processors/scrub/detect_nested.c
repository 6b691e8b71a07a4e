/* Values that are more than a word or a string: Some("x") and b'x' of programs, lists and objects
 * of JSON and what other languages print like it, blocks of YAML.
 *
 * An object under a sensitive name is entered: what its pairs hold is as secret, but for what tells
 * of it (its type, its expiry). Its pairs are looked at as any, up to `secret_end`. */
#include "processors/scrub/detect_pairs.h"

enum {
    PREFIX_MAX = 40,
    TOKEN_MAX = 256, /* of a list whose strings have no quotes */
};

/* Functions that say where the value comes from, whatever stands in their parentheses. */
static bool is_getter(const uint8_t *word, uint32_t len)
{
    static const char *const parts[] = {"get",  "env",    "read", "fetch", "param", "config",
                                        "load", "lookup", "find", "input", "prompt"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        size_t part = strlen(parts[i]);
        for (uint32_t at = 0; at + part <= len; at++) {
            if (bytes_are(word + at, part, parts[i]))
                return true;
        }
    }
    return false;
}

static bool is_string_prefix(const uint8_t *text, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++) {
        if (!byte_is_letter(text[i]) && text[i] != '#' && text[i] != '@' && text[i] != '$')
            return false;
    }
    return len <= 3;
}

/* !!str x */
static uint32_t behind_tag(const struct scan *s, uint32_t at)
{
    uint32_t end = at;
    while (end < s->end && end - at < PREFIX_MAX && (s->s[end] == '!' || byte_is_letter(s->s[end])))
        end++;
    return end > at + 1 && end + 1 < s->end && s->s[end] == ' ' ? end + 1 : at;
}

/* Where the string begins in b'x', r#"x"#, Some("x"), ('x',), []string{"x"}, string(1) "x". */
uint32_t behind_prefix(const struct scan *s, uint32_t at)
{
    uint32_t quote = at, bracket = 0;
    if (s->s[at] == '!')
        return behind_tag(s, at);
    while (quote < s->end && quote - at < PREFIX_MAX &&
           (byte_is_alnum(s->s[quote]) || (s->s[quote] && strchr("_.:#@$[](){&*", s->s[quote])) ||
            (s->s[quote] == ' ' && s->s[quote - 1] == ')'))) {
        if (!bracket && s->s[quote] && strchr("({[", s->s[quote]))
            bracket = quote;
        quote++;
    }
    uint32_t len = quote_at(s, quote);
    if (!len || quote == at)
        return at;
    if (!bracket)
        return is_string_prefix(s->s + at, quote - at) ? quote : at;
    uint8_t last = s->s[quote - 1];
    bool object = s->s[at] == '{' || (last == '[' && bracket > at);
    if (object || is_getter(s->s + at, bracket - at) || !strchr("({ ", last))
        return at;
    return quote;
}

/* ---- blocks ---- */

static bool begins_line(const struct scan *s, uint32_t at)
{
    uint32_t from = at;
    while (at > 0 && from - at < ALIGNED_MAX && (s->s[at - 1] == ' ' || s->s[at - 1] == '-'))
        at--;
    return at == 0 || s->s[at - 1] == '\n';
}

static uint32_t indentation(const struct scan *s, uint32_t at)
{
    uint32_t from = at;
    while (at < s->end && at - from < NAME_MAX && s->s[at] == ' ')
        at++;
    return at - from;
}

static uint32_t end_of_line(const struct scan *s, uint32_t at)
{
    const uint8_t *line = memchr(s->s + at, '\n', s->end - at);
    return line ? (uint32_t)(line - s->s) : s->end;
}

/* password: |, and lines that stand further in; or one such line. */
bool read_indented(struct scan *s, uint32_t at, struct pair *p)
{
    uint32_t line = at;
    bool block = s->s[line] == '|' || s->s[line] == '>';
    if (block)
        line += line + 1 < s->end && (s->s[line + 1] == '-' || s->s[line + 1] == '+') ? 2 : 1;
    if (line < s->end && s->s[line] == '\r')
        line++;
    if (line >= s->end || s->s[line] != '\n' || !begins_line(s, p->name.start))
        return false;
    uint32_t in = indentation(s, line + 1);
    uint32_t start = line + 1 + in, end = end_of_line(s, start);
    if (in == 0 || start >= s->end || s->s[start] <= ' ' || begins_pair(s, start) ||
        s->s[start] == '-')
        return false;
    while (block && end < s->end && indentation(s, end + 1) >= in)
        end = end_of_line(s, end + 1);
    p->value = start;
    p->end = end;
    p->quoted = true;
    s->steps += end - at;
    return true;
}

/* ---- lists and objects ---- */

/* Behind the bracket that closes the one at `at`. */
static uint32_t closing(struct scan *s, uint32_t at)
{
    uint32_t from = at;
    unsigned depth = 0;
    while (at < s->end) {
        uint8_t c = s->s[at];
        uint32_t quote = c == '"' || c == '\'' || c == '\\' || c == '`' ? quote_at(s, at) : 0;
        if (quote) {
            at = quoted_end(s, at + quote, at, quote) + quote;
            continue;
        }
        at++;
        depth += c == '{' || c == '[' || c == '(';
        if ((c == '}' || c == ']' || c == ')') && --depth == 0)
            break;
    }
    s->steps += at - from;
    return at < s->end ? at : s->end;
}

static uint32_t element_end(const struct scan *s, uint32_t at)
{
    while (at < s->end && s->s[at] > ' ' && s->s[at] != ',' && s->s[at] != ']' && s->s[at] != '}')
        at++;
    return at;
}

/* Strings and words, up to what is neither. */
static void report_elements(struct scan *s, const struct pair *p, uint32_t at, uint32_t end)
{
    while (at < end && !s->overflow) {
        if (byte_is_space(s->s[at]) || s->s[at] == ',' || s->s[at] == '[') {
            at++;
            continue;
        }
        if (s->s[at] == ']' || s->s[at] == '}' || s->s[at] == '{' || s->s[at] == '\\')
            at += s->s[at] == '\\' && !quote_at(s, at) ? 2 : 0;
        if (at >= end || s->s[at] == ']' || s->s[at] == '}' || s->s[at] == '{')
            return;
        uint32_t from = at;
        at = behind_prefix(s, at);
        uint32_t quote = quote_at(s, at), start = at + quote;
        uint32_t stop = quote ? quoted_end(s, start, at, quote) : element_end(s, at);
        if (!is_nobodys(s, start, stop, quote > 0))
            secret_add(s, start, stop, SCRUB_SENSITIVE_KEY, p->traits);
        at = stop + quote;
        s->steps += at - from;
        if (at == from)
            return;
    }
}

/* [a b], [a, b] and [a]; not [REDACTED], nor [a of a text. */
static bool begins_elements(const struct scan *s, uint32_t at)
{
    uint32_t end = at + 1;
    while (end < s->end && end - at < TOKEN_MAX && s->s[end] > ' ' && s->s[end] != ',' &&
           s->s[end] != ']')
        end++;
    if (end >= s->end || end == at + 1 || end - at == TOKEN_MAX)
        return false;
    return s->s[end] != ']' || !is_placeholder(s->s + at, end + 1 - at);
}

/* { and what types print before it: Credentials{user=…}, &{Value:…}, map[…], Password(value=…). */
static uint32_t object_start(const struct scan *s, uint32_t at)
{
    uint32_t from = at, word;
    while (at < s->end && s->s[at] == '&')
        at++;
    word = at;
    while (at < s->end && at - from < PREFIX_MAX &&
           (byte_is_alnum(s->s[at]) || s->s[at] == '_' || s->s[at] == '.'))
        at++;
    bool named = at > word, type = named && byte_is_upper(s->s[word]);
    if (named && at + 1 < s->end && s->s[at] == ' ' && s->s[at + 1] == '{')
        at++;
    if (at + 1 >= s->end)
        return 0;
    bool map = s->s[at] == '[' && at - word == 3 && scan_has_exactly(s, word, "map");
    if (s->s[at] != '{' && !map && !(s->s[at] == '(' && type))
        return 0;
    uint32_t inner = behind_blanks(s, at + 1);
    bool quoted = quote_at(s, inner) || (inner < s->end && s->s[inner] == '\\');
    bool pairs = begins_pair(s, inner) || (quoted && s->s[at] == '{');
    return pairs && !(s->s[at] == '{' && s->s[at + 1] == '{') ? at : 0;
}

bool enter_nested(struct scan *s, uint32_t at, const struct pair *p)
{
    uint32_t from = at;
    while (at < s->end && at - from < ALIGNED_MAX && byte_is_space(s->s[at]))
        at++;
    if (at >= s->end)
        return false;
    uint32_t object = object_start(s, at);
    bool list = s->s[at] == '[' && at + 1 < s->end &&
                (quote_at(s, behind_blanks(s, at + 1)) || s->s[at + 1] == '{' ||
                 (at == from && begins_elements(s, at)));
    if (!object && !list)
        return false;
    if (at >= s->secret_end) {
        s->secret_end = closing(s, object ? object : at);
        s->secret_traits = p->traits;
    }
    if (list)
        report_elements(s, p, at + 1, s->secret_end);
    return true;
}
