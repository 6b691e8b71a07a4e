/* The one pass over a value: where something could begin, and who is asked.
 *
 * Most values hold nothing, so what counts is how fast that is seen. 64 bytes at a time are turned
 * into bit masks (is a digit, is a mark, …) with the vectors that every x86-64 has, elsewhere with
 * a table; a few operations on the masks leave the places worth looking at, and only those are
 * visited. Digits matter where they begin a word, blanks behind the end of Bearer or Basic,
 * letters where two of them and two digits begin a word, and words of 16 bytes and more for the
 * tokens that hide in them. */
#include "processors/scrub/byte_class.h"
#include "processors/scrub/detect_private.h"

/* One bit a byte. */
struct block {
    uint64_t digit;
    uint64_t letter;
    uint64_t mark; /* @ % & : = + < \ and what ： and ＝ begin with */
    uint64_t dash;
    uint64_t dot;
    uint64_t under;
    uint64_t space;
    uint64_t quote; /* ' */
    uint64_t rc;    /* r, c: what Bearer and Basic end in; t of Digest stands behind = or : */
};

#ifdef __SSE2__
static ALWAYS_INLINE void classify16(struct block *b, __m128i c, unsigned at)
{
    __m128i lower = _mm_or_si128(c, _mm_set1_epi8(0x20));
    __m128i letter = in_range(lower, 'a', 25);
    __m128i mark = _mm_andnot_si128(is_byte(c, ';'), in_range(c, ':', '=' - ':'));
    mark = _mm_or_si128(_mm_or_si128(mark, is_byte(c, '+')),
                        _mm_or_si128(is_byte(c, '@'), in_range(c, '%', 1)));
    mark = _mm_or_si128(mark, _mm_or_si128(is_byte(c, '\\'), is_byte(c, '\xef')));
    b->digit |= bits(in_range(c, '0', 9)) << at;
    b->letter |= bits(letter) << at;
    b->mark |= bits(mark) << at;
    b->dash |= bits(is_byte(c, '-')) << at;
    b->dot |= bits(is_byte(c, '.')) << at;
    b->under |= bits(is_byte(c, '_')) << at;
    b->space |= bits(is_byte(c, ' ')) << at;
    b->quote |= bits(is_byte(c, '\'')) << at;
    b->rc |= bits(_mm_or_si128(is_byte(lower, 'r'), is_byte(lower, 'c'))) << at;
}

/* Less than 16 bytes, and zeroes; nothing outside of [s, s + len) is read. */
static ALWAYS_INLINE __m128i load_short(const uint8_t *s, uint32_t len)
{
    uint64_t low = 0, high = 0;
    if (len >= 8) {
        memcpy(&low, s, 8);
        memcpy(&high, s + len - 8, 8);
        high = len == 8 ? 0 : high >> (8 * (16 - len));
    } else if (len >= 4) {
        uint32_t first, last;
        memcpy(&first, s, 4);
        memcpy(&last, s + len - 4, 4);
        low = first | (uint64_t)last << (8 * (len - 4));
    } else {
        for (uint32_t i = 0; i < len; i++)
            low |= (uint64_t)s[i] << (8 * i);
    }
    return _mm_set_epi64x((long long)high, (long long)low);
}

/* Up to 64 bytes. Loads overlap at the end, where they say the same. */
static ALWAYS_INLINE void classify(struct block *b, const uint8_t *s, uint32_t len)
{
    *b = (struct block){0};
    if (len < 16) {
        classify16(b, load_short(s, len), 0);
        return;
    }
    uint32_t at = 0;
    for (; at + 16 <= len; at += 16)
        classify16(b, _mm_loadu_si128((const __m128i *)(s + at)), at);
    if (at < len)
        classify16(b, _mm_loadu_si128((const __m128i *)(s + len - 16)), len - 16);
}
#else
static ALWAYS_INLINE void classify(struct block *b, const uint8_t *s, uint32_t len)
{
    *b = (struct block){0};
    for (uint32_t i = 0; i < len; i++) {
        uint8_t c = s[i];
        uint64_t bit = UINT64_C(1) << i;
        b->digit |= byte_is_digit(c) ? bit : 0;
        b->letter |= byte_is_letter(c) ? bit : 0;
        b->mark |= c && strchr("@%&:<=+\\\xef", c) ? bit : 0;
        b->dash |= c == '-' ? bit : 0;
        b->dot |= c == '.' ? bit : 0;
        b->under |= c == '_' ? bit : 0;
        b->space |= c == ' ' ? bit : 0;
        b->quote |= c == '\'' ? bit : 0;
        b->rc |= (c | 0x20) == 'r' || (c | 0x20) == 'c' ? bit : 0;
    }
}
#endif

