/* Rows are only ever appended, but for three: the open block's two, which each commit writes again
 * until the block is full, and the watermark of the index.
 *
 * The trace index is the one table with random keys. Inserting them one by one would dirty a page
 * for nearly every trace (13 us each, measured); so the keys of full blocks are collected, sorted,
 * and inserted some 16,000 at a time, which touches every page once. Until then readers find them
 * in the blocks' `keys`, behind the watermark.
 *
 * Checkpoints are the writer's own, so that none falls into a reader's query and the -wal stays
 * bounded: passively from 16 MiB on, waiting for readers from 64 MiB. */
#define XXH_INLINE_ALL
#include "storage/slot_writer.h"

#include "component/log.h"
#include "storage/hop_record.h"
#include "storage/schema.h"
#include "storage/sql.h"

#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <xxhash.h>

#define PART_MAX_SPANS    8192
#define PART_MAX_BYTES    (4u << 20)
#define INDEX_RUN         16384 /* keys */
#define INDEX_BLOCKS      64
#define WAL_PASSIVE_PAGES 1024
#define WAL_RESTART_PAGES 4096
#define PROBE_BYTES       (256 << 10)
#define PARTS_MAX         (1ll << 40) /* in a slot: what claims to have more is not ours */

struct index_key {
    uint64_t key;
    int64_t part;
};

struct slot_writer {
    struct slot *slot;
    sqlite3 *db;
    struct blob_writer *blobs;
    struct names *names;
    struct block_builder *block;
    struct block_statements block_rows;
    sqlite3_stmt *put_part;
    sqlite3_stmt *put_key;
    sqlite3_stmt *put_meta;
    sqlite3_stmt *put_dictionary;
    sqlite3_stmt *put_hops;
    uint64_t seed;
    int64_t next_part;
    int64_t dictionary; /* id of the one in use; 0: none */
    struct buffer raw;
    struct buffer packed;
    int wal_pages;

    struct index_key *run; /* keys of full blocks that are not in the index yet */
    uint32_t run_count;
    uint32_t run_blocks;
    int64_t run_last_block;
};

static int on_wal(void *context, sqlite3 *db, const char *name, int pages)
{
    (void)db, (void)name;
    ((struct slot_writer *)context)->wal_pages = pages;
    return SQLITE_OK;
}

static int put_meta(struct slot_writer *w, const char *key, int64_t value)
{
    sqlite3_bind_text(w->put_meta, 1, key, -1, SQLITE_STATIC);
    sqlite3_bind_int64(w->put_meta, 2, value);
    return sql_run(w->put_meta);
}

static int prepare(struct slot_writer *w)
{
    static const char *const sql[] = {
        "INSERT INTO part(id, dictionary, data) VALUES(?1, ?2, ?3)",
        "INSERT OR IGNORE INTO trace(key, part) VALUES(?1, ?2)",
        "INSERT OR REPLACE INTO meta(key, value) VALUES(?1, ?2)",
        "INSERT INTO dictionary(id, data) VALUES(?1, ?2)",
        "INSERT INTO hop(keys, data) VALUES(?1, ?2)",
    };
    sqlite3_stmt **const statements[] = {&w->put_part, &w->put_key, &w->put_meta,
                                         &w->put_dictionary, &w->put_hops};
    int code = SQLITE_OK;
    for (size_t i = 0; i < sizeof sql / sizeof sql[0] && code == SQLITE_OK; i++)
        code = sql_prepare(w->db, sql[i], statements[i]);
    return code == SQLITE_OK ? block_prepare(w->db, &w->block_rows) : code;
}

static int store_dictionary(struct slot_writer *w)
{
    sqlite3_bind_int64(w->put_dictionary, 1, w->dictionary + 1);
    sql_bind_bytes(w->put_dictionary, 2, blob_writer_dictionary(w->blobs));
    int code = sql_run(w->put_dictionary);
    sqlite3_clear_bindings(w->put_dictionary);
    if (code != SQLITE_OK)
        return code;
    char key[40];
    w->dictionary++;
    snprintf(key, sizeof key, "dictionary %" PRId64, w->dictionary);
    return put_meta(w, key, blob_dictionary_checksum(blob_writer_dictionary(w->blobs)));
}

