/* Credentials of headers: the values of Authorization and of cookies, and "Bearer …", "Basic …"
 * wherever a text holds them. The scheme stays, what follows goes.
 *
 * A header within a text ends where its own grammar does: most schemes have one word behind them,
 * some have parameters, cookies go on behind a semicolon. What a sentence or a list says behind
 * them is not theirs. */
#include "processors/scrub/detect_pairs.h"

#include <string.h>

/* ---- Authorization ---- */

/* One word follows. */
static const char *const schemes[] = {
    "bearer", "basic",     "token",         "apikey",   "api-key", "negotiate", "ntlm",
    "jwt",    "sharedkey", "sharedkeylite", "hmac",     "key",     "ssws",      "bot",
    "dpop",   "splunk",    "geniekey",      "kerberos", NULL};

/* Parameters follow: name="value", … */
static const char *const listing_schemes[] = {
    "digest", "hawk", "oauth", "mac", "signature", "aws4-hmac-sha256", NULL};

void authorization_value(struct scan *s, uint32_t start, uint32_t end)
{
    uint32_t word = start;
    while (word < end && s->s[word] != ' ' && s->s[word] != '+' && s->s[word] != '%')
        word++;
    if (is_word_of(s->s + start, word - start, schemes) ||
        is_word_of(s->s + start, word - start, listing_schemes)) {
        uint8_t blank = word < end ? s->s[word] : ' ';
        start = word;
        while (start < end && s->s[start] == blank && blank != '%')
            start++;
        if (start + 3 < end && scan_has(s, start, "%20"))
            start += 3;
    }
    /* What may follow a token of a known form is no part of it. */
    enum scrub_class class;
    uint32_t stop;
    if (start >= s->floor && token_at(s, start, &stop, &class) && stop < end && s->s[stop] &&
        strchr(" ,;'\\", s->s[stop]))
        end = stop;
    if (!is_hidden(s->s + start, end - start))
        secret_add(s, start, end, s->d->on[SCRUB_BEARER] ? SCRUB_BEARER : SCRUB_SENSITIVE_KEY, 0);
}

static uint32_t word_end(const struct scan *s, uint32_t at, uint32_t limit)
{
    while (at < limit && s->s[at] > ' ')
        at++;
    return at;
}

static uint32_t blanks_end(const struct scan *s, uint32_t at, uint32_t limit)
{
    while (at < limit && s->s[at] == ' ')
        at++;
    return at;
}

/* The end of name="value", name=value, …, which may begin at `at`; `at` when it does not. */
static uint32_t parameters_end(const struct scan *s, uint32_t at, uint32_t limit)
{
    for (uint32_t end = at;;) {
        uint32_t sign = at;
        while (sign < limit && is_name(s->s[sign]))
            sign++;
        if (sign == at || sign >= limit || s->s[sign] != '=')
            return end;
        uint32_t value = sign + 1, quote = quote_at(s, value);
        end = value + quote;
        if (quote) {
            end = quoted_end(s, end, value, quote);
            end = end < limit && limit - end > quote ? end + quote : limit;
        }
        while (end < limit && s->s[end] > ' ' && !strchr(",]\"'`", s->s[end]))
            end++;
        at = blanks_end(s, end, limit);
        if (at >= limit || s->s[at] != ',')
            return end;
        at = blanks_end(s, at + 1, limit);
    }
}

/* A bare word, as far as it is the credential's. */
static uint32_t credential_end(const struct scan *s, uint32_t at, uint32_t limit)
{
    uint32_t end = bare_end(s, at);
    if (at < end && s->s[at] == '[' && end < s->end && s->s[end] == ']')
        end++; /* [REDACTED] */
    return end < limit ? end : limit;
}

static bool is_letters(const uint8_t *text, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++) {
        if (!byte_is_letter(text[i]) && text[i] != '-')
            return false;
    }
    return len > 0;
}

