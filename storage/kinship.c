/* Services export on their own, so a trace mostly arrives as a part for each of them, and nearly
 * every call between services has its ends in two parts. Looking the other part up while writing
 * would cost more than all else; so what a later join needs is written down instead: four bytes a
 * span, read only when dependencies are asked for. Of a span id 24 bits are enough within a trace.
 */
#define XXH_INLINE_ALL
#include "storage/kinship.h"

#include "component/hash_seed.h"
#include "proto/wire.h"

#include <stdlib.h>
#include <xxhash.h>

#define REF_ID  3 /* bytes */
#define REF_MAX (REF_ID + WIRE_MAX_VARINT)

static bool reserve(struct kinship *k, uint32_t count)
{
    k->seed = hash_seed();
    uint32_t capacity = 32;
    while (capacity < count * 2)
        capacity *= 2;
    if (capacity > k->capacity) {
        free(k->table);
        k->table = malloc(capacity * sizeof *k->table);
        k->capacity = k->table ? capacity : 0;
    }
    if (!k->table)
        return false;
    memset(k->table, 0, capacity * sizeof *k->table);
    return true;
}

/* Where `id` is, or would be. */
static uint32_t *find(const struct kinship *k, const struct kin *spans, uint32_t mask, uint64_t id)
{
    uint32_t at = (uint32_t)XXH3_64bits_withSeed(&id, sizeof id, k->seed) & mask;
    while (k->table[at] && spans[k->table[at] - 1].id != id)
        at = (at + 1) & mask;
    return &k->table[at];
}

static void put_ref(struct wire_writer *w, uint64_t id, uint32_t service)
{
    uint64_t folded = id ^ id >> 40;
    uint8_t part[REF_ID] = {(uint8_t)folded, (uint8_t)(folded >> 8), (uint8_t)(folded >> 16)};
    wire_put_raw(w, bytes_of(part, sizeof part));
    wire_put_varint(w, service);
}

/* A list with its length before it, in bytes. */
static void put_list(struct buffer *refs, const uint8_t *list, size_t len)
{
    uint8_t *at = buffer_reserve(refs, len + WIRE_MAX_VARINT);
    if (!at)
        return;
    struct wire_writer w = wire_writer(at, len + WIRE_MAX_VARINT);
    wire_put_varint(&w, len);
    wire_put_raw(&w, bytes_of(list, len));
    refs->len += (size_t)(w.at - at);
}

static bool resolve(struct kinship *k, const struct kin *spans, uint32_t count, uint32_t mask,
                    struct edges *edges, struct wire_writer *orphans)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t *slot = find(k, spans, mask, spans[i].id);
        if (!*slot) /* the first of several with one id is the one that counts */
            *slot = i + 1;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!spans[i].parent)
            continue;
        uint32_t parent = *find(k, spans, mask, spans[i].parent);
        if (!parent)
            put_ref(orphans, spans[i].parent, spans[i].service);
        else if (!edges_add(edges, spans[parent - 1].service, spans[i].service, 1))
            return false;
    }
    return true;
}

bool kinship_resolve(struct kinship *k, const struct kin *spans, uint32_t count,
                     struct edges *edges, struct buffer *refs)
{
    size_t room = (size_t)count * REF_MAX;
    uint8_t *list = malloc(room * 2 + 1);
    if (!list || !reserve(k, count)) {
        free(list);
        return false;
    }
    uint32_t mask = 31;
    while (mask + 1 < count * 2)
        mask = mask * 2 + 1;
    struct wire_writer all = wire_writer(list, room);
    struct wire_writer orphans = wire_writer(list + room, room);
    bool done = resolve(k, spans, count, mask, edges, &orphans);
    for (uint32_t i = 0; i < count; i++)
        put_ref(&all, spans[i].id, spans[i].service);
    put_list(refs, list, (size_t)(all.at - list));
    put_list(refs, list + room, (size_t)(orphans.at - (list + room)));
    free(list);
    return done && !refs->failed;
}

void kinship_free(struct kinship *k)
{
    free(k->table);
    *k = (struct kinship){0};
}

static bool take_list(struct bytes *refs, struct bytes *list)
{
    const uint8_t *end = refs->data + refs->len;
    const uint8_t *at = refs->len ? wire_length(refs->data, end, &list->len) : NULL;
    if (!at)
        return false;
    list->data = at;
    *refs = bytes_of(at + list->len, (size_t)(end - at) - list->len);
    return true;
}

bool kin_part_next(struct bytes *refs, struct kin_part *out)
{
    return take_list(refs, &out->spans) && take_list(refs, &out->orphans);
}

bool kin_ref_next(struct bytes *list, struct kin_ref *out)
{
    uint64_t service;
    const uint8_t *from = list->data;
    const uint8_t *end = list->data + list->len;
    const uint8_t *at = list->len > REF_ID ? wire_varint(from + REF_ID, end, &service) : NULL;
    if (!at)
        return false;
    out->id = (uint32_t)from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16;
    out->service = (uint32_t)service;
    *list = bytes_of(at, (size_t)(end - at));
    return true;
}
