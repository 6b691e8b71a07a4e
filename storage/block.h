/* The block that the writer is filling: up to 256 parts, and what a search reads of them.
 *
 * A block's rows are written with every commit that adds to it, and left alone once it is full.
 * One thread: the writer's. */
#ifndef TAILSPAN_STORAGE_BLOCK_H
#define TAILSPAN_STORAGE_BLOCK_H

#include "storage/filter.h"
#include "storage/group.h"
#include "storage/kinship.h"
#include "storage/names.h"
#include "storage/part.h"
#include "storage/record.h"

#define BLOCK_MAX_PARTS   256
#define BLOCK_MAX_ENTRIES (32u << 10) /* in its filter */
#define BLOCK_MAX_BYTES   (1u << 20)  /* of records and refs */

struct block_builder;
struct block_builder *block_builder_create(void);
void block_builder_destroy(struct block_builder *b);

/* Empties the block: the next part will be its first, with this id. */
void block_begin(struct block_builder *b, int64_t first_part);

uint32_t block_parts(const struct block_builder *b);
bool block_is_full(const struct block_builder *b);

/* Adds a part made of these spans of one trace. `key` is the hash of its trace id. False: out of
 * memory; the block is then good for block_begin() only. */
bool block_add(struct block_builder *b, struct names *names, struct source *sources,
               const struct span_ref *refs, uint32_t count, uint64_t key);

/* The keys of its parts, in order. */
const uint64_t *block_keys(const struct block_builder *b);

/* Writes its rows, over those of an earlier commit; a result code. */
struct block_statements {
    sqlite3_stmt *put_block;
    sqlite3_stmt *put_detail;
};
int block_prepare(sqlite3 *db, struct block_statements *s);
void block_finalize(struct block_statements *s);
int block_write(struct block_builder *b, struct block_statements *s);

#endif
