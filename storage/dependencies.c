/* Calls between services, as Jaeger counts them: one for each span whose parent is in the trace,
 * calls within a service included.
 *
 * Calls whose ends lie in one part were counted while writing, a sum for each block. Those between
 * parts are found by a join over the blocks' refs: first the orphans of the window go into a table
 * by trace and parent, then every span of the store is looked up in it. A block that only partly
 * lies in the window has its parts decompressed, so the counts are exact. */
#define XXH_INLINE_ALL
#include "storage/kinship.h"
#include "storage/listing.h"
#include "storage/record.h"
#include "storage/sql.h"

#include <stdlib.h>
#include <xxhash.h>

#define MAX_ORPHANS (8u << 20)
#define NO_SERVICE  UINT32_MAX

struct orphan {
    uint64_t key; /* of trace id and kin_ref.id of the parent; 0: free */
    uint32_t child;
    uint32_t calls; /* 0 once its parent is found */
};

struct join {
    struct store_reader *reader;
    uint64_t from;
    uint64_t to;
    struct store_names names; /* of all slots: a service is an index into it */
    uint32_t **services;      /* by slot and code */
    size_t *service_counts;
    struct edges edges;
    struct kinship kinship;
    struct orphan *orphans; /* open addressing; several may have one key */
    uint32_t capacity;
    uint32_t count;
    bool failed;
};

static uint32_t index_of(const struct join *j, struct bytes name)
{
    char text[2048];
    char *key = text;
    if (name.len >= sizeof text)
        return NO_SERVICE;
    if (name.len)
        memcpy(text, name.data, name.len);
    text[name.len] = '\0';
    char **found = bsearch(&key, j->names.items, j->names.count, sizeof key, name_compare);
    return found ? (uint32_t)(found - j->names.items) : NO_SERVICE;
}

static bool map_services(struct join *j, uint32_t slot)
{
    struct store_reader *r = j->reader;
    sqlite3_stmt *q = reader_statement(&r->slots[slot], READ_SERVICES);
    while (reader_step(r, &r->slots[slot], q)) {
        size_t code = (size_t)sqlite3_column_int64(q, 0);
        if (code > 65535)
            continue;
        if (code >= j->service_counts[slot]) {
            uint32_t *larger = reallocarray(j->services[slot], code + 1, sizeof *larger);
            if (!larger)
                return false;
            for (size_t i = j->service_counts[slot]; i <= code; i++)
                larger[i] = NO_SERVICE;
            j->services[slot] = larger;
            j->service_counts[slot] = code + 1;
        }
        j->services[slot][code] = index_of(j, sql_blob(q, 1));
    }
    return true;
}

static uint32_t service_of(const struct join *j, uint32_t slot, uint32_t code)
{
    return code < j->service_counts[slot] ? j->services[slot][code] : NO_SERVICE;
}

static void count_call(struct join *j, uint32_t parent, uint32_t child, uint64_t calls)
{
    if (parent != NO_SERVICE && child != NO_SERVICE && !edges_add(&j->edges, parent, child, calls))
        j->failed = true;
}

static uint64_t key_of(const uint8_t trace_id[16], uint32_t id)
{
    uint64_t key = XXH3_64bits_withSeed(trace_id, 16, id);
    return key ? key : 1;
}

static bool grow(struct join *j)
{
    struct join larger = {.capacity = j->capacity ? j->capacity * 2 : 4096};
    if (j->count >= MAX_ORPHANS)
        return false;
    larger.orphans = calloc(larger.capacity, sizeof *larger.orphans);
    if (!larger.orphans)
        return false;
    for (uint32_t i = 0; i < j->capacity; i++) {
        uint32_t at = (uint32_t)j->orphans[i].key & (larger.capacity - 1);
        if (!j->orphans[i].key)
            continue;
        while (larger.orphans[at].key)
            at = (at + 1) & (larger.capacity - 1);
        larger.orphans[at] = j->orphans[i];
    }
    free(j->orphans);
    j->orphans = larger.orphans;
    j->capacity = larger.capacity;
    return true;
}

