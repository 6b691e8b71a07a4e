/* Phone numbers: international ones by their +, others only where a name says that it is one. They
 * are written in groups of any length, so where one ends and another number begins is told by how
 * many digits a country's numbers have, and by groups that are long enough to be all of it. */
#include "processors/scrub/detect_numbers.h"

enum {
    PHONE_MAX = 15,
    PIECE_LEAST = 6, /* digits of a group that is the last of a number that has as many as … */
    WHOLE_LEAST = 10,
};

/* A separator, a bracket or a slash, in whatever encoding: its length; 0: none. */
static uint32_t mark_at(const struct scan *s, uint32_t at, char *kind)
{
    uint32_t len = separator_at(s, at, kind);
    if (len > 0 || at >= s->end)
        return len;
    uint8_t c = s->s[at];
    *kind = (char)c;
    if (c == '(' || c == ')' || c == '/')
        return 1;
    bool bracket = scan_has(s, at, "%28") || scan_has(s, at, "%29");
    *kind = scan_has(s, at, "%2f") ? '/' : '(';
    return bracket || *kind == '/' ? 3 : 0;
}

/* Behind the marks from `at` on: where the next group begins; 0: none does. `apart`: there is a
 * blank or a slash among them. */
static uint32_t next_group(const struct scan *s, uint32_t at, bool *apart)
{
    *apart = false;
    uint32_t from = at;
    for (unsigned marks = 0; at < s->end; marks++) {
        char kind;
        if (byte_is_digit(s->s[at]))
            return at;
        uint32_t len = mark_at(s, at, &kind);
        bool other = s->s[at] == '+' && at > from && (s->s[at - 1] == ' ' || s->s[at - 1] == '/');
        if (len == 0 || marks == 3 || other)
            return 0;
        *apart |= kind == ' ' || kind == '/';
        at += len;
    }
    return 0;
}

/* Reads the groups of a number that has at most `most` digits; returns its end, and how many there
 * are: more than PHONE_MAX when it is none. */
static uint32_t phone_read(const struct scan *s, uint32_t at, unsigned most, unsigned *count)
{
    uint32_t end = at;
    bool apart = false;
    for (*count = 0;;) {
        uint32_t group = at;
        while (at < s->end && byte_is_digit(s->s[at]) && *count + (at - group) <= PHONE_MAX)
            at++;
        uint32_t len = at - group;
        most += len == 1 && scan_before(s, group) == '('; /* +49 (0) 171 … */
        if (*count > 0 && apart && *count + len > most)
            return end;
        *count += len;
        end = at;
        at = next_group(s, end, &apart);
        if (at == 0 || *count > PHONE_MAX || (apart && len >= PIECE_LEAST && *count >= WHOLE_LEAST))
            return end;
    }
}

/* Country codes are 1, 7 and those of two and three digits; these two-digit beginnings have two. */
static bool has_country(const struct scan *s, uint32_t at)
{
    static const char two[] =
        "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 "
        "57 58 60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98 ";
    static const char three[] =
        "21 22 23 24 25 26 29 35 37 38 42 50 59 67 68 69 80 85 87 88 96 97 99 ";
    uint8_t c = s->s[at], next = at + 1 < s->end ? s->s[at + 1] : 0;
    if (c == '1' || c == '7')
        return true;
    if (!byte_is_digit(next))
        return false;
    const char code[] = {(char)c, (char)next, ' ', 0};
    return strstr(two, code) || strstr(three, code);
}

/* How many digits the numbers of a country have at most, with its code, and some that somebody
 * mistyped or made up. */
static unsigned most_digits(const struct scan *s, uint32_t at)
{
    static const char most[] =
        "1:11 7:11 20:12 27:11 30:12 31:11 32:11 33:11 34:11 36:11 40:11 41:11 44:12 45:10 47:10 "
        "48:11 52:13 55:13 56:11 57:12 61:11 63:12 65:10 66:11 86:13 90:12 91:12 92:12 351:12 "
        "353:12 380:12 420:12 421:12 966:12 971:12 972:12 ";
    const unsigned spare = s->s[at] == '1' ? 0 : 2;
    for (const char *c = most; *c; c = strchr(c, ' ') + 1) {
        size_t len = strcspn(c, ":");
        if (s->end - at >= len && memcmp(s->s + at, c, len) == 0)
            return (unsigned)(c[len + 1] - '0') * 10 + (unsigned)(c[len + 2] - '0') + spare;
    }
    return PHONE_MAX;
}

