/* The arithmetic of chance. Integers throughout, so that every machine agrees. */
#include "sampling/chance.h"

#include "proto/consistent.h"

#include <math.h>

enum { SIGNIFICANT_BITS = 16 };

static uint64_t fnv(uint64_t h, const uint8_t *bytes, size_t len)
{
    const uint64_t prime = 0x100000001b3;
    for (size_t i = 0; i < len; i++)
        h = (h ^ bytes[i]) * prime;
    return h;
}

uint64_t chance_salt(struct bytes salt)
{
    return fnv(0xcbf29ce484222325, salt.data, salt.len);
}

uint64_t chance_hash(uint64_t salted, const uint8_t trace_id[16])
{
    return fnv(salted, trace_id, 16);
}

static unsigned bits_of(unsigned __int128 v)
{
    uint64_t high = (uint64_t)(v >> 64), low = (uint64_t)v;
    if (high)
        return 128 - (unsigned)__builtin_clzll(high);
    return low ? 64 - (unsigned)__builtin_clzll(low) : 0;
}

/* v / 2^drop, to the nearest, ties to even. */
static unsigned __int128 round_off(unsigned __int128 v, unsigned drop)
{
    unsigned __int128 kept = v >> drop, rest = v - (kept << drop);
    unsigned __int128 half = (unsigned __int128)1 << (drop - 1);
    return kept + (rest > half || (rest == half && (kept & 1)));
}

/* The Collector multiplies 2^64 - 1 by the ratio in a float of 64 significant bits, rounded to
 * nearest, and cuts the fraction off. */
uint64_t chance_boundary(double ratio)
{
    int exponent;
    if (!(ratio > 0))
        return 0;
    if (ratio >= 1)
        return UINT64_MAX;
    uint64_t mantissa = (uint64_t)ldexp(frexp(ratio, &exponent), 53);
    int shift = 53 - exponent; /* ratio = mantissa / 2^shift */
    unsigned __int128 product = (unsigned __int128)UINT64_MAX * mantissa;
    unsigned bits = bits_of(product);
    if (bits > 64) {
        product = round_off(product, bits - 64);
        shift -= (int)bits - 64;
    }
    return shift >= 128 ? 0 : (uint64_t)(product >> shift);
}

uint64_t chance_threshold(double ratio)
{
    const uint64_t range = THRESHOLD_LIMIT;
    if (!(ratio > 0))
        return range;
    if (ratio >= 1)
        return 0;
    uint64_t kept = (uint64_t)(ratio * (double)range + 0.5);
    if (kept == 0)
        kept = 1;
    unsigned bits = bits_of(kept);
    if (bits > SIGNIFICANT_BITS) {
        unsigned drop = bits - SIGNIFICANT_BITS;
        kept = (uint64_t)round_off(kept, drop) << drop;
    }
    return kept >= range ? 0 : range - kept;
}

uint64_t chance_threshold_of_digits(double ratio, int digits)
{
    const uint64_t range = THRESHOLD_LIMIT;
    const int all = RANDOMNESS_BITS / 4;
    int low, high;
    if (!(ratio * (double)range >= 1))
        return range;
    if (ratio >= 1)
        return 0;
    frexp(ratio, &low); /* four bits below 1 are a digit that is 0 or f */
    frexp(1 - ratio, &high);
    digits -= (low < high ? low : high) / 4;
    uint64_t threshold = range - (uint64_t)round(ratio * (double)range);
    if (digits >= all)
        return threshold;
    unsigned cut = 4 * (unsigned)(all - digits);
    return (threshold + (1ULL << (cut - 1))) >> cut << cut;
}
