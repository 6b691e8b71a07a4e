/* Nothing that is read here is trusted: sizes are bounded before memory is taken, decompressed
 * bytes go through batch_index() like a request from outside, and a part only counts when its spans
 * carry the trace id that was asked for. */
#define XXH_INLINE_ALL
#include "storage/reader.h"

#include "component/log.h"
#include "storage/block.h"
#include "storage/sql.h"

#include <endian.h>
#include <stdlib.h>
#include <xxhash.h>

#define MAX_TRACE_BYTES  (256u << 20) /* of one trace, when read */
#define MAX_DICTIONARIES 16           /* in one slot */
#define MAX_ENVELOPES    (2u << 20)   /* bytes kept, in one slot */
#define MAX_PACKED_KEPT  (4u << 20)   /* bytes of memory kept for the next part */

static const char *const statements_sql[READER_STATEMENTS] = {
    [READ_PARTS_BY_KEY] = "SELECT part FROM trace WHERE key=?1",
    [READ_RECENT_KEYS] =
        "SELECT id, keys FROM detail WHERE id > (SELECT value FROM meta WHERE key='indexed')",
    [READ_PART] = "SELECT dictionary, data FROM part WHERE id=?1",
    [READ_NEXT_PART] = "SELECT min(id) FROM part WHERE id>?1",
    [READ_DICTIONARY] = ("SELECT data, (SELECT value FROM meta WHERE key='dictionary '||id)"
                         " FROM dictionary WHERE id=?1"),
    [READ_ENVELOPE] = "SELECT data FROM envelope WHERE id=?1",
    [READ_BLOCKS] = ("SELECT id, min_start, max_start, max_last_start, max_duration"
                     " FROM block WHERE id>=?1 ORDER BY id"),
    [READ_DETAIL] = "SELECT filter, records FROM detail WHERE id=?1",
    [READ_REFS] = "SELECT refs, records FROM detail WHERE id=?1",
    [READ_EDGES] = "SELECT edges FROM block WHERE id=?1",
    [READ_SERVICES] = "SELECT id, name FROM service",
    [READ_SERVICE] = "SELECT id FROM service WHERE name=?1",
    [READ_OPERATIONS] = "SELECT name, kind, service FROM operation",
    [READ_OPERATION] = "SELECT id, service FROM operation WHERE name=?1",
    [READ_HOPS] = "SELECT keys, data FROM hop",
};

struct store_reader *store_reader_open(struct store *s)
{
    struct store_reader *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->store = s;
    r->generation = UINT64_MAX;
    r->blobs = blob_reader_create();
    if (!r->blobs) {
        free(r);
        return NULL;
    }
    return r;
}

static void forget_envelopes(struct cached_envelopes *c)
{
    for (uint32_t i = 0; i < c->count; i++)
        free(c->items[i]);
    free(c->items);
    free(c->lengths);
    *c = (struct cached_envelopes){0};
}

static void close_slot(struct reader_slot *s)
{
    for (size_t i = 0; i < READER_STATEMENTS; i++)
        sqlite3_finalize(s->statements[i]);
    sqlite3_close(s->db);
    for (size_t i = 0; i < s->dictionary_count; i++)
        blob_dictionary_destroy(s->dictionaries[i].prepared);
    free(s->dictionaries);
    forget_envelopes(&s->envelopes);
    free(s->headers);
    slot_release(s->slot);
    *s = (struct reader_slot){0};
}

void store_reader_close(struct store_reader *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->slot_count; i++)
        close_slot(&r->slots[i]);
    free(r->slots);
    blob_reader_destroy(r->blobs);
    buffer_free(&r->packed);
    free(r);
}

/* Takes over what is known of the slot, if it is. */
static struct reader_slot keep(struct store_reader *r, struct slot *slot)
{
    for (size_t i = 0; i < r->slot_count; i++) {
        struct reader_slot known = r->slots[i];
        if (known.slot != slot)
            continue;
        r->slots[i] = (struct reader_slot){0};
        known.tried = false;
        return known;
    }
    return (struct reader_slot){.slot = slot_retain(slot)};
}

static bool follow(struct store_reader *r)
{
    uint64_t generation = atomic_load(&r->store->generation);
    struct slot_list list;
    if (generation == r->generation)
        return true;
    if (!slots_copy(r->store, &list))
        return false;
    struct reader_slot *slots = calloc(list.count + 1, sizeof *slots);
    size_t count = 0;
    for (size_t i = list.count; slots && i-- > 0;) {
        if (atomic_load(&list.items[i]->state) != SLOT_BROKEN)
            slots[count++] = keep(r, list.items[i]);
    }
    slot_list_free(&list);
    if (!slots)
        return false;
    for (size_t i = 0; i < r->slot_count; i++)
        close_slot(&r->slots[i]);
    free(r->slots);
    r->slots = slots;
    r->slot_count = count;
    r->generation = generation;
    return true;
}