/* What a new file begins with. */
static int initialise(struct slot_writer *w)
{
    int code = slot_schema_migrate(w->db);
    if (code == SQLITE_OK)
        code = prepare(w);
    if (code == SQLITE_OK)
        code = sql_exec(w->db, "BEGIN IMMEDIATE");
    if (getrandom(&w->seed, sizeof w->seed, GRND_NONBLOCK) != sizeof w->seed)
        w->seed = w->slot->id * 0x9e3779b97f4a7c15u;
    if (code == SQLITE_OK)
        code = put_meta(w, "seed", (int64_t)w->seed);
    if (code == SQLITE_OK)
        code = put_meta(w, "end", (int64_t)atomic_load(&w->slot->end_ns));
    if (code == SQLITE_OK)
        code = put_meta(w, "indexed", 0);
    if (blob_writer_can_train(w->blobs))
        blob_writer_train(w->blobs);
    if (code == SQLITE_OK && blob_writer_dictionary(w->blobs).len > 0)
        code = store_dictionary(w);
    if (code == SQLITE_OK)
        code = sql_exec(w->db, "COMMIT");
    w->next_part = 1;
    return code;
}

static int load_dictionary(struct slot_writer *w)
{
    sqlite3_stmt *s;
    int code = sqlite3_prepare_v2(w->db,
                                  "SELECT id, data, (SELECT value FROM meta WHERE key='dictionary '"
                                  "||id) FROM dictionary ORDER BY id DESC LIMIT 1",
                                  -1, &s, NULL);
    if (code != SQLITE_OK)
        return code;
    struct bytes data = bytes_of(NULL, 0);
    code = sqlite3_step(s);
    if (code == SQLITE_ROW) {
        w->dictionary = sqlite3_column_int64(s, 0);
        data = sql_blob(s, 1);
    }
    if (code == SQLITE_ROW && (!blob_is_dictionary(data) ||
                               !sql_is_integer_or_null(s, 2, blob_dictionary_checksum(data))))
        code = SQLITE_CORRUPT;
    else if (code == SQLITE_ROW || code == SQLITE_DONE)
        code = blob_writer_use(w->blobs, data) ? SQLITE_OK : SQLITE_NOMEM;
    sqlite3_finalize(s);
    return code;
}

static bool add_to_run(struct slot_writer *w, int64_t block, const uint64_t *keys, uint32_t count)
{
    if (!w->run)
        w->run = malloc((INDEX_RUN + BLOCK_MAX_PARTS) * sizeof *w->run);
    if (!w->run)
        return false;
    for (uint32_t i = 0; i < count; i++)
        w->run[w->run_count++] = (struct index_key){keys[i], block + i};
    w->run_blocks++;
    w->run_last_block = block;
    return true;
}

static int compare_keys(const void *a, const void *b)
{
    const struct index_key *x = a;
    const struct index_key *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return (x->part > y->part) - (x->part < y->part);
}

/* Moves the run into the index, inside of the caller's transaction. */
static int index_run(struct slot_writer *w)
{
    int code = SQLITE_OK;
    if (w->run_blocks == 0)
        return code;
    qsort(w->run, w->run_count, sizeof *w->run, compare_keys);
    for (uint32_t i = 0; i < w->run_count && code == SQLITE_OK; i++) {
        sqlite3_bind_int64(w->put_key, 1, (int64_t)w->run[i].key);
        sqlite3_bind_int64(w->put_key, 2, w->run[i].part);
        code = sql_run(w->put_key);
    }
    if (code == SQLITE_OK)
        code = put_meta(w, "indexed", w->run_last_block);
    w->run_count = 0;
    w->run_blocks = 0;
    return code;
}

/* Blocks that an earlier process left behind the watermark: the last of them is full from now on.
 */
static int load_run(struct slot_writer *w)
{
    sqlite3_stmt *s;
    int code = sqlite3_prepare_v2(
        w->db,
        "SELECT id, keys FROM detail WHERE id > (SELECT value FROM meta WHERE key='indexed')"
        " ORDER BY id",
        -1, &s, NULL);
    if (code != SQLITE_OK)
        return code;
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        uint64_t keys[BLOCK_MAX_PARTS];
        struct bytes packed = sql_blob(s, 1);
        uint32_t count = (uint32_t)(packed.len / 8);
        if (count > BLOCK_MAX_PARTS || w->run_count + count > INDEX_RUN) {
            code = SQLITE_CORRUPT;
            break;
        }
        for (uint32_t i = 0; i < count; i++) {
            memcpy(&keys[i], packed.data + (size_t)i * 8, 8);
            keys[i] = le64toh(keys[i]);
        }
        if (!add_to_run(w, sqlite3_column_int64(s, 0), keys, count)) {
            code = SQLITE_NOMEM;
            break;
        }
    }
    sqlite3_finalize(s);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

static int resume(struct slot_writer *w)
{
    int code = prepare(w);
    if (code == SQLITE_OK && w->blobs)
        code = load_dictionary(w);
    if (code == SQLITE_OK)
        code = load_run(w);
    w->seed = (uint64_t)sql_integer(w->db, "SELECT value FROM meta WHERE key='seed'", 0);
    int64_t last = sql_integer(w->db, "SELECT max(id) FROM part", 0);
    if (code == SQLITE_OK && (last < 0 || last > PARTS_MAX))
        code = SQLITE_CORRUPT;
    w->next_part = last + 1;
    return code;
}