static void add_orphan(struct join *j, uint64_t key, uint32_t child)
{
    if (child == NO_SERVICE)
        return;
    if (j->count >= j->capacity / 2 && !grow(j)) {
        j->failed = true;
        return;
    }
    uint32_t at = (uint32_t)key & (j->capacity - 1);
    while (j->orphans[at].key && (j->orphans[at].key != key || j->orphans[at].child != child))
        at = (at + 1) & (j->capacity - 1);
    j->count += j->orphans[at].key == 0;
    j->orphans[at].key = key;
    j->orphans[at].child = child;
    j->orphans[at].calls++;
}

static void find_children(struct join *j, uint64_t key, uint32_t parent)
{
    for (uint32_t at = (uint32_t)key & (j->capacity - 1); j->orphans[at].key;
         at = (at + 1) & (j->capacity - 1)) {
        struct orphan *o = &j->orphans[at];
        if (o->key != key || !o->calls)
            continue;
        count_call(j, parent, o->child, o->calls);
        o->calls = 0;
    }
}

static void orphans_of_refs(struct join *j, uint32_t slot, struct bytes refs, struct bytes records)
{
    struct record_reader reader = record_reader(records);
    struct record record;
    struct kin_part part;
    struct kin_ref ref;
    while (!j->failed && record_next(&reader, &record) && kin_part_next(&refs, &part)) {
        while (kin_ref_next(&part.orphans, &ref))
            add_orphan(j, key_of(record.trace_id, ref.id), service_of(j, slot, ref.service));
    }
}

/* The spans of one part that began in the window. */
static void count_spans(struct join *j, const struct batch *b)
{
    struct kin *kin = calloc(b->span_count, sizeof *kin);
    struct buffer refs = {0};
    struct edges all = {0};
    if (!kin) {
        j->failed = true;
        return;
    }
    for (uint32_t i = 0; i < b->span_count; i++) {
        const struct span_view *span = &b->spans[i];
        memcpy(&kin[i].id, span->span_id, 8);
        if (span->start_ns >= j->from && span->start_ns <= j->to)
            memcpy(&kin[i].parent, span->parent_span_id, 8);
        kin[i].service = index_of(j, resource_service_name(span_resource(b, span)));
    }
    if (!kinship_resolve(&j->kinship, kin, b->span_count, &all, &refs))
        j->failed = true;
    for (uint32_t i = 0; i < all.capacity; i++)
        count_call(j, all.items[i].parent, all.items[i].child, all.items[i].calls);
    struct bytes left = buffer_bytes(&refs);
    struct kin_part part;
    struct kin_ref ref;
    while (!j->failed && kin_part_next(&left, &part)) {
        while (kin_ref_next(&part.orphans, &ref))
            add_orphan(j, key_of(b->spans[0].trace_id, ref.id), ref.service);
    }
    edges_free(&all);
    buffer_free(&refs);
    free(kin);
}

static void count_parts(struct join *j, uint32_t slot, int64_t block, struct bytes records)
{
    struct record_reader reader = record_reader(records);
    struct record record;
    for (int64_t i = 0; !j->failed && record_next(&reader, &record); i++) {
        if (record.last_start_ns < j->from || record.start_ns > j->to)
            continue;
        struct batch *b = reader_load_part(j->reader, &(struct part_location){slot, block + i});
        if (!b)
            continue;
        count_spans(j, b);
        batch_release(b);
    }
}

static void count_edges(struct join *j, uint32_t slot, int64_t block)
{
    struct reader_slot *s = &j->reader->slots[slot];
    sqlite3_stmt *q = reader_statement(s, READ_EDGES);
    struct edges edges = {0};
    if (!q)
        return;
    sqlite3_bind_int64(q, 1, block);
    if (reader_step(j->reader, s, q) && !edges_read(sql_blob(q, 0), &edges))
        j->failed = true;
    sqlite3_reset(q);
    for (uint32_t i = 0; i < edges.capacity; i++)
        count_call(j, service_of(j, slot, edges.items[i].parent),
                   service_of(j, slot, edges.items[i].child), edges.items[i].calls);
    edges_free(&edges);
}

/* The block's refs and records, until the statement that is returned is reset. */
static sqlite3_stmt *read_refs(struct join *j, uint32_t slot, int64_t block, struct bytes *refs,
                               struct bytes *records)
{
    struct reader_slot *s = &j->reader->slots[slot];
    sqlite3_stmt *q = reader_statement(s, READ_REFS);
    if (!q)
        return NULL;
    sqlite3_bind_int64(q, 1, block);
    if (!reader_step(j->reader, s, q))
        return NULL;
    *refs = sql_blob(q, 0);
    *records = sql_blob(q, 1);
    return q;
}

