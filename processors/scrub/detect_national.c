/* Numbers that states give to people, each with its check digits, and bank accounts. Sources: the
 * authorities' own rules; ISO 13616 for IBANs and the registry's lengths. */
#include "processors/scrub/detect_numbers.h"

/* ---- IBAN ---- */

static unsigned iban_length(uint8_t first, uint8_t second)
{
    static const char lengths[] =
        "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29"
        "ES24FI18FK18FO18FR27GB22GE22GI23GL18GR27GT28HN28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20"
        "LB28LC32LI21LT20LU20LV21LY25MC27MD24ME22MK19MN20MR27MT31MU30NI28NL18NO15OM23PK24PL28PS29"
        "PT25QA29RO24RS22RU33SA24SC31SD18SE24SI19SK24SM27SO23ST25SV28TL23TN24TR26UA29VA22VG24XK20"
        "YE30";
    for (const char *c = lengths; *c; c += 4) {
        if (c[0] == (char)first && c[1] == (char)second)
            return (unsigned)(c[2] - '0') * 10 + (unsigned)(c[3] - '0');
    }
    return 0;
}

/* One in small letters is a word like any, unless it has a number of seven digits, be it in groups,
 * or is one word with other letters than digests have. (Nor would the glance see others.) */
enum { IBAN_DIGITS = 7 };

static bool is_mod97(const uint8_t *text, unsigned len)
{
    unsigned rest = 0;
    for (unsigned i = 0; i < len; i++) {
        uint8_t c = text[(i + 4) % len];
        unsigned value = byte_is_digit(c) ? (unsigned)(c - '0') : (unsigned)(c - 'A') + 10;
        rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
    }
    return rest == 1;
}

/* The length of a blank or dash between groups; 0: there is none. */
static uint32_t gap_at(const struct scan *s, uint32_t at)
{
    char kind;
    uint32_t len = separator_at(s, at, &kind);
    return kind == '.' ? 0 : len;
}

static void iban_at(struct scan *s, uint32_t at)
{
    uint8_t text[34];
    unsigned wanted = iban_length(s->s[at] & 0xdf, s->s[at + 1] & 0xdf), count = 0;
    unsigned digits = 0, most_digits = 0;
    bool small = false, letters = false;
    uint32_t end = at;
    while (wanted && count < wanted && end < s->end) {
        uint8_t c = s->s[end];
        uint32_t gap = count >= 4 ? gap_at(s, end) : 0;
        if (byte_is_alnum(c)) {
            small |= byte_is_letter(c) && !byte_is_upper(c);
            letters |= !byte_is_hex(c);
            digits = byte_is_digit(c) ? digits + 1 : 0;
            most_digits = digits > most_digits ? digits : most_digits;
            text[count++] = byte_is_digit(c) ? c : c & 0xdf;
            end++;
        } else if (gap && byte_is_alnum(s->s[end - 1]) && end + gap < s->end) {
            end += gap;
        } else {
            break;
        }
    }
    uint8_t behind = end < s->end ? s->s[end] : ' ';
    if (count == 0 || count < wanted || byte_is_alnum(behind) || behind == '_' ||
        (small && most_digits < IBAN_DIGITS && !(letters && end - at == count)) ||
        !is_mod97(text, count))
        return;
    scan_add(s, at, end, SCRUB_IBAN);
}

/* ---- Spain ---- */

static bool is_dni(unsigned number, uint8_t letter)
{
    return (letter & 0xdf) == "TRWAGMYFPDXBNJZSQVHLCKE"[number % 23];
}

/* X1234567L, X-1234567-L */
static void nie_at(struct scan *s, uint32_t at)
{
    unsigned number = (s->s[at] & 0xdf) - 'X';
    uint32_t end = at + 1;
    end += end < s->end && s->s[end] == '-';
    for (unsigned i = 0; i < 7; i++, end++) {
        if (end >= s->end || !byte_is_digit(s->s[end]))
            return;
        number = number * 10 + (s->s[end] - '0');
    }
    end += gap_at(s, end);
    if (end < s->end && is_dni(number, s->s[end]) && byte_is_letter(s->s[end]) &&
        digits_bounded(s, at, end + 1))
        scan_add(s, at, end + 1, SCRUB_DNI);
}

void letter_at(struct scan *s, uint32_t at)
{
    if (at + 4 <= s->end && byte_is_letter(s->s[at + 1]) && byte_is_digit(s->s[at + 2]) &&
        byte_is_digit(s->s[at + 3]) && s->d->on[SCRUB_IBAN])
        iban_at(s, at);
    else if (s->d->on[SCRUB_DNI] && byte_lower(s->s[at]) >= 'x' && byte_lower(s->s[at]) <= 'z')
        nie_at(s, at);
}