/* Classes of the byte before a block, as bit 0; what a block hands to the next one. */
struct edge {
    uint64_t alnum;
    uint64_t rc;
    uint64_t dash;
    uint64_t space;
    uint64_t token; /* letters, digits, - and _ */
    unsigned run;   /* length of the long word that reaches in, at most 16 */
};

/* Where a word of 16 bytes or more begins in the block, or becomes that long. */
static ALWAYS_INLINE uint64_t long_words(uint64_t token, struct edge *edge)
{
    uint64_t starts = runs_of_16(token);
    starts &= ~(starts << 1);
    unsigned lead = ~token ? (unsigned)__builtin_ctzll(~token) : 64;
    if (edge->run > 0 && edge->run < 16 && lead + edge->run >= 16)
        starts |= 1;
    unsigned trail = ~token ? (unsigned)__builtin_clzll(~token) : 64;
    edge->run = trail == 64 ? 16 : trail > 16 ? 16 : trail;
    return starts;
}

/* What begins right behind an escape, whose last byte hides that. */
static void behind_escape(struct scan *s, uint32_t at)
{
    if (at >= s->end || at < s->next || !s->numbers)
        return;
    if (byte_is_digit(s->s[at])) {
        number_at(s, at);
    } else if (byte_is_letter(s->s[at])) {
        if (at + 2 < s->end && s->s[at + 2] == '-')
            mac_at(s, at);
        if (at >= s->next)
            letter_at(s, at);
    }
}

/* Of a colon and of %3A; `behind` is the byte behind it. */
static void maybe_address_at(struct scan *s, uint32_t at, uint32_t sign_len)
{
    bool hex = (at > 0 && byte_is_hex(s->s[at - 1])) || colon_length(s, at + sign_len) > 0;
    if (hex && (s->d->on[SCRUB_IPV6] || s->d->on[SCRUB_MAC]))
        address_colon_at(s, at);
}

/* %40, %3D, %3A, %2B, %20, and those encoded once more: %2540. */
static void percent_at(struct scan *s, uint32_t at)
{
    uint32_t len = escape_at(s, at);
    track_at(s, at);
    if (len == 0 || at < s->next)
        return;
    uint8_t high = s->s[at + len - 2], low = byte_lower(s->s[at + len - 1]);
    if (high == '4' && low == '0')
        email_at(s, at, len);
    else if (high == '3' && low == 'a')
        maybe_address_at(s, at, len);
    else if (high == '2' && low == 'b')
        phone_at(s, at, len);
    else if (high == '2' && low == '0')
        bearer_at(s, at, len);
    if (high == '3' && low == 'a' && at >= s->next)
        encoded_url_at(s, at, len);
    if (high == '3' && (low == 'd' || low == 'a') && at >= s->next)
        pair_at(s, at, len);
    behind_escape(s, at + len);
}

static void backslash_at(struct scan *s, uint32_t at)
{
    uint32_t len = escape_at(s, at);
    if (len == 6 && scan_has_exactly(s, at, "\\u0040"))
        email_at(s, at, len);
    if (len > 0)
        behind_escape(s, at + len);
}

static void colon_at(struct scan *s, uint32_t at)
{
    if (at + 2 < s->end && s->s[at + 1] == '/' && s->s[at + 2] == '/') {
        url_at(s, at, 3);
        return;
    }
    if (scan_has_exactly(s, at + 1, "\\/\\/")) {
        url_at(s, at, 5);
        return;
    }
    if (at > 0 && at == s->port)
        return;
    statement_at(s, at);
    if (at >= s->next)
        maybe_address_at(s, at, 1);
    if (at >= s->next)
        pair_at(s, at, 1);
}