static bool holds_digit(const uint8_t *text, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++) {
        if (byte_is_digit(text[i]))
            return true;
    }
    return false;
}

/* "authorization: 403 Forbidden", "Authorization: passed" */
static bool is_outcome(const uint8_t *text, uint32_t len)
{
    static const char *const words[] = {"passed",  "skipped",   "success",
                                        "failure", "anonymous", NULL};
    bool status = len <= 3;
    for (uint32_t i = 0; i < len; i++)
        status &= byte_is_digit(text[i]);
    return status || is_word_of(text, len, words);
}

/* Of an Authorization header in a text; `at` when there is no credential. */
static uint32_t authorization_end(const struct scan *s, uint32_t at, uint32_t limit)
{
    uint32_t word = word_end(s, at, limit), next = blanks_end(s, word, limit);
    const uint8_t *scheme = s->s + at;
    uint32_t len = word - at;
    if (is_outcome(scheme, len))
        return at;
    if (next == word || next >= limit)
        return credential_end(s, at, limit);
    uint32_t listed = parameters_end(s, next, limit);
    if (listed > next && (is_word_of(scheme, len, listing_schemes) || s->s[listed - 1] == '"' ||
                          s->s[listed - 1] == '\''))
        return listed;
    if (is_word_of(scheme, len, schemes) || is_word_of(scheme, len, listing_schemes))
        return credential_end(s, next + quote_at(s, next), limit);
    /* of nobody's we know: Custom 81f3a0… */
    uint32_t end = credential_end(s, next, limit);
    bool own = is_letters(scheme, len) && end - next >= 8 && holds_digit(s->s + next, end - next);
    return own ? end : credential_end(s, at, limit);
}

/* ---- cookies ---- */

enum { COOKIES_MAX = 1024 }; /* of an object of cookies */

static bool ends_cookie(const struct scan *s, uint32_t at, uint32_t limit, bool folded)
{
    uint8_t c = s->s[at], next = at + 1 < limit ? s->s[at + 1] : ' ';
    return c <= ' ' || c == '"' || c == '\'' || c == '`' ||
           (c == '\\' && (next == 'n' || next == 'r' || next == '"')) ||
           (c == ',' && !folded && next <= ' ') ||
           ((c == ']' || c == '}' || c == ')') && (next <= ' ' || next == ',' || next == c));
}

/* Expires=Wed, 21 Oct 2026 07:28:00 GMT */
static uint32_t date_end(const struct scan *s, uint32_t at, uint32_t limit)
{
    if (!scan_has(s, at, "expires="))
        return at;
    uint32_t most = limit - at > 40 ? at + 40 : limit;
    while (at < most && s->s[at] != ';' && s->s[at] != '"' && s->s[at] >= ' ') {
        if (scan_has(s, at, "gmt"))
            return at + 3 < limit ? at + 3 : limit;
        at++;
    }
    return at;
}

/* name=value; name=value; … `folded`: of several Set-Cookie headers in one, with commas. */
static uint32_t cookies_end(const struct scan *s, uint32_t at, uint32_t limit, bool folded)
{
    for (;;) {
        at = date_end(s, at, limit);
        while (at < limit && s->s[at] != ';' && !ends_cookie(s, at, limit, folded) &&
               !(folded && s->s[at] == ','))
            at++;
        uint32_t next = at < limit && (s->s[at] == ';' || (folded && s->s[at] == ','))
                            ? blanks_end(s, at + 1, limit)
                            : at;
        if (next == at || next >= limit || !byte_is_token(s->s[next]))
            return at;
        at = next;
    }
}

/* {'a': 'b'} of a language's own printing. */
static uint32_t object_end(const struct scan *s, uint32_t at)
{
    uint32_t limit = s->end - at > COOKIES_MAX ? at + COOKIES_MAX : s->end;
    const uint8_t *close = memchr(s->s + at, '}', limit - at);
    return close ? (uint32_t)(close - s->s) : at;
}

