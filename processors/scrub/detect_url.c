/* User info of URLs: what stands between :// and the @ of the host. Parameters are pairs
 * (detect_pairs.c). A password may hold what should have been encoded; then the last @ before a
 * blank ends it, when what precedes the first slash is no host and port. */
#include "processors/scrub/detect_private.h"

enum { ODD_MAX = 256 };

/* What ends a URL, and what ends its host. */
enum { ENDS_URL = 1, ENDS_HOST = 2 };
static const uint8_t ends[256] = {
    [0 ... ' '] = ENDS_URL | ENDS_HOST,
    ['"'] = ENDS_URL | ENDS_HOST,
    ['\''] = ENDS_URL | ENDS_HOST,
    ['<'] = ENDS_URL | ENDS_HOST,
    ['>'] = ENDS_URL | ENDS_HOST,
    ['`'] = ENDS_URL | ENDS_HOST,
    ['\\'] = ENDS_URL | ENDS_HOST,
    ['/'] = ENDS_HOST,
    ['?'] = ENDS_HOST,
    ['#'] = ENDS_HOST,
};

static bool ends_url(uint8_t c)
{
    return ends[c] & ENDS_URL;
}

/* Users that are everybody's, when they come without a password. */
static bool is_public_user(const struct scan *s, uint32_t start, uint32_t end)
{
    static const char *const users[] = {"git", "hg", "svn", "anonymous", "REDACTED"};
    for (size_t i = 0; i < sizeof users / sizeof users[0]; i++) {
        if (end - start == strlen(users[i]) && scan_has_exactly(s, start, users[i]))
            return true;
    }
    return false;
}

/* A user without a password is one that a server asks for its own, but for web servers: there it is
 * a token. */
static bool is_lone_user(const struct scan *s, uint32_t colon, uint32_t start, uint32_t sign)
{
    bool web = colon >= 4 && (scan_has(s, colon - 4, "http") || scan_has(s, colon - 4, "ttps"));
    return !web && !is_likely_secret(s->s + start, sign - start);
}

/* Whether the user info [start, sign) of the URL whose scheme ends at `colon` is anybody's. */
static bool is_credential(const struct scan *s, uint32_t colon, uint32_t start, uint32_t sign)
{
    const uint8_t *info = s->s + start;
    uint32_t len = sign - start;
    if (is_placeholder(info, len) || is_public_user(s, start, sign))
        return false;
    if (memchr(info, ':', len))
        return has_password(info, len);
    return !is_lone_user(s, colon, start, sign);
}

/* A token in the place of the password tells more by its own name, and the user before it nothing:
 * x-access-token, oauth2. */
static void add_credential(struct scan *s, uint32_t start, uint32_t sign)
{
    const uint8_t *colon = memchr(s->s + start, ':', sign - start);
    uint32_t password = colon ? (uint32_t)(colon - s->s) + 1 : start, end;
    enum scrub_class class;
    if (!token_at(s, password, &end, &class) || end != sign) {
        scan_add(s, start, sign, SCRUB_URL_CREDENTIALS);
        return;
    }
    scan_add(s, password, sign, class);
}

/* Whether what stands behind the first colon of [start, end) cannot be a port. */
static bool has_odd_port(const struct scan *s, uint32_t start, uint32_t end)
{
    const uint8_t *colon = memchr(s->s + start, ':', end - start);
    if (!colon || s->s[start] == '[')
        return false;
    uint32_t at = (uint32_t)(colon - s->s) + 1;
    while (at < end && (byte_is_digit(s->s[at]) || s->s[at] == ','))
        at++;
    return at < end && s->s[at] != ':' && s->s[at] != '{' && s->s[at] != '$' && s->s[at] != '*' &&
           !(s->s[at] == '%' && at + 1 < end);
}

/* host:80 is no name and its value. */
static void note_port(struct scan *s, uint32_t start, uint32_t end)
{
    uint32_t at = end;
    while (at > start && byte_is_digit(s->s[at - 1]))
        at--;
    if (at > start && at < end && s->s[at - 1] == ':')
        s->port = at - 1;
}

static uint32_t last_sign(struct scan *s, uint32_t start, uint32_t end)
{
    s->steps += end - start;
    for (uint32_t at = end; at > start; at--) {
        if (s->s[at - 1] == '@')
            return at - 1;
    }
    return start;
}

/* https%3A%2F%2Fuser%3Apassword%40host: a URL that is a parameter of another. */
void encoded_url_at(struct scan *s, uint32_t at, uint32_t colon_len)
{
    uint32_t start = at + colon_len + 6, end = start;
    if (at == 0 || !byte_is_alnum(s->s[at - 1]) || !s->d->on[SCRUB_URL_CREDENTIALS] ||
        start < s->floor || !scan_has(s, at + colon_len, "%2f%2f"))
        return;
    while (end < s->end && !(ends[s->s[end]] & ENDS_HOST) && s->s[end] != '&' &&
           !scan_has(s, end, "%2f") && !scan_has(s, end, "%40"))
        end++;
    s->steps += end - start;
    if (scan_has(s, end, "%40") && !is_public_user(s, start, end) &&
        !is_placeholder(s->s + start, end - start))
        scan_add(s, start, end, SCRUB_URL_CREDENTIALS);
}

void url_at(struct scan *s, uint32_t at, uint32_t sign_len)
{
    uint32_t start = at + sign_len, host = start;
    if (at == 0 || !byte_is_alnum(s->s[at - 1]) || !s->d->on[SCRUB_URL_CREDENTIALS] ||
        start < s->floor)
        return;
    uint32_t sign = start;
    for (; host < s->end && !(ends[s->s[host]] & ENDS_HOST); host++)
        sign = s->s[host] == '@' ? host : sign;
    s->steps += host - start;
    if (sign == start && host < s->end && has_odd_port(s, start, host)) {
        uint32_t all = host;
        while (all < s->end && all - host < ODD_MAX && !ends_url(s->s[all]))
            all++;
        sign = last_sign(s, host, all);
        sign = sign == host ? start : sign;
    }
    if (sign == start) {
        note_port(s, start, host);
        return;
    }
    if (!is_credential(s, at, start, sign)) {
        s->next = sign + 1; /* nor is it an address */
        return;
    }
    add_credential(s, start, sign);
}