/* 12345678Z, 12345678-Z, 12.345.678-Z */
static bool dni_at(struct scan *s, const struct digits *d)
{
    unsigned number = 0, groups;
    if (d->group[0] == 8)
        groups = 1;
    else if (!digits_grouped(d, "233") || d->separator != '.')
        return false;
    else
        groups = 3;
    for (unsigned i = 0; i < 8; i++)
        number = number * 10 + d->digit[i];
    uint32_t end = d->end[groups - 1];
    end += gap_at(s, end);
    if (end >= s->end || !byte_is_letter(s->s[end]) || !is_dni(number, s->s[end]) ||
        !digits_bounded(s, d->start, end + 1))
        return false;
    scan_add(s, d->start, end + 1, SCRUB_DNI);
    return true;
}

/* ---- Brazil ---- */

static unsigned cpf_check(const uint8_t *digit, unsigned count)
{
    unsigned sum = 0;
    for (unsigned i = 0; i < count; i++)
        sum += digit[i] * (count + 1 - i);
    unsigned rest = sum * 10 % 11;
    return rest == 10 ? 0 : rest;
}

static bool all_same(const uint8_t *digit, unsigned count)
{
    for (unsigned i = 1; i < count; i++) {
        if (digit[i] != digit[0])
            return false;
    }
    return true;
}

static bool is_cpf(const uint8_t *digit)
{
    return !all_same(digit, 11) && cpf_check(digit, 9) == digit[9] &&
           cpf_check(digit, 10) == digit[10];
}

/* Behind -25, in whatever encoding; 0: it is not there. */
static uint32_t check_digits_end(const struct scan *s, uint32_t at)
{
    char kind;
    uint32_t end = at + separator_at(s, at, &kind);
    bool both = end > at && kind == '-' && s->end - end >= 2 && byte_is_digit(s->s[end]) &&
                byte_is_digit(s->s[end + 1]);
    return both ? end + 2 : 0;
}

/* 529.982.247-25: its last separator is another one, so the row ends before it. */
static bool cpf_at(struct scan *s, const struct digits *d)
{
    uint8_t digit[11];
    uint32_t end = d->end[0];
    memcpy(digit, d->digit, sizeof digit);
    if (d->groups == 3 && digits_grouped(d, "333")) {
        end = check_digits_end(s, d->end[2]);
        if (!end)
            return false;
        digit[9] = s->s[end - 2] - '0';
        digit[10] = s->s[end - 1] - '0';
    } else if (d->group[0] != 11) {
        return false;
    }
    if (!is_cpf(digit) || !digits_bounded(s, d->start, end))
        return false;
    scan_add(s, d->start, end, SCRUB_CPF);
    return true;
}

/* ---- India ---- */

