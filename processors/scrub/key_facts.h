/* What rules say of a key, whatever its value: worked out once, then found again at the price of
 * comparing the key, because the attributes of spans follow each other in the same order. */
#ifndef TAILSPAN_PROCESSORS_SCRUB_KEY_FACTS_H
#define TAILSPAN_PROCESSORS_SCRUB_KEY_FACTS_H

#include "processors/scrub/rules.h"
#include "proto/wire.h"
#include "proto/word.h"

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
    bool plain; /* all this says: what is to be looked at is the value, as under any other key */
};

/* What a thread remembers of the keys it has seen. Zeroed: none yet. */
enum { KEY_SETS = 64, KEY_WAYS = 4, KEY_REMEMBERED_MAX = 48, OPENING = 3, OPENING_ROOM = 64 };

struct key_slot {
    /* of a KeyValue with this key: its tag and length, the key, the value's tag; zeroes */
    _Alignas(OPENING_ROOM) uint8_t opening[OPENING_ROOM];
    uint64_t rules;        /* 0: empty */
    struct key_slot *next; /* what was asked for after this one */
    struct key_facts facts;
    uint8_t len; /* of the opening */
};

struct key_table {
    struct key_slot *last;
    struct key_slot slots[KEY_SETS * KEY_WAYS];
    struct key_slot uncommon; /* the key that is not remembered */
    uint8_t oldest[KEY_SETS];
};

/* This thread's. */
struct key_table *key_table_of_thread(void);

/* Of the key of an attribute of a list. Borrowed until this table is asked again. */
const struct key_facts *key_table_ask(struct key_table *t, const struct scrub_rules *r,
                                      struct bytes key);

/* The same for a whole KeyValue, when its key is the one that followed the last one before and it
 * is written as nearly all are: then its AnyValue begins, with its length, at slot->len. Else NULL.
 */
static inline const struct key_slot *key_table_follow(struct key_table *t,
                                                      const struct scrub_rules *r,
                                                      struct bytes key_value)
{
    struct key_slot *s = t->last->next;
    if (key_value.len <= s->len || s->rules != r->id ||
        !words_are_same(s->opening, key_value.data, s->len))
        return NULL;
    t->last = s;
    return s;
}

enum {
    NOTHING_ANY = 5 /* bytes of an AnyValue: too few for a text, or a number of ten digits */
};

/* Where detector_is_wide(): passes over KeyValues from `at` on, whose byte is their tag in a
 * message that goes to `end`, as long as they follow, are short and plain, and a glance says that
 * nothing is in them. Returns where the first other one, or anything else, stands. */
const uint8_t *pass_plain_wide(struct key_table *t, const struct scrub_rules *r, const uint8_t *at,
                               const uint8_t *end);

/* Of a key within a map. */
struct key_facts inner_key_facts(const struct scrub_rules *r, struct bytes key);

#endif
