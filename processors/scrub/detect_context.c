/* Secrets that only what stands before them gives away: credentials behind a scheme, values behind
 * a name, user info of a URL. */
#include "processors/scrub/detect_private.h"

#include <strings.h>

enum { NAME_MAX_LEN = 64 };

/* ---- Authorization ---- */

static bool is_scheme(const struct scan *s, size_t end, const char *name)
{
    size_t len = strlen(name);
    return end >= len && strncasecmp((const char *)s->text + end - len, name, len) == 0 &&
           begins_at(s, end - len);
}

static bool is_credential(uint8_t c)
{
    return is_token(c) || c == '.' || c == '~' || c == '+' || c == '/' || c == '=';
}

/* "Bearer …", "Basic …", "Token …". A short word behind it is prose. */
size_t find_credentials(struct scan *s, size_t at)
{
    if (at < 5)
        return 0;
    uint8_t last = s->text[at - 1] | 0x20;
    bool bearer = last == 'r' && is_scheme(s, at, "bearer");
    bool basic = last == 'c' && is_scheme(s, at, "basic");
    bool digest = last == 't' && is_scheme(s, at, "digest");
    if (!bearer && !basic && !digest)
        return 0;
    size_t begin = at + 1;
    while (begin < s->len && s->text[begin] == ' ')
        begin++;
    size_t end = begin;
    if (digest) {
        if (!memmem(s->text + begin, s->len - begin, "username=", 9) &&
            !memmem(s->text + begin, s->len - begin, "response=", 9))
            return 0;
        end = s->len;
    }
    size_t digits = 0, capitals = 0;
    while (!digest && end < s->len && is_credential(s->text[end])) {
        digits += is_digit(s->text[end]);
        capitals += s->text[end] >= 'A' && s->text[end] <= 'Z';
        end++;
    }
    while (!digest && end > begin && s->text[end - 1] == '.')
        end--;
    size_t len = end - begin;
    if (len < 8 || (len < 20 && digits == 0 && capitals < 2 && s->text[end - 1] != '='))
        return 0;
    return scan_found(s, begin, end, SCRUB_BEARER);
}

/* ---- name=value ---- */

static bool is_name(uint8_t c)
{
    return is_alnum(c) || c == '_' || c == '-' || c == '.';
}

static bool is_aws_secret(struct bytes name, const struct scan *s, size_t begin, size_t end)
{
    size_t len = end - begin;
    bool named = memmem(name.data, name.len, "aws", 3) || memmem(name.data, name.len, "AWS", 3);
    (void)s;
    return named && len == 40;
}

/* Parameters that carry a signature or a token; their names are as case-sensitive as the services
 * that read them. Source: OpenTelemetry's conventions for url.full, and the services' own. */
static bool is_url_key(const struct detector *d, struct bytes name)
{
    static const char *const built_in[] = {
        "X-Amz-Signature",
        "X-Amz-Credential",
        "X-Amz-Security-Token",
        "AWSAccessKeyId",
        "Signature",
        "sig",
        "X-Goog-Signature",
        "X-Goog-Credential",
        "code",
        "state",
        "assertion",
        "SAMLResponse",
        "SAMLRequest",
        "ticket",
        "jwt",
        "otp",
        "pin",
        "key",
        "apikey",
        "sid",
    };
    if (d->url_keys) {
        for (size_t i = 0; i < d->url_key_count; i++) {
            if (bytes_equal_string(name, d->url_keys[i]))
                return true;
        }
        return false;
    }
    for (size_t i = 0; i < sizeof built_in / sizeof built_in[0]; i++) {
        if (bytes_equal_string(name, built_in[i]))
            return true;
    }
    return false;
}

/* Whether name=value is a parameter of a URL: it stands behind ? or &, or the value is a query. */
static bool is_parameter(const struct scan *s, size_t begin)
{
    if (begin == 0)
        return s->target;
    uint8_t before = s->text[begin - 1];
    return before == '?' || before == '&' || before == ';' || before == '#';
}

/* The end of a value that begins at `at`; quotes around it are not part of it. */
static size_t end_of_value(const struct scan *s, size_t *at, bool parameter)
{
    uint8_t quote = byte_at(s, *at);
    if (quote == '\\' && byte_at(s, *at + 1) == '"') {
        *at += 2;
        const uint8_t *end = memmem(s->text + *at, s->len - *at, "\\\"", 2);
        return end ? (size_t)(end - s->text) : s->len;
    }
    if (quote == '"' || quote == '\'') {
        size_t end = ++*at;
        while (end < s->len && s->text[end] != quote) {
            end += s->text[end] == '\\' ? 2 : 1;
        }
        return end < s->len ? end : s->len;
    }
    size_t end = *at;
    while (end < s->len && (uint8_t)(s->text[end] - 0x21) < 0x5e + 0x80) {
        uint8_t c = s->text[end];
        if (c == '&' || c == '"' || c == '\'' || c == '<' || c == '>' || c == '`' ||
            (parameter && c == '#') ||
            (!parameter && (c == ',' || c == ';' || c == ')' || c == '}' || c == ']')))
            break;
        end++;
    }
    return end;
}

