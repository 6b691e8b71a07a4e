/* Every connection is opened here, so that every connection has the same guards.
 *
 * A file in the data directory may be anybody's: trusted_schema is off and defensive mode on, so a
 * planted schema can neither call functions with side effects nor write to SQLite's own tables;
 * text is never built into SQL, it is always bound. Files are read and not mapped: a sector that
 * cannot be read, or a file that somebody cuts short, has to be an error and not a SIGBUS. A
 * connection belongs to one thread at a time, so SQLite's own mutexes are left out.
 *
 * Never open a slot's file by other means while the process has it open in SQLite: closing any
 * descriptor of a file drops all of the process's POSIX locks on it. */
#include "storage/sql.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const char writer_pragmas[] = "PRAGMA trusted_schema=OFF;"
                                     "PRAGMA page_size=16384;"
                                     "PRAGMA journal_mode=WAL;"
                                     "PRAGMA synchronous=NORMAL;"
                                     "PRAGMA secure_delete=OFF;"
                                     "PRAGMA cell_size_check=ON;"
                                     "PRAGMA wal_autocheckpoint=0;"
                                     "PRAGMA journal_size_limit=33554432;"
                                     "PRAGMA cache_size=-16384;"
                                     "PRAGMA temp_store=MEMORY;";

static const char reader_pragmas[] = "PRAGMA trusted_schema=OFF;"
                                     "PRAGMA query_only=ON;"
                                     "PRAGMA cell_size_check=ON;"
                                     "PRAGMA mmap_size=0;"
                                     "PRAGMA cache_size=-1024;"
                                     "PRAGMA temp_store=MEMORY;";

static int harden(sqlite3 *db, enum sql_mode mode)
{
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_limit(db, SQLITE_LIMIT_LENGTH, 128 << 20);
    if (mode == SQL_WRITE) {
        sqlite3_busy_timeout(db, 2000);
        return sql_exec(db, writer_pragmas);
    }
    sqlite3_busy_timeout(db, 200);
    return sql_exec(db, reader_pragmas);
}

/* A path as a URI: what would be taken for syntax is written as %XX. */
static bool immutable_uri(const char *path, char *uri, size_t len)
{
    size_t at = (size_t)snprintf(uri, len, "file:");
    for (const char *p = path; *p; p++) {
        if (at + 4 + sizeof "?immutable=1" > len)
            return false;
        if (strchr("%?#", *p))
            at += (size_t)snprintf(uri + at, len - at, "%%%02X", (unsigned char)*p);
        else
            uri[at++] = *p;
    }
    snprintf(uri + at, len - at, "?immutable=1");
    return true;
}

sqlite3 *sql_open(const char *path, enum sql_mode mode, int *code)
{
    char uri[4096];
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    if (mode == SQL_WRITE) {
        flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    } else {
        flags |= SQLITE_OPEN_READONLY;
    }
    if (mode == SQL_IMMUTABLE) {
        if (!immutable_uri(path, uri, sizeof uri)) {
            *code = SQLITE_CANTOPEN;
            return NULL;
        }
        path = uri;
        flags |= SQLITE_OPEN_URI;
    }
    sqlite3 *db = NULL;
    *code = sqlite3_open_v2(path, &db, flags, NULL);
    /* -wal and -shm take over the mode of the file that they belong to. */
    if (*code == SQLITE_OK && mode == SQL_WRITE && chmod(path, 0600) != 0)
        *code = SQLITE_CANTOPEN;
    if (*code == SQLITE_OK)
        *code = harden(db, mode);
    if (*code != SQLITE_OK) {
        sqlite3_close(db);
        return NULL;
    }
    return db;
}

int sql_exec(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

int sql_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out)
{
    return sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
}

int sql_run(sqlite3_stmt *s)
{
    int code = sqlite3_step(s);
    int reset = sqlite3_reset(s);
    return code == SQLITE_DONE ? reset : code == SQLITE_ROW ? SQLITE_ERROR : code;
}

int64_t sql_integer(sqlite3 *db, const char *sql, int64_t fallback)
{
    sqlite3_stmt *s;
    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK)
        return fallback;
    int64_t value = sqlite3_step(s) == SQLITE_ROW ? sqlite3_column_int64(s, 0) : fallback;
    sqlite3_finalize(s);
    return value;
}

bool sql_is_integer_or_null(sqlite3_stmt *s, int column, int64_t value)
{
    return sqlite3_column_type(s, column) == SQLITE_NULL ||
           sqlite3_column_int64(s, column) == value;
}

struct bytes sql_blob(sqlite3_stmt *s, int column)
{
    const void *data = sqlite3_column_blob(s, column);
    return bytes_of(data, data ? (size_t)sqlite3_column_bytes(s, column) : 0);
}

void sql_bind_bytes(sqlite3_stmt *s, int parameter, struct bytes b)
{
    if (b.len == 0)
        sqlite3_bind_zeroblob(s, parameter, 0);
    else
        sqlite3_bind_blob64(s, parameter, b.data, b.len, SQLITE_STATIC);
}

bool sql_is_corrupt(int code)
{
    return (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB;
}

bool sql_is_io_error(int code)
{
    return (code & 0xff) == SQLITE_IOERR;
}