/* "cookies: 3", "cookie: enabled" */
static bool is_no_cookie(const struct scan *s, uint32_t start, uint32_t end)
{
    bool digit = false, letter = false;
    for (uint32_t i = start; i < end; i++) {
        if (s->s[i] == '=')
            return false;
        digit |= byte_is_digit(s->s[i]);
        letter |= byte_is_letter(s->s[i]);
    }
    return end - start < 8 || !digit || !letter;
}

static void cookie_value(struct scan *s, const struct pair *p, uint32_t limit)
{
    uint32_t start = p->value, end = limit;
    bool object = start < s->end && s->s[start] == '{';
    if (object)
        end = object_end(s, ++start);
    else if (!p->quoted)
        end = cookies_end(s, start, limit, scan_has(s, p->name.start, "set-"));
    s->steps += end - start;
    if (object || p->quoted || !is_no_cookie(s, start, end))
        scan_add(s, start, end, SCRUB_COOKIE);
}

/* ---- a header in a text ---- */

static bool is_quote(uint8_t c)
{
    return c == '"' || c == '\'' || c == '`';
}

/* Where the quotes end that a header stands in: 'Authorization: Bearer x'. Those that are escaped
 * within are not theirs. */
static uint32_t frame_end(struct scan *s, const struct pair *p)
{
    uint32_t end = p->value, name = p->name.start;
    if (p->quoted)
        return p->end;
    if (name == 0 || !is_quote(s->s[name - 1]) || p->name.quoted)
        return s->end;
    bool escaped = name > 1 && s->s[name - 2] == '\\';
    while (end < s->end && s->s[end] != s->s[name - 1])
        end += s->s[end] == '\\' && !escaped ? 2 : 1;
    end = end < s->end ? end : s->end;
    s->steps += end - p->value;
    return escaped && end > p->value && s->s[end - 1] == '\\' ? end - 1 : end;
}

void header_value(struct scan *s, const struct pair *p)
{
    uint32_t limit = frame_end(s, p);
    if (!(p->traits & KEY_AUTHORIZATION)) {
        cookie_value(s, p, limit);
        return;
    }
    uint32_t end = p->quoted ? limit : authorization_end(s, p->value, limit);
    s->steps += end - p->value;
    authorization_value(s, p->value, end);
}

/* ---- "Bearer …", "Basic …" in a text ---- */

static bool is_credential(uint8_t c)
{
    return byte_is_token(c) || c == '.' || c == '~' || c == '+' || c == '/' || c == '=';
}

/* user:password in base64. */
static bool is_basic(const uint8_t *text, uint32_t len)
{
    uint32_t held = 0, bits = 0;
    bool colon = false;
    if (len < 4)
        return false;
    for (uint32_t i = 0; i < len && text[i] != '='; i++) {
        uint8_t c = text[i];
        unsigned v = byte_is_upper(c)       ? c - 'A' + 0u
                     : byte_is_letter(c)    ? c - 'a' + 26u
                     : byte_is_digit(c)     ? c - '0' + 52u
                     : c == '+' || c == '-' ? 62u
                                            : 63u;
        held = held << 6 | v;
        bits += 6;
        if (bits >= 8) {
            uint8_t byte = (uint8_t)(held >> (bits -= 8));
            if (byte < 0x20 || byte == 0x7f)
                return false;
            colon |= byte == ':';
        }
    }
    return colon;
}

/* What a word is made of. */
struct made_of {
    uint32_t len, digits, uppers, joints; /* joints: - _ . */
    bool hex;
};

static struct made_of look_at_word(const uint8_t *text, uint32_t len)
{
    struct made_of m = {.len = len, .hex = true};
    for (uint32_t i = 0; i < len; i++) {
        m.digits += byte_is_digit(text[i]);
        m.uppers += byte_is_upper(text[i]);
        m.joints += text[i] == '-' || text[i] == '_' || text[i] == '.';
        m.hex &= byte_is_hex(text[i]);
    }
    return m;
}

