/* Addresses of machines: IPv4 and IPv6, parsed rather than guessed at. Versions, times, names of
 * C++ and Rust and digests have dots and colons as well. */
#include "processors/scrub/detect_numbers.h"

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

/* Reads a.b.c.d, and a-b-c-d of names; returns its end, 0 when it is none. */
static uint32_t parse_v4(const struct scan *s, uint32_t at, unsigned octets[4])
{
    uint8_t sign = 0;
    for (unsigned i = 0; i < 4; i++) {
        uint32_t start = at;
        octets[i] = 0;
        while (at < s->end && at - start < 3 && byte_is_digit(s->s[at]))
            octets[i] = octets[i] * 10 + (s->s[at++] - '0');
        bool zero = at - start > 1 && s->s[start] == '0';
        if (at == start || octets[i] > 255 || zero)
            return 0;
        if (i == 3)
            break;
        if (at >= s->end || (s->s[at] != '.' && s->s[at] != '-') || (sign && s->s[at] != sign))
            return 0;
        sign = s->s[at++];
    }
    return at;
}

/* 203.0.113.7.nip.io, app-203-0-113-7.sslip.io: names that resolve to the address in them. */
static bool is_in_name(const struct scan *s, uint32_t end)
{
    static const char *const domains[] = {".nip.io", ".sslip.io", ".xip.io"};
    if (end >= s->end || s->s[end] != '.')
        return false;
    for (size_t i = 0; i < sizeof domains / sizeof domains[0]; i++) {
        uint32_t behind = end + (uint32_t)strlen(domains[i]);
        if (scan_has(s, end, domains[i]) && (behind == s->end || !byte_is_token(s->s[behind])))
            return true;
    }
    return false;
}

/* "203.0.113.7.443: " */
static bool is_target_at(const struct scan *s, uint32_t at)
{
    enum { TARGET_MAX = 21 };
    unsigned dots = 0;
    for (uint32_t start = at; at < s->end && at - start <= TARGET_MAX; at++) {
        dots += s->s[at] == '.';
        if (s->s[at] != '.' && !byte_is_digit(s->s[at]))
            return s->s[at] == ':' && dots > 3;
    }
    return false;
}

/* tcpdump has the port for one more number: "IP 192.0.2.7.5123 > 203.0.113.7.443: Flags [S]". */
static bool is_port_behind(const struct scan *s, uint32_t at, uint32_t end)
{
    enum { PORT_MAX = 5 };
    uint32_t port = end + 1;
    while (port < s->end && port - end <= PORT_MAX && byte_is_digit(s->s[port]))
        port++;
    if (port == end + 1 || s->s[end] != '.')
        return false;
    if (at >= 3 && scan_has_exactly(s, at - 3, " > "))
        return port < s->end && s->s[port] == ':';
    return scan_has_exactly(s, port, " > ") && is_target_at(s, port + 3);
}

static bool is_dashed(const struct scan *s, uint32_t at)
{
    while (byte_is_digit(s->s[at]))
        at++;
    return s->s[at] == '-';
}

/* What Debian and Red Hat put behind a version: -1ubuntu2, -1+deb11u1, -1.el8. */
static bool is_revision(const struct scan *s, uint32_t at)
{
    enum { REVISION_MAX = 4 };
    uint32_t end = at + 1;
    while (end < s->end && end - at < REVISION_MAX && byte_is_digit(s->s[end]))
        end++;
    if (at >= s->end || s->s[at] != '-' || end == at + 1)
        return false;
    end += end < s->end && (s->s[end] == '.' || s->s[end] == '+' || s->s[end] == '~');
    return end < s->end && byte_is_letter(s->s[end]);
}