/* Words that stand where a value would, and are none. */
static bool is_placeholder(const struct scan *s, size_t begin, size_t end)
{
    static const char *const words[] = {
        "null",  "nil",   "none",     "true",  "false",   "undefined", "REDACTED",
        "****",  "***",   "redacted", "<nil>", "missing", "required",  "invalid",
        "empty", "wrong", "expired",  "not",   "is",      "has",       "was"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        size_t len = strlen(words[i]);
        if (end - begin == len && strncasecmp((const char *)s->text + begin, words[i], len) == 0)
            return true;
    }
    uint8_t c = byte_at(s, begin);
    return c == '$' || c == '?' || c == '{' || c == '[' || c == '%' || c == '*' || c == '<';
}

/* The name that ends at `at`, quotes and spaces between left out. */
static struct bytes name_before(const struct scan *s, size_t at, size_t *begin)
{
    size_t end = at;
    while (end > 0 && s->text[end - 1] == ' ' && at - end < 2)
        end--;
    if (end > 0 && (s->text[end - 1] == '"' || s->text[end - 1] == '\''))
        end--;
    if (end > 0 && s->text[end - 1] == '\\')
        end--;
    size_t from = end;
    while (from > 0 && end - from < NAME_MAX_LEN && is_name(s->text[from - 1]))
        from--;
    *begin = from;
    return bytes_of(s->text + from, end - from);
}

size_t find_assignment(struct scan *s, size_t at)
{
    size_t begin;
    const struct detector *d = s->detector;
    if (!d->on[SCRUB_SENSITIVE_KEY] && !d->on[SCRUB_URL_CREDENTIALS] &&
        !d->on[SCRUB_AWS_SECRET_KEY])
        return 0;
    struct bytes name = name_before(s, at, &begin);
    if (name.len < 2 || begin < s->done)
        return 0;
    bool equals = s->text[at] == '=';
    bool parameter = equals && is_parameter(s, begin);
    bool sensitive = key_traits(name).kind == KEY_SENSITIVE;
    bool url = parameter && (sensitive || is_url_key(d, name));
    if (!sensitive && !url)
        return 0;
    size_t from = at + 1;
    while (!parameter && from < s->len && s->text[from] == ' ' && from - at < 4)
        from++;
    size_t end = end_of_value(s, &from, parameter);
    if (end <= from || is_placeholder(s, from, end))
        return 0;
    if (!equals && byte_at(s, at + 1) == ':') /* a::b is a name */
        return 0;
    if (d->on[SCRUB_AWS_SECRET_KEY] && is_aws_secret(name, s, from, end))
        return scan_found(s, from, end, SCRUB_AWS_SECRET_KEY);
    /* "Bearer …" behind a name is one secret, not the scheme alone. */
    if (end - from <= 6 && byte_at(s, end) == ' ' &&
        (strncasecmp((const char *)s->text + from, "bearer", 6) == 0 ||
         strncasecmp((const char *)s->text + from, "basic", 5) == 0)) {
        size_t value = end + 1;
        size_t stop = end_of_value(s, &value, false);
        return stop > value ? scan_found(s, value, stop, SCRUB_SENSITIVE_KEY) : 0;
    }
    return scan_found(s, from, end, url ? SCRUB_URL_CREDENTIALS : SCRUB_SENSITIVE_KEY);
}

/* ---- scheme://user:password@host ---- */

size_t find_url(struct scan *s, size_t at)
{
    size_t begin = at + 3, end = begin, sign = 0;
    if (at == 0 || !is_alnum(s->text[at - 1]) || !s->detector->on[SCRUB_URL_CREDENTIALS])
        return 0;
    for (; end < s->len; end++) {
        uint8_t c = s->text[end];
        if (c == '/' || c == '?' || c == '#' || c <= ' ' || c == '"' || c == '\'' || c == '<' ||
            c == '>')
            break;
        if (c == '@')
            sign = end;
    }
    if (!sign || sign == begin)
        return 0;
    size_t len = sign - begin;
    bool redacted = len == 17 && memcmp(s->text + begin, "REDACTED:REDACTED", 17) == 0;
    /* "git@": a user that is everybody's */
    bool anonymous =
        !memchr(s->text + begin, ':', len) && len == 3 && memcmp(s->text + begin, "git", 3) == 0;
    return redacted || anonymous ? sign : scan_found(s, begin, sign, SCRUB_URL_CREDENTIALS);
}
