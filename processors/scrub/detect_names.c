/* Names of pairs, read backwards from the sign. Most are dismissed by their last two bytes. */
#include "processors/scrub/detect_pairs.h"

/* Quotes in whatever encoding, backwards from `at`: their length. */
uint32_t quote_before(const struct scan *s, uint32_t at)
{
    uint32_t len = 0;
    if (at > s->floor && (s->s[at - 1] == '"' || s->s[at - 1] == '\'' || s->s[at - 1] == '`'))
        len = 1;
    else if (at >= s->floor + 3 && scan_has_exactly(s, at - 3, "%22"))
        return 3;
    while (len && at - len > s->floor && s->s[at - len - 1] == '\\' && len < 4)
        len++;
    return len;
}

uint32_t quote_at(const struct scan *s, uint32_t at)
{
    uint32_t escapes = 0;
    while (at + escapes < s->end && s->s[at + escapes] == '\\' && escapes < 3)
        escapes++;
    uint8_t c = at + escapes < s->end ? s->s[at + escapes] : 0;
    if (c == '"' || c == '\'' || c == '`')
        return escapes + 1;
    return scan_has_exactly(s, at, "%22") ? 3 : 0;
}

/* \u0026 is & in JSON; -D and -P set what java and gradle are given. */
static void leave_out_escape(const struct scan *s, struct name *n)
{
    if (n->start > 0 && s->s[n->start - 1] == '\\' && scan_has(s, n->start, "u00") &&
        n->end - n->start > 6)
        n->start += 5;
    else if (n->end - n->start > 4 &&
             (scan_has_exactly(s, n->start, "-D") || scan_has_exactly(s, n->start, "-P")))
        n->start += 2;
}

bool read_name(struct scan *s, uint32_t at, struct name *n)
{
    n->end = at;
    while (n->end > s->floor && at - n->end < ALIGNED_MAX &&
           (s->s[n->end - 1] == ' ' || s->s[n->end - 1] == '\t'))
        n->end--;
    n->blank = n->end != at;
    uint32_t quote = quote_before(s, n->end);
    n->quoted = quote > 0;
    n->end -= quote;
    if (n->end > s->floor && s->s[n->end - 1] == '.') { /* Tel.: */
        n->end--;
    } else if (n->end > s->floor && s->s[n->end - 1] == ']') { /* user[password]=, ["password"]=> */
        n->end--;
        quote = quote_before(s, n->end);
        n->quoted |= quote > 0;
        n->end -= quote;
    } else if (n->end >= s->floor + 3 && scan_has(s, n->end - 3, "%5d")) {
        n->end -= 3;
    }
    if (n->end < s->floor + 2 || !is_name(s->s[n->end - 1]) ||
        (!key_may_matter(s->s[n->end - 2], s->s[n->end - 1]) && !s->d->url_keys &&
         at >= s->secret_end))
        return false;
    n->start = n->end;
    while (n->start > s->floor && n->end - n->start < NAME_MAX && is_name(s->s[n->start - 1]))
        n->start--;
    s->steps += n->end - n->start;
    /* %5Bpassword%5D, %22password: the encoded byte is no part of it */
    if (n->start > 0 && s->s[n->start - 1] == '%' && n->end - n->start > 2)
        n->start += 2;
    if (n->start > 0 && s->s[n->start - 1] == '\\' && n->end - n->start > 2 &&
        (s->s[n->start] == 'n' || s->s[n->start] == 't' || s->s[n->start] == 'r'))
        n->start++;
    leave_out_escape(s, n);
    return true;
}

static bool is_own_url_key(const struct detector *d, const uint8_t *name, uint32_t len)
{
    for (size_t i = 0; i < d->url_key_count; i++) {
        if (strlen(d->url_keys[i]) == len && memcmp(d->url_keys[i], name, len) == 0)
            return true;
    }
    return false;
}

/* Whether the name is a parameter's: it stands behind ? & or #, or the value is a query. */
bool is_parameter(const struct scan *s, uint32_t start)
{
    if (start == 0)
        return s->traits & KEY_QUERY;
    uint8_t before = s->s[start - 1];
    return before == '?' || before == '&' || before == '#' ||
           (start > 5 &&
            (scan_has_exactly(s, start - 5, "&amp;") || scan_has(s, start - 6, "\\u0026"))) ||
           (before == ';' && start > 1 && s->s[start - 2] > ' ' &&
            scan_has(s, start, "jsession")) ||
           (before == '[' && s->traits & KEY_QUERY);
}

static bool is_random(const uint8_t *text, uint32_t len)
{
    bool digit = false, letter = false;
    for (uint32_t i = 0; i < len; i++) {
        digit |= byte_is_digit(text[i]);
        letter |= byte_is_letter(text[i]);
    }
    return len >= 16 && digit && letter;
}

/* Whether the parameter `code` is a step of OAuth's, by what stands around it: codes are also those
 * of errors, vouchers and languages. */
