/* MAC addresses: six pairs with a sign between them, or three groups of four with dots; and rows
 * that have them within: the header of a frame, a client's identifier of DHCP. Other forms have
 * neighbours that are none, and count where a word says what they are. Times, names of disks and
 * digests have pairs as well. */
#include "processors/scrub/detect_numbers.h"

enum {
    MAC_PAIRS = 6,
    CLIENT_PAIRS = 7, /* the type of the hardware, and its address */
    FRAME_PAIRS = 14, /* to, from, and what the frame carries */
    PAIRS_MAX = FRAME_PAIRS,
};

/* Pairs with a sign between them, in whatever encoding. */
struct pairs {
    uint8_t pair[PAIRS_MAX];
    uint32_t start[PAIRS_MAX];
    unsigned count;
    uint32_t sign_len;
};

static void pairs_read(const struct scan *s, uint32_t at, struct pairs *p)
{
    const uint8_t *sign = s->s + at + 2;
    p->count = 0;
    p->sign_len = *sign == '-' ? 1 : colon_length(s, at + 2);
    while (p->count < PAIRS_MAX && s->end - at >= 2 && byte_is_hex(s->s[at]) &&
           byte_is_hex(s->s[at + 1])) {
        p->start[p->count] = at;
        p->pair[p->count++] =
            (uint8_t)(byte_hex_value(s->s[at]) << 4 | byte_hex_value(s->s[at + 1]));
        at += 2;
        if (p->sign_len == 0 || s->end - at < p->sign_len ||
            memcmp(s->s + at, sign, p->sign_len) != 0)
            return;
        at += p->sign_len;
    }
}

/* 24-01-15-10-30-59, which is a time. */
static bool is_time_of_day(const uint8_t *pair)
{
    for (unsigned i = 0; i < MAC_PAIRS; i++) {
        if ((pair[i] & 0xf) > 9 || pair[i] >> 4 > 9)
            return false;
    }
    return pair[1] >= 0x01 && pair[1] <= 0x12 && pair[2] >= 0x01 && pair[2] <= 0x31 &&
           pair[3] <= 0x23 && pair[4] <= 0x59;
}

/* ab-cd-ef-…: words of two letters. */
static bool are_words(const struct scan *s, uint32_t at)
{
    for (uint32_t i = at; i < at + MAC_LEN; i++) {
        if (byte_is_digit(s->s[i]))
            return false;
    }
    return true;
}

/* Whether a row like this one ends before it: aa:bb: before. */
static bool is_row_before(const struct scan *s, uint32_t at, uint32_t sign_len)
{
    return at >= sign_len + 2 && memcmp(s->s + at - sign_len, s->s + at + 2, sign_len) == 0 &&
           byte_is_hex(s->s[at - sign_len - 1]) && byte_is_hex(s->s[at - sign_len - 2]) &&
           !byte_is_alnum(scan_before(s, at - sign_len - 2));
}

/* Whether the row has as many pairs and ends with them. */
static bool are_all(const struct scan *s, const struct pairs *p, unsigned count)
{
    if (p->count < count)
        return false;
    uint32_t end = p->start[count - 1] + 2;
    uint8_t behind = end < s->end ? s->s[end] : ' ';
    bool longer = s->end - end > p->sign_len &&
                  memcmp(s->s + end, s->s + p->start[0] + 2, p->sign_len) == 0 &&
                  byte_is_hex(s->s[end + p->sign_len]);
    return !byte_is_alnum(behind) && behind != '_' && !longer;
}

/* Six of the pairs, which are an address unless they name no one machine. */
static void add_pairs(struct scan *s, const struct pairs *p, unsigned first)
{
    static const uint8_t nobody[MAC_PAIRS];
    static const uint8_t everybody[MAC_PAIRS] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    const uint8_t *pair = p->pair + first;
    uint32_t at = p->start[first], end = p->start[first + MAC_PAIRS - 1] + 2;
    if (memcmp(pair, nobody, MAC_PAIRS) != 0 && memcmp(pair, everybody, MAC_PAIRS) != 0 &&
        !(s->s[at + 2] == '-' && (is_time_of_day(pair) || are_words(s, at))))
        scan_add(s, at, end, SCRUB_MAC);
    s->next = end > s->next ? end : s->next;
}

