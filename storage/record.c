/* Varints and bytes, because small codes are the rule: some seven bytes an entry. */
#include "storage/record.h"

#include "proto/wire.h"

#define ENTRY_MAX  ((size_t)2 * WIRE_MAX_VARINT + 3)
#define RECORD_MAX (16 + (size_t)3 * WIRE_MAX_VARINT) /* without entries */

uint8_t duration_code(uint64_t ns)
{
    if (ns < 4)
        return (uint8_t)ns;
    unsigned top = 63u - (unsigned)__builtin_clzll(ns);
    return (uint8_t)(top * 4u + (unsigned)(ns >> (top - 2) & 3) - 4u);
}

uint64_t duration_least(uint8_t code)
{
    if (code < 4)
        return code;
    unsigned top = (code + 4u) / 4;
    if (top > 63)
        return UINT64_MAX;
    return (4 + (uint64_t)(code & 3)) << (top - 2);
}

uint64_t duration_most(uint8_t code)
{
    return code >= duration_code(UINT64_MAX) ? UINT64_MAX : duration_least((uint8_t)(code + 1)) - 1;
}

void records_begin(struct buffer *out, uint64_t base)
{
    base = htole64(base);
    buffer_append(out, &base, sizeof base);
}

static uint64_t zigzag(uint64_t difference)
{
    return difference << 1 ^ (uint64_t) - (int64_t)(difference >> 63);
}

static uint64_t unzigzag(uint64_t v)
{
    return v >> 1 ^ -(v & 1);
}

void record_write(struct buffer *out, uint64_t base, const uint8_t trace_id[16], uint64_t start_ns,
                  uint64_t last_start_ns, const struct record_entry *entries, uint32_t count)
{
    size_t room = RECORD_MAX + (size_t)count * ENTRY_MAX;
    uint8_t *at = buffer_reserve(out, room);
    if (!at)
        return;
    struct wire_writer w = wire_writer(at, room);
    wire_put_raw(&w, bytes_of(trace_id, 16));
    wire_put_varint(&w, zigzag(start_ns - base));
    wire_put_varint(&w, last_start_ns - start_ns);
    wire_put_varint(&w, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct record_entry *e = &entries[i];
        uint8_t fixed[3] = {(uint8_t)(e->kind << 1 | e->error), e->minimum, e->maximum};
        wire_put_varint(&w, e->service);
        wire_put_varint(&w, e->operation);
        wire_put_raw(&w, bytes_of(fixed, sizeof fixed));
    }
    out->len += (size_t)(w.at - at);
}

struct record_reader record_reader(struct bytes records)
{
    if (records.len < 8)
        return (struct record_reader){0};
    return (struct record_reader){.at = records.data + 8,
                                  .end = records.data + records.len,
                                  .base = wire_load64(records.data)};
}

static const uint8_t *read_entry(const uint8_t *at, const uint8_t *end, struct record_entry *out)
{
    uint64_t service, operation;
    at = wire_varint(at, end, &service);
    if (at)
        at = wire_varint(at, end, &operation);
    if (!at || end - at < 3)
        return NULL;
    *out = (struct record_entry){.service = (uint32_t)service,
                                 .operation = (uint32_t)operation,
                                 .kind = at[0] >> 1,
                                 .error = at[0] & 1,
                                 .minimum = at[1],
                                 .maximum = at[2]};
    return at + 3;
}

bool record_next(struct record_reader *r, struct record *out)
{
    uint64_t start, last, count;
    struct record_entry entry;
    const uint8_t *at = r->at;
    if (!at || r->end - at < 16)
        return false;
    memcpy(out->trace_id, at, 16);
    at = wire_varint(at + 16, r->end, &start);
    if (at)
        at = wire_varint(at, r->end, &last);
    if (at)
        at = wire_varint(at, r->end, &count);
    out->entries = bytes_of(at, 0);
    for (uint64_t i = 0; at && i < count; i++)
        at = read_entry(at, r->end, &entry);
    r->at = at;
    if (!at)
        return false;
    out->start_ns = r->base + unzigzag(start);
    out->last_start_ns = out->start_ns + last;
    out->entry_count = (uint32_t)count;
    out->entries.len = (size_t)(at - out->entries.data);
    return true;
}

bool record_entry_next(struct bytes *entries, struct record_entry *out)
{
    const uint8_t *end = entries->data + entries->len;
    const uint8_t *at = entries->len ? read_entry(entries->data, end, out) : NULL;
    if (!at)
        return false;
    *entries = bytes_of(at, (size_t)(end - at));
    return true;
}
