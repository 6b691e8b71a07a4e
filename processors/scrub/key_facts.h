/* What rules say of a key, whatever its value: worked out once, then found again at the price of
 * comparing the key, because the attributes of spans follow each other in the same order. */
#ifndef TAILSPAN_PROCESSORS_SCRUB_KEY_FACTS_H
#define TAILSPAN_PROCESSORS_SCRUB_KEY_FACTS_H

#include "processors/scrub/rules.h"
#include "processors/scrub/word.h"

/* Whether the value names a database, and under which key: the new one counts. */
enum key_system { NO_SYSTEM, OLD_SYSTEM, NEW_SYSTEM };

struct key_facts {
    bool ignored;   /* nothing under it is looked at */
    bool blocked;   /* by blocked_keys: nobody may see a value */
    bool sensitive; /* so, by what the key says */
    bool statement; /* the value is read as the database says */
    bool personal;  /* a number is somebody's */
    bool agent;     /* digits are versions */

    /* only of attributes' */
    bool usual;   /* values are read as under any other key, by no rules of the user's */
    bool carries; /* the key itself has something in it */
    enum key_system system;
};

/* What a thread remembers of the keys it has seen. Zeroed: none yet. */
enum { KEY_SETS = 64, KEY_WAYS = 4, KEY_REMEMBERED_MAX = 48 };

struct key_slot {
    uint64_t rules;        /* 0: empty */
    struct key_slot *next; /* what was asked for after this one */
    struct key_facts facts;
    uint8_t len;
    uint8_t key[KEY_REMEMBERED_MAX];
};

struct key_table {
    struct key_slot *last;
    struct key_slot slots[KEY_SETS * KEY_WAYS];
    struct key_slot uncommon; /* the key that is not remembered */
    uint8_t oldest[KEY_SETS];
};

/* This thread's, for attribute_key_facts(). */
struct key_table *key_table_of_thread(void);

/* Of a key that did not follow the last one when that was seen before. */
const struct key_facts *key_table_ask(struct key_table *t, const struct scrub_rules *r,
                                      struct bytes key);

static inline bool key_slot_is_of(const struct key_slot *s, const struct scrub_rules *r,
                                  struct bytes key)
{
    return s->len == key.len && s->rules == r->id && words_are_same(s->key, key.data, key.len);
}

/* Of the key of an attribute of a list. Borrowed until this table is asked again. */
static inline const struct key_facts *attribute_key_facts(struct key_table *t,
                                                          const struct scrub_rules *r,
                                                          struct bytes key)
{
    struct key_slot *s = t->last->next;
    if (__builtin_expect(!key_slot_is_of(s, r, key), 0))
        return key_table_ask(t, r, key);
    t->last = s;
    return &s->facts;
}

/* Of a key within a map. */
struct key_facts inner_key_facts(const struct scrub_rules *r, struct bytes key);

#endif