static void ask(struct scan *s, uint32_t at)
{
    switch (s->s[at]) {
    case '@':
        email_at(s, at, 1);
        break;
    case '%':
        percent_at(s, at);
        break;
    case '&':
        escaped_element_at(s, at);
        break;
    case '\\':
        backslash_at(s, at);
        break;
    case ':':
        colon_at(s, at);
        break;
    case '=':
        row_at(s, at);
        if (at >= s->next)
            pair_at(s, at, 1);
        break;
    case '\'':
        quote_in_text_at(s, at);
        break;
    case '+':
        phone_at(s, at, 1);
        if (at >= s->next && at > 0 && byte_is_alnum(s->s[at - 1]))
            aws_secret_around(s, at);
        break;
    case '.':
        dotted_mac_at(s, at);
        break;
    case '<':
        element_at(s, at);
        break;
    case ' ':
        bearer_at(s, at, 1);
        break;
    case 0xef:
        if (at + 3 < s->end && s->s[at + 1] == 0xbc &&
            (s->s[at + 2] == 0x9a || s->s[at + 2] == 0x9d))
            pair_at(s, at, 3);
        break;
    case '-':
        pem_at(s, at);
        if (at >= s->next)
            option_at(s, at);
        break;
    default:
        if (!byte_is_digit(s->s[at]))
            letter_at(s, at);
        else if (at > 1 && s->s[at - 1] == '[' && colour_at(s, at))
            behind_escape(s, colour_at(s, at));
        else
            number_at(s, at);
    }
}

static ALWAYS_INLINE void visit(struct scan *s, uint64_t asked, uint64_t runs, uint32_t from)
{
    for (uint64_t all = asked | runs; all; all &= all - 1) {
        uint32_t at = from + (uint32_t)__builtin_ctzll(all);
        uint64_t bit = all & -all;
        if (at < s->next)
            continue;
        if (runs & bit)
            token_run_at(s, at);
        if (asked & bit && at >= s->next)
            ask(s, at);
    }
}

static ALWAYS_INLINE void scan_block(struct scan *s, uint32_t from, uint32_t len, struct edge *edge)
{
    struct block b;
    classify(&b, s->s + from, len);
    uint64_t alnum = b.digit | b.letter;
    uint64_t token = alnum | b.dash | b.under;
    /* scripts without blanks put numbers right behind letters */
    uint64_t begins = ~(alnum << 1 | edge->alnum);
    uint64_t option = b.dash & ~(token << 1 | edge->token) & ~(b.space >> 1);
    uint64_t asked = b.mark | (b.space & (b.rc << 1 | edge->rc)) |
                     (b.dash & b.dash >> 1 & ~(b.dash << 1 | edge->dash)) | option |
                     (b.quote & (b.space << 1 | edge->space));
    if (s->numbers) {
        uint64_t letter = b.letter & begins;
        asked |= b.digit & begins;
        asked |= letter & (b.letter >> 1) & (b.digit >> 2) & (b.digit >> 3);
        if (len > 60) /* what begins at the end of the block cannot be told from here */
            asked |= letter & ~(UINT64_MAX >> 4);
        asked |= b.dot & (b.dot >> 5 | ~(UINT64_MAX >> 5));
        if (s->d->on[SCRUB_DNI])
            asked |= letter & (b.digit >> 1 | b.dash >> 1 | UINT64_C(1) << 63);
    }
    if (len == 64 && b.dash >> 63) /* so with two dashes */
        asked |= UINT64_C(1) << 63;
    uint64_t runs = long_words(token, edge);
    edge->alnum = alnum >> (len - 1) & 1;
    edge->rc = b.rc >> (len - 1) & 1;
    edge->dash = b.dash >> (len - 1) & 1;
    edge->space = b.space >> (len - 1) & 1;
    edge->token = token >> (len - 1) & 1;
    if (asked | runs)
        visit(s, asked, runs, from);
}

void scan_range(struct scan *s, uint32_t from, uint32_t to)
{
    struct edge edge = {0};
    uint32_t at = from;
    if (to <= from)
        return;
    if (from > 0)
        edge.alnum = byte_is_alnum(s->s[from - 1]);
    s->end = to;
    s->steps += to - from;
    while (to - at > 64 && !s->overflow) {
        scan_block(s, at, 64, &edge);
        at += 64;
        if (s->next > at + 64) { /* found something long: go on behind it */
            at = s->next < to ? s->next : to;
            edge = (struct edge){.alnum = byte_is_alnum(s->s[at - 1])};
        }
    }
    if (at < to && !s->overflow)
        scan_block(s, at, to - at, &edge);
}