static bool is_oauth(const struct scan *s, uint32_t start, uint32_t end)
{
    static const char *const signs[] = {"callback", "cb?", "oauth", "signin", "state=", "redirect"};
    uint32_t from = start > 96 ? start - 96 : 0, to = s->end - end > 192 ? end + 192 : s->end;
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++) {
        if (memmem(s->s + from, to - from, signs[i], strlen(signs[i])))
            return true;
    }
    return false;
}

/* The built-in list: OpenTelemetry's for url.full, whose names are case-sensitive, as trait
 * KEY_PARAMETER covers them; and what the services of others call their credentials. */
bool is_url_secret(const struct scan *s, uint32_t start, uint32_t end, unsigned traits,
                   const uint8_t *value, uint32_t len)
{
    if (s->d->url_keys)
        return is_own_url_key(s->d, s->s + start, end - start);
    if (traits & (KEY_SENSITIVE | KEY_AUTHORIZATION | KEY_SESSION | KEY_PARAMETER))
        return true;
    bool code = end - start == 4 && scan_has_exactly(s, start, "code");
    return (traits & KEY_MAYBE && is_random(value, len)) ||
           (code && len >= 4 && is_oauth(s, start, end));
}

/* The password is: x. Of a key "is" asks. */
static bool is_verb(const struct scan *s, const struct name *n)
{
    return n->end - n->start == 2 && scan_has(s, n->start, "is");
}

void take_word_before(const struct scan *s, struct name *n)
{
    uint32_t start = n->start;
    if (!n->quoted && n->end - n->start == 5 && start >= s->floor + 7 &&
        scan_has(s, start - 7, "mot de passe")) {
        n->start -= 7;
        return;
    }
    if (n->quoted || n->end - n->start > 4 || start < s->floor + 4 || s->s[start - 1] != ' ')
        return;
    for (start--; start > s->floor && n->end - start < 24 && byte_is_letter(s->s[start - 1]);)
        start--;
    bool value = start > 0 && (s->s[start - 1] == ':' || s->s[start - 1] == '=');
    if (value || start + 1 >= n->start) /* {User:bob Pwd:x} */
        return;
    if (is_verb(s, n))
        n->end = n->start - 1;
    n->start = start;
}

/* ---- names that another pair tells: {"name":"DB_PASSWORD","value":"x"} ---- */

enum { TOLD_MAX = 160 };

static bool tells_name(const uint8_t *text, uint32_t len)
{
    static const char *const words[] = {"name",      "key",       "field",    "header", "id",
                                        "attribute", "parameter", "variable", NULL};
    return is_word_of(text, len, words);
}

/* The name that is told by the word that ends at `at`, in name: X, "name":"X" and name="X". */
static bool told_behind(const struct scan *s, uint32_t at, uint32_t to, struct name *n)
{
    at += quote_at(s, at);
    at = behind_blanks(s, at);
    if (at >= to || (s->s[at] != ':' && s->s[at] != '='))
        return false;
    at = behind_blanks(s, at + 1);
    at += quote_at(s, at);
    uint32_t start = at;
    while (at < to && at - start < NAME_MAX && is_name(s->s[at]))
        at++;
    if (at == start || (at < to && !byte_is_space(s->s[at]) && s->s[at] != ',' && s->s[at] != '}' &&
                        !quote_at(s, at)))
        return false;
    n->start = start;
    n->end = at;
    n->quoted = true;
    return true;
}

static bool find_told(struct scan *s, uint32_t from, uint32_t to, struct name *n)
{
    bool found = false;
    s->steps += to - from;
    for (uint32_t at = from; at < to;) {
        uint32_t start = at;
        while (at < to && byte_is_letter(s->s[at]))
            at++;
        if (tells_name(s->s + start, at - start) && (start == 0 || !byte_is_token(s->s[start - 1])))
            found |= told_behind(s, at, to, n);
        at += at == start;
    }
    return found;
}

static bool ends_object(uint8_t c)
{
    return c == '{' || c == '}' || c == '<' || c == '>';
}

bool is_told(const struct scan *s, const struct name *n)
{
    return n->end - n->start == 5 && scan_has(s, n->start, "value");
}

bool take_name_of_line(struct scan *s, struct name *n)
{
    uint32_t at = n->start, from = at;
    if (n->end - n->start != 11 || !scan_has_exactly(s, n->start, "input_value"))
        return false;
    while (at > s->floor && s->s[at - 1] != '\n' && from - at < TOLD_MAX)
        at--;
    if (at == s->floor || s->s[at - 1] != '\n' || s->s[at] != ' ')
        return false;
    n->end = n->start = at - 1;
    while (n->start > s->floor && is_name(s->s[n->start - 1]) && n->end - n->start < NAME_MAX)
        n->start--;
    s->steps += from - n->start;
    return n->end > n->start;
}

bool take_name_told_before(struct scan *s, struct name *n)
{
    uint32_t from = n->start;
    while (from > s->floor && n->start - from < TOLD_MAX && !ends_object(s->s[from - 1]))
        from--;
    return find_told(s, from, n->start, n);
}

bool take_name_told_after(struct scan *s, uint32_t from, struct name *n)
{
    uint32_t to = from;
    while (to < s->end && to - from < TOLD_MAX && !ends_object(s->s[to]))
        to++;
    return find_told(s, from, to, n);
}