static void open_slot(struct store_reader *r, struct reader_slot *s)
{
    int code;
    s->tried = true;
    if (atomic_load(&s->slot->older))
        return;
    s->live = atomic_load(&s->slot->state) != SLOT_SEALED;
    bool changes = s->live && !s->slot->unattended;
    s->db = sql_open(s->slot->path, changes ? SQL_READ : SQL_IMMUTABLE, &code);
    if (!s->db) {
        if (sql_is_corrupt(code))
            store_suspect(r->store, s->slot);
        return;
    }
    s->seed = (uint64_t)sql_integer(s->db, "SELECT value FROM meta WHERE key='seed'", 0);
}

bool reader_begin(struct store_reader *r)
{
    if (!follow(r))
        return false;
    for (size_t i = 0; i < r->slot_count; i++) {
        struct reader_slot *s = &r->slots[i];
        if (!s->db && !s->tried)
            open_slot(r, s);
        if (s->db && s->live)
            s->in_snapshot = sql_exec(s->db, "BEGIN") == SQLITE_OK;
    }
    return true;
}

void reader_end(struct store_reader *r)
{
    for (size_t i = 0; i < r->slot_count; i++) {
        struct reader_slot *s = &r->slots[i];
        for (size_t n = 0; n < READER_STATEMENTS; n++)
            sqlite3_reset(s->statements[n]);
        if (s->in_snapshot)
            sql_exec(s->db, "COMMIT");
        s->in_snapshot = false;
        /* One that could not be opened may have been made just then: try again next time. */
        if (!s->db && atomic_load(&s->slot->state) != SLOT_BROKEN)
            s->tried = false;
    }
}

sqlite3_stmt *reader_statement(struct reader_slot *s, enum reader_statement which)
{
    if (!s->db)
        return NULL;
    if (!s->statements[which])
        sql_prepare(s->db, statements_sql[which], &s->statements[which]);
    else
        sqlite3_reset(s->statements[which]);
    return s->statements[which];
}

bool reader_step(struct store_reader *r, struct reader_slot *s, sqlite3_stmt *statement)
{
    if (!statement)
        return false;
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        return true;
    sqlite3_reset(statement);
    if (sql_is_corrupt(code))
        store_suspect(r->store, s->slot);
    else if (sql_is_io_error(code))
        log_error(NULL, "a slot of the store cannot be read", LOG_S("path", s->slot->path),
                  LOG_S("error", sqlite3_errmsg(s->db)));
    return false;
}

static bool add_header(struct reader_slot *s, const struct block_header *h)
{
    if (s->header_count == s->header_capacity) {
        size_t capacity = s->header_capacity ? s->header_capacity * 2 : 64;
        struct block_header *headers = reallocarray(s->headers, capacity, sizeof *headers);
        if (!headers)
            return false;
        s->headers = headers;
        s->header_capacity = capacity;
    }
    s->headers[s->header_count++] = *h;
    return true;
}

/* The last header that is known may have been of the open block, so it is read again. */
bool reader_load_headers(struct store_reader *r, struct reader_slot *s)
{
    sqlite3_stmt *q;
    if (!s->live && s->header_count)
        return true;
    q = reader_statement(s, READ_BLOCKS);
    int64_t from = s->header_count ? s->headers[s->header_count - 1].id : 0;
    if (q)
        sqlite3_bind_int64(q, 1, from);
    bool first = true;
    while (reader_step(r, s, q)) {
        struct block_header h = {
            .id = sqlite3_column_int64(q, 0),
            .min_start = (uint64_t)sqlite3_column_int64(q, 1),
            .max_start = (uint64_t)sqlite3_column_int64(q, 2),
            .max_last_start = (uint64_t)sqlite3_column_int64(q, 3),
            .max_duration = (uint64_t)sqlite3_column_int64(q, 4),
        };
        if (first && s->header_count)
            s->header_count--;
        first = false;
        if (!add_header(s, &h))
            return false;
    }
    return true;
}

static bool add_part(struct part_list *l, uint32_t slot, int64_t part)
{
    if (l->count == l->capacity) {
        size_t capacity = l->capacity ? l->capacity * 2 : 8;
        struct part_location *items = reallocarray(l->items, capacity, sizeof *items);
        if (!items)
            return false;
        l->items = items;
        l->capacity = capacity;
    }
    l->items[l->count++] = (struct part_location){slot, part};
    return true;
}

