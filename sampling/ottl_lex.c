/* The words of a condition. */
#include "sampling/ottl_private.h"

#include <ctype.h>

static bool is_name_start(uint8_t c)
{
    return isalpha(c) || c == '_';
}

static bool is_name(uint8_t c)
{
    return isalnum(c) || c == '_' || c == '.';
}

static bool lex_string(struct bytes text, size_t *at, struct ottl_token *t, struct error *e)
{
    size_t i = *at + 1;
    while (i < text.len && text.data[i] != '"')
        i += text.data[i] == '\\' ? 2 : 1;
    if (i >= text.len)
        return error_set(e, "column %zu: the string has no end", *at + 1);
    t->kind = TOKEN_STRING;
    t->text = bytes_of(text.data + *at + 1, i - *at - 1);
    *at = i + 1;
    return true;
}

static bool lex_number(struct bytes text, size_t *at, struct ottl_token *t)
{
    size_t i = *at;
    t->kind = TOKEN_INT;
    if (text.data[i] == '-' || text.data[i] == '+')
        i++;
    for (; i < text.len; i++) {
        uint8_t c = text.data[i];
        bool exponent_sign = (c == '-' || c == '+') && (text.data[i - 1] | 32) == 'e';
        if (c == '.' || (c | 32) == 'e')
            t->kind = TOKEN_FLOAT;
        else if (!isdigit(c) && !exponent_sign)
            break;
    }
    t->text = bytes_of(text.data + *at, i - *at);
    *at = i;
    return true;
}

static bool lex_comparison(struct bytes text, size_t *at, struct ottl_token *t, struct error *e)
{
    static const struct {
        const char *text;
        enum ottl_comparison comparison;
    } all[] = {{"==", OTTL_EQ}, {"!=", OTTL_NE}, {"<=", OTTL_LE},
               {">=", OTTL_GE}, {"<", OTTL_LT},  {">", OTTL_GT}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        size_t len = strlen(all[i].text);
        if (text.len - *at >= len && memcmp(text.data + *at, all[i].text, len) == 0) {
            t->kind = TOKEN_COMPARISON;
            t->comparison = all[i].comparison;
            *at += len;
            return true;
        }
    }
    return error_set(e, "column %zu: unexpected character", *at + 1);
}

static bool starts_number(struct bytes text, size_t at)
{
    uint8_t c = text.data[at], next = at + 1 < text.len ? text.data[at + 1] : 0;
    if (isdigit(c))
        return true;
    return (c == '-' || c == '+' || c == '.') && (isdigit(next) || next == '.');
}

static bool lex_mark(uint8_t c, struct ottl_token *t)
{
    static const char marks[] = "()[],";
    static const enum ottl_token_kind kinds[] = {TOKEN_OPEN, TOKEN_CLOSE, TOKEN_OPEN_KEY,
                                                 TOKEN_CLOSE_KEY, TOKEN_COMMA};
    const char *mark = c ? strchr(marks, c) : NULL;
    if (!mark)
        return false;
    t->kind = kinds[mark - marks];
    return true;
}

bool ottl_next_token(struct bytes text, size_t *at, struct ottl_token *t, struct error *e)
{
    while (*at < text.len && isspace(text.data[*at]))
        (*at)++;
    *t = (struct ottl_token){.kind = TOKEN_END, .at = *at};
    if (*at >= text.len)
        return true;
    uint8_t c = text.data[*at];
    if (lex_mark(c, t)) {
        (*at)++;
        return true;
    }
    if (c == '"')
        return lex_string(text, at, t, e);
    if (starts_number(text, *at))
        return lex_number(text, at, t);
    if (!is_name_start(c))
        return lex_comparison(text, at, t, e);
    size_t start = *at;
    while (*at < text.len && is_name(text.data[*at]))
        (*at)++;
    t->kind = TOKEN_NAME;
    t->text = bytes_of(text.data + start, *at - start);
    return true;
}

bool ottl_unquote(const struct ottl_token *token, uint8_t *out, size_t *len, struct error *e)
{
    static const char from[] = "abfnrtv\\\"", to[] = "\a\b\f\n\r\t\v\\\"";
    struct bytes s = token->text;
    *len = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] != '\\') {
            out[(*len)++] = s.data[i];
            continue;
        }
        const char *escape = ++i < s.len && s.data[i] ? strchr(from, s.data[i]) : NULL;
        if (!escape)
            return error_set(e,
                             "column %zu: unknown escape in a string; supported: \\\\ \\\" \\n \\t "
                             "\\r \\a \\b \\f \\v (a backslash of a regular expression is "
                             "written \\\\)",
                             token->at + 1 + i);
        out[(*len)++] = (uint8_t)to[escape - from];
    }
    return true;
}
