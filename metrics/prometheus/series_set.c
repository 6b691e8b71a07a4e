#include "metrics/prometheus/series_set.h"

#include "component/hash_seed.h"

#include <stdlib.h>
#include <xxhash.h>

enum { FIRST_SLOTS = 1024 };

static size_t place(const struct series_set *s, uint64_t hash)
{
    size_t at = hash & s->mask;
    while (s->slots[at] && s->slots[at] != hash)
        at = (at + 1) & s->mask;
    return at;
}

static bool grow(struct series_set *s)
{
    size_t slots = s->slots ? (s->mask + 1) * 2 : FIRST_SLOTS;
    struct series_set larger = {calloc(slots, sizeof *larger.slots), slots - 1, s->count};
    if (!larger.slots)
        return false;
    for (size_t i = 0; s->slots && i <= s->mask; i++) {
        if (s->slots[i])
            larger.slots[place(&larger, s->slots[i])] = s->slots[i];
    }
    free(s->slots);
    *s = larger;
    return true;
}

enum series_new series_set_add(struct series_set *s, struct bytes labels)
{
    if ((!s->slots || s->count * 2 > s->mask) && !grow(s))
        return SERIES_NO_MEMORY;
    uint64_t hash = XXH3_64bits_withSeed(labels.data, labels.len, hash_seed());
    hash += hash == 0;
    size_t at = place(s, hash);
    if (s->slots[at])
        return SERIES_KNOWN;
    s->slots[at] = hash;
    s->count++;
    return SERIES_NEW;
}

void series_set_clear(struct series_set *s)
{
    if (s->count > 0)
        memset(s->slots, 0, (s->mask + 1) * sizeof *s->slots);
    s->count = 0;
}

void series_set_free(struct series_set *s)
{
    free(s->slots);
    *s = (struct series_set){0};
}
