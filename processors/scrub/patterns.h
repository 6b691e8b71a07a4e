/* The user's expressions, on one value: where `patterns` match, and what of that `allowed_values`
 * let be. */
#ifndef TAILSPAN_PROCESSORS_SCRUB_PATTERNS_H
#define TAILSPAN_PROCESSORS_SCRUB_PATTERNS_H

#include "processors/scrub/rules.h"

enum { ALLOWED_MAX = 64 }; /* parts of a value; what is found in others is not allowed */

/* A value as the expressions see it. */
struct pattern_subject {
    const struct scrub_rules *rules;
    struct bytes text;
    uint8_t *copy;              /* malloc'd; the text, when the value was not UTF-8 */
    struct regex_glance glance; /* of the text, for patterns */
    bool searched;              /* for allowed values */
    struct regex_span allowed[ALLOWED_MAX];
    size_t allowed_count;
};

/* False: out of memory. In either case it is to be ended. */
bool pattern_subject_begin(struct pattern_subject *s, const struct scrub_rules *r,
                           struct bytes value);
void pattern_subject_end(struct pattern_subject *s);

/* Whether one match of an allowed value spans all of [start, end). */
bool pattern_allows(struct pattern_subject *s, size_t start, size_t end);

/* Calls `found` with every match of a pattern that is not empty and not allowed. False: it said so,
 * or effort has its limit; what is left is not known. */
bool pattern_find(struct pattern_subject *s, unsigned pattern,
                  bool (*found)(void *context, struct regex_span match), void *context);

#endif
