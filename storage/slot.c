/* A slot on disk is up to three files: slot-<milliseconds>.sqlite and SQLite's -wal and -shm.
 *
 * The name carries the time at which the slot was begun, so listing the directory orders slots
 * without opening them. Which slot a span goes to is decided by when it is written, not by when it
 * began: only the newest file is ever written, a sender with a wrong clock cannot make files, and
 * age means how long something has been kept here. A late span lies in a later slot than the rest
 * of its trace; reading merges. */
#include "storage/slot.h"

#include "component/log.h"
#include "storage/schema.h"
#include "storage/sql.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BROKEN ".broken"

static const char *const companions[] = {"", "-wal", "-shm"};

struct slot *slot_create(const char *directory, uint64_t id, enum slot_state state)
{
    struct slot *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    if (asprintf(&s->path, "%s/slot-%013llu.sqlite", directory, (unsigned long long)id) < 0) {
        free(s);
        return NULL;
    }
    s->id = id;
    atomic_init(&s->references, 1);
    atomic_init(&s->state, state);
    atomic_init(&s->end_ns, id * 1000000);
    return s;
}

struct slot *slot_draft(const char *directory, const struct slot *of)
{
    struct slot *s = slot_create(directory, of->id, SLOT_OPEN);
    char *path = NULL;
    if (!s || asprintf(&path, "%s/" SLOT_DRAFT "%013llu.sqlite", directory,
                       (unsigned long long)of->id) < 0) {
        slot_release(s);
        return NULL;
    }
    free(s->path);
    s->path = path;
    atomic_store(&s->end_ns, atomic_load(&of->end_ns));
    return s;
}

struct slot *slot_retain(struct slot *s)
{
    atomic_fetch_add_explicit(&s->references, 1, memory_order_relaxed);
    return s;
}

void slot_release(struct slot *s)
{
    if (!s || atomic_fetch_sub_explicit(&s->references, 1, memory_order_acq_rel) != 1)
        return;
    free(s->path);
    free(s);
}

bool slot_parse_name(const char *name, uint64_t *id, enum slot_state *state)
{
    static const char prefix[] = "slot-";
    if (strncmp(name, prefix, sizeof prefix - 1) != 0)
        return false;
    name += sizeof prefix - 1;
    size_t digits = strspn(name, "0123456789");
    if (digits < 13 || digits > 15)
        return false;
    *id = strtoull(name, NULL, 10);
    *state = SLOT_OPEN;
    if (strcmp(name + digits, ".sqlite") == 0)
        return true;
    *state = SLOT_BROKEN;
    return strcmp(name + digits, ".sqlite" BROKEN) == 0;
}

/* slot-1.sqlite-wal, or slot-1.sqlite.broken-wal once set aside. */
static void companion_path(const struct slot *s, const char *suffix, char *path, size_t len)
{
    bool broken = atomic_load(&s->state) == SLOT_BROKEN;
    snprintf(path, len, "%s%s%s", s->path, broken ? BROKEN : "", suffix);
}

/* The slot's own -wal has to go first: SQLite would take it for the new file's. It is empty, both
 * being sealed. */
bool slot_publish(struct slot *draft, const struct slot *over)
{
    char *path = strdup(over->path);
    if (!path)
        return false;
    for (size_t i = 1; i < sizeof companions / sizeof companions[0]; i++) {
        char companion[4096];
        companion_path(over, companions[i], companion, sizeof companion);
        unlink(companion);
    }
    if (rename(draft->path, path) != 0) {
        free(path);
        return false;
    }
    free(draft->path);
    draft->path = path;
    return true;
}

bool slot_measure(struct slot *s)
{
    uint64_t total = 0;
    bool there = false;
    for (size_t i = 0; i < sizeof companions / sizeof companions[0]; i++) {
        char path[4096];
        struct stat st;
        companion_path(s, companions[i], path, sizeof path);
        if (stat(path, &st) != 0)
            continue;
        total += (uint64_t)st.st_size;
        there = there || i == 0;
    }
    atomic_store(&s->bytes, total);
    return there;
}

