/* Addresses of machines: IPv4, IPv6 and MAC, parsed rather than guessed at. Versions, times, names
 * of C++ and Rust and digests have dots and colons as well. */
#include "processors/scrub/detect_private.h"

#include <arpa/inet.h>

enum { IPV6_MAX = 45 };

/* ---- IPv4 ---- */

/* Addresses that name no machine elsewhere: private, loopback, link-local, shared, multicast. Those
 * for documentation count as public: that is what they stand for. */
static bool is_private_v4(const unsigned o[4])
{
    return o[0] == 0 || o[0] == 10 || o[0] == 127 || o[0] >= 224 ||
           (o[0] == 100 && o[1] >= 64 && o[1] <= 127) || (o[0] == 169 && o[1] == 254) ||
           (o[0] == 172 && o[1] >= 16 && o[1] <= 31) || (o[0] == 192 && o[1] == 168);
}

/* Reads a.b.c.d; returns its end, 0 when it is none. */
static uint32_t parse_v4(const struct scan *s, uint32_t at, unsigned octets[4])
{
    for (unsigned i = 0; i < 4; i++) {
        uint32_t start = at;
        octets[i] = 0;
        while (at < s->end && at - start < 3 && byte_is_digit(s->s[at]))
            octets[i] = octets[i] * 10 + (s->s[at++] - '0');
        bool zero = at - start > 1 && s->s[start] == '0';
        if (at == start || octets[i] > 255 || zero)
            return 0;
        if (i < 3 && (at >= s->end || s->s[at++] != '.'))
            return 0;
    }
    return at;
}

static bool ends_in(const struct scan *s, uint32_t at, const char *word)
{
    uint32_t len = (uint32_t)strlen(word);
    return at >= len && scan_has(s, at - len, word);
}

/* Chrome/126.0.0.0, but not host.example/93.184.216.34:443 as Java writes it. */
static bool is_product(const struct scan *s, uint32_t at, uint32_t end)
{
    if (at < 2 || s->s[at - 1] != '/' || !byte_is_alnum(s->s[at - 2]))
        return false;
    if (end + 1 < s->end && s->s[end] == ':' && byte_is_digit(s->s[end + 1]))
        return false;
    for (uint32_t i = at - 1; i > 0 && at - i < 64 && s->s[i - 1] > ' '; i--) {
        if (s->s[i - 1] == '.' || s->s[i - 1] == '/')
            return false;
    }
    return true;
}

/* @scope/pkg@1.2.3.4, group.of:artifact:1.2.3.4, registry/app:1.2.3.4, app:1.2.3.4@sha256:…; but
 * not user@8.8.8.8, and not what follows a scheme. */
static bool is_package(const struct scan *s, uint32_t at, uint32_t end)
{
    if (scan_has(s, end, "@sha256:"))
        return true;
    uint8_t sign = at > 1 ? s->s[at - 1] : 0;
    if (sign != '@' && sign != ':')
        return false;
    uint32_t start = at - 1;
    bool path = false, scoped = false, group = false;
    while (start > 0 && at - start < 64) {
        uint8_t c = s->s[start - 1];
        if (!byte_is_token(c) && c != '.' && c != '/' && c != '@' && c != ':')
            break;
        if (c == '/' && start > 1 && s->s[start - 2] == '/')
            return false;
        path |= c == '/';
        group |= c == ':';
        scoped = c == '@';
        start--;
    }
    if (start == at - 1 || s->s[start] == '/')
        return false;
    return sign == '@' ? scoped && path
                       : path || (group && memchr(s->s + start, '.', at - start) != NULL &&
                                  byte_is_letter(s->s[start]) && byte_is_token(s->s[at - 2]));
}

