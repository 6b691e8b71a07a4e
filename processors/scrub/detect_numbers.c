/* What is made of digits: a row of groups is read once; each class looks at how many digits stand
 * in which groups.
 *
 * Digits within words, identifiers, decimal numbers and longer rows are none of these. A row
 * without separators has only its check digit to tell it from an order number, which one in ten
 * passes: where a name says that it is an order, a time or an offset, it is believed. */
#include "processors/scrub/detect_numbers.h"

/* The blanks and dashes of Unicode that are put where no line is to end: the last byte of a
 * no-break, thin, figure or narrow blank, of a hyphen or of a short dash. */
static char wide_separator(uint8_t last)
{
    bool dash = last >= 0x90 && last <= 0x93;
    return dash ? '-' : last == 0x87 || last == 0x89 || last == 0xaf ? ' ' : 0;
}

uint32_t separator_at(const struct scan *s, uint32_t at, char *kind)
{
    uint8_t c = at < s->end ? s->s[at] : 0;
    *kind = c == '+' ? ' ' : (char)c;
    if (c == ' ' || c == '-' || c == '.' || c == '+')
        return 1;
    if (c == 0xc2 && at + 1 < s->end && s->s[at + 1] == 0xa0)
        return *kind = ' ', 2;
    if (c == 0xe2 && at + 2 < s->end && s->s[at + 1] == 0x80 && wide_separator(s->s[at + 2]))
        return *kind = wide_separator(s->s[at + 2]), 3;
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

bool is_identity_before(const struct scan *s, uint32_t at)
{
    static const char *const kinds[] = {"IDC", "PAS", "PNO", "TAX", "TIN"};
    if (at < 6 || s->s[at - 1] != '-' || !byte_is_upper(s->s[at - 2]) ||
        !byte_is_upper(s->s[at - 3]) || byte_is_alnum(scan_before(s, at - 6)))
        return false;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (scan_has_exactly(s, at - 6, kinds[i]))
            return true;
    }
    return false;
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
    return !((before == '.' || before == '-') && start > 1 && byte_is_alnum(s->s[start - 2])) ||
           is_identity_before(s, start);
}

