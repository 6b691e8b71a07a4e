/* What a `redaction` processor was told: which keys and values pass, which are hidden, and how.
 *
 * Made once from the configuration, immutable, for all threads at once. A pattern that runs into
 * its limit of effort is decided for hiding: it blocks, and it neither allows nor ignores. */
#ifndef TAILSPAN_PROCESSORS_REDACTION_RULES_H
#define TAILSPAN_PROCESSORS_REDACTION_RULES_H

#include "component/config.h"
#include "processors/redaction_hash.h"
#include "proto/buffer.h"
#include "sampling/regex.h"

enum redaction_summary_level {
    SUMMARY_SILENT,
    SUMMARY_INFO,
    SUMMARY_DEBUG,
};

struct redaction_patterns {
    struct regex **items;
    size_t count;
};

struct redaction_rules {
    bool allow_all_keys;
    bool redact_all_types;
    struct config_strings allowed_keys;
    struct config_strings ignored_keys;
    struct redaction_patterns ignored_key_patterns;
    struct redaction_patterns blocked_key_patterns;
    struct redaction_patterns blocked_values;
    struct redaction_patterns allowed_values;
    enum hash_function hash;
    struct bytes hmac_key;
    enum redaction_summary_level summary;
};

/* NULL: wrong, or a key that is not supported. */
struct redaction_rules *redaction_rules_create(const struct config_value *config, struct error *e);
void redaction_rules_destroy(struct redaction_rules *r);

/* The key's standing, as flags. */
enum {
    KEY_IGNORED = 1,
    KEY_NOT_ALLOWED = 2,
    KEY_BLOCKED = 4,
};
unsigned redaction_key(const struct redaction_rules *r, struct bytes key);

/* Whether a value may pass whatever else is said. */
bool redaction_allows(const struct redaction_rules *r, struct bytes text);

/* What stands for a value under a blocked key: a mask for each of its lines. */
void redaction_mask_lines(const struct redaction_rules *r, struct bytes text, struct buffer *out);

/* Memory for redaction_replace(), kept from one value to the next. Zero-initialise. */
struct redaction_work {
    struct buffer from; /* the value while several patterns change it */
    struct buffer to;
    struct buffer readable;
    bool failed; /* out of memory */
};
void redaction_work_free(struct redaction_work *w);

/* Hides what blocked_values match, one pattern after another. False: the value stays as it is. Else
 * `out` is what it becomes, borrowed from `w` until the next call, and `rule` the first pattern
 * that matched. */
bool redaction_replace(const struct redaction_rules *r, struct redaction_work *w, struct bytes text,
                       struct bytes *out, size_t *rule);

#endif