/* "upgraded from 9.1.2.3 to 9.1.2.4": both numbers, and a word that goes with versions. */
static bool is_told_as_version(const struct scan *s, uint32_t at, uint32_t end)
{
    static const char *const words[] = {"upgraded", "downgraded", "updated", "bumped"};
    bool from = ends_in(s, at, "from ") && scan_has(s, end, " to ") && end + 4 < s->end &&
                (byte_is_digit(s->s[end + 4]) || s->s[end + 4] == 'v');
    bool to = ends_in(s, at, " to ") && at > 4 && byte_is_digit(s->s[at - 5]);
    uint32_t start = at > 48 ? at - 48 : 0;
    for (uint32_t i = start; (from || to) && i < at; i++) {
        for (size_t k = 0; k < sizeof words / sizeof words[0]; k++) {
            if (byte_lower(s->s[i]) == (uint8_t)words[k][0] && scan_has(s, i, words[k]))
                return true;
        }
    }
    return false;
}

/* Four numbers that are a version, by what stands before. */
static bool is_version(const struct scan *s, uint32_t at, uint32_t end)
{
    static const char *const words[] = {"version",  "ver", "v",        "release", "build",
                                        "revision", "rev", "firmware", "upgrade", "oid"};
    uint32_t word = at;
    if (is_product(s, at, end) || is_package(s, at, end) || is_told_as_version(s, at, end))
        return true;
    if (at > 0 && (s->s[at - 1] == '^' || s->s[at - 1] == '~'))
        return true;
    if (at > 1 && s->s[at - 1] == '=' && s->s[at - 2] && strchr("<>~!=^", s->s[at - 2]))
        return true;
    if (at > 1 && (s->s[at - 1] == '<' || s->s[at - 1] == '>') && s->s[at - 2] == ',')
        return true;
    while (word > 0 && at - word < 3 &&
           (s->s[word - 1] == ' ' || s->s[word - 1] == '=' || s->s[word - 1] == ':' ||
            s->s[word - 1] == '"' || s->s[word - 1] == '.'))
        word--;
    if (word == at)
        return false;
    if (word >= 2 && s->s[word - 1] == '=' && s->s[word - 2] == '=') /* pkg==1.2.3.4 */
        return true;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        uint32_t len = (uint32_t)strlen(words[i]);
        if (ends_in(s, word, words[i]) && (len > 3 || !scan_in_word(s, word - len)))
            return true;
    }
    return false;
}

bool address_v4_at(struct scan *s, uint32_t at)
{
    unsigned octets[4];
    uint32_t end;
    if (s->traits & (KEY_VERSION | KEY_USER_AGENT) || !(end = parse_v4(s, at, octets)))
        return false;
    uint8_t before = at ? s->s[at - 1] : ' ', behind = end < s->end ? s->s[end] : ' ';
    uint8_t further = end + 1 < s->end ? s->s[end + 1] : ' ';
    bool inside = before == '.' || before == '_' || byte_is_alnum(behind) || behind == '_' ||
                  (behind == '.' && byte_is_alnum(further)) ||
                  (behind == '-' && byte_is_letter(further)) ||
                  (before == '-' && at > 1 && byte_is_letter(s->s[at - 2])) ||
                  (before == '=' && at > 1 && s->s[at - 2] == '=');
    if (inside || is_version(s, at, end)) {
        s->next = end > s->next ? end : s->next;
        return true;
    }
    if (s->d->on[SCRUB_IPV4] && (s->d->strict || !is_private_v4(octets)))
        scan_add(s, at, end, SCRUB_IPV4);
    s->next = end > s->next ? end : s->next;
    return true;
}

/* ---- MAC ---- */

