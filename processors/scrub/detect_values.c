/* Values of pairs: where one ends, and what is no value but a placeholder or a sentence's next
 * word.
 *
 * A value is taken up to where its kind of text ends it; in doubt too much is taken. Prose has
 * colons as well ("password: must be longer"), so a bare word behind a colon that a sentence goes
 * on after is none. */
#include "processors/scrub/detect_pairs.h"

bool is_word_of(const uint8_t *text, uint32_t len, const char *const *words)
{
    for (; *words; words++) {
        if (bytes_are(text, len, *words))
            return true;
    }
    return false;
}

/* ${NAME}, $(name), $NAME */
static bool is_variable(const uint8_t *text, uint32_t len)
{
    if (len > 0 && (text[0] == '{' || text[0] == '('))
        return true;
    for (uint32_t i = 0; i < len; i++) {
        if (!byte_is_upper(text[i]) && text[i] != '_' && !byte_is_digit(text[i]))
            return false;
    }
    return len > 1;
}

bool is_placeholder(const uint8_t *text, uint32_t len)
{
    static const char *const words[] = {
        "null",     "nil",   "none",   "true",   "false",  "undefined", "redacted",
        "filtered", "empty", "masked", "hidden", "secret", "nan",       "yes",
        "no",       "<nil>", "%s",     "%v",     "%q",     "scrubbed",  NULL};
    if (len == 0 || is_word_of(text, len, words))
        return true;
    uint8_t first = text[0], last = text[len - 1];
    bool framed = (first == '[' && last == ']') || (first == '<' && last == '>') ||
                  (first == '{' && last == '}');
    if (framed && len > 2 && len < 40) {
        bool word = true;
        for (uint32_t i = 1; i + 1 < len; i++)
            word &= byte_is_letter(text[i]) || text[i] == '_' || text[i] == '-' || text[i] == '{' ||
                    text[i] == '}' || text[i] == '.';
        if (word)
            return true;
    }
    if (first == '$' && is_variable(text + 1, len - 1))
        return true;
    if (first == '{' && len > 1 && text[1] == '{')
        return true;
    if (first == '?' && len == 1)
        return true;
    for (uint32_t i = 0; i < len; i++) {
        if (text[i] != '*' && text[i] != 'x' && text[i] != 'X' && text[i] != '.')
            return false;
    }
    return first == '*' || len >= 3;
}

/* Words that a sentence puts behind a colon or an equals sign. */
static bool is_prose(const uint8_t *text, uint32_t len)
{
    static const char *const words[] = {
        "is",         "was",         "are",      "not",          "must",      "has",
        "have",       "in",          "at",       "on",           "of",        "for",
        "the",        "a",           "an",       "to",           "from",      "with",
        "by",         "missing",     "required", "invalid",      "expired",   "incorrect",
        "wrong",      "unknown",     "denied",   "revoked",      "expected",  "unexpected",
        "failed",     "cannot",      "could",    "should",       "can",       "may",
        "will",       "does",        "did",      "no",           "too",       "blank",
        "ok",         "valid",       "unset",    "mismatch",     "rejected",  "error",
        "this",       "that",        "it",       "please",       "string",    "int",
        "boolean",    "number",      "object",   "bool",         "optional",  "str",
        "any",        "disabled",    "enabled",  "unauthorized", "forbidden", "absent",
        "present",    "never",       "optional", "allowed",      "granted",   "success",
        "successful", "verified",    "pending",  "active",       "inactive",  "include",
        "omit",       "same-origin", "off",      "approved",     "accepted",  "succeeded",
        "ready",      "done",        NULL};
    return is_word_of(text, len, words);
}

static bool is_lower_word(const uint8_t *text, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++) {
        if ((uint8_t)(text[i] - 'a') > 25)
            return false;
    }
    return true;
}

/* ---- ends ---- */

/* Those of a path (;jsessionid=…) end before the query. */
static uint32_t parameter_end(const struct scan *s, uint32_t at, bool in_path)
{
    while (at < s->end) {
        uint8_t c = s->s[at];
        if (c <= ' ' || c == '&' || c == '#' || c == '"' || c == '\'' || c == '<' || c == '>' ||
            c == '`' || c == '\\' || c == '|' || (in_path && (c == '?' || c == '/')))
            break;
        if ((c == ')' || c == ']' || c == ',' || c == '}') &&
            (at + 1 == s->end || s->s[at + 1] <= ' '))
            break;
        at++;
    }
    return at;
}

