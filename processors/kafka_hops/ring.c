#include "processors/kafka_hops/ring.h"

#include "processors/kafka_hops/area.h"

enum {
    LEAST = 1 << 19, /* records that fill whole pieces, if they are a multiple of 4 bytes */
    MANY = 1 << 16,  /* that are worth large pages; fewer lie in a processor's cache */
};

static size_t area_bytes(const struct ring *r)
{
    return ((size_t)r->mask + 1) * r->record_size;
}

bool ring_init(struct ring *r, size_t record_size, uint32_t most)
{
    uint32_t mask = LEAST - 1;
    while (mask < most)
        mask = mask * 2 + 1;
    *r = (struct ring){.record_size = record_size, .mask = mask, .head = 1, .tail = 1};
    r->records = area_reserve(area_bytes(r), 0);
    return r->records != NULL;
}

void ring_free(struct ring *r)
{
    if (r->records)
        area_free(r->records, area_bytes(r));
}

/* The piece in which a record begins, by its number in the area. */
static size_t piece_of(const struct ring *r, uint32_t number)
{
    return (size_t)(number & r->mask) * r->record_size / AREA_PIECE;
}

size_t ring_bytes(const struct ring *r)
{
    return ring_count(r) * r->record_size + (ring_count(r) >= MANY ? AREA_PIECE : 0);
}

void *ring_push(struct ring *r)
{
    if (ring_count(r) > r->mask)
        return NULL;
    uint32_t number = r->tail++;
    size_t next = piece_of(r, r->tail);
    if (piece_of(r, number) != next && ring_count(r) >= MANY)
        area_use_large_pages(r->records + next * AREA_PIECE, AREA_PIECE);
    return ring_at(r, number);
}

void ring_pop(struct ring *r)
{
    size_t piece = piece_of(r, r->head++);
    if (piece_of(r, r->head) != piece && piece_of(r, r->tail) != piece)
        area_give_back(r->records + piece * AREA_PIECE, AREA_PIECE);
}