void mac_at(struct scan *s, uint32_t at)
{
    bool some = false, all = true, digit = false;
    if (!s->d->on[SCRUB_MAC] || at < s->floor || s->end - at < MAC_LEN || scan_in_word(s, at))
        return;
    uint8_t separator = s->s[at + 2];
    if (separator != ':' && separator != '-')
        return;
    for (uint32_t i = 0; i < MAC_LEN; i++) {
        uint8_t c = s->s[at + i];
        if (i % 3 == 2 ? c != separator : !byte_is_hex(c))
            return;
        digit |= byte_is_digit(c);
        some |= i % 3 != 2 && c != '0';
        all &= i % 3 == 2 || byte_lower(c) == 'f';
    }
    uint32_t end = at + MAC_LEN;
    uint8_t before = at ? s->s[at - 1] : ' ', behind = end < s->end ? s->s[end] : ' ';
    bool pair_before = before == separator && at >= 3 && byte_is_hex(s->s[at - 2]) &&
                       byte_is_hex(s->s[at - 3]) && (at == 3 || !byte_is_alnum(s->s[at - 4]));
    if (pair_before || before == '_' || byte_is_alnum(behind) || behind == '_' ||
        (behind == separator && end + 1 < s->end && byte_is_hex(s->s[end + 1])))
        return;
    if (separator == '-' && !digit) /* words of two letters */
        return;
    if (some && !all) /* nobody's, and everybody's */
        scan_add(s, at, end, SCRUB_MAC);
    s->next = end > s->next ? end : s->next;
}

/* ---- IPv6 ---- */

static bool is_private_v6(const uint8_t a[16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    static const uint8_t translated[12] = {0x00, 0x64, 0xff, 0x9b};
    if (memcmp(a, mapped, 12) == 0 || memcmp(a, translated, 12) == 0) {
        const unsigned v4[4] = {a[12], a[13], a[14], a[15]};
        return is_private_v4(v4);
    }
    return (a[0] & 0xe0) != 0x20; /* global unicast is 2000::/3 */
}

static bool parse_v6(const struct scan *s, uint32_t start, uint32_t end, uint8_t address[16])
{
    char text[IPV6_MAX + 1];
    if (end - start > IPV6_MAX)
        return false;
    memcpy(text, s->s + start, end - start);
    text[end - start] = 0;
    return inet_pton(AF_INET6, text, address) == 1;
}

/* In strict: names like a::b have the form of an address; a digit is wanted. */
static bool has_digit(const struct scan *s, uint32_t start, uint32_t end)
{
    for (uint32_t i = start; i < end; i++) {
        if (byte_is_digit(s->s[i]))
            return true;
    }
    return false;
}

void address_colon_at(struct scan *s, uint32_t at)
{
    uint8_t address[16];
    uint32_t start = at, end = at, colons = 0;
    while (start > s->floor && at - start < 5 && byte_is_hex(s->s[start - 1]))
        start--;
    if (at - start == 2)
        mac_at(s, start);
    if (at < s->next)
        return;
    while (end < s->end && (byte_is_hex(s->s[end]) || s->s[end] == ':' || s->s[end] == '.')) {
        colons += s->s[end] == ':';
        end++;
    }
    s->steps += end - start;
    uint32_t run = end;
    while (end > at && (s->s[end - 1] == '.' || (s->s[end - 1] == ':' && s->s[end - 2] != ':')))
        end--;
    if (colons < 2 || end - start > IPV6_MAX + 1) {
        /* `a:b` may still be a name and its value; a long row of colons is nothing at all */
        s->next = colons < 2 ? s->next : run;
        return;
    }
    uint8_t before = start ? s->s[start - 1] : ' ', behind = end < s->end ? s->s[end] : ' ';
    bool stop = behind == ':' && end + 1 == run && (run == s->end || byte_is_space(s->s[run]));
    bool inside = byte_is_alnum(before) || before == '_' || before == ':' || before >= 0x80 ||
                  byte_is_alnum(behind) || behind == '_' || (behind == ':' && !stop) ||
                  behind >= 0x80;
    if (inside || !s->d->on[SCRUB_IPV6] || s->traits & (KEY_USER_AGENT | KEY_CODE) ||
        !parse_v6(s, start, end, address) || !has_digit(s, start, end))
        return;
    if (s->d->strict || !is_private_v6(address))
        scan_add(s, start, end, SCRUB_IPV6);
    s->next = run > s->next ? run : s->next;
}
