/* One slot's tables. Keys are integers, rows are appended: random keys cost ten times the rest.
 *
 *   part      a part of a trace: its spans' wire bytes, compressed
 *   envelope  what the spans of a resource or a scope share
 *   block     up to 256 parts in the order of their ids: what a search needs to skip all of them
 *   detail    the same block's filter and records, kept apart so that walking `block` stays cheap
 *   trace     a 48-bit hash of the trace id -> part; filled in sorted runs, up to meta 'indexed'.
 *             Blocks behind that are looked up in their `keys`.
 *   service, operation   what the codes in the records mean
 *   hop       hops that were found at a time: two keys each, to look for, and their records
 *   dictionary           what zstd was given beside the part; 0 means none
 *   meta      'seed' of the trace id hash, 'end' of the slot, 'indexed', 'sealed', and checksums:
 *             'dictionary 1', … (not of files that were begun without them)
 *
 * Times are nanoseconds since the epoch, unsigned, stored as the signed integer with their bits.
 *
 * A file is only believed when sqlite_schema holds exactly these statements, so a planted view,
 * trigger or index cannot stand in for a table of ours. */
#include "storage/schema.h"

#include "storage/sql.h"

#include <string.h>

#define TABLES_1                                                                                   \
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID",               \
        "CREATE TABLE dictionary(id INTEGER PRIMARY KEY, data BLOB NOT NULL)",                     \
        "CREATE TABLE service(id INTEGER PRIMARY KEY, name BLOB NOT NULL)",                        \
        "CREATE TABLE operation(id INTEGER PRIMARY KEY, service INTEGER NOT NULL,"                 \
        " kind INTEGER NOT NULL, name BLOB NOT NULL)",                                             \
        "CREATE TABLE envelope(id INTEGER PRIMARY KEY, data BLOB NOT NULL)",                       \
        "CREATE TABLE part(id INTEGER PRIMARY KEY, dictionary INTEGER NOT NULL, data BLOB NOT "    \
        "NULL)",                                                                                   \
        "CREATE TABLE block(id INTEGER PRIMARY KEY, parts INTEGER NOT NULL,"                       \
        " min_start INTEGER NOT NULL, max_start INTEGER NOT NULL, max_last_start INTEGER NOT "     \
        "NULL,"                                                                                    \
        " max_duration INTEGER NOT NULL, edges BLOB NOT NULL)",                                    \
        "CREATE TABLE detail(id INTEGER PRIMARY KEY, keys BLOB NOT NULL, filter BLOB NOT NULL,"    \
        " records BLOB NOT NULL, refs BLOB NOT NULL)",                                             \
        "CREATE TABLE trace(key INTEGER NOT NULL, part INTEGER NOT NULL,"                          \
        " PRIMARY KEY(key, part)) WITHOUT ROWID",

static const char *const version_1[] = {TABLES_1 NULL};

#define HOP_TABLE "CREATE TABLE hop(id INTEGER PRIMARY KEY, keys BLOB NOT NULL, data BLOB NOT NULL)"

static const char *const version_2[] = {
    TABLES_1 HOP_TABLE,
    NULL,
};

static const char *const to_version_2[] = {HOP_TABLE, NULL};

/* A change is one more row: its tables, and the steps from those of the row before. Rows stay as
 * they are once released; they say what files of that time look like. */
const struct schema_version slot_schema_versions[] = {
    {.tables = version_1, .steps = version_1},
    {.tables = version_2, .steps = to_version_2},
    {NULL, NULL},
};

static const struct schema_version *history = slot_schema_versions;

void slot_schema_pretend(const struct schema_version *versions)
{
    history = versions ? versions : slot_schema_versions;
}

static int64_t current_version(void)
{
    int64_t n = 0;
    while (history[n].tables)
        n++;
    return n;
}

static bool holds(sqlite3 *db, const char *const *tables, int *code)
{
    sqlite3_stmt *s;
    *code = sqlite3_prepare_v2(db, "SELECT sql FROM sqlite_schema ORDER BY rowid", -1, &s, NULL);
    if (*code != SQLITE_OK)
        return false;
    size_t at = 0;
    bool equal = true;
    while ((*code = sqlite3_step(s)) == SQLITE_ROW) {
        const char *sql = (const char *)sqlite3_column_text(s, 0);
        equal = equal && sql && tables[at] && strcmp(sql, tables[at]) == 0;
        at += tables[at] != NULL;
    }
    sqlite3_finalize(s);
    if (*code != SQLITE_DONE)
        return false;
    *code = SQLITE_OK;
    return equal && !tables[at];
}

static int read_version(sqlite3 *db, int64_t *version)
{
    sqlite3_stmt *s;
    int code = sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &s, NULL);
    if (code != SQLITE_OK)
        return code;
    code = sqlite3_step(s);
    *version = code == SQLITE_ROW ? sqlite3_column_int64(s, 0) : -1;
    sqlite3_finalize(s);
    return code == SQLITE_ROW ? SQLITE_OK : code;
}

enum schema_state slot_schema_check(sqlite3 *db, int *code)
{
    int64_t version = -1;
    *code = read_version(db, &version);
    if (*code != SQLITE_OK || version < 0)
        return SCHEMA_OTHER;
    if (version > current_version())
        return SCHEMA_NEWER;
    if (version == 0) {
        int64_t tables = sql_integer(db, "SELECT count(*) FROM sqlite_schema", -1);
        return tables == 0 ? SCHEMA_EMPTY : SCHEMA_OTHER;
    }
    if (!holds(db, history[version - 1].tables, code))
        return SCHEMA_OTHER;
    return version == current_version() ? SCHEMA_CURRENT : SCHEMA_OLDER;
}

static int take_steps(sqlite3 *db)
{
    int64_t version = -1;
    int code = read_version(db, &version);
    if (code == SQLITE_OK && version < 0)
        code = SQLITE_CORRUPT;
    for (; code == SQLITE_OK && version < current_version(); version++) {
        const char *const *sql = history[version].steps;
        for (; *sql && code == SQLITE_OK; sql++)
            code = sql_exec(db, *sql);
    }
    if (code == SQLITE_OK && !holds(db, history[current_version() - 1].tables, &code) &&
        code == SQLITE_OK)
        code = SQLITE_SCHEMA; /* the steps do not lead where they should */
    char pragma[64];
    sqlite3_snprintf(sizeof pragma, pragma, "PRAGMA user_version=%lld",
                     (long long)current_version());
    return code == SQLITE_OK ? sql_exec(db, pragma) : code;
}

int slot_schema_migrate(sqlite3 *db)
{
    int code = sql_exec(db, "BEGIN IMMEDIATE");
    if (code != SQLITE_OK)
        return code;
    code = take_steps(db);
    if (code == SQLITE_OK)
        code = sql_exec(db, "COMMIT");
    if (code != SQLITE_OK)
        sql_exec(db, "ROLLBACK");
    return code;
}
