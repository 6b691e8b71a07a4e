#include "metrics/text.h"

#include "component/hash_seed.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

struct text *text_get(struct text_set *set, struct bytes name)
{
    if (name.len > TEXT_MAX)
        name.len = TEXT_MAX;
    uint64_t hash = XXH3_64bits_withSeed(name.data, name.len, hash_seed());
    struct text **bucket = &set->buckets[hash % TEXT_BUCKETS];
    for (struct text *t = *bucket; t; t = t->next) {
        if (t->hash == hash && bytes_equal(text_bytes(t), name))
            return text_hold(t);
    }
    struct text *t = malloc(sizeof *t + name.len);
    if (!t)
        return NULL;
    *t = (struct text){.hash = hash, .next = *bucket, .references = 1, .len = (uint32_t)name.len};
    if (name.len > 0)
        memcpy(t->data, name.data, name.len);
    *bucket = t;
    return t;
}

void text_drop(struct text_set *set, struct text *t)
{
    if (!t || --t->references > 0)
        return;
    struct text **at = &set->buckets[t->hash % TEXT_BUCKETS];
    while (*at != t)
        at = &(*at)->next;
    *at = t->next;
    free(t);
}
