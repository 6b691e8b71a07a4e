/* What was done to one list of attributes, as attributes of that list: the Collector's names, its
 * order, and its way of adding to what a processor in front has noted already.
 *
 * Attributes under these names that came are taken out of their place and handed to the summary;
 * with what it adds they are written again at the list's end. One thread. */
#ifndef TAILSPAN_PROCESSORS_REDACTION_SUMMARY_H
#define TAILSPAN_PROCESSORS_REDACTION_SUMMARY_H

#include "processors/attributes_memory.h"
#include "processors/redaction_rules.h"
#include "proto/edit.h"

enum redaction_fate {
    FATE_REDACTED, /* removed */
    FATE_MASKED,
    FATE_ALLOWED,
    FATE_IGNORED,
    REDACTION_FATES,
};

enum { SUMMARY_ATTRIBUTES = 7 };

struct summary_keys {
    struct bytes *items;
    size_t count;
    size_t capacity;
};

/* Zero-initialise. */
struct redaction_summary {
    enum redaction_summary_level level;
    uint64_t counts[REDACTION_FATES];
    struct summary_keys keys[REDACTION_FATES]; /* only kept for SUMMARY_DEBUG */
    struct {
        bool there;
        struct value value;
    } came[SUMMARY_ATTRIBUTES];
    bool failed; /* out of memory */
};
void redaction_summary_free(struct redaction_summary *s);

/* Begins with a message, or anew with another list of it. */
void redaction_summary_begin(struct redaction_summary *s, enum redaction_summary_level level);
void redaction_summary_reset(struct redaction_summary *s);

/* Which of the summary's attributes the key names, or -1. */
int redaction_summary_index(struct bytes key);

/* `key` is borrowed until the summary has been written. */
void redaction_summary_add(struct redaction_summary *s, enum redaction_fate fate, struct bytes key);
void redaction_summary_came(struct redaction_summary *s, int index, const struct value *v);

/* The attributes, in `memory`. Returns how many. */
size_t redaction_summary_write(struct redaction_summary *s, struct pieces *memory,
                               struct link_attribute **out);

#endif
