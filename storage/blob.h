/* Compressing traces: zstd at level 1 with a dictionary of earlier traces.
 *
 * Traces of one system resemble each other: a dictionary halves what zstd makes of a single one.
 * It is trained on traces that the writer has met and kept in the slot's file beside them. */
#ifndef TAILSPAN_STORAGE_BLOB_H
#define TAILSPAN_STORAGE_BLOB_H

#include "proto/buffer.h"

#define BLOB_DICTIONARY_BYTES (32 << 10)
#define BLOB_MAX_BYTES        (72u << 20) /* of one part, decompressed */

/* The writer's side; one thread. */
struct blob_writer;
struct blob_writer *blob_writer_create(void);
void blob_writer_destroy(struct blob_writer *w);

/* Compresses with this dictionary from now on; empty: with none. Copies it. False: out of memory,
 * the old one stays. */
bool blob_writer_use(struct blob_writer *w, struct bytes dictionary);
struct bytes blob_writer_dictionary(const struct blob_writer *w);

/* Whether these bytes can be a dictionary that was trained here. */
bool blob_is_dictionary(struct bytes dictionary);

/* What tells whether a dictionary is still what was written: with another one a blob may be read as
 * something else. */
int64_t blob_dictionary_checksum(struct bytes dictionary);

/* Appends the compressed bytes to `out` and, now and then, keeps a sample of `in`. False: out of
 * memory. */
bool blob_write(struct blob_writer *w, struct bytes in, struct buffer *out);

/* Whether enough was sampled since the last training to make a dictionary of it. */
bool blob_writer_can_train(const struct blob_writer *w);

/* Trains a dictionary on the samples, uses it and forgets them. False when they yielded none; the
 * old one stays. Takes some 50 ms. */
bool blob_writer_train(struct blob_writer *w);

/* A reader's side; one thread. */
struct blob_reader;
struct blob_reader *blob_reader_create(void);
void blob_reader_destroy(struct blob_reader *r);

struct blob_dictionary; /* prepared for decompression */
struct blob_dictionary *blob_dictionary_create(struct bytes dictionary);
void blob_dictionary_destroy(struct blob_dictionary *d);

/* The decompressed size, when it is one that we would have written; 0 when not. */
size_t blob_size(struct bytes compressed);

/* Decompresses to exactly `size` bytes at `out`. `d` may be NULL. False when the content is not
 * right. */
bool blob_read(struct blob_reader *r, const struct blob_dictionary *d, struct bytes compressed,
               uint8_t *out, size_t size);

#endif
