/* Addresses: IPv6 and MAC. They are parsed, not guessed: eight groups or `::`, boundaries on both
 * sides. Times, C++ names and ratios have colons too. */
#include "processors/scrub/detect_private.h"

#include <arpa/inet.h>

enum { IPV6_MAX = 45, MAC_LEN = 17 };

static bool is_mac(const uint8_t *t, uint8_t separator)
{
    bool digit = false, other = false;
    for (size_t i = 0; i < MAC_LEN; i++) {
        if (i % 3 == 2 ? t[i] != separator : !is_hex(t[i]))
            return false;
        digit |= i % 3 != 2 && is_digit(t[i]);
        other |= i % 3 != 2 && t[i] != '0';
    }
    return other && digit; /* all zero is nobody's, and words have no digits */
}

static bool is_part(uint8_t c)
{
    return is_hex(c) || c == ':' || c == '.';
}

static size_t find_mac(struct scan *s, size_t at)
{
    uint8_t separator = s->text[at];
    if (at < 2 || at - 2 + MAC_LEN > s->len || !s->detector->on[SCRUB_MAC])
        return 0;
    size_t begin = at - 2, end = begin + MAC_LEN;
    uint8_t before = begin ? s->text[begin - 1] : 0, behind = byte_at(s, end);
    if (!is_mac(s->text + begin, separator) || is_alnum(before) || is_alnum(behind) ||
        before == separator || behind == separator)
        return 0;
    return scan_found(s, begin, end, SCRUB_MAC);
}

/* Of no machine elsewhere: loopback, link-local, unique local, unspecified, multicast. */
static bool is_private6(const uint8_t a[16])
{
    static const uint8_t loopback[16] = {[15] = 1}, none[16];
    if (memcmp(a, loopback, 16) == 0 || memcmp(a, none, 16) == 0)
        return true;
    return (a[0] & 0xfe) == 0xfc || (a[0] == 0xfe && (a[1] & 0xc0) == 0x80) || a[0] == 0xff;
}

static bool is_ipv6(const struct scan *s, const char *text)
{
    uint8_t address[16];
    size_t digits = 0, colons = 0;
    for (const char *c = text; *c; c++) {
        digits += is_digit((uint8_t)*c);
        colons += *c == ':';
    }
    if ((colons < 7 && !strstr(text, "::")) || digits == 0 ||
        inet_pton(AF_INET6, text, address) != 1)
        return false;
    return s->detector->strict || !is_private6(address);
}

size_t find_ipv6_or_mac(struct scan *s, size_t at)
{
    char text[IPV6_MAX + 1];
    size_t found = byte_at(s, at + 3) == s->text[at] ? find_mac(s, at) : 0;
    uint8_t previous = at ? s->text[at - 1] : 0, next = byte_at(s, at + 1);
    if (!found && ((is_alnum(previous) && !is_hex(previous)) || (next != ':' && !is_hex(next))))
        return 0;
    if (found || s->text[at] != ':' || !s->detector->on[SCRUB_IPV6] || s->versions)
        return found;
    size_t begin = at, end = at;
    while (begin > s->done && at - begin < 5 && is_hex(s->text[begin - 1]))
        begin--;
    while (end < s->len && end - begin <= IPV6_MAX && is_part(s->text[end]))
        end++;
    while (end > at && s->text[end - 1] == '.')
        end--;
    if (end - begin > 2 && s->text[end - 1] == ':' && s->text[end - 2] != ':')
        end--; /* "address: …" */
    uint8_t before = begin ? s->text[begin - 1] : 0, behind = byte_at(s, end);
    if (end - begin > IPV6_MAX || end - begin < 3 || is_alnum(before) || is_alnum(behind) ||
        before == ':' || before == '_' || behind == '_')
        return 0;
    memcpy(text, s->text + begin, end - begin);
    text[end - begin] = 0;
    return is_ipv6(s, text) ? scan_found(s, begin, end, SCRUB_IPV6) : 0;
}
