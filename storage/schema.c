/* One slot's tables. Keys are integers, rows are appended: random keys cost ten times the rest.
 *
 *   part      a part of a trace: its spans' wire bytes, compressed
 *   envelope  what the spans of a resource or a scope share
 *   block     up to 256 parts in the order of their ids: what a search needs to skip all of them
 *   detail    the same block's filter and records, kept apart so that walking `block` stays cheap
 *   trace     a 48-bit hash of the trace id -> part; filled in sorted runs, up to meta 'indexed'.
 *             Blocks behind that are looked up in their `keys`.
 *   service, operation   what the codes in the records mean
 *   dictionary           what zstd was given beside the part; 0 means none
 *   meta      'seed' of the trace id hash, 'end' of the slot, 'indexed', 'sealed'
 *
 * Times are nanoseconds since the epoch, unsigned, stored as the signed integer with their bits.
 *
 * A file is only believed when sqlite_schema holds exactly these statements, so a planted view,
 * trigger or index cannot stand in for a table of ours. */
#include "storage/schema.h"

#include "storage/sql.h"

#include <string.h>

static const char *const version_1[] = {
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE dictionary(id INTEGER PRIMARY KEY, data BLOB NOT NULL)",
    "CREATE TABLE service(id INTEGER PRIMARY KEY, name BLOB NOT NULL)",
    "CREATE TABLE operation(id INTEGER PRIMARY KEY, service INTEGER NOT NULL,"
    " kind INTEGER NOT NULL, name BLOB NOT NULL)",
    "CREATE TABLE envelope(id INTEGER PRIMARY KEY, data BLOB NOT NULL)",
    "CREATE TABLE part(id INTEGER PRIMARY KEY, dictionary INTEGER NOT NULL, data BLOB NOT NULL)",
    "CREATE TABLE block(id INTEGER PRIMARY KEY, parts INTEGER NOT NULL,"
    " min_start INTEGER NOT NULL, max_start INTEGER NOT NULL, max_last_start INTEGER NOT NULL,"
    " max_duration INTEGER NOT NULL, edges BLOB NOT NULL)",
    "CREATE TABLE detail(id INTEGER PRIMARY KEY, keys BLOB NOT NULL, filter BLOB NOT NULL,"
    " records BLOB NOT NULL, refs BLOB NOT NULL)",
    "CREATE TABLE trace(key INTEGER NOT NULL, part INTEGER NOT NULL,"
    " PRIMARY KEY(key, part)) WITHOUT ROWID",
    NULL,
};

/* migrations[v] brings version v to v + 1. */
static const char *const *const migrations[SCHEMA_VERSION] = {version_1};

static enum schema_state compare(sqlite3 *db, int *code)
{
    sqlite3_stmt *s;
    *code = sqlite3_prepare_v2(db, "SELECT sql FROM sqlite_schema ORDER BY rowid", -1, &s, NULL);
    if (*code != SQLITE_OK)
        return SCHEMA_OTHER;
    size_t at = 0;
    bool equal = true;
    while ((*code = sqlite3_step(s)) == SQLITE_ROW) {
        const char *sql = (const char *)sqlite3_column_text(s, 0);
        equal = equal && sql && version_1[at] && strcmp(sql, version_1[at]) == 0;
        at += version_1[at] != NULL;
    }
    sqlite3_finalize(s);
    if (*code != SQLITE_DONE)
        return SCHEMA_OTHER;
    *code = SQLITE_OK;
    return equal && !version_1[at] ? SCHEMA_CURRENT : SCHEMA_OTHER;
}

enum schema_state slot_schema_check(sqlite3 *db, int *code)
{
    sqlite3_stmt *s;
    *code = sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &s, NULL);
    if (*code != SQLITE_OK)
        return SCHEMA_OTHER;
    *code = sqlite3_step(s);
    int64_t version = *code == SQLITE_ROW ? sqlite3_column_int64(s, 0) : -1;
    sqlite3_finalize(s);
    *code = *code == SQLITE_ROW ? SQLITE_OK : *code;
    if (version < 0)
        return SCHEMA_OTHER;
    if (version > SCHEMA_VERSION)
        return SCHEMA_NEWER;
    if (version == SCHEMA_VERSION)
        return compare(db, code);
    if (version > 0)
        return SCHEMA_OLDER;
    int64_t tables = sql_integer(db, "SELECT count(*) FROM sqlite_schema", -1);
    return tables == 0 ? SCHEMA_EMPTY : SCHEMA_OTHER;
}

int slot_schema_migrate(sqlite3 *db)
{
    int code = sql_exec(db, "BEGIN IMMEDIATE");
    if (code != SQLITE_OK)
        return code;
    int64_t version = sql_integer(db, "PRAGMA user_version", SCHEMA_VERSION);
    for (; code == SQLITE_OK && version >= 0 && version < SCHEMA_VERSION; version++) {
        for (const char *const *sql = migrations[version]; *sql && code == SQLITE_OK; sql++)
            code = sql_exec(db, *sql);
    }
    char pragma[64];
    sqlite3_snprintf(sizeof pragma, pragma, "PRAGMA user_version=%d", SCHEMA_VERSION);
    if (code == SQLITE_OK)
        code = sql_exec(db, pragma);
    if (code == SQLITE_OK)
        code = sql_exec(db, "COMMIT");
    if (code != SQLITE_OK)
        sql_exec(db, "ROLLBACK");
    return code;
}
