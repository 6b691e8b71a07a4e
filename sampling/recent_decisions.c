#include "sampling/recent_decisions.h"

#include <stdlib.h>
#include <string.h>

#define A_SECOND   1000000000U
#define PER_SECOND 1000U
#define NONE       UINT32_MAX

struct recent_decisions {
    uint8_t *records;
    size_t record_size;
    uint32_t capacity;
    uint32_t used;
    uint32_t newest; /* the record being filled in, or filled in last */
    bool open;       /* being filled in: the index does not know it */
    uint32_t *index; /* by hash, a power of two of them; NONE: empty */
    uint32_t mask;

    uint64_t second;
    uint32_t in_second;
};

static struct recent_decision *at(const struct recent_decisions *r, uint32_t i)
{
    return (struct recent_decision *)(r->records + r->record_size * i);
}

struct recent_decisions *recent_decisions_create(size_t bytes, unsigned policies)
{
    struct recent_decisions *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->record_size = sizeof(struct recent_decision) + sizeof(struct policy_vote) * policies;
    r->record_size = (r->record_size + 7) / 8 * 8;
    size_t capacity = bytes / (r->record_size + 2 * sizeof *r->index);
    r->capacity = capacity > 1U << 20 ? 1U << 20 : (uint32_t)capacity;
    uint32_t size = 1;
    while (size < r->capacity)
        size *= 2;
    r->mask = size - 1;
    r->records = calloc(r->capacity + 1, r->record_size);
    r->index = malloc(sizeof *r->index * size);
    if (!r->records || !r->index) {
        recent_decisions_destroy(r);
        return NULL;
    }
    memset(r->index, 0xff, sizeof *r->index * size);
    return r;
}

void recent_decisions_destroy(struct recent_decisions *r)
{
    if (!r)
        return;
    free(r->records);
    free(r->index);
    free(r);
}

static void forget(struct recent_decisions *r, uint32_t i)
{
    uint32_t *link = &r->index[at(r, i)->hash & r->mask];
    while (*link != i)
        link = &at(r, *link)->next;
    *link = at(r, i)->next;
}

struct recent_decision *recent_decisions_next(struct recent_decisions *r, uint64_t now_ns)
{
    uint64_t second = now_ns / A_SECOND;
    if (r->open)
        return at(r, r->newest);
    if (second != r->second) {
        r->second = second;
        r->in_second = 0;
    }
    if (r->capacity == 0 || r->in_second == PER_SECOND)
        return NULL;
    r->in_second++;
    r->open = true;
    if (r->used < r->capacity) {
        r->newest = r->used++;
    } else {
        r->newest = (r->newest + 1) % r->capacity;
        forget(r, r->newest);
    }
    return at(r, r->newest);
}

void recent_decisions_commit(struct recent_decisions *r)
{
    struct recent_decision *d = at(r, r->newest);
    uint32_t *head = &r->index[d->hash & r->mask];
    d->next = *head;
    *head = r->newest;
    r->open = false;
}

struct recent_decision *recent_decisions_find(const struct recent_decisions *r, uint64_t hash,
                                              const uint8_t id[16])
{
    for (uint32_t i = r->index[hash & r->mask]; i != NONE; i = at(r, i)->next) {
        struct recent_decision *d = at(r, i);
        if (d->hash == hash && memcmp(d->id, id, 16) == 0)
            return d;
    }
    return NULL;
}
