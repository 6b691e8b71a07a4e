/* What is looked for, and what becomes of it: a scrub processor's configuration, made ready.
 * Immutable; any thread. */
#ifndef TAILSPAN_PROCESSORS_SCRUB_RULES_H
#define TAILSPAN_PROCESSORS_SCRUB_RULES_H

#include "component/config.h"
#include "processors/scrub/detect.h"
#include "sampling/regex.h"

enum scrub_action {
    ACTION_REPLACE,  /* [email] */
    ACTION_REMOVE,   /* the part, or the attribute when it is all of its value */
    ACTION_MASK,     /* ****, the last four left where the class allows */
    ACTION_HASH,     /* [email:KEY-ID:HMAC-SHA256 of the normalised value] */
    ACTION_TRUNCATE, /* addresses: their last octet, their last 80 bits */
};

enum {
    SCRUB_PATTERNS_MAX = 64,
    SCRUB_RULES_MAX = SCRUB_CLASSES + SCRUB_PATTERNS_MAX, /* classes, then patterns */
    SCRUB_KEY_MAX = 4096,
    SCRUB_KEY_ID_MAX = 16,
    SCRUB_NAME_MAX = 64,   /* of a pattern */
    SCRUB_HASH_BYTES = 16, /* of HMAC-SHA256's 32: enough that no two people meet */
};

struct scrub_pattern {
    const char *name;
    struct regex *regex;
    enum scrub_action action;
};

enum scrub_summary {
    SUMMARY_SILENT,
    SUMMARY_INFO,
    SUMMARY_DEBUG,
};

struct regex_list {
    struct regex **items;
    size_t count;
};

struct scrub_rules {
    uint64_t id; /* no others of the process ever had it */
    struct detector *detector;
    enum scrub_action actions[SCRUB_CLASSES];
    struct scrub_pattern patterns[SCRUB_PATTERNS_MAX];
    size_t pattern_count;
    struct regex_list blocked_keys;
    struct regex_list allowed_values;
    struct config_strings ignored_keys;
    enum scrub_summary summary;
    uint8_t hash_key[SCRUB_KEY_MAX];
    size_t hash_key_len;
    const char *hash_key_id;
    bool hashed[SCRUB_RULES_MAX]; /* what is found and hashed */
    bool hashes;                  /* any of them */
};

/* NULL with `e` set. */
struct scrub_rules *scrub_rules_create(const struct config_value *config, struct error *e);
void scrub_rules_destroy(struct scrub_rules *r);

/* What names of patterns and ids of keys may be made of, so that [name:id:…] is known again. */
static inline bool scrub_is_mark_byte(uint8_t c)
{
    return (uint8_t)((c | 0x20) - 'a') <= 25 || (uint8_t)(c - '0') <= 9 || c == '-' || c == '_' ||
           c == '.';
}

/* "email", or a pattern's name. */
const char *scrub_rule_name(const struct scrub_rules *r, unsigned rule);

/* Whether blocked_keys say that nobody may see a value of this key. */
bool scrub_key_is_blocked(const struct scrub_rules *r, struct bytes key);

#endif
