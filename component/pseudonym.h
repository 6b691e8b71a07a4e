/* Pseudonyms: the other forms under which a value may have been stored.
 *
 * Who writes a keyed hash in the place of a value registers how it is made, so that whoever looks
 * for the value (an erasure) can look for the hash as well, without knowing the key. */
#ifndef TAILSPAN_COMPONENT_PSEUDONYM_H
#define TAILSPAN_COMPONENT_PSEUDONYM_H

#include "proto/bytes.h"

struct pseudonymiser {
    /* Calls `each` with every form that `value` may have been given. Any thread. */
    void (*forms)(struct pseudonymiser *p, struct bytes value,
                  void (*each)(void *context, struct bytes form), void *context);
    struct pseudonymiser *next;
};

/* The memory stays the caller's, until it is unregistered. Any thread. */
void pseudonym_register(struct pseudonymiser *p);
void pseudonym_unregister(struct pseudonymiser *p);

/* The forms of all that are registered. */
void pseudonym_each(struct bytes value, void (*each)(void *context, struct bytes form),
                    void *context);

#endif
