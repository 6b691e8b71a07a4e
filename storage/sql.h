/* Talking to SQLite: one way to open a file, one to prepare, one to say what went wrong. */
#ifndef TAILSPAN_STORAGE_SQL_H
#define TAILSPAN_STORAGE_SQL_H

#include "proto/bytes.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

enum sql_mode {
    SQL_WRITE,     /* makes the file when missing, mode 0600 */
    SQL_READ,      /* beside a writer */
    SQL_IMMUTABLE, /* of a file that nobody changes any more: no locks, no -wal, no -shm */
};

/* An open connection, hardened against what a hostile file could hold, or NULL with the result
 * code in `code`. For the use of one thread at a time. */
sqlite3 *sql_open(const char *path, enum sql_mode mode, int *code);

/* All statements return SQLite's result codes; SQLITE_OK is success. */
int sql_exec(sqlite3 *db, const char *sql);
int sql_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out);

/* Runs a statement that returns no row, and resets it. */
int sql_run(sqlite3_stmt *s);

/* The first column of the first row; `fallback` when there is none or it fails. */
int64_t sql_integer(sqlite3 *db, const char *sql, int64_t fallback);

/* Whether the column of the current row is this integer, or NULL. */
bool sql_is_integer_or_null(sqlite3_stmt *s, int column, int64_t value);

/* A blob column of the current row: borrowed until the next step. */
struct bytes sql_blob(sqlite3_stmt *s, int column);
void sql_bind_bytes(sqlite3_stmt *s, int parameter, struct bytes b);

/* Whether the code says that the file's content is not what SQLite wrote. */
bool sql_is_corrupt(int code);

/* Whether it says that the system could not read or write the file. */
bool sql_is_io_error(int code);

#endif
