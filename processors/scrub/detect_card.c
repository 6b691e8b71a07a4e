/* Payment cards: an issuer's beginning, its length, and the check digit, which one number in ten
 * passes. Some issuers have beginnings that so many numbers have that they count only in groups, or
 * where a name says that it is a card. */
#include "processors/scrub/detect_numbers.h"

static bool luhn(const uint8_t *digit, unsigned count)
{
    unsigned sum = 0;
    for (unsigned i = 0; i < count; i++) {
        unsigned d = digit[count - 1 - i];
        sum += i % 2 == 0 ? d : d < 5 ? 2 * d : 2 * d - 9;
    }
    return sum % 10 == 0;
}

enum issuer { NO_ISSUER, RARE_ISSUER, ISSUER };

/* Whether an issuer has numbers that begin so and are that long. */
static enum issuer issuer_of(const uint8_t *digit, unsigned count)
{
    static const struct {
        uint16_t from, to; /* of the first four digits */
        uint8_t least, most;
        enum issuer what;
    } issuers[] = {
        {4000, 4999, 13, 13, ISSUER},      {4000, 4999, 16, 16, ISSUER}, /* Visa */
        {4000, 4999, 19, 19, ISSUER},      {5100, 5599, 16, 16, ISSUER},
        {2221, 2720, 16, 16, ISSUER},                                    /* Mastercard */
        {3400, 3499, 15, 15, ISSUER},      {3700, 3799, 15, 15, ISSUER}, /* American Express */
        {3000, 3059, 14, 14, ISSUER},      {3095, 3095, 14, 14, ISSUER}, /* Diners */
        {3600, 3699, 14, 14, ISSUER},      {3800, 3999, 14, 14, ISSUER},
        {6011, 6011, 16, 19, ISSUER},      {6440, 6599, 16, 19, ISSUER}, /* Discover */
        {6200, 6299, 16, 19, ISSUER},                                    /* UnionPay */
        {3528, 3589, 16, 19, ISSUER},      {1800, 1800, 15, 15, ISSUER}, /* JCB */
        {2131, 2131, 15, 15, ISSUER},      {2200, 2204, 16, 19, ISSUER}, /* Mir */
        {5018, 5018, 12, 19, ISSUER},      {5020, 5020, 12, 19, ISSUER}, /* Maestro */
        {5038, 5038, 12, 19, ISSUER},      {5893, 5893, 12, 19, ISSUER},
        {6304, 6304, 12, 19, ISSUER},      {6759, 6759, 12, 19, ISSUER},
        {6761, 6763, 12, 19, ISSUER},      {5067, 5067, 16, 16, ISSUER},
        {6362, 6363, 16, 16, ISSUER},                                         /* Elo */
        {5090, 5099, 16, 16, RARE_ISSUER}, {9792, 9792, 16, 16, ISSUER},      /* Troy */
        {5080, 5089, 16, 16, RARE_ISSUER}, {6000, 6099, 16, 16, RARE_ISSUER}, /* RuPay */
        {8100, 8299, 16, 16, RARE_ISSUER}, {5600, 5899, 13, 19, RARE_ISSUER},
        {6300, 6399, 13, 19, RARE_ISSUER}, /* Maestro */
        {6700, 6799, 13, 19, RARE_ISSUER},
    };
    unsigned four = digits_leading(digit, 4);
    for (size_t i = 0; i < sizeof issuers / sizeof issuers[0]; i++) {
        if (four >= issuers[i].from && four <= issuers[i].to && count >= issuers[i].least &&
            count <= issuers[i].most)
            return issuers[i].what;
    }
    return NO_ISSUER;
}

static bool is_card(const uint8_t *digit, unsigned count)
{
    return luhn(digit, count) && issuer_of(digit, count) != NO_ISSUER;
}

/* 622126 7622051901184 */
static bool is_six_and_thirteen(const struct digits *d)
{
    return d->groups == 2 && d->group[0] == 6 && d->group[1] == 13;
}

static bool grouped_card_at(struct scan *s, const struct digits *d)
{
    static const struct {
        const char *lengths;
        unsigned groups, digits;
    } layouts[] = {
        {"44443", 5, 19}, {"44442", 5, 18}, {"44441", 5, 17}, {"4444", 4, 16}, {"4443", 4, 15},
        {"465", 3, 15},   {"4442", 4, 14},  {"464", 3, 14},   {"4441", 4, 13}, {"444", 3, 12},
    };
    if (is_six_and_thirteen(d) && is_card(d->digit, 19) && digits_bounded(s, d->start, d->end[1])) {
        scan_add(s, d->start, d->end[1], SCRUB_PAYMENT_CARD);
        return true;
    }
    for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; i++) {
        uint32_t end = d->end[layouts[i].groups - 1];
        if (digits_grouped(d, layouts[i].lengths) && is_card(d->digit, layouts[i].digits) &&
            digits_bounded(s, d->start, end)) {
            scan_add(s, d->start, end, SCRUB_PAYMENT_CARD);
            return true;
        }
    }
    return false;
}

/* "card 8123…", in the languages of those that pay with it. */
static bool is_told_as_card(const struct scan *s, uint32_t at)
{
    static const char *const words[] = {"card",   "karte", "kreditkarte", "carte", "tarjeta",
                                        "cartão", "carta", "kaart",       "karta", "карта",
                                        "карты",  "pan",   "visa",        "卡",    "卡号",
                                        "カード", "rupay", "maestro",     NULL};
    static const char *const numbers[] = {"number", "no",     "nr",     "num",   "nummer",
                                          "numero", "número", "numéro", "numer", "номер",
                                          "n°",     "nº",     "№",      NULL};
    return word_before_is(s, before_word(s, at, numbers), words);
}

/* What a card's stripe has first, as ISO 7813 says: %B, the number, ^, the name. */
void track_at(struct scan *s, uint32_t at)
{
    struct digits d;
    uint32_t start = at + (scan_has_exactly(s, at, "%25") ? 4 : 2);
    if (!s->d->on[SCRUB_PAYMENT_CARD] || start >= s->end || s->s[start - 1] != 'B' ||
        !byte_is_digit(s->s[start]))
        return;
    digits_read(s, start, &d);
    uint32_t end = d.end[0];
    s->steps += end - start;
    bool divided = end < s->end && (s->s[end] == '^' || scan_has(s, end, "%5e"));
    if (divided && is_card(d.digit, d.group[0]))
        scan_add(s, start, end, SCRUB_PAYMENT_CARD);
}

bool card_at(struct scan *s, const struct digits *d)
{
    unsigned count = d->group[0];
    if (!s->d->on[SCRUB_PAYMENT_CARD])
        return false;
    if (d->groups > 1 && grouped_card_at(s, d))
        return true;
    bool international = count == 13 && d->start > 0 && s->s[d->start - 1] == '+';
    if (count < 12 || count > 19 || international || !luhn(d->digit, count) ||
        !digits_bounded(s, d->start, d->end[0]))
        return false;
    enum issuer issuer = issuer_of(d->digit, count);
    bool named = s->traits & KEY_CARD || is_told_as_card(s, d->start);
    if (issuer == NO_ISSUER || (issuer == RARE_ISSUER && !named) ||
        (!named && (digits_are_things(s, d->start) || digits_measured(s, d->end[0]))))
        return false;
    scan_add(s, d->start, d->end[0], SCRUB_PAYMENT_CARD);
    return true;
}