/* Whether more stands around the four numbers, so that they are a part of something else. */
static bool is_within(const struct scan *s, uint32_t at, uint32_t end)
{
    uint8_t before = scan_before(s, at), behind = end < s->end ? s->s[end] : ' ';
    uint8_t further = end + 1 < s->end ? s->s[end + 1] : ' ';
    if (before == '.' || before == '_' || byte_is_alnum(behind) || behind == '_' ||
        (before == '-' && at > 1 && byte_is_letter(s->s[at - 2])) ||
        (before == '=' && at > 1 && s->s[at - 2] == '='))
        return true;
    if (behind == '.' && byte_is_alnum(further))
        return !is_port_behind(s, at, end);
    return ((behind == '-' || behind == '+' || behind == '~') && byte_is_letter(further)) ||
           is_revision(s, end);
}

bool address_v4_at(struct scan *s, uint32_t at)
{
    unsigned octets[4];
    uint32_t end;
    if (s->traits & (KEY_VERSION | KEY_USER_AGENT) || !(end = parse_v4(s, at, octets)))
        return false;
    bool named = is_in_name(s, end);
    if (!named && is_dashed(s, at))
        return false;
    bool within = !named && is_within(s, at, end);
    if (within || (!named && is_version(s, at, end)))
        s->version_end = within ? 0 : end;
    else if (s->d->on[SCRUB_IPV4] && (s->d->strict || !is_private_v4(octets)))
        scan_add(s, at, end, SCRUB_IPV4);
    s->next = end > s->next ? end : s->next;
    return true;
}

uint32_t colon_length(const struct scan *s, uint32_t at)
{
    if (at >= s->end)
        return 0;
    return s->s[at] == ':' ? 1 : scan_has(s, at, "%3a") ? 3 : scan_has(s, at, "%253a") ? 5 : 0;
}

/* ---- IPv6 ---- */

enum reach { NOWHERE, INSIDE, EVERYWHERE };

