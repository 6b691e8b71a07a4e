/* Three hash tables with open addressing, compared by content, grown by doubling; the names' bytes
 * are copied once. The caps bound both memory (some 10 MB a slot) and what a sender with an id in
 * every span name can do to the lists of operations. */
#define XXH_INLINE_ALL
#include "storage/names.h"

#include "component/hash_seed.h"
#include "proto/buffer.h"
#include "storage/sql.h"

#include <stdlib.h>
#include <xxhash.h>

struct name {
    uint64_t hash;
    uint32_t code; /* 0: free */
    uint32_t service;
    uint32_t len;
    uint8_t kind;
    uint8_t *bytes;
};

struct table {
    struct name *entries;
    uint32_t capacity; /* a power of two, or 0 */
    uint32_t count;
    uint32_t max;
    uint32_t max_length;
    size_t bytes; /* of all names */
    size_t max_bytes;
};

struct names {
    struct table services;
    struct table operations;
    struct table envelopes; /* those remembered; each may be in the file more than once */
    int64_t last_envelope;
    struct buffer envelope; /* scratch */
    sqlite3_stmt *add_envelope;
    sqlite3_stmt *add_service;
    sqlite3_stmt *add_operation;
    int error;
};

static uint64_t hash_of(uint32_t service, uint8_t kind, struct bytes name)
{
    return XXH3_64bits_withSeed(name.data, name.len, hash_seed() + ((uint64_t)service << 8 | kind));
}

static struct name *find(const struct table *t, uint64_t hash, uint32_t service, uint8_t kind,
                         struct bytes name)
{
    uint32_t mask = t->capacity - 1;
    for (uint32_t at = (uint32_t)hash & mask;; at = (at + 1) & mask) {
        struct name *e = &t->entries[at];
        if (!e->code || (e->hash == hash && e->service == service && e->kind == kind &&
                         bytes_equal(bytes_of(e->bytes, e->len), name)))
            return e;
    }
}

static bool grow(struct table *t)
{
    struct table larger = *t;
    larger.capacity = t->capacity ? t->capacity * 2 : 64;
    larger.entries = calloc(larger.capacity, sizeof *larger.entries);
    if (!larger.entries)
        return false;
    for (uint32_t i = 0; i < t->capacity; i++) {
        const struct name *e = &t->entries[i];
        if (e->code)
            *find(&larger, e->hash, e->service, e->kind, bytes_of(e->bytes, e->len)) = *e;
    }
    free(t->entries);
    t->entries = larger.entries;
    t->capacity = larger.capacity;
    return true;
}

/* The entry, new (code 0, all else filled in) or known. NULL: no room, no memory, or too long. */
static struct name *lookup(struct table *t, uint32_t service, uint8_t kind, struct bytes name)
{
    if (name.len > t->max_length || (t->count >= t->capacity / 2 && !grow(t)))
        return NULL;
    uint64_t hash = hash_of(service, kind, name);
    struct name *e = find(t, hash, service, kind, name);
    if (e->code)
        return e;
    if (t->count >= t->max || t->bytes + name.len > t->max_bytes)
        return NULL;
    uint8_t *copy = malloc(name.len + 1);
    if (!copy)
        return NULL;
    if (name.len)
        memcpy(copy, name.data, name.len);
    t->bytes += name.len;
    *e = (struct name){
        .hash = hash, .service = service, .len = (uint32_t)name.len, .kind = kind, .bytes = copy};
    return e;
}

uint32_t names_service(struct names *n, struct bytes name)
{
    struct name *e = lookup(&n->services, 0, 0, name);
    if (!e || e->code)
        return e ? e->code : 0;
    e->code = ++n->services.count;
    sqlite3_bind_int64(n->add_service, 1, e->code);
    sql_bind_bytes(n->add_service, 2, bytes_of(e->bytes, e->len));
    int code = sql_run(n->add_service);
    if (code != SQLITE_OK && n->error == SQLITE_OK)
        n->error = code;
    return e->code;
}

uint32_t names_operation(struct names *n, uint32_t service, uint8_t kind, struct bytes name)
{
    struct name *e = service ? lookup(&n->operations, service, kind, name) : NULL;
    if (!e || e->code)
        return e ? e->code : 0;
    e->code = ++n->operations.count;
    sqlite3_bind_int64(n->add_operation, 1, e->code);
    sqlite3_bind_int64(n->add_operation, 2, service);
    sqlite3_bind_int64(n->add_operation, 3, kind);
    sql_bind_bytes(n->add_operation, 4, bytes_of(e->bytes, e->len));
    int code = sql_run(n->add_operation);
    if (code != SQLITE_OK && n->error == SQLITE_OK)
        n->error = code;
    return e->code;
}

