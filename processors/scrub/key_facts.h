/* What rules say of a key, whatever its value: worked out once, then found again at the price of
 * comparing the key, because the attributes of spans follow each other in the same order. */
#ifndef TAILSPAN_PROCESSORS_SCRUB_KEY_FACTS_H
#define TAILSPAN_PROCESSORS_SCRUB_KEY_FACTS_H

#include "processors/scrub/rules.h"

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

/* Of the key of an attribute of a list. Borrowed until this thread asks again. */
const struct key_facts *attribute_key_facts(const struct scrub_rules *r, struct bytes key);

/* Of a key within a map. */
struct key_facts inner_key_facts(const struct scrub_rules *r, struct bytes key);

#endif
