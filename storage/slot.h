/* A slot: one SQLite file of the store, and what the process knows of it.
 *
 * The descriptor is shared by the store's list and by readers, and lives as long as one of them
 * holds it; unlinking the file takes nothing from a reader that has it open. */
#ifndef TAILSPAN_STORAGE_SLOT_H
#define TAILSPAN_STORAGE_SLOT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum slot_state {
    SLOT_OPEN,   /* written to, or left by a crash: may have a -wal */
    SLOT_SEALED, /* complete, checkpointed, never written again */
    SLOT_BROKEN, /* set aside as *.broken; kept until retention takes it */
};

struct slot {
    uint64_t id; /* milliseconds since the epoch when it was begun; orders slots */
    char *path;

    /* shared, atomic */
    atomic_uint references;
    atomic_int state;     /* enum slot_state */
    atomic_bool older;    /* of an earlier schema: the writer migrates it, nobody reads it before */
    atomic_bool suspect;  /* a reader met corruption: the writer sets it aside */
    atomic_ullong end_ns; /* nothing received after this is in it */
    atomic_ullong bytes;  /* of all its files, when last looked at */

    bool unattended; /* constant; of a store opened to read: not sealed, but nobody has it open */
    /* the writer's */
    bool ended;      /* never written again, whether or not it could be sealed yet */
    bool complained; /* that it cannot be migrated was logged */
};

/* For a file that may not exist yet. NULL: out of memory. */
struct slot *slot_create(const char *directory, uint64_t id, enum slot_state state);
/* The file that is to take the slot's place, under a name of its own as long as it is not complete.
 * NULL: out of memory. */
#define SLOT_DRAFT "draft-"
struct slot *slot_draft(const char *directory, const struct slot *of);
/* Renames a complete draft to the slot's name, over its file. False with errno set. */
bool slot_publish(struct slot *draft, const struct slot *over);
struct slot *slot_retain(struct slot *s);
void slot_release(struct slot *s);

/* Whether this is the name of a slot's main file, and of which. */
bool slot_parse_name(const char *name, uint64_t *id, enum slot_state *state);

/* Looks at the files again. False when the main file is gone. */
bool slot_measure(struct slot *s);

/* Whether some process has the slot open in SQLite, or left it so by a crash. */
bool slot_in_use(const struct slot *s);

void slot_unlink(struct slot *s);

/* Renames the files to *.broken, with a log line that says why. */
void slot_set_aside(struct slot *s, const char *why);

enum slot_health {
    SLOT_USABLE,
    SLOT_NEWER,      /* of a later version: leave it alone */
    SLOT_UNREADABLE, /* torn, or not ours: set it aside; `why` says more */
    SLOT_NO_ACCESS,  /* the disk or the permissions fail, not the content */
};

/* Opens the file for reading and checks that it is ours; sets state, older, ended and end_ns. */
enum slot_health slot_check(struct slot *s, const char **why);

#endif