static void forget(struct table *t)
{
    for (uint32_t i = 0; i < t->capacity; i++)
        free(t->entries[i].bytes);
    free(t->entries);
    *t = (struct table){.max = t->max, .max_length = t->max_length, .max_bytes = t->max_bytes};
}

uint32_t names_envelope(struct names *n, struct bytes head, struct bytes tail)
{
    struct bytes whole = head;
    if (tail.len) {
        n->envelope.len = 0;
        buffer_append(&n->envelope, head.data, head.len);
        buffer_append(&n->envelope, tail.data, tail.len);
        whole = buffer_bytes(&n->envelope);
    }
    if (whole.len > NAMES_MAX_ENVELOPE_LENGTH || n->envelope.failed ||
        n->last_envelope == NAMES_MAX_ENVELOPES)
        return 0;
    if (n->envelopes.bytes + whole.len > NAMES_MAX_ENVELOPE_BYTES)
        forget(&n->envelopes);
    struct name *e = lookup(&n->envelopes, 0, 0, whole);
    if (!e || e->code)
        return e ? e->code : 0;
    n->envelopes.count++;
    e->code = (uint32_t)++n->last_envelope;
    sqlite3_bind_int64(n->add_envelope, 1, e->code);
    sql_bind_bytes(n->add_envelope, 2, bytes_of(e->bytes, e->len));
    int code = sql_run(n->add_envelope);
    if (code != SQLITE_OK && n->error == SQLITE_OK)
        n->error = code;
    return e->code;
}

int names_error(const struct names *n)
{
    return n->error;
}

/* Codes in the file are 1, 2, 3 …; anything else did not come from here. */
static int load(sqlite3 *db, const char *sql, struct table *t)
{
    sqlite3_stmt *s;
    int code = sqlite3_prepare_v2(db, sql, -1, &s, NULL);
    if (code != SQLITE_OK)
        return code;
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        struct name *e = lookup(t, (uint32_t)sqlite3_column_int64(s, 1),
                                (uint8_t)sqlite3_column_int(s, 2), sql_blob(s, 3));
        if (!e || e->code || sqlite3_column_int64(s, 0) != (int64_t)t->count + 1) {
            code = SQLITE_CORRUPT;
            break;
        }
        e->code = ++t->count;
    }
    sqlite3_finalize(s);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

struct names *names_open(sqlite3 *db, int *code)
{
    struct names *n = calloc(1, sizeof *n);
    if (!n) {
        *code = SQLITE_NOMEM;
        return NULL;
    }
    n->services = (struct table){
        .max = NAMES_MAX_SERVICES, .max_length = NAMES_MAX_LENGTH, .max_bytes = SIZE_MAX};
    n->operations = (struct table){
        .max = NAMES_MAX_OPERATIONS, .max_length = NAMES_MAX_LENGTH, .max_bytes = SIZE_MAX};
    n->envelopes = (struct table){.max = NAMES_MAX_ENVELOPES,
                                  .max_length = NAMES_MAX_ENVELOPE_LENGTH,
                                  .max_bytes = NAMES_MAX_ENVELOPE_BYTES};
    *code = sql_prepare(db, "INSERT INTO service(id, name) VALUES(?1, ?2)", &n->add_service);
    if (*code == SQLITE_OK)
        *code = sql_prepare(db,
                            "INSERT INTO operation(id, service, kind, name)"
                            " VALUES(?1, ?2, ?3, ?4)",
                            &n->add_operation);
    if (*code == SQLITE_OK)
        *code = sql_prepare(db, "INSERT INTO envelope(id, data) VALUES(?1, ?2)", &n->add_envelope);
    n->last_envelope = sql_integer(db, "SELECT max(id) FROM envelope", 0);
    if (*code == SQLITE_OK && (n->last_envelope < 0 || n->last_envelope > NAMES_MAX_ENVELOPES))
        *code = SQLITE_CORRUPT;
    if (*code == SQLITE_OK)
        *code = load(db, "SELECT id, 0, 0, name FROM service ORDER BY id", &n->services);
    if (*code == SQLITE_OK)
        *code =
            load(db, "SELECT id, service, kind, name FROM operation ORDER BY id", &n->operations);
    if (*code != SQLITE_OK) {
        names_close(n);
        return NULL;
    }
    return n;
}

void names_close(struct names *n)
{
    if (!n)
        return;
    sqlite3_finalize(n->add_service);
    sqlite3_finalize(n->add_operation);
    sqlite3_finalize(n->add_envelope);
    buffer_free(&n->envelope);
    forget(&n->envelopes);
    forget(&n->services);
    forget(&n->operations);
    free(n);
}
