/* What a value becomes: its findings, by all rules, replaced as their rules say. */
#ifndef TAILSPAN_PROCESSORS_SCRUB_REPLACE_H
#define TAILSPAN_PROCESSORS_SCRUB_REPLACE_H

#include "processors/scrub/rules.h"
#include "proto/buffer.h"

/* A part of a value that a rule is about. */
struct scrub_hit {
    uint32_t start;
    uint32_t len;
    uint16_t rule;
};

struct scrub_hits {
    struct scrub_hit items[2 * FINDINGS_MAX];
    size_t count; /* by start, without overlaps */
};

/* Finds everything; false: there is nothing. */
bool scrub_find(const struct scrub_rules *r, const struct detect_context *where, struct bytes value,
                struct scrub_hits *hits);

/* Whether all of the value goes, and the rule says that it is removed. */
bool scrub_removes_all(const struct scrub_rules *r, struct bytes value,
                       const struct scrub_hits *hits);

/* Appends the value as it is to be seen. `out` fails when out of memory. */
void scrub_replace(const struct scrub_rules *r, struct bytes value, const struct scrub_hits *hits,
                   struct buffer *out);

/* Whether all of the value is what a scrub processor has put in the place of another, by whatever
 * key. */
bool scrub_is_mark(const struct scrub_rules *r, struct bytes value);

/* Appends the pseudonym that action `hash` writes. */
void scrub_pseudonym(const struct scrub_rules *r, unsigned rule, struct bytes found,
                     struct buffer *out);

#endif
