/* Rewriting all text of a message in one pass: spans with their events and links, resources,
 * scopes.
 *
 * The visitor is shown every place where people's words may stand, and says what becomes of it.
 * What it leaves alone keeps its bytes and order; a message in which nothing changes is neither
 * written nor copied, and looking at it takes no memory. Identifiers, times, numbers of fields that
 * are no attributes are never shown. Unknown fields survive.
 *
 * As with edit.h: the caller may write to the batch (batch_writable), new bytes go into memory of
 * the batch, batch.request is emptied by the first change, views taken before stay readable. One
 * thread: the batch's holder. */
#ifndef TAILSPAN_PROTO_REWRITE_H
#define TAILSPAN_PROTO_REWRITE_H

#include "proto/attribute.h"
#include "proto/batch.h"
#include "proto/buffer.h"
#include "proto/edit.h"

enum rewrite_place {
    PLACE_SPAN_NAME,
    PLACE_SPAN_ATTRIBUTE,
    PLACE_STATUS_MESSAGE,
    PLACE_TRACE_STATE,
    PLACE_EVENT_NAME,
    PLACE_EVENT_ATTRIBUTE,
    PLACE_LINK_ATTRIBUTE,
    PLACE_LINK_TRACE_STATE,
    PLACE_RESOURCE_ATTRIBUTE,
    PLACE_SCOPE_NAME,
    PLACE_SCOPE_ATTRIBUTE,
    REWRITE_PLACES,
};

/* What is shown. Names, messages and states are strings without a key. */
struct rewrite_item {
    enum rewrite_place place;
    struct bytes key; /* of the attribute, or of the pair within a map; an element of an array has
                         the key of the array */
    struct bytes top_key; /* of the attribute that this is in, or is */
    struct value value;
    unsigned depth; /* 0: the attribute itself */
    bool element;   /* of an array: it has no key of its own that could be changed */
};

enum rewrite_verdict {
    REWRITE_KEEP,
    REWRITE_ENTER,  /* of an array or map: show me what is in it; its key becomes change->key */
    REWRITE_SET,    /* becomes `change`; a name, message or state takes the string of its value */
    REWRITE_REMOVE, /* the attribute, pair or element; a name, message or state becomes empty */
};

struct rewrite_change {
    struct bytes key; /* preset to what it was */
    struct value value;
};

struct rewriter {
    void *context;
    /* Asked once about each item, in wire order; an array or map before what is in it. What
     * `change` points at has to stay readable until the message is done. */
    enum rewrite_verdict (*visit)(void *context, const struct rewrite_item *item,
                                  struct rewrite_change *change);
    /* Called where attributes of a list stand one behind the other from `at`, whose byte is their
     * tag: passes over those that stay as they are, about which visit() is not asked, and returns
     * where the first one stands that is not passed over, or something else, or `end`. NULL: all
     * are visited. */
    const uint8_t *(*skip)(void *context, enum rewrite_place place, const uint8_t *at,
                           const uint8_t *end);
    /* When an attribute list (of the span, of one event or link, resource, scope) has been visited:
     * how many attributes to add at its end, and which. NULL: never any. `place` is the one of the
     * list's attributes. */
    size_t (*append)(void *context, enum rewrite_place place,
                     const struct link_attribute **attributes);
    /* Empty before the first message, the caller's to free behind the last one: memory for writing
     * in, which otherwise each message that changes allocates. NULL: so it is. */
    struct buffer *scratch;
};

/* False when out of memory: the message is then as it was. */
bool span_rewrite(struct batch *b, uint32_t span, const struct rewriter *w);
bool scope_rewrite(struct batch *b, uint32_t scope, const struct rewriter *w);
bool resource_rewrite(struct batch *b, uint32_t resource, const struct rewriter *w);

const char *rewrite_place_name(enum rewrite_place place); /* "span_attribute" */

/* Whether it is an attribute, or something within one. */
static inline bool rewrite_place_is_attribute(enum rewrite_place place)
{
    return place == PLACE_SPAN_ATTRIBUTE || place == PLACE_EVENT_ATTRIBUTE ||
           place == PLACE_LINK_ATTRIBUTE || place == PLACE_RESOURCE_ATTRIBUTE ||
           place == PLACE_SCOPE_ATTRIBUTE;
}

#endif
