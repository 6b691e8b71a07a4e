/* Predicates: what a policy asks of each span, answered once as the span arrives.
 *
 * An answer is a bit in the trace's record, set when any span (or its resource) says yes. Those
 * that could fail have a second bit for that. Predicates on attributes are found by their key, so
 * a span's attributes are walked once however many ask, and only keys of a wanted length are looked
 * at. What resources say is kept for the batch. */
#ifndef TAILSPAN_SAMPLING_PREDICATE_H
#define TAILSPAN_SAMPLING_PREDICATE_H

#include "proto/attribute.h"
#include "proto/batch.h"

enum predicate_answer {
    PREDICATE_NO,
    PREDICATE_YES,
    PREDICATE_FAILED,
};

struct predicate {
    enum {
        ASK_ATTRIBUTE, /* ask_value, of the span's and the resource's attribute `key` */
        ASK_SPAN,      /* ask_span */
    } kind;
    struct bytes key;
    enum predicate_answer (*ask_value)(const void *arg, const struct value *v, bool of_resource);
    enum predicate_answer (*ask_span)(const void *arg, const struct batch *b, uint32_t span);
    const void *arg;
    uint16_t bit;    /* set when it answered yes */
    uint16_t failed; /* set when it failed */
};

struct predicates;

struct predicates *predicates_create(void); /* NULL: out of memory */
void predicates_destroy(struct predicates *p);

/* There are PREDICATES_MAX. */
bool predicates_full(const struct predicates *p);

/* Adds one and gives it its bits. `arg` and `key` outlive the predicates. False: full, or out of
 * memory. */
bool predicates_add(struct predicates *p, struct predicate *wanted);

/* After the last one was added. False: out of memory. */
bool predicates_ready(struct predicates *p);

unsigned predicates_words(const struct predicates *p);
void predicates_begin(struct predicates *p, const struct batch *b);
void predicates_observe(struct predicates *p, uint32_t span, uint64_t *bits);

static inline bool bit_is_set(const uint64_t *bits, unsigned bit)
{
    return bits[bit / 64] >> (bit % 64) & 1;
}

#endif
