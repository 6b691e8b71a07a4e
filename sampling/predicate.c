/* Asking a span everything at once. */
#include "sampling/predicate.h"

#include "proto/wire.h"
#include "sampling/policy.h"

#include <assert.h>
#include <stdlib.h>

enum {
    WORDS_MAX = 2 * PREDICATES_MAX / 64, /* each has at most two bits */
    RESOURCES_KEPT = 64,                 /* of a batch, a power of two */
};

/* A key and who asks for it, in predicates.by_key. */
struct wanted_key {
    struct bytes key;
    uint32_t first;
    uint32_t count; /* 0: an empty slot */
};

struct predicates {
    struct predicate *all;
    unsigned count;
    unsigned bits;

    struct predicate **by_key; /* on attributes; those of one key lie together */
    unsigned key_count;        /* how many lie there */
    struct wanted_key *slots;  /* open addressing */
    uint32_t slot_mask;
    uint64_t lengths;                   /* bit n: a key's length modulo 64 is n */
    uint64_t attribute_bits[WORDS_MAX]; /* those that attributes can set */

    struct predicate **of_span;
    unsigned span_count;

    /* the batch begun */
    const struct batch *batch;
    uint32_t resource_kept[RESOURCES_KEPT];             /* index + 1; 0: none */
    uint64_t resource_bits[RESOURCES_KEPT * WORDS_MAX]; /* predicates_words() each */
};

struct predicates *predicates_create(void)
{
    return calloc(1, sizeof(struct predicates));
}

void predicates_destroy(struct predicates *p)
{
    if (!p)
        return;
    free(p->all);
    free(p->by_key);
    free(p->of_span);
    free(p->slots);
    free(p);
}

bool predicates_full(const struct predicates *p)
{
    return p->count == PREDICATES_MAX;
}

bool predicates_add(struct predicates *p, struct predicate *wanted)
{
    if (predicates_full(p))
        return false;
    struct predicate *grown = reallocarray(p->all, p->count + 1, sizeof *grown);
    if (!grown)
        return false;
    p->all = grown;
    wanted->bit = (uint16_t)p->bits++;
    wanted->failed = (uint16_t)p->bits++;
    p->all[p->count++] = *wanted;
    return true;
}

unsigned predicates_words(const struct predicates *p)
{
    return (p->bits + 63) / 64;
}

/* ---- keys ---- */

/* Keys that share a length, or a prefix as "http." does, differ at some of these places. */
static inline uint32_t key_hash(const uint8_t *key, size_t len)
{
    if (len == 0)
        return 0;
    uint32_t h = (uint32_t)key[0] | (uint32_t)key[len / 2] << 8 | (uint32_t)key[len - 1] << 16 |
                 (uint32_t)len << 24;
    return h * 0x9e3779b1u >> 12;
}

static inline const struct wanted_key *find_key(const struct predicates *p, const uint8_t *key,
                                                size_t len)
{
    for (uint32_t i = key_hash(key, len) & p->slot_mask;; i = (i + 1) & p->slot_mask) {
        const struct wanted_key *k = &p->slots[i];
        if (k->count == 0)
            return NULL;
        if (k->key.len == len && memcmp(k->key.data, key, len) == 0)
            return k;
    }
}

static int by_key(const void *a, const void *b)
{
    const struct predicate *const *x = a, *const *y = b;
    struct bytes k = (*x)->key, l = (*y)->key;
    if (k.len != l.len)
        return k.len < l.len ? -1 : 1;
    int order = k.len ? memcmp(k.data, l.data, k.len) : 0;
    return order ? order : (*x)->bit - (*y)->bit;
}

static void put_key(struct predicates *p, uint32_t first, uint32_t count)
{
    struct bytes key = p->by_key[first]->key;
    uint32_t i = key_hash(key.data, key.len) & p->slot_mask;
    while (p->slots[i].count > 0)
        i = (i + 1) & p->slot_mask;
    p->slots[i] = (struct wanted_key){key, first, count};
    p->lengths |= UINT64_C(1) << (key.len % 64);
}

