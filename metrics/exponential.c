#include "metrics/exponential.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_SIZE = 8, SIGNIFICAND_BITS = 52, EXPONENT_BIAS = 1023, EXPONENT_MIN = -1022 };

bool exponential_init(struct exponential *x)
{
    *x = (struct exponential){.scale = EXPONENTIAL_SCALE_MAX};
    x->counts = malloc(FIRST_SIZE * sizeof *x->counts);
    x->capacity = FIRST_SIZE;
    return x->counts != NULL;
}

void exponential_free(struct exponential *x)
{
    free(x->counts);
    x->counts = NULL;
}

/* The exponent comes from the bits, and a power of two, which is a bucket's upper bound, belongs to
 * the bucket below. In between, the logarithm; its error can only put a value into the neighbour of
 * the right bucket, which the specification allows. */
int32_t exponential_index(double value, int32_t scale)
{
    uint64_t bits;
    if (value <= DBL_MIN) {
        int32_t lowest = scale >= 0 ? (int32_t)((uint32_t)EXPONENT_MIN << scale) - 1
                                    : (EXPONENT_MIN - 1) >> -scale;
        return lowest;
    }
    memcpy(&bits, &value, sizeof bits);
    int32_t exponent = (int32_t)(bits >> SIGNIFICAND_BITS & 0x7ff) - EXPONENT_BIAS;
    bool power = (bits & ((1ULL << SIGNIFICAND_BITS) - 1)) == 0;
    if (scale <= 0)
        return (exponent - power) >> -scale;
    if (power)
        return (int32_t)((uint32_t)exponent << scale) - 1;
    int32_t last = (int32_t)((uint32_t)(EXPONENT_BIAS + 1) << scale) - 1;
    double index = floor(log(value) * ldexp(M_LOG2E, scale));
    return index >= last ? last : (int32_t)index;
}

/* Two buckets into one, `by` times over. */
static void coarsen(struct exponential *x, uint32_t by)
{
    int32_t offset = x->offset >> by;
    uint32_t len = 0;
    for (uint32_t i = 0; i < x->len; i++) {
        uint32_t to = (uint32_t)(((x->offset + (int32_t)i) >> by) - offset);
        uint64_t n = x->counts[i];
        if (to >= len) {
            x->counts[to] = 0;
            len = to + 1;
        }
        x->counts[to] += n;
    }
    x->offset = offset;
    x->len = len;
    x->scale -= (int32_t)by;
}

/* By how much the scale must fall for low and high to lie within `size` buckets. */
static uint32_t fall(int32_t low, int32_t high, uint32_t size)
{
    uint32_t by = 0;
    for (; (int64_t)high - low >= size; by++) {
        low >>= 1;
        high >>= 1;
    }
    return by;
}

/* Room for `wanted` buckets; as many as there is memory for. */
static uint32_t room(struct exponential *x, uint32_t wanted, uint32_t max_size)
{
    if (wanted <= x->capacity || x->capacity >= max_size)
        return x->capacity < max_size ? x->capacity : max_size;
    uint32_t capacity = x->capacity;
    while (capacity < wanted)
        capacity *= 2;
    if (capacity > max_size)
        capacity = max_size;
    uint64_t *counts = realloc(x->counts, capacity * sizeof *counts);
    if (counts) {
        x->counts = counts;
        x->capacity = capacity;
    }
    return x->capacity;
}

static void extend(struct exponential *x, int32_t index)
{
    if (index < x->offset) {
        uint32_t more = (uint32_t)(x->offset - index);
        memmove(x->counts + more, x->counts, x->len * sizeof *x->counts);
        memset(x->counts, 0, more * sizeof *x->counts);
        x->offset = index;
        x->len += more;
    }
    for (; index - x->offset >= (int32_t)x->len; x->len++)
        x->counts[x->len] = 0;
}

static void add_positive(struct exponential *x, uint32_t max_size, double value, uint64_t n)
{
    int32_t index = exponential_index(value, x->scale);
    if (x->len == 0)
        x->offset = index;
    int32_t low = index < x->offset ? index : x->offset;
    int32_t last = x->offset + (int32_t)x->len - (x->len > 0);
    int32_t high = index > last ? index : last;
    int64_t wanted = (int64_t)high - low + 1;
    uint32_t size = wanted > max_size ? max_size : (uint32_t)wanted;
    uint32_t by = fall(low, high, max_size);
    if (by == 0) {
        size = room(x, size, max_size);
        by = fall(low, high, size);
    }
    if (by > 0) {
        coarsen(x, by);
        add_positive(x, max_size, value, n);
        return;
    }
    extend(x, index);
    x->counts[index - x->offset] += n;
}

void exponential_add(struct exponential *x, uint32_t max_size, double value, uint64_t n)
{
    bool first = x->len == 0 && x->zero_count == 0;
    x->min = first || value < x->min ? value : x->min;
    x->max = first || value > x->max ? value : x->max;
    if (value == 0)
        x->zero_count += n;
    else
        add_positive(x, max_size, value, n);
}