static void count_block(struct join *j, uint32_t slot, const struct block_header *h)
{
    struct bytes refs;
    struct bytes records;
    if (h->max_last_start < j->from || h->min_start > j->to)
        return;
    bool whole = h->min_start >= j->from && h->max_last_start <= j->to;
    if (whole)
        count_edges(j, slot, h->id);
    sqlite3_stmt *q = read_refs(j, slot, h->id, &refs, &records);
    if (!q)
        return;
    if (whole)
        orphans_of_refs(j, slot, refs, records);
    else
        count_parts(j, slot, h->id, records);
    sqlite3_reset(q);
}

static void find_parents(struct join *j, uint32_t slot, const struct block_header *h)
{
    struct bytes refs;
    struct bytes records;
    struct record record;
    struct kin_part part;
    struct kin_ref ref;
    sqlite3_stmt *q = read_refs(j, slot, h->id, &refs, &records);
    if (!q)
        return;
    struct record_reader reader = record_reader(records);
    while (!j->failed && record_next(&reader, &record) && kin_part_next(&refs, &part)) {
        while (kin_ref_next(&part.spans, &ref))
            find_children(j, key_of(record.trace_id, ref.id), service_of(j, slot, ref.service));
    }
    sqlite3_reset(q);
}

static void for_each_block(struct join *j,
                           void (*visit)(struct join *, uint32_t, const struct block_header *))
{
    for (uint32_t i = 0; i < j->reader->slot_count; i++) {
        struct reader_slot *s = &j->reader->slots[i];
        for (size_t n = 0; n < s->header_count && !j->failed; n++)
            visit(j, i, &s->headers[n]);
    }
}

static bool prepare(struct join *j)
{
    struct store_reader *r = j->reader;
    j->services = calloc(r->slot_count + 1, sizeof *j->services);
    j->service_counts = calloc(r->slot_count + 1, sizeof *j->service_counts);
    bool done = j->services && j->service_counts && listing_services(r, true, &j->names);
    for (uint32_t i = 0; done && i < r->slot_count; i++)
        done = map_services(j, i) && reader_load_headers(r, &r->slots[i]);
    return done;
}

static int compare_dependencies(const void *a, const void *b)
{
    const struct store_dependency *x = a;
    const struct store_dependency *y = b;
    int order = strcmp(x->parent, y->parent);
    return order ? order : strcmp(x->child, y->child);
}

static bool put_results(const struct join *j, struct store_dependencies *out)
{
    out->items = calloc(j->edges.count + 1, sizeof *out->items);
    if (!out->items)
        return false;
    for (uint32_t i = 0; i < j->edges.capacity; i++) {
        const struct edge *e = &j->edges.items[i];
        if (!e->calls)
            continue;
        struct store_dependency *d = &out->items[out->count++];
        d->parent = strdup(j->names.items[e->parent]);
        d->child = strdup(j->names.items[e->child]);
        d->calls = e->calls;
        if (!d->parent || !d->child)
            return false;
    }
    qsort(out->items, out->count, sizeof *out->items, compare_dependencies);
    return true;
}

static void join_free(struct join *j)
{
    for (size_t i = 0; j->services && i < j->reader->slot_count; i++)
        free(j->services[i]);
    free(j->services);
    free(j->service_counts);
    store_names_free(&j->names);
    edges_free(&j->edges);
    kinship_free(&j->kinship);
    free(j->orphans);
}

bool store_dependencies(struct store_reader *r, uint64_t start_ns, uint64_t end_ns,
                        struct store_dependencies *out)
{
    struct join j = {.reader = r, .from = start_ns, .to = end_ns};
    *out = (struct store_dependencies){0};
    bool done = reader_begin(r) && prepare(&j);
    if (done) {
        for_each_block(&j, count_block);
        if (j.count > 0)
            for_each_block(&j, find_parents);
        done = !j.failed && put_results(&j, out);
    }
    join_free(&j);
    reader_end(r);
    if (!done)
        store_dependencies_free(out);
    return done;
}

void store_dependencies_free(struct store_dependencies *d)
{
    for (size_t i = 0; i < d->count; i++) {
        free(d->items[i].parent);
        free(d->items[i].child);
    }
    free(d->items);
    *d = (struct store_dependencies){0};
}
