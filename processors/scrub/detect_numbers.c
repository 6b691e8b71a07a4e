/* What is made of digits: payment cards, US social security numbers, phone numbers, IPv4 addresses,
 * IBANs, and the national numbers that are asked for by name. A run of digits is read once, with
 * its separators, and each class has a say.
 *
 * Runs within words, identifiers and decimal numbers are none of these: there is a boundary on both
 * sides. Sources of the checks: ISO/IEC 7812 (Luhn), ISO 13616 (IBAN), the numbers' own
 * authorities. */
#include "processors/scrub/detect_private.h"

enum { DIGITS_MAX = 24, RUN_MAX = 40 };

/* Digits with single separators of one kind between them. */
struct run {
    uint8_t digits[DIGITS_MAX];
    size_t count;
    size_t begin;
    size_t end;
    uint8_t separator;          /* 0: none */
    uint8_t groups[DIGITS_MAX]; /* their lengths */
    size_t group_count;
};

static bool is_separator(uint8_t c)
{
    return c == ' ' || c == '-' || c == '.';
}

/* False: too long to be anything. */
static bool read_run(const struct scan *s, size_t at, struct run *r)
{
    r->begin = r->end = at;
    r->count = r->group_count = 0;
    r->separator = 0;
    uint8_t group = 0;
    for (; at < s->len && at - r->begin < RUN_MAX; at++) {
        uint8_t c = s->text[at];
        if (is_digit(c)) {
            if (r->count == DIGITS_MAX)
                return false;
            r->digits[r->count++] = (uint8_t)(c - '0');
            group++;
            r->end = at + 1;
        } else if (is_separator(c) && group > 0 && is_digit(byte_at(s, at + 1)) &&
                   (!r->separator || r->separator == c)) {
            r->separator = c;
            r->groups[r->group_count++] = group;
            group = 0;
        } else {
            break;
        }
    }
    r->groups[r->group_count++] = group;
    return at - r->begin < RUN_MAX;
}

/* What may stand beside a number: nothing that would make it part of something longer. */
static bool is_bounded(const struct scan *s, const struct run *r)
{
    uint8_t before = r->begin ? s->text[r->begin - 1] : 0, behind = byte_at(s, r->end);
    if (is_alnum(before) || is_alnum(behind) || before == '_' || behind == '_')
        return false;
    if ((behind == '.' || behind == '-' || behind == ':') && is_alnum(byte_at(s, r->end + 1)))
        return false;
    return !((before == '.' || before == '-') && r->begin >= 2 && is_alnum(s->text[r->begin - 2]));
}

bool luhn_fits(const uint8_t *digits, size_t count)
{
    unsigned sum = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned d = digits[count - 1 - i];
        if (i % 2 == 1)
            d = d * 2 > 9 ? d * 2 - 9 : d * 2;
        sum += d;
    }
    return sum % 10 == 0;
}

static unsigned prefix(const struct run *r, size_t digits)
{
    unsigned n = 0;
    for (size_t i = 0; i < digits; i++)
        n = n * 10 + r->digits[i];
    return n;
}

/* Whether an issuer has numbers like this, by their beginning and length. */
static bool has_issuer(const struct run *r)
{
    unsigned two = prefix(r, 2), three = prefix(r, 3), four = prefix(r, 4);
    switch (r->count) {
    case 13:
        return r->digits[0] == 4;
    case 14:
        return two == 36 || two == 38 || two == 39 || (three >= 300 && three <= 305);
    case 15:
        return two == 34 || two == 37;
    case 16:
        return r->digits[0] == 4 || (two >= 51 && two <= 55) || (four >= 2221 && four <= 2720) ||
               four == 6011 || (three >= 644 && three <= 649) || two == 65 ||
               (four >= 3528 && four <= 3589) || two == 62 || two == 50 || two == 67;
    case 19:
        return r->digits[0] == 4 || two == 62 || two == 65;
    default:
        return false;
    }
}

static bool grouped(const struct run *r, const char *lengths)
{
    size_t n = strlen(lengths);
    if (r->group_count != n)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (r->groups[i] != (size_t)(lengths[i] - '0'))
            return false;
    }
    return true;
}

static bool is_card(const struct run *r)
{
    bool layout = !r->separator || (r->separator != '.' &&
                                    (grouped(r, "4444") || grouped(r, "465") || grouped(r, "464") ||
                                     grouped(r, "4443") || grouped(r, "44443")));
    bool same = true;
    for (size_t i = 1; i < r->count; i++)
        same &= r->digits[i] == r->digits[0];
    return layout && !same && has_issuer(r) && luhn_fits(r->digits, r->count);
}