/* The header of an Ethernet frame, as iptables logs it: what it carries is IPv4, ARP or IPv6. */
static bool is_frame(const struct scan *s, const struct pairs *p)
{
    unsigned carried = p->count < FRAME_PAIRS ? 0 : p->pair[12] << 8 | p->pair[13];
    return (carried == 0x0800 || carried == 0x0806 || carried == 0x86dd) &&
           are_all(s, p, FRAME_PAIRS);
}

void mac_at(struct scan *s, uint32_t at)
{
    struct pairs p;
    uint8_t before = scan_before(s, at);
    if (!s->d->on[SCRUB_MAC] || at < s->floor || s->end - at < MAC_LEN || byte_is_alnum(before) ||
        before == '_')
        return;
    pairs_read(s, at, &p);
    if (p.count < MAC_PAIRS || is_row_before(s, at, p.sign_len))
        return;
    if (are_all(s, &p, MAC_PAIRS)) {
        add_pairs(s, &p, 0);
    } else if (p.pair[0] == 1 && are_all(s, &p, CLIENT_PAIRS)) { /* 1 is Ethernet */
        add_pairs(s, &p, 1);
    } else if (is_frame(s, &p)) {
        add_pairs(s, &p, 0);
        add_pairs(s, &p, MAC_PAIRS);
    }
}

/* A row of this size is too short to be told from a name or a decimal number without digits and a
 * letter. */
enum { DOTTED_LEN = 14, DOTTED_DIGITS = 4 };

void dotted_mac_at(struct scan *s, uint32_t dot)
{
    uint32_t start = dot - 4, digits = 0, capitals = 0;
    if (dot < s->floor + 4 || s->end - start < DOTTED_LEN || !s->d->on[SCRUB_MAC])
        return;
    for (uint32_t i = 0; i < DOTTED_LEN; i++) {
        uint8_t c = s->s[start + i];
        if (i % 5 == 4 ? c != '.' : !byte_is_hex(c))
            return;
        digits += byte_is_digit(c);
        capitals += byte_is_upper(c);
    }
    uint32_t end = start + DOTTED_LEN;
    bool alike = capitals == 0 || capitals + digits == 12;
    if (alike && digits >= DOTTED_DIGITS && digits < 12 && digits_bounded(s, start, end))
        scan_add(s, start, end, SCRUB_MAC);
}

/* ---- where a word says so ---- */

/* 8:0:20:a:b:c, whose pairs have lost their zeros; returns its end, 0 when it is none. */
static uint32_t short_pairs_end(const struct scan *s, uint32_t at)
{
    for (unsigned i = 0; i < MAC_PAIRS; i++) {
        uint32_t start = at;
        while (at < s->end && at - start < 2 && byte_is_hex(s->s[at]))
            at++;
        if (at == start || (i + 1 < MAC_PAIRS && (at >= s->end || s->s[at++] != ':')))
            return 0;
    }
    return at < s->end && (byte_is_alnum(s->s[at]) || s->s[at] == ':') ? 0 : at;
}

/* The tables of BSD and macOS: "? (192.0.2.1) at 8:0:20:a:b:c on en0". */
bool short_mac_at(struct scan *s, uint32_t at, uint32_t end)
{
    if (!s->d->on[SCRUB_MAC] || at < s->floor + 3 || !scan_has_exactly(s, at - 3, "at ") ||
        !scan_has_exactly(s, end, " on ") || short_pairs_end(s, at) != end)
        return false;
    scan_add(s, at, end, SCRUB_MAC);
    return true;
}

/* aabbccddeeff, aabb.ccdd.eeff; returns its end, 0 when it is none. */
static uint32_t twelve_digits_end(const struct scan *s, uint32_t at)
{
    for (unsigned digits = 0; digits < 2 * MAC_PAIRS; at++) {
        bool dot = at < s->end && s->s[at] == '.' && digits > 0 && digits % 4 == 0;
        if (at >= s->end || (!byte_is_hex(s->s[at]) && !dot))
            return 0;
        digits += !dot;
    }
    return at < s->end && byte_is_alnum(s->s[at]) ? 0 : at;
}

bool named_mac_at(struct scan *s, uint32_t start, uint32_t end)
{
    uint32_t stop = twelve_digits_end(s, start);
    if (!stop)
        stop = short_pairs_end(s, start);
    if (!stop || stop > end)
        return false;
    scan_add(s, start, stop, SCRUB_MAC);
    return true;
}