/* What sentences, and descriptions of the scheme itself, put behind the word Bearer. */
static bool is_told_of_bearers(const uint8_t *text, uint32_t len)
{
    static const char *const words[] = {
        "token",      "tokens",       "auth",        "authentication", "authorization",
        "scheme",     "schemes",      "realm",       "error",          "type",
        "types",      "header",       "headers",     "format",         "prefix",
        "credential", "credentials",  "access",      "refresh",        "jwt",
        "oauth",      "api",          "http",        "scope",          "shares",
        "bonds",      "instrument",   "instruments", "certificate",    "channel",
        "security",   "challenge",    "challenges",  "strategy",       "method",
        "methods",    "middleware",   "provider",    "handler",        "plugin",
        "support",    "required",     "missing",     "expired",        "invalid",
        "rejected",   "denied",       "failed",      "accepted",       "validation",
        "validated",  "verification", "session",     "secret",         "password",
        "capability", "context",      "service",     "network",        "traffic",
        "setup",      "string",       "values",      "placeholder",    "authorisation",
        "message",    "response",     "request",     "against",        "should",
        "before",     "without",      "cannot",      "instead",        NULL};
    uint32_t part = 0;
    while (part < len && byte_is_letter(text[part]))
        part++;
    return is_word_of(text, part, words);
}

static bool ends_in_word(const uint8_t *text, uint32_t len, const char *word)
{
    uint32_t n = (uint32_t)strlen(word);
    return len > n && bytes_are(text + len - n, n, word);
}

/* Whether a word behind "Bearer" is a credential: the bearer of bad news has none. `written`: in
 * the capitals that the scheme is written with, which prose is not. */
static bool is_bearer(const uint8_t *text, uint32_t len, bool written)
{
    const struct made_of m = look_at_word(text, len);
    const uint8_t *sign = memchr(text, '=', len);
    if (len < 6 || (sign && text[len - 1] != '='))
        return false;
    if (m.digits > 0 || (len >= 16 && m.uppers > 1) || len >= 24)
        return true;
    if (!written || is_told_of_bearers(text, len))
        return false;
    return m.joints > 0 || (m.hex && len >= 8) || (m.uppers > 1 && m.uppers < len) ||
           ends_in_word(text, len, "token") || ends_in_word(text, len, "secret");
}

/* "bearer token 81f3a0… rejected" */
static uint32_t behind_token(const struct scan *s, uint32_t at)
{
    if (!scan_has(s, at, "token"))
        return at;
    uint32_t next = at + 5;
    if (next < s->end && s->s[next] == ':')
        next++;
    return next < s->end && s->s[next] == ' ' ? blanks_end(s, next, s->end) : at;
}

void bearer_at(struct scan *s, uint32_t at, uint32_t blank_len)
{
    bool bearer = at >= 6 && scan_has(s, at - 6, "bearer");
    bool basic = at >= 5 && scan_has(s, at - 5, "basic");
    uint32_t word = at - (bearer ? 6 : 5), start = at + blank_len;
    if ((!bearer && !basic) || (word > 0 && byte_is_token(s->s[word - 1])))
        return;
    bool written = bearer && byte_is_upper(s->s[word]);
    start = blanks_end(s, start, s->end - start < 4 ? s->end : start + 4);
    if (bearer && behind_token(s, start) > start) {
        start = behind_token(s, start);
        written = false;
    }
    uint32_t quote = quote_at(s, start), end = start += quote;
    while (end < s->end && is_credential(s->s[end]))
        end++;
    s->steps += end - at;
    while (end > start && s->s[end - 1] == '.')
        end--;
    const uint8_t *text = s->s + start;
    if (start >= s->floor &&
        (basic ? is_basic(text, end - start) : is_bearer(text, end - start, written)))
        secret_add(s, start, end, SCRUB_BEARER, 0);
}