static bool is_ssn(const struct run *r)
{
    unsigned area = prefix(r, 3);
    unsigned group = r->digits[3] * 10u + r->digits[4];
    unsigned serial =
        r->digits[5] * 1000u + r->digits[6] * 100u + r->digits[7] * 10u + r->digits[8];
    return (r->separator == '-' || r->separator == ' ') && grouped(r, "324") && area != 0 &&
           area != 666 && area < 900 && group != 0 && serial != 0;
}

/* ---- national numbers ---- */

static bool weighted(const struct run *r, const uint8_t *weights, size_t count, unsigned modulus,
                     unsigned *out)
{
    unsigned sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += weights[i] * r->digits[i];
    *out = sum % modulus;
    return true;
}

static bool all_same(const struct run *r)
{
    for (size_t i = 1; i < r->count; i++) {
        if (r->digits[i] != r->digits[0])
            return false;
    }
    return true;
}

static bool is_cpf(const struct run *r)
{
    static const uint8_t first[] = {10, 9, 8, 7, 6, 5, 4, 3, 2},
                         second[] = {11, 10, 9, 8, 7, 6, 5, 4, 3, 2};
    unsigned a, b;
    if (r->count != 11 || all_same(r))
        return false;
    weighted(r, first, 9, 11, &a);
    weighted(r, second, 10, 11, &b);
    return r->digits[9] == (a < 2 ? 0 : 11 - a) && r->digits[10] == (b < 2 ? 0 : 11 - b);
}

/* 123.456.789-09: separators of two kinds, so it is read by itself. */
static size_t find_written_cpf(struct scan *s, size_t at)
{
    struct run r = {.begin = at, .end = at + 14};
    if (at + 14 > s->len)
        return 0;
    for (size_t i = 0; i < 14; i++) {
        uint8_t c = s->text[at + i];
        if (i == 3 || i == 7 ? c != '.' : i == 11 ? c != '-' : !is_digit(c))
            return 0;
        if (is_digit(c))
            r.digits[r.count++] = (uint8_t)(c - '0');
    }
    return is_bounded(s, &r) && is_cpf(&r) ? scan_found(s, at, at + 14, SCRUB_CPF) : 0;
}