static int open_file(struct slot_writer *w)
{
    int code;
    w->db = sql_open(w->slot->path, SQL_WRITE, &code);
    if (!w->db)
        return code;
    enum schema_state state = slot_schema_check(w->db, &code);
    if (state == SCHEMA_OTHER)
        return code == SQLITE_OK ? SQLITE_CORRUPT : code;
    if (state == SCHEMA_NEWER)
        return SQLITE_READONLY;
    if (state == SCHEMA_EMPTY && !w->blobs)
        return SQLITE_CORRUPT;
    if (state == SCHEMA_OLDER)
        code = slot_schema_migrate(w->db);
    if (code == SQLITE_OK) {
        w->slot->ended = w->slot->ended || state == SCHEMA_OLDER;
        atomic_store(&w->slot->older, false);
    }
    if (code == SQLITE_OK)
        code = state == SCHEMA_EMPTY ? initialise(w) : resume(w);
    if (code == SQLITE_OK)
        w->names = names_open(w->db, &code);
    sqlite3_wal_hook(w->db, on_wal, w);
    return code;
}

struct slot_writer *slot_writer_open(struct slot *slot, struct blob_writer *blobs, int *code)
{
    struct slot_writer *w = calloc(1, sizeof *w);
    *code = SQLITE_NOMEM;
    if (!w)
        return NULL;
    w->slot = slot_retain(slot);
    w->blobs = blobs;
    w->block = block_builder_create();
    if (w->block)
        *code = open_file(w);
    if (*code != SQLITE_OK) {
        slot_writer_close(w);
        return NULL;
    }
    block_begin(w->block, w->next_part);
    return w;
}

void slot_writer_close(struct slot_writer *w)
{
    if (!w)
        return;
    names_close(w->names);
    block_finalize(&w->block_rows);
    sqlite3_finalize(w->put_part);
    sqlite3_finalize(w->put_key);
    sqlite3_finalize(w->put_meta);
    sqlite3_finalize(w->put_dictionary);
    sqlite3_finalize(w->put_hops);
    sqlite3_close(w->db);
    block_builder_destroy(w->block);
    buffer_free(&w->raw);
    buffer_free(&w->packed);
    free(w->run);
    slot_release(w->slot);
    free(w);
}

struct slot *slot_writer_slot(const struct slot_writer *w)
{
    return w->slot;
}

void slot_writer_limit_pages(struct slot_writer *w, int pages)
{
    char pragma[64];
    sqlite3_snprintf(sizeof pragma, pragma, "PRAGMA max_page_count=%d", pages ? pages : 1073741823);
    sql_exec(w->db, pragma);
}

int slot_writer_begin(struct slot_writer *w)
{
    return sql_exec(w->db, "BEGIN IMMEDIATE");
}

static void reuse(struct buffer *b)
{
    if (b->failed || b->capacity > (size_t)2 * PART_MAX_BYTES)
        buffer_free(b);
    b->len = 0;
    b->failed = false;
}

static int finish_block(struct slot_writer *w)
{
    int code = block_write(w->block, &w->block_rows);
    uint32_t parts = block_parts(w->block);
    if (code != SQLITE_OK || parts == 0)
        return code;
    if (!add_to_run(w, w->next_part - parts, block_keys(w->block), parts))
        return SQLITE_NOMEM;
    block_begin(w->block, w->next_part);
    return w->run_count >= INDEX_RUN - BLOCK_MAX_PARTS || w->run_blocks >= INDEX_BLOCKS
               ? index_run(w)
               : SQLITE_OK;
}

/* A slot that has no dictionary yet gets one as soon as there are samples. */
static int train(struct slot_writer *w)
{
    if (w->dictionary || !blob_writer_can_train(w->blobs) || !blob_writer_train(w->blobs))
        return SQLITE_OK;
    return store_dictionary(w);
}

static int add_part(struct slot_writer *w, struct source *sources, const struct span_ref *refs,
                    uint32_t count)
{
    const uint8_t *id = sources[refs[0].batch].batch->spans[refs[0].span].trace_id;
    uint64_t key = XXH3_64bits_withSeed(id, 16, w->seed) >> 16;
    reuse(&w->raw);
    reuse(&w->packed);
    part_pack(w->names, sources, refs, count, &w->raw);
    if (w->raw.failed || !blob_write(w->blobs, buffer_bytes(&w->raw), &w->packed) ||
        !block_add(w->block, w->names, sources, refs, count, key))
        return SQLITE_NOMEM;
    sqlite3_bind_int64(w->put_part, 1, w->next_part);
    sqlite3_bind_int64(w->put_part, 2, w->dictionary);
    sql_bind_bytes(w->put_part, 3, buffer_bytes(&w->packed));
    int code = sql_run(w->put_part);
    if (code != SQLITE_OK)
        return code;
    w->next_part++;
    code = train(w);
    return code == SQLITE_OK && block_is_full(w->block) ? finish_block(w) : code;
}

