/* A first look at a value, which tells most of them clean.
 *
 * What can be found in a short value has a mark, an option, a word of 16 bytes that is not
 * hexadecimal, or a row of seven digits, capitals and what joins them, of which four are digits.
 * Most ids, paths and URLs of machines have none of these. detector_find() never finds anything
 * where this says that there is nothing; scrub_fuzz holds it to that. */
#ifndef TAILSPAN_PROCESSORS_SCRUB_GLANCE_H
#define TAILSPAN_PROCESSORS_SCRUB_GLANCE_H

#include "processors/scrub/byte_class.h"
#include "processors/scrub/detect_private.h"

enum {
    WINDOW = 64,
    GLANCE_MAX = 104, /* two windows that share more than any address or token needs to show */
    DIGITS = 4,       /* an address has as many */
};

#ifdef BYTE_CLASS_WIDE
/* Up to 64 bytes, with zeroes behind, which are of no class; `before` of them stand before what is
 * looked at. */
struct window {
    bytes_read all;
    uint32_t before;
};

static ALWAYS_INLINE uint64_t bits_of(const struct window *w, uint32_t count,
                                      bytes_told (*class)(bytes_read c))
{
    (void)count;
    return bits(class(w->all)) >> w->before;
}
#else
/* Up to 64 bytes in pieces. The last one ends with them, so it may say again what the one before
 * says, or begin before them. */
struct window {
    bytes_read pieces[WINDOW / LANES];
    uint32_t last;   /* where the last piece begins */
    uint32_t before; /* bytes of the only piece that stand before */
};

/* `count` is what the length needs; a constant, so that the loops over pieces go. */
static ALWAYS_INLINE void window_read(struct window *w, const uint8_t *s, uint32_t len,
                                      uint32_t count)
{
    w->before = len < LANES ? LANES - len : 0;
    w->last = count > 1 ? len - LANES : 0;
    for (uint32_t i = 0; i + 1 < count; i++)
        w->pieces[i] = load(s + (size_t)i * LANES);
    w->pieces[count - 1] = load(s + w->last - w->before);
}

/* One bit a byte of a class. */
static ALWAYS_INLINE uint64_t bits_of(const struct window *w, uint32_t count,
                                      bytes_told (*class)(bytes_read c))
{
    uint64_t mask = 0;
    if (count == 1)
        return bits(class(w->pieces[0])) >> w->before;
    for (uint32_t i = 0; i + 1 < count; i++)
        mask |= bits(class(w->pieces[i])) << (i * LANES);
    return mask | bits(class(w->pieces[count - 1])) << w->last;
}
#endif

static ALWAYS_INLINE bytes_told digits_of(bytes_read c)
{
    return in_range(c, '0', 9);
}

/* A mark, or a neighbour of one, which is as rare; or what may begin a full-width one. */
static ALWAYS_INLINE bytes_told marks_of(bytes_read c)
{
    return either(either(in_range(c, ':', '@' - ':'), in_range(c, '%', '+' - '%')),
                  is_byte(c, '\xef'));
}

static ALWAYS_INLINE bytes_told dashes_of(bytes_read c)
{
    return is_byte(c, '-');
}

static ALWAYS_INLINE bytes_told dots_of(bytes_read c)
{
    return is_byte(c, '.');
}

static ALWAYS_INLINE bytes_told blanks_of(bytes_read c)
{
    return is_byte(c, ' ');
}

static ALWAYS_INLINE bytes_told tokens_of(bytes_read c)
{
    bytes_told letter = in_range(lower_of(c), 'a', 25);
    return either(either(digits_of(c), letter), either(dashes_of(c), is_byte(c, '_')));
}

static ALWAYS_INLINE bytes_told hex_of(bytes_read c)
{
    return either(either(digits_of(c), in_range(c, 'a', 5)), dashes_of(c));
}

/* What a number of several groups, an IBAN or an address is made of. */
static ALWAYS_INLINE bytes_told joined_of(bytes_read c)
{
    bytes_told sign = either(in_range(c, '-', '.' - '-'), blanks_of(c));
    return either(either(digits_of(c), in_range(c, 'A', 25)), either(sign, is_high(c)));
}

static ALWAYS_INLINE bytes_told ends_of_schemes(bytes_read c)
{
    return either(either(is_byte(c, 'r'), is_byte(c, 'R')),
                  either(is_byte(c, 'c'), is_byte(c, 'C')));
}

static ALWAYS_INLINE bool has_at_least(uint64_t mask, unsigned bits)
{
    while (--bits > 0)
        mask &= mask - 1;
    return mask != 0;
}

/* Bits at which a run of 7 in `m` begins. */
static ALWAYS_INLINE uint64_t runs_of_7(uint64_t m)
{
    m &= m >> 1;
    m &= m >> 2;
    return m & m >> 3;
}

static ALWAYS_INLINE bool begins(struct bytes value, const char *text)
{
    return value.len > strlen(text) && memcmp(value.data, text, strlen(text)) == 0;
}

/* An address and nothing else, which only profile strict looks at. */
static ALWAYS_INLINE bool is_private_address(const struct window *w, uint32_t count,
                                             struct bytes value)
{
    if (value.len > 15 ||
        !(begins(value, "10.") || begins(value, "192.168.") || begins(value, "127.")))
        return false;
    uint64_t dot = bits_of(w, count, dots_of);
    return has_at_least(dot, 3) && !has_at_least(dot, 4) &&
           (dot | bits_of(w, count, digits_of)) == (UINT64_C(1) << value.len) - 1;
}

