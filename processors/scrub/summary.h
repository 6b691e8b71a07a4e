/* What was done to one list of attributes, as attributes of that list: the Collector's names, and
 * its way of adding to what a processor in front has noted already.
 *
 * Keys are borrowed until the summary has been written. One thread. */
#ifndef TAILSPAN_PROCESSORS_SCRUB_SUMMARY_H
#define TAILSPAN_PROCESSORS_SCRUB_SUMMARY_H

#include "processors/scrub/rules.h"
#include "proto/edit.h"

enum scrub_fate {
    SCRUB_REMOVED, /* the whole attribute */
    SCRUB_MASKED,
    SCRUB_FATES,
};

enum {
    SUMMARY_KEYS_MAX = 32, /* that are named; all are counted */
    SUMMARY_ATTRIBUTES_MAX = 4,
};

struct scrub_summary_list {
    struct {
        struct bytes keys[SUMMARY_KEYS_MAX];
        size_t key_count;
        int64_t count;
        struct bytes keys_before; /* that came with the list */
        int64_t count_before;
    } fates[SCRUB_FATES];
};

void scrub_summary_begin(struct scrub_summary_list *s);

void scrub_summary_note(struct scrub_summary_list *s, enum scrub_fate fate, struct bytes key);

/* Whether the key is one of a summary's. */
bool scrub_summary_is_key(struct bytes key);

/* Such an attribute, which came with the list. True: it has to go where it stands, because what it
 * says will be written again. */
bool scrub_summary_came(struct scrub_summary_list *s, struct bytes key, const struct value *v);

/* The attributes, `count` of them, into `out`; what they point at is memory of `b`. False: out of
 * memory. */
bool scrub_summary_write(const struct scrub_summary_list *s, enum scrub_summary level,
                         struct batch *b, struct link_attribute out[SUMMARY_ATTRIBUTES_MAX],
                         size_t *count);

#endif