static bool add_recent(struct part_list *l, uint32_t slot, int64_t block, struct bytes keys,
                       uint64_t key)
{
    uint64_t stored = htole64(key);
    for (size_t i = 0; i + 8 <= keys.len && i / 8 < BLOCK_MAX_PARTS; i += 8) {
        if (memcmp(keys.data + i, &stored, 8) == 0 && !add_part(l, slot, block + (int64_t)(i / 8)))
            return false;
    }
    return true;
}

bool reader_find_parts(struct store_reader *r, const uint8_t trace_id[16], struct part_list *out)
{
    bool done = true;
    for (uint32_t i = 0; done && i < r->slot_count; i++) {
        struct reader_slot *s = &r->slots[i];
        uint64_t key = XXH3_64bits_withSeed(trace_id, 16, s->seed) >> 16;
        sqlite3_stmt *q = reader_statement(s, READ_PARTS_BY_KEY);
        if (q)
            sqlite3_bind_int64(q, 1, (int64_t)key);
        while (done && reader_step(r, s, q))
            done = add_part(out, i, sqlite3_column_int64(q, 0));
        q = s->live ? reader_statement(s, READ_RECENT_KEYS) : NULL;
        while (done && reader_step(r, s, q))
            done = add_recent(out, i, sqlite3_column_int64(q, 0), sql_blob(q, 1), key);
    }
    return done;
}

static const struct blob_dictionary *dictionary_of(struct store_reader *r, struct reader_slot *s,
                                                   int64_t id)
{
    for (size_t i = 0; i < s->dictionary_count; i++) {
        if (s->dictionaries[i].id == id)
            return s->dictionaries[i].prepared;
    }
    sqlite3_stmt *q = reader_statement(s, READ_DICTIONARY);
    if (!q || s->dictionary_count == MAX_DICTIONARIES)
        return NULL;
    struct cached_dictionary *larger =
        reallocarray(s->dictionaries, s->dictionary_count + 1, sizeof *larger);
    if (!larger)
        return NULL;
    s->dictionaries = larger;
    sqlite3_bind_int64(q, 1, id);
    struct blob_dictionary *prepared = NULL;
    if (reader_step(r, s, q) &&
        sql_is_integer_or_null(q, 1, blob_dictionary_checksum(sql_blob(q, 0))))
        prepared = blob_dictionary_create(sql_blob(q, 0));
    sqlite3_reset(q);
    if (!prepared) {
        log_error(NULL, "a dictionary of the store is missing or damaged",
                  LOG_S("path", s->slot->path), LOG_I("dictionary", id));
        return NULL;
    }
    s->dictionaries[s->dictionary_count++] = (struct cached_dictionary){id, prepared};
    return prepared;
}

struct envelope_finder {
    struct store_reader *reader;
    struct reader_slot *slot;
};

static bool grow_envelopes(struct cached_envelopes *c, uint32_t count)
{
    uint8_t **items = reallocarray(c->items, count, sizeof *items);
    if (items)
        c->items = items;
    uint32_t *lengths = items ? reallocarray(c->lengths, count, sizeof *lengths) : NULL;
    if (!lengths)
        return false;
    c->lengths = lengths;
    memset(c->items + c->count, 0, (count - c->count) * sizeof *c->items);
    c->count = count;
    return true;
}

static bool find_envelope(void *context, uint32_t code, struct bytes *envelope)
{
    const struct envelope_finder *f = context;
    struct cached_envelopes *c = &f->slot->envelopes;
    if (code > NAMES_MAX_ENVELOPES ||
        (code >= c->count && !grow_envelopes(c, code + 64 + code / 2)))
        return false;
    if (!c->items[code]) {
        sqlite3_stmt *q = reader_statement(f->slot, READ_ENVELOPE);
        if (!q)
            return false;
        sqlite3_bind_int64(q, 1, code);
        if (reader_step(f->reader, f->slot, q)) {
            struct bytes data = sql_blob(q, 0);
            c->items[code] = data.len <= NAMES_MAX_ENVELOPE_LENGTH ? malloc(data.len + 1) : NULL;
            c->lengths[code] = (uint32_t)data.len;
            c->bytes += data.len + 32;
            if (c->items[code] && data.len)
                memcpy(c->items[code], data.data, data.len);
        }
        sqlite3_reset(q);
    }
    *envelope = bytes_of(c->items[code], c->items[code] ? c->lengths[code] : 0);
    return c->items[code] != NULL;
}

