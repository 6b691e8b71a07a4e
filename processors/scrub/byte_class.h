/* Classes of many bytes at once, with the vectors that every x86-64 has; elsewhere a byte at a
 * time. What tells a class gives `bytes_read` back, of which bits() makes a bit for each byte. */
#ifndef TAILSPAN_PROCESSORS_SCRUB_BYTE_CLASS_H
#define TAILSPAN_PROCESSORS_SCRUB_BYTE_CLASS_H

#include "proto/bytes.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define ALWAYS_INLINE inline __attribute__((always_inline))

#ifdef __SSE2__
typedef __m128i bytes_read;
enum { LANES = 16 };

static ALWAYS_INLINE bytes_read load(const uint8_t *s)
{
    return _mm_loadu_si128((const __m128i *)s);
}

/* from, from + 1, … from + count */
static ALWAYS_INLINE bytes_read in_range(bytes_read c, char from, char count)
{
    __m128i offset = _mm_sub_epi8(c, _mm_set1_epi8(from));
    return _mm_cmpeq_epi8(_mm_min_epu8(offset, _mm_set1_epi8(count)), offset);
}

static ALWAYS_INLINE bytes_read is_byte(bytes_read c, char byte)
{
    return _mm_cmpeq_epi8(c, _mm_set1_epi8(byte));
}

static ALWAYS_INLINE bytes_read is_high(bytes_read c)
{
    return _mm_cmplt_epi8(c, _mm_setzero_si128());
}

static ALWAYS_INLINE bytes_read either(bytes_read a, bytes_read b)
{
    return _mm_or_si128(a, b);
}

/* Letters become small; other bytes become something, of which no letter is made. */
static ALWAYS_INLINE bytes_read lower_of(bytes_read c)
{
    return _mm_or_si128(c, _mm_set1_epi8(0x20));
}

/* One bit a byte. */
static ALWAYS_INLINE uint64_t bits(bytes_read class)
{
    return (uint32_t)_mm_movemask_epi8(class);
}
#else
typedef uint8_t bytes_read;
enum { LANES = 1 };

static ALWAYS_INLINE bytes_read load(const uint8_t *s)
{
    return *s;
}

static ALWAYS_INLINE bytes_read in_range(bytes_read c, char from, char count)
{
    return (uint8_t)(c - from) <= (uint8_t)count;
}

static ALWAYS_INLINE bytes_read is_byte(bytes_read c, char byte)
{
    return c == (uint8_t)byte;
}

static ALWAYS_INLINE bytes_read is_high(bytes_read c)
{
    return c >= 0x80;
}

static ALWAYS_INLINE bytes_read either(bytes_read a, bytes_read b)
{
    return a | b;
}

static ALWAYS_INLINE bytes_read lower_of(bytes_read c)
{
    return c | 0x20;
}

static ALWAYS_INLINE uint64_t bits(bytes_read class)
{
    return class;
}
#endif

/* Bits at which a run of 16 in `m` begins. */
static ALWAYS_INLINE uint64_t runs_of_16(uint64_t m)
{
    m &= m >> 1;
    m &= m >> 2;
    m &= m >> 4;
    return m & m >> 8;
}

#endif