unsigned digits_leading(const uint8_t *digit, unsigned count)
{
    unsigned n = 0;
    for (unsigned i = 0; i < count; i++)
        n = n * 10 + digit[i];
    return n;
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

bool word_before_is(const struct scan *s, uint32_t at, const char *const *words)
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

uint32_t before_word(const struct scan *s, uint32_t at, const char *const *words)
{
    if (!word_before_is(s, at, words))
        return at;
    while (at > 0 && !byte_is_letter(s->s[at - 1]) && s->s[at - 1] < 0x80)
        at--;
    while (at > 0 && (byte_is_letter(s->s[at - 1]) || s->s[at - 1] >= 0x80))
        at--;
    return at;
}

uint32_t before_number(const struct scan *s, uint32_t at)
{
    static const char *const words[] = {"number", "no", "nr", "num", NULL};
    return before_word(s, at, words);
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

/* isbn10, EAN-13, GTIN 14: numbers of things, whose digits the name counts. */
static bool is_product_code(const struct scan *s, uint32_t at)
{
    static const char *const words[] = {"isbn", "ean", "gtin", "upc", NULL};
    uint32_t end = at;
    while (end > 0 && at - end < 4 && !byte_is_alnum(s->s[end - 1]))
        end--;
    uint32_t start = end;
    while (start > 0 && end - start < 2 && byte_is_digit(s->s[start - 1]))
        start--;
    return start < end && word_before_is(s, start, words);
}

/* Whether the value is the number, or a list of such: what its key says is said of that, and not of
 * every number in a text. */
static bool is_all_of_value(const struct scan *s, uint32_t at)
{
    uint32_t end = at;
    while (end < s->end && end - at < DIGITS_MAX && byte_is_digit(s->s[end]))
        end++;
    if (end + 1 < s->end && s->s[end] == ' ' && !byte_is_digit(s->s[end + 1]))
        return false;
    at -= at > 2 && s->s[at - 1] == ' ';
    return at <= 2 || s->s[at - 1] == ',' || s->s[at - 1] == ';';
}

bool digits_are_things(const struct scan *s, uint32_t at)
{
    static const char *const words[] = {
        "id",         "order",      "offset",    "timestamp",  "ts",       "time",     "epoch",
        "ref",        "seq",        "sequence",  "tracking",   "parcel",   "trace",    "span",
        "txn",        "nanos",      "ns",        "us",         "ms",       "duration", "size",
        "bytes",      "invoice",    "build",     "job",        "batch",    "event",    "snowflake",
        "reference",  "commit",     "serial",    "isbn",       "issn",     "ean",      "imei",
        "sku",        "orderid",    "auftrag",   "bestellung", "commande", "pedido",   "ordine",
        "bestelling", "zamówienie", "заказ",     "注文",       "订单",     "n°",       "port",
        "pid",        "requestid",  "messageid", "version",    "elapsed",  "took",     "gtin",
        "upc",        "barcode",    "msisdn",    NULL};
    return (s->traits & KEY_NUMBER && is_all_of_value(s, at)) || is_id_before(s, at) ||
           is_product_code(s, at) || word_before_is(s, before_number(s, at), words);
}

bool digits_numbered(const struct scan *s, uint32_t at)
{
    static const char *const words[] = {"number", "no",    "nr",    "num",    "account", "acct",
                                        "code",   "count", "total", "amount", NULL};
    return digits_are_things(s, at) || word_before_is(s, at, words);
}

bool digits_measured(const struct scan *s, uint32_t end)
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

/* ---- social security numbers ---- */

static bool is_ssn(const uint8_t *digit)
{
    unsigned area = digits_leading(digit, 3), group = digits_leading(digit + 3, 2);
    unsigned serial = digits_leading(digit + 5, 4), all = digits_leading(digit, 9);
    /* two that were printed on samples */
    return area != 0 && area != 666 && area < 900 && group != 0 && serial != 0 && all != 78051120 &&
           all != 219099999;
}

/* X12 says in a field of its own what number follows: NM1*IL*1*DOE*JANE****34*123456789~, where 34
 * is the administration of social security, and REF*SY*123456789~. */
static bool is_qualified_ssn(const struct scan *s, uint32_t at)
{
    enum { NAMES_MAX = 160 };
    if (at < 4 || (!scan_has_exactly(s, at - 4, "*34*") && !scan_has_exactly(s, at - 4, "*SY*")))
        return false;
    for (uint32_t i = at; i > 0 && at - i < NAMES_MAX && s->s[i - 1] != '~'; i--) {
        if (scan_has_exactly(s, i - 1, "NM1*") || scan_has_exactly(s, i - 1, "REF*SY*"))
            return true;
    }
    return false;
}

/* ssn, social security, within the words before. */
static bool says_ssn(const struct scan *s, uint32_t at)
{
    if (is_qualified_ssn(s, at))
        return true;
    uint32_t from = at > 28 ? at - 28 : 0;
    for (uint32_t i = from; i + 3 <= at; i++) {
        if (scan_has(s, i, "ssn") || scan_has(s, i, "social sec") || scan_has(s, i, "social_sec"))
            return true;
    }
    return false;
}

bool ssn_at(struct scan *s, const struct digits *d)
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

/* contact_phone "6177847306" is taken: only groups of digits, as these quotes are nothing that a
 * glance would see. */
static bool quoted_groups_at(struct scan *s, const struct digits *d)
{
    uint32_t end = d->end[d->groups - 1];
    return d->start > 0 && s->s[d->start - 1] == '"' && end < s->end && s->s[end] == '"' &&
           quoted_number_at(s, d->start - 1);
}

void number_at(struct scan *s, uint32_t at)
{
    struct digits d;
    uint8_t before = at ? s->s[at - 1] : ' ';
    bool escaped = before == '%' && escape_at(s, at - 1);
    bool joined =
        at > 1 && (before == '-' || before == '_' || before == '.') && byte_is_alnum(s->s[at - 2]);
    if (before == 0x9a && at >= 3 && memcmp(s->s + at - 3, "：", 3) == 0)
        pair_at(s, at - 3, 3);
    if (at < s->floor || escaped || (joined && before == '_') ||
        (joined && before == '.' && byte_is_digit(s->s[at - 2])))
        return; /* a part of an identifier, or of a longer number */
    if (address_v4_at(s, at) || (joined && !is_identity_before(s, at)))
        return;
    if (byte_is_hex(at + 1 < s->end ? s->s[at + 1] : 0) && at + 2 < s->end && s->s[at + 2] == '-')
        mac_at(s, at);
    if (at < s->next)
        return;
    digits_read(s, at, &d);
    s->steps += d.end[d.groups - 1] - at;
    if (d.count < 8)
        return;
    if (card_at(s, &d) || ssn_at(s, &d) || loose_phone_at(s, &d) || quoted_groups_at(s, &d))
        return;
    if (s->d->national)
        national_at(s, &d);
}
