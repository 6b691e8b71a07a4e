/* The attributes of one message, to be changed in any order and written at once.
 *
 * Actions follow one another, and each sees what the ones before it did; writing the message after
 * each would copy it as often. So its attributes are listed (views, nothing is copied), changed in
 * the list, and the message is written anew once, when something is different.
 *
 * Should a key be there twice, the first counts; putting or settling it removes the others.
 *
 * A list is used for one message after another. Out of memory is sticky: `failed`, looked at once,
 * before writing. One thread. */
#ifndef TAILSPAN_PROCESSORS_ATTRIBUTES_LIST_H
#define TAILSPAN_PROCESSORS_ATTRIBUTES_LIST_H

#include "processors/attributes_memory.h"
#include "proto/attribute.h"
#include "proto/batch.h"

struct attribute_entry {
    struct bytes key;
    struct value value;
    enum {
        ENTRY_CAME,
        ENTRY_SET,
        ENTRY_ADDED,
        ENTRY_REMOVED,
    } state;
};

/* A message with more is not listed: what a stranger sends in a few bytes takes 64 here. */
enum { ATTRIBUTE_LIST_MAX = 1 << 20 };

/* Zero-initialise. */
struct attribute_list {
    struct attribute_entry *entries;
    size_t count;
    size_t capacity;
    size_t came;          /* the first so many were in the message */
    struct pieces pieces; /* memory for values, until the next message */
    bool changed;
    bool failed;
    bool too_many; /* attributes in the message; the list is empty then */
};

void attribute_list_free(struct attribute_list *l);

/* Begins with the attributes of `message`, which stays readable until they are written. */
void attribute_list_load(struct attribute_list *l, struct bytes message,
                         enum attribute_field field);

/* NULL: there is none. */
struct attribute_entry *attribute_list_find(struct attribute_list *l, struct bytes key);

/* Keys and values are borrowed until the message is written. */
void attribute_list_put(struct attribute_list *l, struct bytes key, struct value v);
void attribute_list_set(struct attribute_list *l, struct attribute_entry *e, struct value v);
void attribute_list_remove(struct attribute_list *l, struct attribute_entry *e);

/* Removes all others with this one's key. Takes a walk along the list, the two above do not. */
void attribute_list_settle(struct attribute_list *l, const struct attribute_entry *e);

/* Writes what changed. False: out of memory, nothing is different then. */
bool attribute_list_write_span(struct attribute_list *l, struct batch *b, uint32_t span);
bool attribute_list_write_resource(struct attribute_list *l, struct batch *b, uint32_t resource);

#endif