/* What is in no use by anybody is more often a slice or a time: x[::2], 12:30::45. */
static enum reach reach_of_v6(const uint8_t a[16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    static const uint8_t translated[12] = {0x00, 0x64, 0xff, 0x9b};
    static const uint8_t loopback[16] = {[15] = 1};
    if (memcmp(a, mapped, 12) == 0 || memcmp(a, translated, 12) == 0) {
        const unsigned v4[4] = {a[12], a[13], a[14], a[15]};
        return is_private_v4(v4) ? INSIDE : EVERYWHERE;
    }
    if ((a[0] & 0xe0) == 0x20) /* global unicast is 2000::/3 */
        return EVERYWHERE;
    bool link = a[0] == 0xfe && a[1] >= 0x80, local = (a[0] & 0xfe) == 0xfc;
    return link || local || a[0] == 0xff || memcmp(a, loopback, 16) == 0 ? INSIDE : NOWHERE;
}

/* What may be an address, its colons decoded. */
struct written {
    char text[IPV6_MAX + 2];
    uint32_t end[IPV6_MAX + 2]; /* where each byte of it ends */
    uint32_t len;               /* of the row, of which `text` may hold less */
    uint32_t colons;
    uint32_t run; /* where the row ends */
};

static void read_row(const struct scan *s, uint32_t at, struct written *w)
{
    w->len = w->colons = 0;
    while (at < s->end) {
        uint8_t c = s->s[at];
        uint32_t colon = byte_is_hex(c) || c == '.' ? 0 : colon_length(s, at);
        if (!byte_is_hex(c) && c != '.' && !colon)
            break;
        at += colon ? colon : 1;
        w->colons += colon > 0;
        if (w->len < sizeof w->text) {
            w->text[w->len] = (char)(colon ? ':' : c);
            w->end[w->len] = at;
        }
        w->len++;
    }
    w->run = at;
}

/* Takes off the stop or colon of a sentence. Returns how many bytes. */
static uint32_t trim_row(struct written *w)
{
    uint32_t len = w->len;
    while (w->len > 1 && (w->text[w->len - 1] == '.' ||
                          (w->text[w->len - 1] == ':' && w->text[w->len - 2] != ':')))
        w->len--;
    w->text[w->len] = 0;
    return len - w->len;
}

/* tcpdump writes the port of an address behind a dot, others as a ninth group: how many bytes that
 * takes; 0: there is none. */
static uint32_t port_length(const struct written *w)
{
    enum { PORT_MAX = 5, GROUPS = 8 };
    uint32_t at = w->len, colons = 0;
    for (uint32_t i = 0; i < w->len; i++)
        colons += w->text[i] == ':';
    while (at > 0 && w->len - at < PORT_MAX && byte_is_digit((uint8_t)w->text[at - 1]))
        at--;
    if (at == 0 || at == w->len)
        return 0;
    bool dotted = w->text[--at] == '.' && memchr(w->text, '.', at) == NULL;
    bool ninth = w->text[at] == ':' && colons == GROUPS && !strstr(w->text, "::");
    return dotted || ninth ? w->len - at : 0;
}

/* In strict: names like a::b have the form of an address; a digit is wanted. */
static bool has_digit(const char *text)
{
    return text[strcspn(text, "0123456789")] != 0;
}

/* 50:06:01:60:3b:a0:1c:9e names a disk. */
static bool are_pairs(const char *text)
{
    for (; text[0] && text[1]; text += 3) {
        if (text[0] == ':' || text[1] == ':' || (text[2] && text[2] != ':'))
            return false;
        if (!text[2])
            return true;
    }
    return false;
}

/* ip: and node: are names before an address, 2a02: is a part of it. */
static bool is_name_before(const struct scan *s, uint32_t colon)
{
    uint32_t start = colon;
    bool name = false;
    while (start > s->floor && colon - start < 24 &&
           (byte_is_token(s->s[start - 1]) || s->s[start - 1] >= 0x80))
        name |= !byte_is_hex(s->s[--start]);
    return name;
}

/* What stands around an address, and no other part of it. */
static bool is_apart(const struct scan *s, uint32_t start, const struct written *w,
                     uint32_t trimmed)
{
    uint8_t before = scan_before(s, start);
    uint32_t end = w->end[w->len - 1];
    uint8_t behind = end < s->end ? s->s[end] : ' ';
    bool stop = trimmed == 1 && (w->run == s->end || byte_is_space(s->s[w->run]));
    if (byte_is_alnum(before) || before == '_' || byte_is_alnum(behind) || behind == '_')
        return false;
    if (before == ':' && !(s->s[start - 1] == ':' && is_name_before(s, start - 1)))
        return false;
    return !colon_length(s, end) || stop;
}

/* Up to four digits; of those of an escape none. */
static uint32_t first_digits(const struct scan *s, uint32_t at)
{
    uint8_t byte;
    uint32_t start = at;
    while (start > s->floor && at - start < 5 && byte_is_hex(s->s[start - 1]) &&
           !escape_before(s, start, &byte))
        start--;
    return start;
}

void address_colon_at(struct scan *s, uint32_t at)
{
    struct written w;
    uint8_t address[16];
    uint32_t start = first_digits(s, at);
    if (at - start == 2)
        mac_at(s, start);
    if (at < s->next)
        return;
    read_row(s, start, &w);
    s->steps += w.run - start;
    if (w.colons == 5 && short_mac_at(s, start, w.run))
        return;
    if (w.colons < 2 || w.len > IPV6_MAX + 1) {
        /* `a:b` may still be a name and its value; a long row of colons is nothing at all */
        s->next = w.colons < 2 ? s->next : w.run;
        return;
    }
    uint32_t trimmed = trim_row(&w);
    bool apart = is_apart(s, start, &w, trimmed);
    w.len -= port_length(&w);
    w.text[w.len] = 0;
    if (!s->d->on[SCRUB_IPV6] || s->traits & (KEY_USER_AGENT | KEY_CODE) || !apart ||
        inet_pton(AF_INET6, w.text, address) != 1 || !has_digit(w.text) || are_pairs(w.text))
        return;
    enum reach reach = reach_of_v6(address);
    if (reach == EVERYWHERE || (reach == INSIDE && s->d->strict))
        scan_add(s, start, w.end[w.len - 1], SCRUB_IPV6);
    s->next = w.run > s->next ? w.run : s->next;
}