/* a45e.60c1.2b3d; in capitals it is a row of joined ones. */
static ALWAYS_INLINE bool may_be_dotted(const struct window *w, uint32_t count, uint64_t dot)
{
    uint64_t four = bits_of(w, count, hex_of);
    four &= four >> 1;
    four &= four >> 2;
    return dot & dot >> 5 & four << 4 & four >> 1 & four >> 6;
}

/* Digits may stand apart in aa-bb-cc-dd-ee-0f and in a45e.60c1.2b3d. */
static ALWAYS_INLINE bool may_be_number(const struct window *w, uint32_t count, uint64_t dash,
                                        uint64_t blank)
{
    uint64_t digit = bits_of(w, count, digits_of);
    if (digit && dash && has_at_least(dash, 5))
        return true;
    if (!has_at_least(digit, DIGITS))
        return false;
    if (runs_of_7(bits_of(w, count, joined_of)) & ~(dash | blank))
        return true;
    uint64_t dot = bits_of(w, count, dots_of);
    return dot & dot >> 5 && may_be_dotted(w, count, dot);
}

static ALWAYS_INLINE bool may_be_token(const struct window *w, uint32_t count)
{
    uint64_t token = bits_of(w, count, tokens_of);
    return runs_of_16(token) && token & ~bits_of(w, count, hex_of);
}

/* Whether a blank stands behind an r or c: Bearer, Basic. */
static ALWAYS_INLINE bool may_end_scheme(const struct window *w, uint32_t count, uint64_t blank)
{
    return blank && blank & bits_of(w, count, ends_of_schemes) << 1;
}

/* Whether an option of a command may begin: a dash that begins the value or stands behind a
 * blank, or in a list of arguments, which begins with [ or {. */
static ALWAYS_INLINE bool may_be_option(uint64_t dash, uint64_t blank, struct bytes text)
{
    return dash && (dash & (dash >> 1 | ((blank << 1 | 1) & ~(blank >> 1))) ||
                    (text.data[0] | 0x20) == '{');
}

/* Of up to 64 bytes: their marks, and whether there is nothing in them but for these. */
struct looked_at {
    uint64_t marks;
    bool clean;
};

static ALWAYS_INLINE struct looked_at look_at_window(const struct detector *d,
                                                     const struct window *w, struct bytes text,
                                                     bool numbers, uint32_t count)
{
    struct looked_at seen = {.marks = bits_of(w, count, marks_of)};
    uint64_t dash = bits_of(w, count, dashes_of), blank = bits_of(w, count, blanks_of);
    seen.clean = !may_be_option(dash, blank, text) && !may_end_scheme(w, count, blank) &&
                 !(text.len >= 16 && may_be_token(w, count)) &&
                 !(numbers && may_be_number(w, count, dash, blank) &&
                   (d->strict || !is_private_address(w, count, text)));
    return seen;
}

#ifdef BYTE_CLASS_WIDE
static struct looked_at look_at(const struct detector *d, struct bytes text, bool numbers)
{
    const struct window w = {.all = load_up_to(text.data, (uint32_t)text.len)};
    return look_at_window(d, &w, text, numbers, 1);
}
#else
static ALWAYS_INLINE struct looked_at look_at_pieces(const struct detector *d, struct bytes text,
                                                     bool numbers, uint32_t count)
{
    struct window w;
    window_read(&w, text.data, (uint32_t)text.len, count);
    return look_at_window(d, &w, text, numbers, count);
}

static struct looked_at look_at(const struct detector *d, struct bytes text, bool numbers)
{
#ifdef __SSE2__
    if (text.len <= LANES)
        return look_at_pieces(d, text, numbers, 1);
    if (text.len <= (size_t)2 * LANES)
        return look_at_pieces(d, text, numbers, 2);
    if (text.len <= (size_t)3 * LANES)
        return look_at_pieces(d, text, numbers, 3);
    return look_at_pieces(d, text, numbers, 4);
#else
    return look_at_pieces(d, text, numbers, (uint32_t)text.len);
#endif
}
#endif

/* Whether the marks are those of scheme://host and scheme://host:80/path. */
static bool are_of_url(struct bytes value, uint64_t marks)
{
    size_t scheme = (size_t)__builtin_ctzll(marks);
    if (value.len - scheme < 3 || memcmp(value.data + scheme, "://", 3) != 0)
        return false;
    marks &= marks - 1;
    if (!marks)
        return true;
    size_t at = (size_t)__builtin_ctzll(marks);
    if (marks & (marks - 1) || value.data[at] != ':' ||
        memchr(value.data + scheme + 3, '/', at - scheme - 3))
        return false;
    at++;
    while (at < value.len && byte_is_digit(value.data[at]))
        at++;
    return at == value.len || value.data[at] == '/';
}

/* Of a value of at most GLANCE_MAX bytes. */
static bool glance(const struct detector *d, struct bytes value, bool numbers)
{
    numbers = numbers && d->numbers;
    size_t len = value.len < WINDOW ? value.len : WINDOW;
    struct looked_at seen = look_at(d, bytes_of(value.data, len), numbers);
    if (!seen.clean || (seen.marks && !are_of_url(value, seen.marks)))
        return false;
    if (value.len <= WINDOW)
        return true;
    if ((value.data[0] | 0x20) == '{') /* the second window cannot see it */
        return false;
    seen = look_at(d, bytes_of(value.data + value.len - WINDOW, WINDOW), numbers);
    return seen.clean && !(seen.marks >> (2 * (size_t)WINDOW - value.len));
}

#endif