static bool verhoeff_fits(const struct run *r)
{
    static const uint8_t d[10][10] = {
        {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, {1, 2, 3, 4, 0, 6, 7, 8, 9, 5},
        {2, 3, 4, 0, 1, 7, 8, 9, 5, 6}, {3, 4, 0, 1, 2, 8, 9, 5, 6, 7},
        {4, 0, 1, 2, 3, 9, 5, 6, 7, 8}, {5, 9, 8, 7, 6, 0, 4, 3, 2, 1},
        {6, 5, 9, 8, 7, 1, 0, 4, 3, 2}, {7, 6, 5, 9, 8, 2, 1, 0, 4, 3},
        {8, 7, 6, 5, 9, 3, 2, 1, 0, 4}, {9, 8, 7, 6, 5, 4, 3, 2, 1, 0}};
    static const uint8_t p[8][10] = {
        {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, {1, 5, 7, 6, 2, 8, 3, 0, 9, 4},
        {5, 8, 0, 3, 7, 9, 6, 1, 4, 2}, {8, 9, 1, 6, 0, 4, 3, 5, 2, 7},
        {9, 4, 5, 3, 1, 2, 6, 8, 7, 0}, {4, 2, 8, 6, 5, 7, 3, 9, 0, 1},
        {2, 7, 9, 3, 8, 0, 6, 4, 1, 5}, {7, 0, 4, 6, 9, 1, 3, 2, 5, 8}};
    uint8_t c = 0;
    for (size_t i = 0; i < r->count; i++)
        c = d[c][p[i % 8][r->digits[r->count - 1 - i]]];
    return c == 0;
}

static bool is_palindrome(const struct run *r)
{
    for (size_t i = 0; i < r->count / 2; i++) {
        if (r->digits[i] != r->digits[r->count - 1 - i])
            return false;
    }
    return true;
}

static bool is_aadhaar(const struct run *r)
{
    return r->count == 12 && r->digits[0] >= 2 && (!r->separator || grouped(r, "444")) &&
           !is_palindrome(r) && verhoeff_fits(r);
}

static bool is_pesel(const struct run *r)
{
    static const uint8_t weights[] = {1, 3, 7, 9, 1, 3, 7, 9, 1, 3};
    unsigned rest;
    if (r->count != 11 || r->separator)
        return false;
    weighted(r, weights, 10, 10, &rest);
    unsigned month = (r->digits[2] * 10u + r->digits[3]) % 20,
             day = r->digits[4] * 10u + r->digits[5];
    return r->digits[10] == (10 - rest) % 10 && month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

static bool is_nhs(const struct run *r)
{
    static const uint8_t weights[] = {10, 9, 8, 7, 6, 5, 4, 3, 2};
    unsigned rest;
    if (r->count != 10 || all_same(r) || !(!r->separator || grouped(r, "334")))
        return false;
    weighted(r, weights, 9, 11, &rest);
    unsigned check = (11 - rest) % 11;
    return check != 10 && r->digits[9] == check;
}

/* Eight digits and a letter that checks them. */
static size_t find_dni(struct scan *s, const struct run *r)
{
    static const char letters[] = "TRWAGMYFPDXBNJZSQVHLCKE";
    size_t at = r->end + (byte_at(s, r->end) == '-');
    if (r->count != 8 || r->separator || is_alnum(byte_at(s, at + 1)))
        return 0;
    uint8_t letter = byte_at(s, at);
    letter = is_letter(letter) ? letter & 0xdf : 0;
    return letter == letters[prefix(r, 8) % 23] ? scan_found(s, r->begin, at + 1, SCRUB_DNI) : 0;
}

/* ---- addresses and phones ---- */

static bool is_private4(const unsigned o[4])
{
    return o[0] == 0 || o[0] == 10 || o[0] == 127 || (o[0] == 172 && o[1] >= 16 && o[1] < 32) ||
           (o[0] == 192 && o[1] == 168) || (o[0] == 169 && o[1] == 254) || o[0] >= 224 ||
           (o[0] == 100 && o[1] >= 64 && o[1] < 128);
}

/* "Chrome/126.0.0.0", "v1.2.3.4", "pkg@1.2.3.4", "version 1.2.3.4", "lib==1.2.3.4" are versions. */
static bool looks_like_version(const struct scan *s, size_t begin, size_t end)
{
    static const char *const words[] = {"version", "Version", "ver", "release", "build", "v."};
    if (s->versions)
        return true;
    uint8_t before = begin ? s->text[begin - 1] : 0, behind = byte_at(s, end);
    if (before == '@' || before == '~' || before == '^' || behind == '-' || behind == '+' ||
        (before == '/' && begin >= 2 && is_letter(s->text[begin - 2])) ||
        (before == '=' && begin >= 2 && strchr("=<>!~", s->text[begin - 2])))
        return true;
    size_t at = begin;
    while (at > 0 && (s->text[at - 1] == ' ' || s->text[at - 1] == ':' || s->text[at - 1] == '='))
        at--;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        size_t len = strlen(words[i]);
        if (at >= len && memcmp(s->text + at - len, words[i], len) == 0)
            return true;
    }
    return false;
}

static size_t find_ipv4(struct scan *s, const struct run *r)
{
    unsigned octets[4];
    size_t at = 0;
    if (r->separator != '.' || r->group_count != 4 || !s->detector->on[SCRUB_IPV4])
        return 0;
    for (size_t g = 0; g < 4; g++) {
        octets[g] = 0;
        if (r->groups[g] > 3 || (r->groups[g] > 1 && r->digits[at] == 0))
            return 0;
        for (size_t i = 0; i < r->groups[g]; i++)
            octets[g] = octets[g] * 10 + r->digits[at++];
        if (octets[g] > 255)
            return 0;
    }
    uint8_t before = r->begin ? s->text[r->begin - 1] : 0, behind = byte_at(s, r->end);
    bool bounded = !is_alnum(before) && !is_alnum(behind) && before != '.' && before != '_' &&
                   behind != '_' && !(behind == '.' && is_alnum(byte_at(s, r->end + 1)));
    if (!bounded || looks_like_version(s, r->begin, r->end) ||
        (!s->detector->strict && is_private4(octets)))
        return 0;
    return scan_found(s, r->begin, r->end, SCRUB_IPV4);
}

static bool is_phone_part(uint8_t c)
{
    return is_digit(c) || c == ' ' || c == '-' || c == '.' || c == '(' || c == ')' || c == '/';
}

/* The end of a number written with separators; `digits` are counted. */
static size_t end_of_phone(const struct scan *s, size_t at, size_t *digits)
{
    size_t end = at;
    *digits = 0;
    for (; at < s->len && *digits <= 15 && is_phone_part(s->text[at]); at++) {
        if (is_digit(s->text[at])) {
            (*digits)++;
            end = at + 1;
        } else if (at > 0 && !is_digit(s->text[at]) && is_phone_part(byte_at(s, at + 1)) &&
                   !is_digit(byte_at(s, at + 1)) && !is_phone_part(byte_at(s, at + 2))) {
            break;
        }
    }
    return end;
}

size_t find_phone(struct scan *s, size_t at)
{
    size_t digits;
    uint8_t before = at ? s->text[at - 1] : 0;
    if (is_alnum(before) || before == '+' || before == '/' || !is_digit(byte_at(s, at + 1)) ||
        s->text[at + 1] == '0')
        return 0;
    size_t end = end_of_phone(s, at + 1, &digits);
    if (digits < 8 || digits > 15 || is_alnum(byte_at(s, end)) || byte_at(s, end) == '_')
        return 0;
    return scan_found(s, at, end, SCRUB_PHONE);
}

/* Without +, only where the key says that it is one. */
static size_t find_national_phone(struct scan *s, size_t at)
{
    size_t digits;
    size_t begin = at > 0 && s->text[at - 1] == '(' ? at - 1 : at;
    size_t end = end_of_phone(s, at, &digits);
    if (!s->phones || digits < 7 || digits > 15 || is_alnum(byte_at(s, end)))
        return 0;
    return scan_found(s, begin, end, SCRUB_PHONE);
}

size_t find_number(struct scan *s, size_t at)
{
    struct run r;
    size_t found;
    if (s->phones && (found = find_national_phone(s, at)))
        return found;
    if (s->detector->on[SCRUB_CPF] && (found = find_written_cpf(s, at)))
        return found;
    if (!read_run(s, at, &r) || r.count < 4)
        return 0;
    if ((found = find_ipv4(s, &r)))
        return found;
    if (s->detector->on[SCRUB_DNI] && (found = find_dni(s, &r)))
        return found;
    if (r.count < 8 || !is_bounded(s, &r))
        return 0;
    if (r.count == 9)
        return is_ssn(&r) ? scan_found(s, r.begin, r.end, SCRUB_US_SSN) : 0;
    if (r.count >= 13 && is_card(&r) && (found = scan_found(s, r.begin, r.end, SCRUB_PAYMENT_CARD)))
        return found;
    if (s->detector->on[SCRUB_NHS] && is_nhs(&r))
        return scan_found(s, r.begin, r.end, SCRUB_NHS);
    if (s->detector->on[SCRUB_CPF] && !r.separator && is_cpf(&r))
        return scan_found(s, r.begin, r.end, SCRUB_CPF);
    if (s->detector->on[SCRUB_PESEL] && is_pesel(&r))
        return scan_found(s, r.begin, r.end, SCRUB_PESEL);
    if (s->detector->on[SCRUB_AADHAAR] && is_aadhaar(&r))
        return scan_found(s, r.begin, r.end, SCRUB_AADHAAR);
    return 0;
}

/* ---- IBAN ---- */

static size_t iban_length(const uint8_t *country)
{
    static const char lengths[] = "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BR29BY28CH21CR22CY28CZ24DE22"
                                  "DK18DO28EE20EG29ES24FI18FO18FR27GB22"
                                  "GE22GI23GL18GR27GT28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28"
                                  "LC32LI21LT20LU20LV21LY25MC27MD24ME22"
                                  "MK19MR27MT31MU30NL18NO15PK24PL28PS29PT25QA29RO24RS22SA24SC31SE24"
                                  "SI19SK24SM27ST25SV28TL23TN24TR26UA29"
                                  "VA22VG24XK20";
    for (const char *c = lengths; *c; c += 4) {
        if (c[0] == (country[0] & 0xdf) && c[1] == (country[1] & 0xdf))
            return (size_t)((c[2] - '0') * 10 + c[3] - '0');
    }
    return 0;
}

bool iban_fits(const uint8_t *text, size_t len)
{
    unsigned rest = 0;
    for (size_t i = 0; i < len; i++) {
        uint8_t c = text[(i + 4) % len];
        unsigned value = is_digit(c) ? (unsigned)(c - '0') : (unsigned)((c & 0xdf) - 'A') + 10;
        rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
    }
    return rest == 1;
}

size_t find_iban(struct scan *s, size_t at)
{
    uint8_t compact[34];
    size_t begin = at - 2, count = 0, end = begin;
    if (!is_letter(s->text[begin]) || !is_letter(s->text[begin + 1]) || !begins_at(s, begin) ||
        !is_digit(byte_at(s, at + 1)))
        return 0;
    size_t wanted = iban_length(s->text + begin);
    if (!wanted)
        return 0;
    for (size_t i = begin; i < s->len && count < wanted; i++) {
        uint8_t c = s->text[i];
        if (is_alnum(c)) {
            compact[count++] = c;
            end = i + 1;
        } else if ((c != ' ' && c != '-') || !is_alnum(byte_at(s, i + 1))) {
            break;
        }
    }
    if (count < wanted || is_alnum(byte_at(s, end)) || !iban_fits(compact, wanted))
        return 0;
    return scan_found(s, begin, end, SCRUB_IBAN);
}
