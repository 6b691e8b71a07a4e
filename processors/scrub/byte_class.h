/* Classes of many bytes at once: 64 with AVX-512 in files that ask for it (BYTE_CLASS_WIDE), 16
 * with the vectors that every x86-64 has, elsewhere a byte at a time. What tells a class gives
 * `bytes_told` back, of which bits() makes a bit for each byte. */
#ifndef TAILSPAN_PROCESSORS_SCRUB_BYTE_CLASS_H
#define TAILSPAN_PROCESSORS_SCRUB_BYTE_CLASS_H

#include "proto/bytes.h"

#if defined(BYTE_CLASS_WIDE)
#include <immintrin.h>
#elif defined(__SSE2__)
#include <emmintrin.h>
#endif

#define ALWAYS_INLINE inline __attribute__((always_inline))

/* Whether this machine has AVX-512, so that what was built with BYTE_CLASS_WIDE may be called. */
bool wide_vectors(void);

/* Tests say no, to see the others at work. */
void wide_vectors_want(bool wanted);

/* Each byte 64 times, 16 KiB, where there is AVX-512. Compilers make such a constant anew wherever
 * it is needed, which takes the one unit that also compares; from memory it costs nothing. */
extern uint8_t byte_rows[256][64];

#if defined(BYTE_CLASS_WIDE)
typedef __m512i bytes_read;
typedef uint64_t bytes_told;
enum { LANES = 64 };

static ALWAYS_INLINE bytes_read all_of(char byte)
{
    return _mm512_load_si512(byte_rows[(uint8_t)byte]);
}

/* The first `len` bytes, of 1 to 64, and zeroes; no more is read. */
static ALWAYS_INLINE bytes_read load_up_to(const uint8_t *s, uint32_t len)
{
    return _mm512_maskz_loadu_epi8(UINT64_MAX >> (LANES - len), s);
}

/* from, from + 1, … from + count */
static ALWAYS_INLINE bytes_told in_range(bytes_read c, char from, char count)
{
    return _mm512_cmple_epu8_mask(_mm512_sub_epi8(c, all_of(from)), all_of(count));
}

static ALWAYS_INLINE bytes_told is_byte(bytes_read c, char byte)
{
    return _mm512_cmpeq_epi8_mask(c, all_of(byte));
}

static ALWAYS_INLINE bytes_told is_high(bytes_read c)
{
    return _mm512_movepi8_mask(c);
}

static ALWAYS_INLINE bytes_told either(bytes_told a, bytes_told b)
{
    return a | b;
}

/* Letters become small; other bytes become something, of which no letter is made. */
static ALWAYS_INLINE bytes_read lower_of(bytes_read c)
{
    return _mm512_or_si512(c, all_of(0x20));
}

static ALWAYS_INLINE uint64_t bits(bytes_told class)
{
    return class;
}
#elif defined(__SSE2__)
typedef __m128i bytes_read;
typedef __m128i bytes_told;
enum { LANES = 16 };

static ALWAYS_INLINE bytes_read load(const uint8_t *s)
{
    return _mm_loadu_si128((const __m128i *)s);
}

/* from, from + 1, … from + count */
static ALWAYS_INLINE bytes_told in_range(bytes_read c, char from, char count)
{
    __m128i offset = _mm_sub_epi8(c, _mm_set1_epi8(from));
    return _mm_cmpeq_epi8(_mm_min_epu8(offset, _mm_set1_epi8(count)), offset);
}

static ALWAYS_INLINE bytes_told is_byte(bytes_read c, char byte)
{
    return _mm_cmpeq_epi8(c, _mm_set1_epi8(byte));
}

static ALWAYS_INLINE bytes_told is_high(bytes_read c)
{
    return _mm_cmplt_epi8(c, _mm_setzero_si128());
}

static ALWAYS_INLINE bytes_told either(bytes_told a, bytes_told b)
{
    return _mm_or_si128(a, b);
}

/* Letters become small; other bytes become something, of which no letter is made. */
static ALWAYS_INLINE bytes_read lower_of(bytes_read c)
{
    return _mm_or_si128(c, _mm_set1_epi8(0x20));
}

/* One bit a byte. */
static ALWAYS_INLINE uint64_t bits(bytes_told class)
{
    return (uint32_t)_mm_movemask_epi8(class);
}
#else
typedef uint8_t bytes_read;
typedef uint8_t bytes_told;
enum { LANES = 1 };

static ALWAYS_INLINE bytes_read load(const uint8_t *s)
{
    return *s;
}

static ALWAYS_INLINE bytes_told in_range(bytes_read c, char from, char count)
{
    return (uint8_t)(c - from) <= (uint8_t)count;
}

static ALWAYS_INLINE bytes_told is_byte(bytes_read c, char byte)
{
    return c == (uint8_t)byte;
}

static ALWAYS_INLINE bytes_told is_high(bytes_read c)
{
    return c >= 0x80;
}

static ALWAYS_INLINE bytes_told either(bytes_told a, bytes_told b)
{
    return a | b;
}

static ALWAYS_INLINE bytes_read lower_of(bytes_read c)
{
    return c | 0x20;
}

static ALWAYS_INLINE uint64_t bits(bytes_told class)
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