uint32_t quoted_end(const struct scan *s, uint32_t at, uint32_t quote, uint32_t quote_len)
{
    for (; at < s->end; at++) {
        if (quote_len == 3 && s->s[quote] == '%') {
            if (scan_has_exactly(s, at, "%22"))
                return at;
        } else if (quote_len > 1) {
            if (s->end - at >= quote_len && memcmp(s->s + at, s->s + quote, quote_len) == 0 &&
                s->s[at - 1] != '\\')
                return at;
        } else if (s->s[at] == '\\') {
            at++;
        } else if (s->s[at] == s->s[quote]) {
            return at;
        }
    }
    return s->end;
}

bool begins_pair(const struct scan *s, uint32_t at)
{
    uint32_t start = at;
    while (at < s->end && at - start < 32 && (byte_is_token(s->s[at]) || s->s[at] == '.'))
        at++;
    return at > start && at < s->end && (s->s[at] == '=' || s->s[at] == ':');
}

/* Of a bare value in a text. Closing brackets and commas are taken for part of it when a text goes
 * on right behind them. */
uint32_t bare_end(const struct scan *s, uint32_t at)
{
    for (; at < s->end; at++) {
        uint8_t c = s->s[at], next = at + 1 < s->end ? s->s[at + 1] : ' ';
        if (c <= ' ' || c == '"' || c == '\'' || c == '`' || c == '<' || c == '>' || c == '&' ||
            c == ';' || c == '|')
            break;
        if (c == '\\' && (next == 'n' || next == 'r' || next == 't' || next == '"'))
            break;
        if (c == ',' && (next <= ' ' || next == '"' || next == '\'' || begins_pair(s, at + 1)))
            break;
        if ((c == ')' || c == ']' || c == '}') && (next <= ' ' || strchr(",;.)]}\"':<>/&", next)))
            break;
    }
    return at;
}

/* [Bearer x] of headers that were printed as lists, ["x"] of JSON. */
static uint32_t list_start(const struct scan *s, uint32_t at)
{
    while (at < s->end && s->s[at] == '[')
        at++;
    return at;
}

/* Server=db;Password=a b;…: blanks are part of it. */
static bool is_connection(const struct scan *s, const struct pair *p)
{
    return !p->colon && p->name.start > 0 && s->s[p->name.start - 1] == ';';
}

static uint32_t connection_end(const struct scan *s, uint32_t at)
{
    while (at < s->end && s->s[at] >= ' ' && s->s[at] != ';' && s->s[at] != '"' && s->s[at] != '\'')
        at++;
    return at;
}

void read_value(struct scan *s, uint32_t at, struct pair *p)
{
    uint32_t from = at;
    while (!p->parameter && at < s->end && at - from < ALIGNED_MAX &&
           (s->s[at] == ' ' || s->s[at] == '\t'))
        at++;
    if (!p->parameter && at < s->end && s->s[at] == '[' && !scan_has(s, at, "[redact") &&
        !scan_has(s, at, "[filter") && !scan_has(s, at, "[mask"))
        at = list_start(s, at);
    uint32_t quote = p->parameter ? 0 : quote_at(s, at);
    p->quoted = quote > 0;
    p->value = at + quote;
    if (quote)
        p->end = quoted_end(s, p->value, at, quote);
    else if (p->parameter)
        p->end = parameter_end(s, at, p->name.start > 0 && s->s[p->name.start - 1] == ';');
    else if (is_connection(s, p))
        p->end = connection_end(s, at);
    else
        p->end = bare_end(s, at);
    if (!quote && at < p->end && s->s[at] == '[' && p->end < s->end && s->s[p->end] == ']')
        p->end++; /* [REDACTED] */
    s->steps += p->end - from;
}

/* A bare word behind a colon, or behind " = ", after which a sentence goes on. */
bool is_sentence(const struct scan *s, const struct pair *p)
{
    uint32_t len = p->end - p->value;
    if (p->quoted || p->name.quoted || p->parameter)
        return false;
    uint32_t word = len;
    while (word > 0 && (s->s[p->value + word - 1] == '.' || s->s[p->value + word - 1] == ',' ||
                        s->s[p->value + word - 1] == '!' || s->s[p->value + word - 1] == ':'))
        word--;
    if (is_prose(s->s + p->value, word))
        return p->colon || p->name.blank || word == len;
    bool goes_on = p->end + 1 < s->end && s->s[p->end] == ' ' &&
                   (byte_is_letter(s->s[p->end + 1]) || s->s[p->end + 1] == '"') &&
                   !begins_pair(s, p->end + 1);
    return goes_on && (p->colon || p->name.blank) && is_lower_word(s->s + p->value, word);
}