static struct batch *decode(struct store_reader *r, struct reader_slot *s, int64_t dictionary,
                            struct bytes data)
{
    const struct blob_dictionary *d = dictionary ? dictionary_of(r, s, dictionary) : NULL;
    size_t size = blob_size(data);
    struct batch *b = NULL;
    if (size == 0 || (dictionary && !d))
        return NULL;
    r->packed.len = 0;
    r->packed.failed = false;
    if (s->envelopes.bytes > MAX_ENVELOPES)
        forget_envelopes(&s->envelopes);
    uint8_t *packed = buffer_reserve(&r->packed, size);
    if (packed && blob_read(r->blobs, d, data, packed, size))
        b = part_unpack(bytes_of(packed, size), 2 * (size_t)BLOB_MAX_BYTES, find_envelope,
                        &(struct envelope_finder){r, s});
    if (r->packed.capacity > MAX_PACKED_KEPT)
        buffer_free(&r->packed);
    if (!b)
        log_error(NULL, "a trace of the store is damaged", LOG_S("path", s->slot->path));
    return b;
}

struct batch *reader_load_part(struct store_reader *r, const struct part_location *where)
{
    struct reader_slot *s = &r->slots[where->slot];
    sqlite3_stmt *q = reader_statement(s, READ_PART);
    struct batch *b = NULL;
    if (!q)
        return NULL;
    sqlite3_bind_int64(q, 1, where->part);
    if (reader_step(r, s, q))
        b = decode(r, s, sqlite3_column_int64(q, 0), sql_blob(q, 1));
    sqlite3_reset(q);
    return b;
}

/* The id of the last part, and no more than a file of this size can have rows. */
static int64_t last_part(const struct reader_slot *s)
{
    int64_t last = sql_integer(s->db, "SELECT max(id) FROM part", 0);
    int64_t bytes =
        sql_integer(s->db, "PRAGMA page_count", 0) * sql_integer(s->db, "PRAGMA page_size", 0);
    return last < bytes ? last : bytes;
}

/* The part behind one that could not be read: of ids in a damaged file there may be gaps that
 * nobody lives to see the end of. */
static int64_t next_part(struct store_reader *r, struct reader_slot *s, int64_t id)
{
    sqlite3_stmt *q = reader_statement(s, READ_NEXT_PART);
    if (q)
        sqlite3_bind_int64(q, 1, id);
    int64_t next = reader_step(r, s, q) ? sqlite3_column_int64(q, 0) : 0;
    sqlite3_reset(q);
    return next > id ? next : id + 1;
}

bool reader_walk(struct store_reader *r, uint32_t slot,
                 bool (*each)(void *context, struct batch *b), void *context, uint64_t *damaged)
{
    struct reader_slot *s = &r->slots[slot];
    int64_t last = s->db ? last_part(s) : 0;
    for (int64_t id = 1; id <= last;) {
        struct batch *b = reader_load_part(r, &(struct part_location){slot, id});
        *damaged += b == NULL;
        bool go_on = !b || each(context, b);
        id = b ? id + 1 : next_part(r, s, id);
        batch_release(b);
        if (!go_on)
            return false;
    }
    return s->db != NULL;
}

static bool is_of_trace(const struct batch *b, const uint8_t trace_id[16])
{
    for (uint32_t i = 0; i < b->span_count; i++) {
        if (memcmp(b->spans[i].trace_id, trace_id, 16) != 0)
            return false;
    }
    return true;
}

bool reader_load_trace(struct store_reader *r, const uint8_t trace_id[16], struct trace_parts *out)
{
    struct part_list parts = {0};
    *out = (struct trace_parts){0};
    bool done = reader_find_parts(r, trace_id, &parts);
    if (done && parts.count)
        out->items = calloc(parts.count, sizeof *out->items);
    done = done && (out->items || parts.count == 0);
    for (size_t i = 0; done && i < parts.count; i++) {
        struct batch *b = reader_load_part(r, &parts.items[i]);
        if (!b)
            continue;
        if (!is_of_trace(b, trace_id) || out->bytes + batch_bytes(b) > MAX_TRACE_BYTES) {
            batch_release(b);
            continue;
        }
        out->bytes += batch_bytes(b);
        out->items[out->count++] = b;
    }
    free(parts.items);
    return done;
}

void trace_parts_free(struct trace_parts *p)
{
    for (size_t i = 0; i < p->count; i++)
        batch_release(p->items[i]);
    free(p->items);
    *p = (struct trace_parts){0};
}
