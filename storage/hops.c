/* Writing: records are put into a bounded buffer by whoever finds them, and written with the next
 * commit. Reading: the keys of all rows are walked, 16 bytes a hop; a row is unpacked only when one
 * of its keys fits. */
#include "storage/hop_record.h"
#include "storage/reader.h"
#include "storage/sql.h"

#include <endian.h>
#include <stdlib.h>

#define QUEUE_BYTES (8u << 20)

bool store_write_hop(struct store *s, const struct store_hop *hop)
{
    pthread_mutex_lock(&s->hops_lock);
    bool room = s->hops_waiting.len + HOP_RECORD_MAX <= QUEUE_BYTES;
    if (room)
        hop_record_write(&s->hops_waiting, hop);
    bool taken = room && !s->hops_waiting.failed;
    s->hops_dropped += !taken;
    s->hops_waiting.failed = false;
    pthread_mutex_unlock(&s->hops_lock);
    return taken;
}

uint64_t store_hops_dropped(struct store *s)
{
    pthread_mutex_lock(&s->hops_lock);
    uint64_t dropped = s->hops_dropped;
    pthread_mutex_unlock(&s->hops_lock);
    return dropped;
}

struct buffer hops_take(struct store *s)
{
    pthread_mutex_lock(&s->hops_lock);
    struct buffer taken = s->hops_waiting;
    s->hops_waiting = (struct buffer){0};
    pthread_mutex_unlock(&s->hops_lock);
    return taken;
}

bool hops_wait(struct store *s)
{
    pthread_mutex_lock(&s->hops_lock);
    bool wait = s->hops_waiting.len > 0;
    pthread_mutex_unlock(&s->hops_lock);
    return wait;
}

void hops_lose(struct store *s, struct bytes records)
{
    struct store_hop hop;
    pthread_mutex_lock(&s->hops_lock);
    while (hop_record_next(&records, &hop))
        s->hops_dropped++;
    pthread_mutex_unlock(&s->hops_lock);
}

/* ---- reading ---- */

static int compare_keys(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

struct lookup {
    const uint8_t (*traces)[16]; /* sorted */
    uint64_t *keys;              /* sorted, of the slot that is read */
    size_t count;
    size_t limit;
    struct store_hops *out;
    size_t capacity;
    struct buffer row;
};

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, 16);
}

static bool wanted(const struct lookup *l, const uint8_t id[16])
{
    return bsearch(id, l->traces, l->count, 16, compare_ids) != NULL;
}

static bool has_key(const struct lookup *l, struct bytes keys)
{
    for (size_t i = 0; i + 8 <= keys.len; i += 8) {
        uint64_t key;
        memcpy(&key, keys.data + i, 8);
        key = le64toh(key);
        if (bsearch(&key, l->keys, l->count, sizeof key, compare_keys))
            return true;
    }
    return false;
}

/* A copy whose strings stay: they lie behind one another in one allocation, chained through its
 * first bytes. */
static bool add(struct lookup *l, const struct store_hop *hop)
{
    struct store_hops *out = l->out;
    if (out->count == l->capacity) {
        size_t capacity = l->capacity ? l->capacity * 2 : 32;
        struct store_hop *items = reallocarray(out->items, capacity, sizeof *items);
        if (!items)
            return false;
        out->items = items;
        l->capacity = capacity;
    }
    struct store_hop *to = &out->items[out->count];
    *to = *hop;
    struct bytes *const strings[] = {&to->matched_by, &to->topic, &to->group, &to->producer_service,
                                     &to->consumer_service};
    size_t len = sizeof(void *);
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++)
        len += strings[i]->len;
    uint8_t *memory = malloc(len);
    if (!memory)
        return false;
    /* What is to be freed is a list that goes through the memory itself. */
    void *older = out->memory;
    memcpy(memory, &older, sizeof older);
    out->memory = memory;
    memory += sizeof(void *);
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++) {
        memcpy(memory, strings[i]->data, strings[i]->len);
        strings[i]->data = memory;
        memory += strings[i]->len;
    }
    out->count++;
    return true;
}

static bool read_row(struct lookup *l, struct bytes packed)
{
    struct store_hop hop;
    l->row.len = 0;
    l->row.failed = false;
    if (!hop_row_unpack(&l->row, packed))
        return !l->row.failed; /* damaged: passed over */
    struct bytes records = buffer_bytes(&l->row);
    while (hop_record_next(&records, &hop)) {
        if (!wanted(l, hop.producer_trace) && !wanted(l, hop.consumer_trace))
            continue;
        if (l->out->count == l->limit) {
            l->out->cut = true;
            return true;
        }
        if (!add(l, &hop))
            return false;
    }
    return true;
}

static bool read_slot(struct lookup *l, struct store_reader *r, struct reader_slot *s)
{
    sqlite3_stmt *q = reader_statement(s, READ_HOPS);
    bool done = true;
    for (size_t i = 0; i < l->count; i++)
        l->keys[i] = hop_key(l->traces[i], s->seed);
    qsort(l->keys, l->count, sizeof *l->keys, compare_keys);
    while (done && !l->out->cut && reader_step(r, s, q)) {
        if (has_key(l, sql_blob(q, 0)))
            done = read_row(l, sql_blob(q, 1));
    }
    return done;
}

static int compare_hops(const void *a, const void *b)
{
    const struct store_hop *x = a, *y = b;
    if (x->consumer_start_ns != y->consumer_start_ns)
        return x->consumer_start_ns < y->consumer_start_ns ? -1 : 1;
    int order = memcmp(x->consumer_span, y->consumer_span, 8);
    order = order ? order : memcmp(x->producer_span, y->producer_span, 8);
    order = order ? order : memcmp(x->consumer_trace, y->consumer_trace, 16);
    return order ? order : memcmp(x->producer_trace, y->producer_trace, 16);
}

/* A hop may have been found by two processes, or before and after a restart. */
static void sort_and_unite(struct store_hops *out)
{
    size_t kept = 0;
    if (out->count)
        qsort(out->items, out->count, sizeof *out->items, compare_hops);
    for (size_t i = 0; i < out->count; i++) {
        if (kept == 0 || compare_hops(&out->items[kept - 1], &out->items[i]) != 0)
            out->items[kept++] = out->items[i];
    }
    out->count = kept;
}

bool store_hops_of(struct store_reader *r, const uint8_t (*traces)[16], size_t count, size_t limit,
                   struct store_hops *out)
{
    *out = (struct store_hops){0};
    uint8_t(*sorted)[16] = malloc(count * sizeof *sorted + 1);
    struct lookup l = {.traces = (const uint8_t(*)[16])sorted,
                       .keys = malloc(count * sizeof *l.keys + 1),
                       .count = count,
                       .limit = limit,
                       .out = out};
    bool done = sorted && l.keys && reader_begin(r);
    if (done && count) {
        memcpy(sorted, traces, count * sizeof *sorted);
        qsort(sorted, count, sizeof *sorted, compare_ids);
    }
    for (size_t i = 0; done && i < r->slot_count; i++)
        done = read_slot(&l, r, &r->slots[i]);
    if (sorted && l.keys)
        reader_end(r);
    sort_and_unite(out);
    free(sorted);
    free(l.keys);
    buffer_free(&l.row);
    return done;
}

void store_hops_free(struct store_hops *h)
{
    for (void *memory = h->memory, *next; memory; memory = next) {
        memcpy(&next, memory, sizeof next);
        free(memory);
    }
    free(h->items);
    *h = (struct store_hops){0};
}
