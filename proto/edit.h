/* Editing spans, scopes and resources of a batch that the caller may write to (batch_writable).
 *
 * Each edit writes the message anew into memory of the batch and points the view at it; the bytes
 * that others hold are never touched, unknown fields survive, and fields that the edit does not
 * name keep their order and bytes. batch.request is emptied by the first edit. All return false
 * when out of memory, leaving the message as it was. One thread: the batch's holder.
 *
 * An edit costs a copy of the message, and the former version's memory stays until the batch goes,
 * so views and iterators taken before an edit stay readable. Keys and values may point into them.
 */
#ifndef TAILSPAN_PROTO_EDIT_H
#define TAILSPAN_PROTO_EDIT_H

#include "proto/attribute.h"
#include "proto/batch.h"

/* Replaces every attribute with this key by one with this value, in the place of the first, or adds
 * it at the end. Array and map values are given by their bodies. */
bool span_set_attribute(struct batch *b, uint32_t span, struct bytes key, const struct value *v);
bool scope_set_attribute(struct batch *b, uint32_t scope, struct bytes key, const struct value *v);
bool resource_set_attribute(struct batch *b, uint32_t resource, struct bytes key,
                            const struct value *v);

/* Removes every attribute with this key; `removed` (may be NULL) says whether there was one. */
bool span_remove_attribute(struct batch *b, uint32_t span, struct bytes key, bool *removed);
bool scope_remove_attribute(struct batch *b, uint32_t scope, struct bytes key, bool *removed);
bool resource_remove_attribute(struct batch *b, uint32_t resource, struct bytes key, bool *removed);

/* Puts one attribute (both key and value) in the place of another that an iterator gave, be it
 * before other edits. When it is no longer there nothing changes. */
bool span_replace_attribute(struct batch *b, uint32_t span, const struct attribute *old,
                            struct bytes key, const struct value *v);

bool span_rename(struct batch *b, uint32_t span, struct bytes name);
bool span_set_trace_state(struct batch *b, uint32_t span, struct bytes trace_state);
bool span_set_status_message(struct batch *b, uint32_t span, struct bytes message);

/* Removes the events that `matches` is true of. It is asked twice about each and answers alike. */
bool span_remove_events(struct batch *b, uint32_t span,
                        bool (*matches)(void *context, const struct event_view *event),
                        void *context);

struct link_attribute {
    struct bytes key;
    struct value value;
};

/* Adds fields of the message Span, encoded and with their tags, at its end: links, events or
 * attributes, of which the view knows nothing. */
bool span_append(struct batch *b, uint32_t span, struct bytes fields);

#endif
