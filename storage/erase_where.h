/* Which spans an erasure is about.
 *
 *     enduser.id="alice" and service.name="shop"     the attribute is exactly this
 *     http.url~"alice@example.com"                   its text holds this somewhere
 *     *="alice"   *~"alice@example.com"              any attribute or name; anything in the span
 *
 * All terms have to hold on one span. An attribute is the span's, its events', links', scope's or
 * resource's; of an array or map it is enough that something in it is equal, however deep, and
 * bytes are themselves and their base64. A name is the span's, an event's or the scope's with its
 * version; a status message is like one. Values stand in double quotes, with \" and \\. A value may
 * have been stored under a pseudonym: then any of the forms that it may have will do. */
#ifndef TAILSPAN_STORAGE_ERASE_WHERE_H
#define TAILSPAN_STORAGE_ERASE_WHERE_H

#include "component/error.h"
#include "proto/batch.h"
#include "proto/value_text.h"
#include "storage/store_hops.h"

enum { ERASE_TERMS_MAX = 16 };

struct erase_term {
    char *key;     /* "*": any */
    bool contains; /* else equals */
    char **forms;  /* the value, and what it may have been stored as */
    size_t form_count, form_room;
};

struct erase_where {
    struct erase_term terms[ERASE_TERMS_MAX];
    size_t term_count;
    struct value_text text;
};

/* Reads `text`. False with `e` set, which names the place and not the value. Free it in any case.
 */
bool erase_where_parse(const char *text, struct erase_where *w, struct error *e);
void erase_where_free(struct erase_where *w);

/* One more form of a term's value. False: out of memory. */
bool erase_where_add_form(struct erase_where *w, size_t term, struct bytes form);

/* All forms that this process's pseudonymisers give the values. False: as above. */
bool erase_where_add_pseudonyms(struct erase_where *w);

bool erase_where_matches(struct erase_where *w, const struct batch *b, uint32_t span);

/* A hop has the attributes that its topic, group and services were taken from. */
bool erase_where_matches_hop(const struct erase_where *w, const struct store_hop *hop);

/* The terms without their values, for logs: "enduser.id= and *~". */
void erase_where_describe(const struct erase_where *w, char *out, size_t len);

#endif
