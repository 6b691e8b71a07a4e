#include "storage/erase_hops.h"

#include "component/hash_seed.h"
#include "storage/hop_record.h"
#include "storage/sql.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

static uint64_t key_of(const uint8_t trace_id[16], const uint8_t span_id[8])
{
    uint8_t both[24];
    memcpy(both, trace_id, 16);
    memcpy(both + 16, span_id, 8);
    return XXH3_64bits_withSeed(both, sizeof both, hash_seed());
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

bool span_set_add(struct span_set *s, const uint8_t trace_id[16], const uint8_t span_id[8])
{
    if (s->count == s->capacity) {
        size_t capacity = s->capacity ? s->capacity * 2 : 64;
        uint64_t *items = reallocarray(s->items, capacity, sizeof *items);
        if (!items)
            return false;
        s->items = items;
        s->capacity = capacity;
    }
    s->items[s->count++] = key_of(trace_id, span_id);
    return true;
}

void span_set_sort(struct span_set *s)
{
    if (s->count > 1)
        qsort(s->items, s->count, sizeof *s->items, compare);
}

bool span_set_has(const struct span_set *s, const uint8_t trace_id[16], const uint8_t span_id[8])
{
    uint64_t key = key_of(trace_id, span_id);
    return s->count && bsearch(&key, s->items, s->count, sizeof key, compare) != NULL;
}

void span_set_free(struct span_set *s)
{
    free(s->items);
    *s = (struct span_set){0};
}

bool slot_has_hop(struct store_reader *r, uint32_t slot,
                  bool (*goes)(void *context, const struct store_hop *hop), void *context,
                  bool *no_memory)
{
    struct reader_slot *s = &r->slots[slot];
    sqlite3_stmt *q = reader_statement(s, READ_HOPS);
    struct buffer row = {0};
    struct store_hop hop;
    bool found = false;
    while (!found && !row.failed && reader_step(r, s, q)) {
        row.len = 0;
        if (!hop_row_unpack(&row, sql_blob(q, 1)))
            continue; /* damaged, and gone with any rewriting */
        struct bytes records = buffer_bytes(&row);
        while (!found && hop_record_next(&records, &hop))
            found = goes(context, &hop);
    }
    *no_memory = row.failed;
    sqlite3_reset(q);
    buffer_free(&row);
    return found;
}
