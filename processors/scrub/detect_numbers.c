/* What is made of digits: payment cards, social security and phone numbers. A row of groups is read
 * once; each class looks at how many digits stand in which groups.
 *
 * Digits within words, identifiers, decimal numbers and longer rows are none of these. A row
 * without separators has only its check digit to tell it from an order number, which one in ten
 * passes: where a name says that it is an order, a time or an offset, it is believed. */
#include "processors/scrub/detect_numbers.h"

enum { PHONE_MAX = 15 };

/* A single blank, dash or dot between two groups, in whatever encoding: its length, and a letter
 * for what it is; 0: none. */
static uint32_t separator_at(const struct scan *s, uint32_t at, char *kind)
{
    uint8_t c = at < s->end ? s->s[at] : 0;
    *kind = c == '+' ? ' ' : (char)c;
    if (c == ' ' || c == '-' || c == '.' || c == '+')
        return 1;
    if (c == 0xc2 && at + 1 < s->end && s->s[at + 1] == 0xa0)
        return *kind = ' ', 2;
    if (c == 0xe2 && at + 2 < s->end && s->s[at + 1] == 0x80 &&
        (s->s[at + 2] == 0x91 || s->s[at + 2] == 0x93 || s->s[at + 2] == 0xaf))
        return *kind = s->s[at + 2] == 0xaf ? ' ' : '-', 3;
    if (scan_has(s, at, "%20"))
        return *kind = ' ', 3;
    if (scan_has(s, at, "%2d"))
        return *kind = '-', 3;
    return 0;
}

void digits_read(const struct scan *s, uint32_t at, struct digits *d)
{
    d->count = d->groups = 0;
    d->start = at;
    d->separator = 0;
    for (;;) {
        uint32_t group = at;
        while (at < s->end && byte_is_digit(s->s[at]) && d->count < DIGITS_MAX)
            d->digit[d->count++] = s->s[at++] - '0';
        d->group[d->groups] = (uint8_t)(at - group);
        d->total[d->groups] = (uint8_t)d->count;
        d->end[d->groups++] = at;
        char kind;
        uint32_t len = separator_at(s, at, &kind);
        if (!len || d->groups == GROUPS_MAX || d->count == DIGITS_MAX || at + len >= s->end ||
            !byte_is_digit(s->s[at + len]) || (d->separator && d->separator != kind))
            return;
        d->separator = kind;
        at += len;
    }
}

bool digits_bounded(const struct scan *s, uint32_t start, uint32_t end)
{
    uint8_t before = scan_before(s, start), behind = end < s->end ? s->s[end] : ' ';
    uint8_t further = end + 1 < s->end ? s->s[end + 1] : ' ';
    if (byte_is_alnum(before) || before == '_' || before == '@' || byte_is_alnum(behind) ||
        behind == '_' || behind == '@')
        return false;
    if ((behind == '.' || behind == '-') && byte_is_alnum(further))
        return false;
    return !((before == '.' || before == '-') && start > 1 && byte_is_alnum(s->s[start - 2]));
}

/* ---- payment cards ---- */

static bool luhn(const uint8_t *digit, unsigned count)
{
    unsigned sum = 0;
    for (unsigned i = 0; i < count; i++) {
        unsigned d = digit[count - 1 - i];
        sum += i % 2 == 0 ? d : d < 5 ? 2 * d : 2 * d - 9;
    }
    return sum % 10 == 0;
}

static unsigned leading(const uint8_t *digit, unsigned count)
{
    unsigned n = 0;
    for (unsigned i = 0; i < count; i++)
        n = n * 10 + digit[i];
    return n;
}

/* Whether an issuer has numbers that begin so and are that long. */
static bool has_issuer(const uint8_t *digit, unsigned count)
{
    unsigned two = leading(digit, 2), three = leading(digit, 3), four = leading(digit, 4);
    bool maestro = four == 5018 || four == 5020 || four == 5038 || four == 5893 || four == 6304 ||
                   four == 6759 || (four >= 6761 && four <= 6763);
    switch (count) {
    case 12:
        return maestro;
    case 13:
        return digit[0] == 4;
    case 14:
        return two == 36 || two == 38 || two == 39 || (three >= 300 && three <= 305);
    case 15:
        return two == 34 || two == 37;
    case 16:
        if (digit[0] == 4 || (two >= 51 && two <= 55) || (four >= 2221 && four <= 2720))
            return true;
        break;
    case 19:
        if (digit[0] == 4)
            return true;
        break;
    default:
        break;
    }
    return count >= 16 && (four == 6011 || (three >= 644 && three <= 649) || two == 65 ||
                           two == 62 || (four >= 3528 && four <= 3589) || maestro);
}