void slot_unlink(struct slot *s)
{
    for (size_t i = 0; i < sizeof companions / sizeof companions[0]; i++) {
        char path[4096];
        companion_path(s, companions[i], path, sizeof path);
        if (unlink(path) != 0 && errno != ENOENT)
            log_warn(NULL, "cannot remove a slot of the store", LOG_S("path", path),
                     LOG_S("error", strerror(errno)));
    }
}

void slot_set_aside(struct slot *s, const char *why)
{
    log_error(NULL, "a slot of the store is broken and was set aside as *.broken",
              LOG_S("path", s->path), LOG_S("error", why));
    atomic_store(&s->state, SLOT_BROKEN);
    for (size_t i = 0; i < sizeof companions / sizeof companions[0]; i++) {
        char from[4096];
        char to[4096];
        snprintf(from, sizeof from, "%s%s", s->path, companions[i]);
        companion_path(s, companions[i], to, sizeof to);
        if (rename(from, to) != 0 && errno != ENOENT)
            log_warn(NULL, "cannot rename a slot of the store", LOG_S("path", from),
                     LOG_S("error", strerror(errno)));
    }
}

static bool has_wal(const struct slot *s)
{
    char path[4096];
    struct stat st;
    companion_path(s, "-wal", path, sizeof path);
    return stat(path, &st) == 0 && st.st_size > 0;
}

bool slot_in_use(const struct slot *s)
{
    for (size_t i = 1; i < sizeof companions / sizeof companions[0]; i++) {
        char path[4096];
        companion_path(s, companions[i], path, sizeof path);
        if (access(path, F_OK) == 0)
            return true;
    }
    return false;
}

static enum slot_health health_of(int code)
{
    switch (code & 0xff) {
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
    case SQLITE_PERM:
    case SQLITE_BUSY:
    case SQLITE_READONLY:
    case SQLITE_NOMEM:
    case SQLITE_FULL:
        return SLOT_NO_ACCESS;
    }
    return SLOT_UNREADABLE;
}

static enum slot_health check_content(struct slot *s, sqlite3 *db, bool wal, const char **why)
{
    int code;
    enum schema_state schema = slot_schema_check(db, &code);
    switch (schema) {
    case SCHEMA_NEWER:
        return SLOT_NEWER;
    case SCHEMA_EMPTY:
        *why = "it is empty";
        return SLOT_UNREADABLE;
    case SCHEMA_OTHER:
        *why = code == SQLITE_OK ? "its tables are not ours" : sqlite3_errstr(code);
        return code == SQLITE_OK ? SLOT_UNREADABLE : health_of(code);
    case SCHEMA_OLDER:
    case SCHEMA_CURRENT:
        break;
    }
    uint64_t end =
        (uint64_t)sql_integer(db, "SELECT value FROM meta WHERE key='end'", (int64_t)s->end_ns);
    atomic_store(&s->end_ns, end);
    s->ended = sql_integer(db, "SELECT value FROM meta WHERE key='sealed'", 0) != 0;
    bool sealed = s->ended && !wal && schema == SCHEMA_CURRENT;
    atomic_store(&s->older, schema == SCHEMA_OLDER);
    atomic_store(&s->state, sealed ? SLOT_SEALED : SLOT_OPEN);
    return SLOT_USABLE;
}

enum slot_health slot_check(struct slot *s, const char **why)
{
    int code;
    bool wal = has_wal(s);
    sqlite3 *db = sql_open(s->path, wal ? SQL_READ : SQL_IMMUTABLE, &code);
    if (!db) {
        *why = sqlite3_errstr(code);
        return health_of(code);
    }
    enum slot_health health = check_content(s, db, wal, why);
    sqlite3_close(db);
    return health;
}
