/* The tables of a slot's file, and how older files get them. */
#ifndef TAILSPAN_STORAGE_SCHEMA_H
#define TAILSPAN_STORAGE_SCHEMA_H

#include <sqlite3.h>

enum schema_state {
    SCHEMA_CURRENT,
    SCHEMA_OLDER, /* slot_schema_migrate() brings it up to date; until then nobody reads it */
    SCHEMA_EMPTY, /* a new file: likewise */
    SCHEMA_NEWER, /* of a later Tailspan: not to be touched */
    SCHEMA_OTHER, /* not ours, or not readable; `code` says which */
};

/* A version of the schema. Both lists end with NULL. */
struct schema_version {
    const char *const *tables; /* what sqlite_schema holds, in the order of its rows */
    const char *const *steps;  /* statements that make it of the version before */
};

/* Looks at PRAGMA user_version, and that the tables are letter for letter that version's. */
enum schema_state slot_schema_check(sqlite3 *db, int *code);

/* Brings an empty or older file to the current version in one transaction. A result code. */
int slot_schema_migrate(sqlite3 *db);

/* Versions 1, 2, …, ending with one without tables. The last is the current one. */
extern const struct schema_version slot_schema_versions[];

/* For tests: another history, while no store is open. NULL: the real one again. */
void slot_schema_pretend(const struct schema_version *versions);

#endif