static bool is_card(const uint8_t *digit, unsigned count)
{
    return has_issuer(digit, count) && luhn(digit, count);
}

bool digits_grouped(const struct digits *d, const char *lengths)
{
    unsigned i = 0;
    for (; lengths[i]; i++) {
        if (i >= d->groups || d->group[i] != lengths[i] - '0')
            return false;
    }
    return true;
}

/* The last word before, as in "order 4111…", "id=4111…": of an identifier, not of a card. Written
 * with `words`, each between blanks. */
static bool word_before_is(const struct scan *s, uint32_t at, const char *const *words)
{
    uint32_t end = at;
    while (end > 0 && at - end < 4 && !byte_is_alnum(s->s[end - 1]) && s->s[end - 1] < 0x80 &&
           s->s[end - 1] != ',' && s->s[end - 1] != ';')
        end--;
    uint32_t start = end;
    while (start > 0 && end - start < 24 &&
           (byte_is_letter(s->s[start - 1]) || s->s[start - 1] >= 0x80))
        start--;
    for (; *words; words++) {
        if (strlen(*words) == end - start && scan_has(s, start, *words))
            return true;
    }
    return false;
}

/* "number", which may be a card's, an order's, a person's: where the word begins, else `at`. */
static uint32_t before_number(const struct scan *s, uint32_t at)
{
    static const char *const words[] = {"number", "no", "nr", "num", NULL};
    if (!word_before_is(s, at, words))
        return at;
    while (at > 0 && !byte_is_letter(s->s[at - 1]))
        at--;
    while (at > 0 && byte_is_letter(s->s[at - 1]))
        at--;
    return at;
}

/* accountId, messageID */
static bool is_id_before(const struct scan *s, uint32_t at)
{
    uint32_t end = at;
    while (end > 0 && at - end < 4 && !byte_is_alnum(s->s[end - 1]))
        end--;
    return end >= 3 && s->s[end - 2] == 'I' && scan_has(s, end - 1, "d") &&
           byte_is_letter(s->s[end - 3]) && !byte_is_upper(s->s[end - 3]);
}

static bool is_numbered_thing(const struct scan *s, uint32_t at)
{
    static const char *const words[] = {
        "id",         "order",     "offset",     "timestamp", "ts",     "time",     "epoch",
        "ref",        "seq",       "sequence",   "tracking",  "parcel", "trace",    "span",
        "txn",        "nanos",     "ns",         "us",        "ms",     "duration", "size",
        "bytes",      "invoice",   "build",      "job",       "batch",  "event",    "snowflake",
        "reference",  "commit",    "serial",     "isbn",      "ean",    "imei",     "sku",
        "orderid",    "auftrag",   "bestellung", "commande",  "pedido", "ordine",   "bestelling",
        "zamówienie", "заказ",     "注文",       "订单",      "n°",     "port",     "pid",
        "requestid",  "messageid", "version",    "elapsed",   "took",   NULL};
    return s->traits & KEY_NUMBER || is_id_before(s, at) ||
           word_before_is(s, before_number(s, at), words);
}

bool digits_numbered(const struct scan *s, uint32_t at)
{
    static const char *const words[] = {"number", "no",    "nr",    "num",    "account", "acct",
                                        "code",   "count", "total", "amount", NULL};
    return is_numbered_thing(s, at) || word_before_is(s, at, words);
}

/* 1234 ns, 1234ms would be one word. */
static bool is_measured(const struct scan *s, uint32_t end)
{
    static const char *const units[] = {"ns", "us", "ms", "µs", "μs", "bytes", "nanos", "micros"};
    for (size_t i = 0; end < s->end && s->s[end] == ' ' && i < sizeof units / sizeof units[0];
         i++) {
        uint32_t behind = end + 1 + (uint32_t)strlen(units[i]);
        if (scan_has(s, end + 1, units[i]) && (behind >= s->end || !byte_is_alnum(s->s[behind])))
            return true;
    }
    return false;
}

