/* A reader's connections, one a slot, and what it reads through them.
 *
 * Slots are opened when first needed. A sealed one is opened as immutable: without locks, -wal or
 * -shm, and what was read of it stays true. Of the others a snapshot is taken for the time between
 * reader_begin() and reader_end(), short enough not to hold up checkpoints. */
#ifndef TAILSPAN_STORAGE_READER_H
#define TAILSPAN_STORAGE_READER_H

#include "storage/blob.h"
#include "storage/store_private.h"

/* A row of `block`. */
struct block_header {
    int64_t id;
    uint64_t min_start;
    uint64_t max_start;
    uint64_t max_last_start;
    uint64_t max_duration;
};

struct cached_dictionary {
    int64_t id;
    struct blob_dictionary *prepared;
};

enum reader_statement {
    READ_PARTS_BY_KEY,
    READ_RECENT_KEYS,
    READ_PART,
    READ_NEXT_PART,
    READ_DICTIONARY,
    READ_ENVELOPE,
    READ_BLOCKS,
    READ_DETAIL,
    READ_REFS,
    READ_EDGES,
    READ_SERVICES,
    READ_SERVICE,
    READ_OPERATIONS,
    READ_OPERATION,
    READ_HOPS,
    READER_STATEMENTS,
};

/* Envelopes by code, as far as they were needed. */
struct cached_envelopes {
    uint8_t **items; /* malloc'd; NULL: not read yet */
    uint32_t *lengths;
    uint32_t count;
    size_t bytes; /* of all items; when they are too many all are read anew */
};

struct reader_slot {
    struct slot *slot;
    sqlite3 *db; /* NULL: not open (yet), or it cannot be */
    bool live;   /* opened while it could still be written */
    bool in_snapshot;
    bool tried; /* in this generation of the list */
    uint64_t seed;
    sqlite3_stmt *statements[READER_STATEMENTS];
    struct cached_dictionary *dictionaries;
    size_t dictionary_count;
    struct cached_envelopes envelopes;
    struct block_header *headers; /* oldest first */
    size_t header_count;
    size_t header_capacity;
};

struct store_reader {
    struct store *store;
    uint64_t generation;
    struct reader_slot *slots; /* newest first */
    size_t slot_count;
    struct blob_reader *blobs;
    struct buffer packed; /* of the part that is being read */
};

/* Follows the store's list and takes a snapshot of every slot. False: out of memory. Slots that
 * cannot be read are left out, and reported to the writer when they are broken. */
bool reader_begin(struct store_reader *r);
void reader_end(struct store_reader *r);

/* The statement, reset and ready for binding; NULL when it cannot be prepared. */
sqlite3_stmt *reader_statement(struct reader_slot *s, enum reader_statement which);

/* Steps. True: a row. At the end or at an error the statement is reset; corruption is reported. */
bool reader_step(struct store_reader *r, struct reader_slot *s, sqlite3_stmt *statement);

/* Brings `headers` up to date. False: out of memory. */
bool reader_load_headers(struct store_reader *r, struct reader_slot *s);

struct part_location {
    uint32_t slot; /* index into the reader's slots */
    int64_t part;
};

struct part_list {
    struct part_location *items;
    size_t count;
    size_t capacity;
};

/* Appends where parts of the trace may lie; a few may be of other traces. False: out of memory. */
bool reader_find_parts(struct store_reader *r, const uint8_t trace_id[16], struct part_list *out);

/* The part's spans; NULL when it is not there or damaged. To be released. */
struct batch *reader_load_part(struct store_reader *r, const struct part_location *where);

/* Calls `each` for every part of a slot, by its index in the reader, until it returns false;
 * `damaged` counts where some that cannot be read lie. The batch is the walk's. */
bool reader_walk(struct store_reader *r, uint32_t slot,
                 bool (*each)(void *context, struct batch *b), void *context, uint64_t *damaged);

/* The trace's parts, each a batch held once; parts of other traces are left out. False: out of
 * memory. */
struct trace_parts {
    struct batch **items;
    size_t count;
    size_t bytes;
};
bool reader_load_trace(struct store_reader *r, const uint8_t trace_id[16], struct trace_parts *out);
void trace_parts_free(struct trace_parts *p);

/* The whole trace, parts merged, spans by start time, between reader_begin() and reader_end().
 * NULL: not there, or out of memory. */
struct batch *reader_merge_trace(struct store_reader *r, const uint8_t trace_id[16]);

#endif