static void sort_out(struct predicates *p)
{
    for (unsigned i = 0; i < p->count; i++) {
        struct predicate *one = &p->all[i];
        if (one->kind == ASK_SPAN) {
            p->of_span[p->span_count++] = one;
            continue;
        }
        p->by_key[p->key_count++] = one;
        p->attribute_bits[one->bit / 64] |= UINT64_C(1) << (one->bit % 64);
    }
    qsort(p->by_key, p->key_count, sizeof *p->by_key, by_key);
}

bool predicates_ready(struct predicates *p)
{
    uint32_t slots = 8;
    while (slots < 4 * p->count)
        slots *= 2;
    p->by_key = calloc(p->count + 1, sizeof *p->by_key);
    p->of_span = calloc(p->count + 1, sizeof *p->of_span);
    p->slots = calloc(slots, sizeof *p->slots);
    if (!p->by_key || !p->of_span || !p->slots)
        return false;
    p->slot_mask = slots - 1;
    sort_out(p);
    for (uint32_t first = 0, end; first < p->key_count; first = end) {
        for (end = first + 1; end < p->key_count; end++) {
            if (!bytes_equal(p->by_key[first]->key, p->by_key[end]->key))
                break;
        }
        put_key(p, first, end - first);
    }
    return true;
}

/* ---- asking ---- */

static inline void note(const struct predicate *one, enum predicate_answer answer, uint64_t *bits)
{
    unsigned bit = answer == PREDICATE_YES ? one->bit : one->failed;
    if (answer != PREDICATE_NO)
        bits[bit / 64] |= UINT64_C(1) << (bit % 64);
}

__attribute__((noinline)) static void ask_attribute(struct predicates *p,
                                                    const struct wanted_key *k, struct bytes framed,
                                                    uint32_t field, uint64_t *bits)
{
    struct attribute_iterator it;
    struct attribute a;
    attribute_begin(&it, framed, field);
    if (!attribute_next(&it, &a))
        return;
    for (uint32_t i = k->first; i < k->first + k->count; i++) {
        const struct predicate *one = p->by_key[i];
        if (!bit_is_set(bits, one->bit))
            note(one, one->ask_value(one->arg, &a.value, field == RESOURCE_ATTRIBUTES), bits);
    }
}

static inline bool is_wanted_length(const struct predicates *p, size_t len)
{
    return p->lengths >> (len % 64) & 1;
}

static inline void ask_key(struct predicates *p, struct bytes key, struct bytes framed,
                           uint32_t field, uint64_t *bits)
{
    const struct wanted_key *k = find_key(p, key.data, key.len);
    if (k)
        ask_attribute(p, k, framed, field, bits);
}

/* Walks over attributes of the usual shape, all lengths below 128 and the key first, then the
 * value: the length of their key decides. Returns where something else begins. */
static inline const uint8_t *ask_plain_attributes(struct predicates *p, const uint8_t *at,
                                                  const uint8_t *end, uint32_t field,
                                                  uint64_t *bits)
{
    const uint8_t tag = (uint8_t)WIRE_TAG(field, WIRE_LENGTH);
    while (end - at >= 6 && at[0] == tag && at[1] < 0x80) {
        size_t len = at[1], key_len = at[3];
        const uint8_t *next = at + 2 + len;
        if (wire_unlikely(next > end || key_len + 4 > len || at[2] != WIRE_TAG(1, WIRE_LENGTH) ||
                          at[4 + key_len] != WIRE_TAG(2, WIRE_LENGTH) ||
                          key_len + 4 + at[5 + key_len] != len))
            break;
        if (is_wanted_length(p, key_len))
            ask_key(p, bytes_of(at + 4, key_len), bytes_of(at, len + 2), field, bits);
        at = next;
    }
    return at;
}