static bool card_at(struct scan *s, const struct digits *d)
{
    static const struct {
        const char *lengths;
        unsigned groups, digits;
    } layouts[] = {
        {"44443", 5, 19}, {"4444", 4, 16}, {"465", 3, 15}, {"464", 3, 14}, {"4441", 4, 13},
    };
    if (!s->d->on[SCRUB_PAYMENT_CARD])
        return false;
    for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; i++) {
        unsigned groups = layouts[i].groups;
        if (groups && digits_grouped(d, layouts[i].lengths) &&
            is_card(d->digit, layouts[i].digits) &&
            digits_bounded(s, d->start, d->end[groups - 1])) {
            scan_add(s, d->start, d->end[groups - 1], SCRUB_PAYMENT_CARD);
            return true;
        }
    }
    unsigned count = d->group[0];
    bool named = (s->traits & KEY_CARD) != 0;
    bool plain = count >= 12 && count <= 19 && is_card(d->digit, count) &&
                 (count != 19 || d->digit[0] != 4 || named) &&
                 digits_bounded(s, d->start, d->end[0]) &&
                 (named || !(is_numbered_thing(s, d->start) || is_measured(s, d->end[0])));
    if (plain)
        scan_add(s, d->start, d->end[0], SCRUB_PAYMENT_CARD);
    return plain;
}

/* ---- social security numbers ---- */

static bool is_ssn(const uint8_t *digit)
{
    unsigned area = leading(digit, 3), group = leading(digit + 3, 2);
    unsigned serial = leading(digit + 5, 4), all = leading(digit, 9);
    /* two that were printed on samples */
    return area != 0 && area != 666 && area < 900 && group != 0 && serial != 0 && all != 78051120 &&
           all != 219099999;
}

/* ssn, social security, within the words before. */
static bool says_ssn(const struct scan *s, uint32_t at)
{
    uint32_t from = at > 28 ? at - 28 : 0;
    for (uint32_t i = from; i + 3 <= at; i++) {
        if (scan_has(s, i, "ssn") || scan_has(s, i, "social sec") || scan_has(s, i, "social_sec"))
            return true;
    }
    return false;
}

static bool ssn_at(struct scan *s, const struct digits *d)
{
    static const char *const others[] = {"order",    "invoice", "part",   "sku",  "ticket", "ref",
                                         "tracking", "build",   "serial", "case", "po",     NULL};
    if (!s->d->on[SCRUB_US_SSN])
        return false;
    bool dashed = d->separator == '-' && digits_grouped(d, "324");
    bool spaced = d->separator == ' ' && digits_grouped(d, "324");
    bool plain = d->group[0] == 9;
    if (!dashed && !spaced && !plain)
        return false;
    uint32_t end = d->end[plain ? 0 : 2];
    if (!is_ssn(d->digit) || !digits_bounded(s, d->start, end))
        return false;
    bool named = s->traits & KEY_SSN || says_ssn(s, d->start);
    if (!named && (!dashed || s->traits & KEY_ORDER || word_before_is(s, d->start, others)))
        return false;
    scan_add(s, d->start, end, SCRUB_US_SSN);
    return true;
}

/* ---- phone numbers ---- */

/* Reads on over single separators and one pair of parentheses; returns the end of the last digit,
 * and how many there are. */