/* +1 and ten digits, of which the area does not begin with 0 or 1. */
static bool is_north_american(const struct scan *s, uint32_t at, unsigned count)
{
    at++;
    while (at < s->end && !byte_is_digit(s->s[at]))
        at++;
    return count == 11 && at < s->end && s->s[at] >= '2';
}

/* +60.8186-115.8140/: a place on the earth. */
static bool is_coordinate(const struct scan *s, uint32_t at)
{
    uint32_t start = at;
    while (at < s->end && at - start < 3 && byte_is_digit(s->s[at]))
        at++;
    if (at >= s->end || s->s[at] != '.')
        return false;
    for (at++; at < s->end && at - start < PHONE_MAX && byte_is_digit(s->s[at]); at++)
        ;
    if (at >= s->end || (s->s[at] != '-' && s->s[at] != '+'))
        return false;
    start = ++at;
    while (at < s->end && at - start < 3 && byte_is_digit(s->s[at]))
        at++;
    return at > start && at < s->end && s->s[at] == '.';
}

/* Tel+49 171 …: the word is no part of it. */
static bool is_phone_word_before(const struct scan *s, uint32_t at)
{
    static const char *const words[] = {"tel",  "telefon", "phone", "mobil", "mobile",
                                        "cell", "fax",     "sms",   NULL};
    return word_before_is(s, at, words);
}

/* sip:+14155552671@192.0.2.7 */
static bool is_sip_user(const struct scan *s, uint32_t at)
{
    return (at >= 4 && scan_has(s, at - 4, "sip:")) || (at >= 5 && scan_has(s, at - 5, "sips:"));
}

void phone_at(struct scan *s, uint32_t at, uint32_t plus_len)
{
    uint32_t start = at + plus_len;
    unsigned count;
    if (!s->d->on[SCRUB_PHONE] || start >= s->end || s->s[start] < '1' || s->s[start] > '9')
        return;
    uint8_t before = scan_before(s, at);
    if ((byte_is_alnum(before) && !is_phone_word_before(s, at)) || before == '_' || before == '+' ||
        before == ')' || !has_country(s, start))
        return;
    uint32_t end = phone_read(s, start, most_digits(s, start), &count);
    uint8_t behind = end < s->end ? s->s[end] : ' ';
    unsigned least = s->traits & KEY_PHONE ? 8 : 9;
    if (count < least || count > PHONE_MAX || byte_is_alnum(behind) || behind == '_' ||
        (behind == '@' && !is_sip_user(s, at)) ||
        (s->s[start] == '1' && !is_north_american(s, start, count)) ||
        (behind == '.' && end + 1 < s->end && byte_is_digit(s->s[end + 1])) ||
        is_coordinate(s, start))
        return;
    scan_add(s, at, end, SCRUB_PHONE);
}

bool national_phone_at(struct scan *s, uint32_t start, uint32_t end)
{
    unsigned count;
    uint32_t at = start;
    while (at < end && (byte_is_space(s->s[at]) || s->s[at] == '"' || s->s[at] == '\''))
        at++;
    uint32_t from = at;
    if (at < end && s->s[at] == '(')
        at++;
    else if (scan_has(s, at, "%28"))
        at += 3;
    if (at >= end || !byte_is_digit(s->s[at]))
        return false;
    uint32_t last = phone_read(s, at, PHONE_MAX, &count);
    uint8_t behind = last < s->end ? s->s[last] : ' ';
    if (last > end || count < 7 || count > PHONE_MAX || byte_is_alnum(behind) || behind == '_' ||
        behind == '@')
        return false;
    scan_add(s, from, last, SCRUB_PHONE);
    return true;
}

bool loose_phone_at(struct scan *s, const struct digits *d)
{
    if (!s->d->strict || !s->d->on[SCRUB_PHONE] || digits_are_things(s, d->start))
        return false;
    bool dashed = d->groups == 3 && digits_grouped(d, "334") && d->digit[0] >= 2 &&
                  d->digit[3] >= 2 && digits_bounded(s, d->start, d->end[2]);
    if (dashed) {
        scan_add(s, d->start, d->end[2], SCRUB_PHONE);
        return true;
    }
    uint32_t at = d->start;
    unsigned count;
    if (d->group[0] != 3 || at == 0 || s->s[at - 1] != '(' || at + 3 >= s->end ||
        s->s[at + 3] != ')' || d->digit[0] < 2)
        return false;
    uint32_t end = phone_read(s, at, PHONE_MAX, &count);
    if (count != 10 || (end < s->end && byte_is_alnum(s->s[end])))
        return false;
    scan_add(s, at - 1, end, SCRUB_PHONE);
    return true;
}