int slot_writer_add(struct slot_writer *w, struct source *sources, const struct span_ref *refs,
                    uint32_t count)
{
    for (uint32_t i = 0, n; i < count; i += n) {
        size_t bytes = 0;
        for (n = 0; i + n < count && n < PART_MAX_SPANS; n++) {
            bytes += sources[refs[i + n].batch].batch->spans[refs[i + n].span].len;
            if (bytes > PART_MAX_BYTES && n > 0)
                break;
        }
        int code = add_part(w, sources, refs + i, n);
        if (code != SQLITE_OK)
            return code;
    }
    return SQLITE_OK;
}

int slot_writer_add_hops(struct slot_writer *w, struct bytes records)
{
    int code = SQLITE_OK;
    while (code == SQLITE_OK && records.len > 0) {
        struct bytes row = hop_records_row(&records);
        if (row.len == 0)
            break;
        reuse(&w->raw);
        reuse(&w->packed);
        hop_keys_write(&w->raw, row, w->seed);
        if (!hop_row_pack(&w->packed, row) || w->raw.failed)
            return SQLITE_NOMEM;
        sql_bind_bytes(w->put_hops, 1, buffer_bytes(&w->raw));
        sql_bind_bytes(w->put_hops, 2, buffer_bytes(&w->packed));
        code = sql_run(w->put_hops);
    }
    sqlite3_clear_bindings(w->put_hops);
    return code;
}

static void checkpoint(struct slot_writer *w)
{
    if (w->wal_pages < WAL_PASSIVE_PAGES)
        return;
    int mode =
        w->wal_pages < WAL_RESTART_PAGES ? SQLITE_CHECKPOINT_PASSIVE : SQLITE_CHECKPOINT_RESTART;
    sqlite3_busy_timeout(w->db, 100);
    int code = sqlite3_wal_checkpoint_v2(w->db, NULL, mode, NULL, NULL);
    sqlite3_busy_timeout(w->db, 2000);
    if (code != SQLITE_OK && code != SQLITE_BUSY)
        log_warn(NULL, "cannot checkpoint the store", LOG_S("path", w->slot->path),
                 LOG_S("error", sqlite3_errstr(code)));
}

int slot_writer_commit(struct slot_writer *w)
{
    int code = block_write(w->block, &w->block_rows);
    if (code == SQLITE_OK)
        code = names_error(w->names);
    if (code == SQLITE_OK)
        code = sql_exec(w->db, "COMMIT");
    if (code != SQLITE_OK)
        sql_exec(w->db, "ROLLBACK");
    else
        checkpoint(w);
    return code;
}

int slot_writer_seal(struct slot_writer *w)
{
    int code = slot_writer_begin(w);
    if (code == SQLITE_OK)
        code = finish_block(w);
    if (code == SQLITE_OK)
        code = index_run(w);
    if (code == SQLITE_OK)
        code = put_meta(w, "sealed", 1);
    if (code == SQLITE_OK)
        code = sql_exec(w->db, "COMMIT");
    if (code != SQLITE_OK) {
        sql_exec(w->db, "ROLLBACK");
        return code;
    }
    w->slot->ended = true;
    sqlite3_busy_timeout(w->db, 100);
    code = sqlite3_wal_checkpoint_v2(w->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    if (code == SQLITE_OK)
        atomic_store(&w->slot->state, SLOT_SEALED);
    return code;
}

/* The flush makes SQLite write the pages that the rollback then makes void: a full disk shows, and
 * nothing stays. */
int slot_writer_probe(struct slot_writer *w)
{
    int code = slot_writer_begin(w);
    if (code != SQLITE_OK)
        return code;
    sqlite3_bind_int64(w->put_part, 1, w->next_part);
    sqlite3_bind_int64(w->put_part, 2, 0);
    sqlite3_bind_zeroblob(w->put_part, 3, PROBE_BYTES);
    code = sql_run(w->put_part);
    sqlite3_clear_bindings(w->put_part);
    if (code == SQLITE_OK)
        code = sqlite3_db_cacheflush(w->db);
    int undone = sql_exec(w->db, "ROLLBACK");
    return code == SQLITE_OK ? undone : code;
}
