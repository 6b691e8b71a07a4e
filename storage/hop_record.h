/* Hops as bytes: records one behind the other, as they wait for the writer and as a row of `hop`
 * has them, compressed. Nothing read from a file is trusted: reading ends at what does not fit. */
#ifndef TAILSPAN_STORAGE_HOP_RECORD_H
#define TAILSPAN_STORAGE_HOP_RECORD_H

#include "proto/buffer.h"
#include "storage/store_hops.h"

enum {
    HOP_RECORD_MAX = 1500, /* bytes */
    HOP_ROW_BYTES = 256 << 10,
};

void hop_record_write(struct buffer *out, const struct store_hop *hop);

/* The next record of `records`, which is moved behind it; strings point into it. */
bool hop_record_next(struct bytes *records, struct store_hop *hop);

/* What one row holds of `records`, which is moved behind it: whole records, HOP_ROW_BYTES at most.
 */
struct bytes hop_records_row(struct bytes *records);

/* The hash of a trace id in a slot of this seed. */
uint64_t hop_key(const uint8_t trace_id[16], uint64_t seed);

/* Appends two keys for each record, the producer's and the consumer's. */
void hop_keys_write(struct buffer *out, struct bytes records, uint64_t seed);

bool hop_row_pack(struct buffer *out, struct bytes records);
/* False when the bytes are not right, or out of memory. */
bool hop_row_unpack(struct buffer *out, struct bytes packed);

#endif
