/* The tables of a slot's file, and how older files get them. */
#ifndef TAILSPAN_STORAGE_SCHEMA_H
#define TAILSPAN_STORAGE_SCHEMA_H

#include <sqlite3.h>

#define SCHEMA_VERSION 1

enum schema_state {
    SCHEMA_CURRENT,
    SCHEMA_OLDER, /* slot_schema_migrate() brings it up to date */
    SCHEMA_EMPTY, /* a new file: likewise */
    SCHEMA_NEWER, /* of a later Tailspan: not to be touched */
    SCHEMA_OTHER, /* not ours, or not readable; `code` says which */
};

/* Looks at PRAGMA user_version, and that the tables are letter for letter ours. */
enum schema_state slot_schema_check(sqlite3 *db, int *code);

/* Brings an empty or older file to SCHEMA_VERSION in one transaction. A result code. */
int slot_schema_migrate(sqlite3 *db);

#endif