static uint32_t phone_read(const struct scan *s, uint32_t at, unsigned *count)
{
    uint32_t end = at;
    unsigned marks = 0;
    *count = 0;
    while (at < s->end && *count <= PHONE_MAX) {
        uint8_t c = s->s[at];
        char kind;
        if (byte_is_digit(c)) {
            ++*count;
            marks = 0;
            end = ++at;
            continue;
        }
        uint32_t len = separator_at(s, at, &kind);
        if (len == 0 && (c == '(' || c == ')' || c == '/'))
            len = 1;
        if (len == 0 && (scan_has(s, at, "%28") || scan_has(s, at, "%29")))
            len = 3;
        if (len == 0 || ++marks > 3)
            break;
        at += len;
    }
    return end;
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

/* +1 and ten digits, of which the area does not begin with 0 or 1. */
static bool is_north_american(const struct scan *s, uint32_t at, unsigned count)
{
    at++;
    while (at < s->end && !byte_is_digit(s->s[at]))
        at++;
    return count == 11 && at < s->end && s->s[at] >= '2';
}

void phone_at(struct scan *s, uint32_t at, uint32_t plus_len)
{
    uint32_t start = at + plus_len;
    unsigned count;
    if (!s->d->on[SCRUB_PHONE] || start >= s->end || s->s[start] < '1' || s->s[start] > '9')
        return;
    uint8_t before = scan_before(s, at);
    if (byte_is_alnum(before) || before == '_' || before == '+' || before == ')' ||
        !has_country(s, start))
        return;
    uint32_t end = phone_read(s, start, &count);
    uint8_t behind = end < s->end ? s->s[end] : ' ';
    unsigned least = s->traits & KEY_PHONE ? 8 : 9;
    if (count < least || count > PHONE_MAX || byte_is_alnum(behind) || behind == '_' ||
        behind == '@' || (s->s[start] == '1' && !is_north_american(s, start, count)) ||
        (behind == '.' && end + 1 < s->end && byte_is_digit(s->s[end + 1])))
        return;
    scan_add(s, at, end, SCRUB_PHONE);
}

/* A number without country, because the name of the value says what it is. */
static bool national_phone(struct scan *s, uint32_t start, uint32_t end)
{
    unsigned count;
    uint32_t at = start;
    while (at < end && (byte_is_space(s->s[at]) || s->s[at] == '"' || s->s[at] == '\''))
        at++;
    uint32_t from = at;
    if (at < end && s->s[at] == '(')
        at++;
    if (at >= end || !byte_is_digit(s->s[at]))
        return false;
    uint32_t last = phone_read(s, at, &count);
    uint8_t behind = last < s->end ? s->s[last] : ' ';
    if (last > end || count < 7 || count > PHONE_MAX || byte_is_alnum(behind) || behind == '_' ||
        behind == '@')
        return false;
    scan_add(s, from, last, SCRUB_PHONE);
    return true;
}

/* In strict: (555) 123-4567 and 555-123-4567 without anything that says so. */
static bool loose_phone(struct scan *s, const struct digits *d)
{
    if (!s->d->strict || !s->d->on[SCRUB_PHONE])
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
    uint32_t end = phone_read(s, at, &count);
    if (count != 10 || (end < s->end && byte_is_alnum(s->s[end])))
        return false;
    scan_add(s, at - 1, end, SCRUB_PHONE);
    return true;
}

/* ---- MAC as twelve digits, under a name that says so ---- */

static bool named_mac(struct scan *s, uint32_t start, uint32_t end)
{
    uint32_t at = start, digits = 0;
    for (; at < s->end && digits < 12; at++) {
        bool dot = s->s[at] == '.' && digits > 0 && digits % 4 == 0; /* aabb.ccdd.eeff */
        if (!byte_is_hex(s->s[at]) && !dot)
            return false;
        digits += !dot;
    }
    if (digits != 12 || at > end || (at < s->end && byte_is_alnum(s->s[at])))
        return false;
    scan_add(s, start, at, SCRUB_MAC);
    return true;
}

void named_number(struct scan *s, unsigned traits, uint32_t start, uint32_t end)
{
    struct digits d;
    if (start < s->floor || start >= end)
        return;
    if (traits & KEY_PHONE && s->d->on[SCRUB_PHONE] && national_phone(s, start, end))
        return;
    if (traits & KEY_MAC && s->d->on[SCRUB_MAC] && named_mac(s, start, end))
        return;
    if (!(traits & (KEY_SSN | KEY_CARD)) || !byte_is_digit(s->s[start]))
        return;
    unsigned all = s->traits;
    s->traits |= traits;
    digits_read(s, start, &d);
    if (!card_at(s, &d))
        ssn_at(s, &d);
    s->traits = all;
}

void number_at(struct scan *s, uint32_t at)
{
    struct digits d;
    uint8_t before = at ? s->s[at - 1] : ' ';
    bool escaped = before == '%' && escape_at(s, at - 1);
    bool joined =
        at > 1 && (before == '-' || before == '_' || before == '.') && byte_is_alnum(s->s[at - 2]);
    if (at < s->floor || escaped || (joined && !(before == '-' && byte_is_digit(s->s[at - 2]))))
        return; /* a part of an identifier */
    if (address_v4_at(s, at) || joined)
        return;
    if (byte_is_hex(at + 1 < s->end ? s->s[at + 1] : 0) && at + 2 < s->end && s->s[at + 2] == '-')
        mac_at(s, at);
    if (at < s->next)
        return;
    digits_read(s, at, &d);
    s->steps += d.end[d.groups - 1] - at;
    if (d.count < 8)
        return;
    if (card_at(s, &d) || ssn_at(s, &d) || loose_phone(s, &d))
        return;
    if (s->d->national)
        national_at(s, &d);
}