static bool is_verhoeff(const uint8_t *digit, unsigned count)
{
    static const uint8_t product[10][10] = {
        {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, {1, 2, 3, 4, 0, 6, 7, 8, 9, 5},
        {2, 3, 4, 0, 1, 7, 8, 9, 5, 6}, {3, 4, 0, 1, 2, 8, 9, 5, 6, 7},
        {4, 0, 1, 2, 3, 9, 5, 6, 7, 8}, {5, 9, 8, 7, 6, 0, 4, 3, 2, 1},
        {6, 5, 9, 8, 7, 1, 0, 4, 3, 2}, {7, 6, 5, 9, 8, 2, 1, 0, 4, 3},
        {8, 7, 6, 5, 9, 3, 2, 1, 0, 4}, {9, 8, 7, 6, 5, 4, 3, 2, 1, 0}};
    static const uint8_t permutation[8][10] = {
        {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, {1, 5, 7, 6, 2, 8, 3, 0, 9, 4},
        {5, 8, 0, 3, 7, 9, 6, 1, 4, 2}, {8, 9, 1, 6, 0, 4, 3, 5, 2, 7},
        {9, 4, 5, 3, 1, 2, 6, 8, 7, 0}, {4, 2, 8, 6, 5, 7, 3, 9, 0, 1},
        {2, 7, 9, 3, 8, 0, 6, 4, 1, 5}, {7, 0, 4, 6, 9, 1, 3, 2, 5, 8}};
    unsigned check = 0;
    for (unsigned i = 0; i < count; i++)
        check = product[check][permutation[i % 8][digit[count - 1 - i]]];
    return check == 0;
}

static bool is_aadhaar(const uint8_t *digit)
{
    bool palindrome = true;
    for (unsigned i = 0; i < 6; i++)
        palindrome &= digit[i] == digit[11 - i];
    return digit[0] >= 2 && !palindrome && is_verhoeff(digit, 12);
}

/* ---- Poland ---- */

static bool is_pesel(const uint8_t *digit)
{
    static const uint8_t weight[10] = {1, 3, 7, 9, 1, 3, 7, 9, 1, 3};
    unsigned sum = 0;
    for (unsigned i = 0; i < 10; i++)
        sum += digit[i] * weight[i];
    unsigned month = (digit[2] * 10u + digit[3]) % 20, day = digit[4] * 10u + digit[5];
    return (10 - sum % 10) % 10 == digit[10] && month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

/* ---- England ---- */

static bool is_nhs(const uint8_t *digit)
{
    unsigned sum = 0;
    for (unsigned i = 0; i < 9; i++)
        sum += digit[i] * (10 - i);
    unsigned check = (11 - sum % 11) % 11;
    return check != 10 && check == digit[9] && !all_same(digit, 10);
}

struct national {
    enum scrub_class class;
    unsigned digits;
    const char *name;
    const char *grouped; /* how it is written in groups */
    unsigned groups;
    bool (*is)(const uint8_t *digit);
};

/* An account in the name of a resource: arn:aws:iam::123456789012:role, and behind a host of
 * AWS's: https://sqs.eu-west-1.amazonaws.com/123456789012/queue */
static bool is_resource_name(const struct scan *s, uint32_t start, uint32_t end)
{
    static const char host[] = ".amazonaws.com/";
    uint8_t byte;
    if (start >= sizeof host && scan_has(s, start - (uint32_t)sizeof host + 1, host))
        return true;
    if (start < 2 || scan_before(s, start) != ':')
        return false;
    uint32_t sign = start - (s->s[start - 1] == ':' ? 1 : escape_before(s, start, &byte));
    return scan_before(s, sign) == ':' || colon_length(s, end) > 0;
}

/* Seconds since 1970, of the years from 2017 to 2030. */
static bool is_epoch(const struct digits *d)
{
    return d->group[0] == 10 && d->digit[0] == 1 && d->digit[1] >= 5 && d->digit[1] <= 8;
}

/* Whether the key or the words before say what number it is. */
static bool is_named(const struct scan *s, uint32_t at, const char *name)
{
    uint32_t from = at > 32 ? at - 32 : 0;
    for (uint32_t i = from; i < at; i++) {
        if (byte_lower(s->s[i]) == (uint8_t)name[0] && scan_has(s, i, name))
            return true;
    }
    return false;
}

/* Without separators there is the check digit alone, which one in ten passes. */
static bool is_plain(const struct scan *s, const struct digits *d, unsigned digits,
                     const char *name)
{
    if (d->group[0] != digits)
        return false;
    if (s->traits & KEY_NATIONAL || is_named(s, d->start, name))
        return true;
    return !is_epoch(d) && !digits_numbered(s, d->start) && !digits_measured(s, d->end[0]) &&
           !is_resource_name(s, d->start, d->end[0]);
}

/* Whether groups of four stand before or behind three of them: a list, or a longer number, where it
 * is no year that follows. */
static bool is_among_fours(const struct scan *s, const struct digits *d)
{
    if (d->groups > 3 && d->group[3] == 4) {
        unsigned century = digits_leading(d->digit + 12, 2);
        return century != 19 && century != 20;
    }
    if (d->start < 5 || s->s[d->start - 1] != (uint8_t)d->separator)
        return false;
    for (uint32_t i = d->start - 5; i < d->start - 1; i++) {
        if (!byte_is_digit(s->s[i]))
            return false;
    }
    return true;
}

void national_at(struct scan *s, const struct digits *d)
{
    static const struct national numbers[] = {
        {SCRUB_AADHAAR, 12, "aadhaar", "444", 3, is_aadhaar},
        {SCRUB_NHS, 10, "nhs", "334", 3, is_nhs},
        {SCRUB_PESEL, 11, "pesel", NULL, 0, is_pesel},
    };
    if (s->d->on[SCRUB_DNI] && dni_at(s, d))
        return;
    /* Two check digits say more than one, unless a name says otherwise. */
    if (s->d->on[SCRUB_CPF] && !is_named(s, d->start, "pesel") &&
        (d->group[0] != 11 || is_plain(s, d, 11, "cpf")) && cpf_at(s, d))
        return;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        const struct national *n = &numbers[i];
        bool grouped = n->grouped && digits_grouped(d, n->grouped) &&
                       (n->digits != 12 || !is_among_fours(s, d) || is_named(s, d->start, n->name));
        uint32_t end = d->end[grouped ? n->groups - 1 : 0];
        if (s->d->on[n->class] && (grouped || is_plain(s, d, n->digits, n->name)) &&
            n->is(d->digit) && digits_bounded(s, d->start, end)) {
            scan_add(s, d->start, end, n->class);
            return;
        }
    }
}
