/* What a slot's rows hold, from a file that is damaged or was planted: read until it does not fit,
 * and never past its end. The first byte says which column the rest is. */
#include "storage/blob.h"
#include "storage/edges.h"
#include "storage/filter.h"
#include "storage/hop_record.h"
#include "storage/kinship.h"
#include "storage/part.h"
#include "storage/record.h"

#include <stdlib.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

enum { LIMIT = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds)
        abort();
}

static unsigned read_bytes;

static void look_at(struct bytes b)
{
    for (size_t i = 0; i < b.len; i++)
        read_bytes += b.data[i];
}

static void read_records(struct bytes in)
{
    struct record_reader r = record_reader(in);
    struct record record;
    struct record_entry e;
    while (record_next(&r, &record)) {
        uint32_t entries = 0;
        look_at(record.entries);
        while (record_entry_next(&record.entries, &e))
            entries++;
        check(entries == record.entry_count && record.entries.len == 0);
    }
}

static void read_refs(struct bytes in)
{
    struct kin_part part;
    struct kin_ref ref;
    while (kin_part_next(&in, &part)) {
        look_at(part.spans);
        look_at(part.orphans);
        while (kin_ref_next(&part.spans, &ref) || kin_ref_next(&part.orphans, &ref))
            check(ref.id < 1 << 24);
    }
}

/* What was read is written, and read again as the same. */
static void read_edges(struct bytes in)
{
    struct edges edges = {0}, again = {0};
    struct buffer out = {0};
    check(edges_read(in, &edges));
    edges_write(&edges, &out);
    check(edges_read(buffer_bytes(&out), &again) && again.count == edges.count);
    edges_free(&edges);
    edges_free(&again);
    buffer_free(&out);
}

static void read_hops(struct bytes in)
{
    struct store_hop hop;
    struct bytes row = in, records = hop_records_row(&row);
    check(records.len + row.len == in.len && records.len <= HOP_ROW_BYTES);
    while (hop_record_next(&in, &hop)) {
        struct buffer out = {0};
        look_at(hop.topic);
        look_at(hop.consumer_service);
        hop_record_write(&out, &hop);
        check(out.len <= HOP_RECORD_MAX);
        buffer_free(&out);
    }
}

static void read_hop_row(struct bytes in)
{
    struct buffer row = {0};
    if (hop_row_unpack(&row, in))
        read_hops(buffer_bytes(&row));
    buffer_free(&row);
}

static void read_filter(struct bytes in)
{
    struct filter f = filter_of(in);
    for (uint32_t pair = 1; pair && pair < UINT32_MAX / 7; pair *= 7)
        read_bytes += filter_may_have(&f, pair) + filter_may_have_owned(&f, pair & 15, pair);
}

static bool find_envelope(void *context, uint32_t code, struct bytes *envelope)
{
    static const uint8_t resource[] = "\x0a\x0b\x0a\x09\x0a\x01k\x12\x04\x0a\x02v1";
    (void)context;
    *envelope = bytes_of(resource, code == 1 ? sizeof resource - 1 : 0);
    return code <= 2;
}

static void read_part(struct bytes in)
{
    struct batch *b = part_unpack(in, LIMIT, find_envelope, NULL);
    for (uint32_t i = 0; b && i < b->span_count; i++)
        look_at(span_bytes(&b->spans[i]));
    check(!b || b->span_count > 0);
    batch_release(b);
    check(batch_live_bytes() == 0);
}

/* With the checksum that it should have. */
static void read_blob(struct bytes in)
{
    static struct blob_reader *reader;
    uint8_t *copy = malloc(in.len + 4);
    uint32_t sum = htole32((uint32_t)XXH3_64bits(in.data, in.len));
    memcpy(copy, in.data, in.len);
    memcpy(copy + in.len, &sum, sizeof sum);
    struct bytes blob = bytes_of(copy, in.len + sizeof sum);
    if (!reader)
        reader = blob_reader_create();
    size_t size = blob_size(blob);
    uint8_t *out = size && size <= LIMIT ? malloc(size) : NULL;
    if (out && blob_read(reader, NULL, blob, out, size))
        read_part(bytes_of(out, size));
    free(out);
    free(copy);
}

static void read_dictionary(struct bytes in)
{
    struct blob_writer *w = blob_writer_create();
    struct buffer out = {0};
    blob_dictionary_destroy(blob_dictionary_create(in));
    if (blob_writer_use(w, in))
        check(blob_write(w, bytes_of_string("what is written behind it"), &out));
    buffer_free(&out);
    blob_writer_destroy(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const columns[])(struct bytes) = {read_records, read_refs,    read_edges,
                                                    read_hops,    read_hop_row, read_filter,
                                                    read_part,    read_blob,    read_dictionary};
    if (size == 0)
        return 0;
    /* a copy of just these bytes, behind which nothing may be read */
    uint8_t *copy = malloc(size);
    memcpy(copy, data, size);
    columns[copy[0] % (sizeof columns / sizeof columns[0])](bytes_of(copy + 1, size - 1));
    free(copy);
    return 0;
}
