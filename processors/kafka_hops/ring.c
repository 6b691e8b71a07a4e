#include "processors/kafka_hops/ring.h"

#include <stdlib.h>
#include <string.h>

void ring_init(struct ring *r, size_t record_size)
{
    *r = (struct ring){.record_size = record_size, .head = 1, .tail = 1};
}

void ring_free(struct ring *r)
{
    for (uint32_t i = 0; i < r->capacity; i++)
        free(r->segments[i]);
    free(r->segments);
    free(r->spare);
}

static uint32_t segment_of(uint32_t number)
{
    return number / RING_SEGMENT;
}

/* Makes room for one more segment than there is. */
static bool grow(struct ring *r)
{
    uint32_t capacity = r->capacity ? r->capacity * 2 : 4;
    uint8_t **segments = calloc(capacity, sizeof *segments);
    if (!segments)
        return false;
    for (uint32_t i = 0; i < r->capacity; i++) {
        uint32_t segment = segment_of(r->head) + i;
        segments[segment & (capacity - 1)] = r->segments[segment & (r->capacity - 1)];
    }
    free(r->segments);
    r->segments = segments;
    r->bytes += (capacity - r->capacity) * sizeof *segments;
    r->capacity = capacity;
    return true;
}

static uint8_t *new_segment(struct ring *r)
{
    uint8_t *segment = r->spare;
    r->spare = NULL;
    if (segment)
        return segment;
    segment = malloc(RING_SEGMENT * r->record_size);
    if (segment)
        r->bytes += RING_SEGMENT * r->record_size;
    return segment;
}

void *ring_push(struct ring *r)
{
    uint32_t segment = segment_of(r->tail);
    bool new = r->tail % RING_SEGMENT == 0 || r->capacity == 0;
    if (new && r->capacity > 0 && segment - segment_of(r->head) < r->capacity)
        new = !r->segments[segment & (r->capacity - 1)];
    if (new) {
        if ((r->capacity == 0 || segment - segment_of(r->head) >= r->capacity) && !grow(r))
            return NULL;
        uint8_t *memory = new_segment(r);
        if (!memory)
            return NULL;
        r->segments[segment & (r->capacity - 1)] = memory;
    }
    void *record = ring_at(r, r->tail);
    r->tail++;
    return record;
}

void ring_pop(struct ring *r)
{
    uint8_t **segment = &r->segments[segment_of(r->head) & (r->capacity - 1)];
    r->head++;
    if (r->head % RING_SEGMENT != 0)
        return;
    if (r->spare) {
        free(*segment);
        r->bytes -= RING_SEGMENT * r->record_size;
    } else {
        r->spare = *segment;
    }
    *segment = NULL;
}
