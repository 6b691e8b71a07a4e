/* Records: what a search can know of a part without decompressing it.
 *
 * A block's records lie one behind the other, in the order of its parts. A record is the trace id,
 * when the part's first and last span began, and an entry for each operation in it. Nothing read
 * from a file is trusted: reading ends early at whatever does not fit. */
#ifndef TAILSPAN_STORAGE_RECORD_H
#define TAILSPAN_STORAGE_RECORD_H

#include "proto/buffer.h"

struct record_entry {
    uint32_t service; /* codes; 0: any */
    uint32_t operation;
    uint8_t kind;
    bool error;      /* one of its spans failed */
    uint8_t minimum; /* codes of its spans' durations */
    uint8_t maximum;
};

struct record {
    uint8_t trace_id[16];
    uint64_t start_ns;
    uint64_t last_start_ns;
    uint32_t entry_count;
    struct bytes entries;
};

/* Durations in a byte: four steps to each power of two. A code stands for the durations from
 * duration_least() to duration_most(). */
uint8_t duration_code(uint64_t ns);
uint64_t duration_least(uint8_t code);
uint64_t duration_most(uint8_t code);

/* A record's start is written as the difference to `base`, the start of the block's first part. */
void records_begin(struct buffer *out, uint64_t base);
void record_write(struct buffer *out, uint64_t base, const uint8_t trace_id[16], uint64_t start_ns,
                  uint64_t last_start_ns, const struct record_entry *entries, uint32_t count);

struct record_reader {
    const uint8_t *at;
    const uint8_t *end;
    uint64_t base;
};

struct record_reader record_reader(struct bytes records);
bool record_next(struct record_reader *r, struct record *out);

/* Walks `entries` of a record: pass a copy, it is consumed. */
bool record_entry_next(struct bytes *entries, struct record_entry *out);

#endif