/* Behind the fields that a span usually begins with, as far as they are there. */
static inline const uint8_t *skip_span_head(const uint8_t *at, const uint8_t *end)
{
    enum {
        TRACE_ID = WIRE_TAG(1, WIRE_LENGTH),
        SPAN_ID = WIRE_TAG(2, WIRE_LENGTH),
        PARENT_ID = WIRE_TAG(4, WIRE_LENGTH),
        NAME = WIRE_TAG(5, WIRE_LENGTH),
        KIND = WIRE_TAG(6, WIRE_VARINT),
        START = WIRE_TAG(7, WIRE_FIXED64),
        END = WIRE_TAG(8, WIRE_FIXED64),
    };
    if (end - at >= 28 && at[0] == TRACE_ID && at[1] == 16 && at[18] == SPAN_ID && at[19] == 8)
        at += 28;
    if (end - at >= 10 && at[0] == PARENT_ID && at[1] == 8)
        at += 10;
    if (end - at >= 2 && at[0] == NAME && at[1] < 0x80 && end - at - 2 >= at[1])
        at += 2 + at[1];
    if (end - at >= 2 && at[0] == KIND && at[1] < 0x80)
        at += 2;
    if (end - at >= 18 && at[0] == START && at[9] == END)
        at += 18;
    return at;
}

static inline __attribute__((always_inline)) void ask_attributes(struct predicates *p,
                                                                 struct bytes message,
                                                                 uint32_t field, uint64_t *bits)
{
    const uint8_t *at = message.data;
    const uint8_t *end = wire_end(message);
    struct wire_part m;
    if (field == SPAN_ATTRIBUTES)
        at = skip_span_head(at, end);
    at = ask_plain_attributes(p, at, end, field, bits);
    while (wire_next(&at, end, field, &m)) {
        struct bytes key = attribute_key(m.bytes);
        if (is_wanted_length(p, key.len))
            ask_key(p, key, m.framed, field, bits);
        at = ask_plain_attributes(p, at, end, field, bits);
    }
}

void predicates_begin(struct predicates *p, const struct batch *b)
{
    p->batch = b;
    memset(p->resource_kept, 0, sizeof p->resource_kept);
}

static void observe_resource(struct predicates *p, uint32_t resource, uint64_t *bits)
{
    unsigned words = predicates_words(p);
    uint32_t slot = resource % RESOURCES_KEPT;
    uint64_t *kept = p->resource_bits + (size_t)slot * words;
    if (wire_unlikely(p->resource_kept[slot] != resource + 1)) {
        memset(kept, 0, words * sizeof *kept);
        ask_attributes(p, p->batch->resources[resource].message, RESOURCE_ATTRIBUTES, kept);
        p->resource_kept[slot] = resource + 1;
    }
    for (unsigned i = 0; i < words; i++)
        bits[i] |= kept[i];
}

static inline bool attributes_matter(const struct predicates *p, const uint64_t *bits)
{
    unsigned words = predicates_words(p);
    for (unsigned i = 0; i < words; i++) {
        if (p->attribute_bits[i] & ~bits[i])
            return true;
    }
    return false;
}

void predicates_observe(struct predicates *p, uint32_t span, uint64_t *bits)
{
    const struct batch *b = p->batch;
    const struct span_view *s = &b->spans[span];
    assert(span < b->span_count);
    for (unsigned i = 0; i < p->span_count; i++) {
        const struct predicate *one = p->of_span[i];
        if (!bit_is_set(bits, one->bit))
            note(one, one->ask_span(one->arg, b, span), bits);
    }
    if (p->key_count == 0 || !attributes_matter(p, bits))
        return;
    observe_resource(p, b->scopes[s->scope].resource, bits);
    ask_attributes(p, span_bytes(s), SPAN_ATTRIBUTES, bits);
}
