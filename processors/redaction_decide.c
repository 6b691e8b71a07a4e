/* The order of questions is the Collector's: is the key ignored; is it not allowed; is the value
 * allowed; is the key blocked; which parts of the value are blocked. To those questions a value
 * that is no text is empty text there, and it is so here; then ours looks into it. */
#include "processors/redaction_pass.h"

#include "proto/otlp_fields.h"
#include "proto/wire.h"

static struct key_slot *slot_of(struct redaction_pass *p, struct bytes key)
{
    uint64_t head = 0, tail = 0;
    if (key.len >= sizeof head) {
        memcpy(&head, key.data, sizeof head);
        memcpy(&tail, key.data + key.len - sizeof tail, sizeof tail);
    }
    for (size_t i = 0; key.len < sizeof head && i < key.len; i++)
        head = head << 8 | key.data[i];
    uint64_t hash = (head ^ (tail << 1 | tail >> 63) ^ key.len) * UINT64_C(0x9e3779b97f4a7c15);
    return &p->slots[hash >> 56];
}

static unsigned key_flags(struct redaction_pass *p, struct bytes key)
{
    struct key_slot *slot = slot_of(p, key);
    if (!slot->used || !bytes_equal(slot->key, key))
        *slot = (struct key_slot){
            .key = key, .used = true, .flags = (uint8_t)redaction_key(p->rules, key)};
    return slot->flags;
}

static bool is_compound(const struct value *v)
{
    return v->type == VALUE_ARRAY || v->type == VALUE_MAP;
}

static bool has_key(const struct rewrite_item *item)
{
    return rewrite_place_is_attribute(item->place) && !item->element;
}

/* The text that is judged. */
static struct bytes text_of(struct redaction_pass *p, const struct rewrite_item *item)
{
    if (item->value.type == VALUE_STRING)
        return item->value.bytes;
    if (item->depth > 0 || !p->rules->redact_all_types)
        return bytes_of("", 0);
    struct bytes text = value_text(&item->value, &p->text);
    p->failed |= p->text.large.failed;
    return text;
}

static void mask_lines(struct redaction_pass *p, struct bytes text, struct value *masked)
{
    p->lines.len = 0;
    redaction_mask_lines(p->rules, text, &p->lines);
    p->failed |= p->lines.failed;
    *masked = (struct value){.type = VALUE_STRING, .bytes = buffer_bytes(&p->lines)};
}

static bool replace(struct redaction_pass *p, struct bytes text, enum value_type type,
                    struct value *masked, int *rule)
{
    struct bytes out;
    size_t pattern = 0;
    if (!redaction_replace(p->rules, &p->work, text, &out, &pattern))
        return false;
    p->failed |= p->work.failed;
    *masked = (struct value){.type = type, .bytes = out};
    *rule = (int)pattern;
    return true;
}

/* What the Collector does not look into: the bytes of bytes, what arrays and maps hold. */
static enum redaction_decision look_inside(struct redaction_pass *p,
                                           const struct rewrite_item *item, struct value *masked,
                                           int *rule)
{
    if (is_compound(&item->value))
        return DECIDED_ENTER;
    if (item->value.type == VALUE_BYTES && !redaction_allows(p->rules, item->value.bytes) &&
        replace(p, item->value.bytes, VALUE_BYTES, masked, rule))
        return DECIDED_MASK;
    return DECIDED_KEEP;
}

enum redaction_decision redaction_decide(struct redaction_pass *p, const struct rewrite_item *item,
                                         struct value *masked, int *rule)
{
    unsigned flags = has_key(item) ? key_flags(p, item->key) : 0;
    if (flags & KEY_IGNORED)
        return DECIDED_IGNORED;
    if (flags & KEY_NOT_ALLOWED && item->depth == 0) {
        *rule = RULE_NOT_ALLOWED;
        return DECIDED_REMOVE;
    }
    struct bytes text = text_of(p, item);
    bool judged = item->depth == 0 || item->value.type == VALUE_STRING;
    if (judged && redaction_allows(p->rules, text))
        return DECIDED_ALLOWED;
    if (flags & KEY_BLOCKED) {
        mask_lines(p, text, masked);
        *rule = RULE_BLOCKED_KEY;
        return DECIDED_MASK;
    }
    if (judged && replace(p, text, VALUE_STRING, masked, rule))
        return DECIDED_MASK;
    return look_inside(p, item, masked, rule);
}

/* ---- looking through ---- */

static bool objects_to_item(struct redaction_pass *p, const struct rewrite_item *item);

static bool objects_inside(struct redaction_pass *p, const struct rewrite_item *outer)
{
    struct rewrite_item item = *outer;
    item.depth++;
    if (outer->value.type == VALUE_ARRAY) {
        struct value_iterator it;
        item.element = true;
        for (value_begin(&it, outer->value.bytes); value_next(&it, &item.value);) {
            if (objects_to_item(p, &item))
                return true;
        }
        return false;
    }
    struct attribute_iterator it;
    struct attribute a;
    item.element = false;
    for (attribute_begin(&it, outer->value.bytes, 1); attribute_next(&it, &a);) {
        item.key = a.key;
        item.value = a.value;
        if (objects_to_item(p, &item))
            return true;
    }
    return false;
}

static bool objects_to_item(struct redaction_pass *p, const struct rewrite_item *item)
{
    struct value masked;
    int rule;
    switch (redaction_decide(p, item, &masked, &rule)) {
    case DECIDED_KEEP:
        return false;
    case DECIDED_IGNORED:
    case DECIDED_ALLOWED:
        return item->depth == 0 && has_key(item) && p->rules->summary != SUMMARY_SILENT;
    case DECIDED_ENTER:
        return objects_inside(p, item);
    default:
        return true;
    }
}

static bool objects_to_list(struct redaction_pass *p, struct bytes message,
                            enum attribute_field field, enum rewrite_place place)
{
    struct attribute_iterator it;
    struct attribute a;
    for (attribute_begin(&it, message, field); attribute_next(&it, &a);) {
        struct rewrite_item item = {
            .place = place, .key = a.key, .top_key = a.key, .value = a.value};
        if (objects_to_item(p, &item))
            return true;
    }
    return false;
}

static bool objects_to_text(struct redaction_pass *p, struct bytes text, enum rewrite_place place)
{
    struct rewrite_item item = {.place = place, .value = {.type = VALUE_STRING, .bytes = text}};
    return text.len > 0 && objects_to_item(p, &item);
}

bool redaction_objects_to_resource(struct redaction_pass *p, struct bytes resource)
{
    return objects_to_list(p, resource, RESOURCE_ATTRIBUTES, PLACE_RESOURCE_ATTRIBUTE);
}

bool redaction_objects_to_scope(struct redaction_pass *p, struct bytes scope)
{
    return objects_to_list(p, scope, SCOPE_ATTRIBUTES, PLACE_SCOPE_ATTRIBUTE);
}

static bool objects_to_event(struct redaction_pass *p, struct bytes framed)
{
    struct span_cursor cursor;
    struct event_view event;
    span_events_begin(&cursor, framed);
    return event_next(&cursor, &event) &&
           (objects_to_text(p, event.name, PLACE_EVENT_NAME) ||
            objects_to_list(p, event.message, EVENT_ATTRIBUTES, PLACE_EVENT_ATTRIBUTE));
}

/* What a span has besides its name and attributes, in one walk: most have nothing. */
static bool objects_to_rest(struct redaction_pass *p, struct bytes span)
{
    const uint8_t *at = span.data, *end = wire_end(span);
    bool has_status = false;
    struct wire_field f;
    while (at < end && (at = wire_field(at, end, &f))) {
        if (f.tag == WIRE_TAG(SPAN_EVENTS, WIRE_LENGTH) && objects_to_event(p, f.framed))
            return true;
        if (f.tag == WIRE_TAG(SPAN_LINKS, WIRE_LENGTH) &&
            objects_to_list(p, f.bytes, LINK_ATTRIBUTES, PLACE_LINK_ATTRIBUTE))
            return true;
        has_status |= f.tag == WIRE_TAG(SPAN_STATUS, WIRE_LENGTH);
    }
    return has_status && objects_to_text(p, span_status_message(span), PLACE_STATUS_MESSAGE);
}

bool redaction_objects_to_span(struct redaction_pass *p, const struct span_view *span)
{
    return objects_to_text(p, span_name(span), PLACE_SPAN_NAME) ||
           objects_to_list(p, span_bytes(span), SPAN_ATTRIBUTES, PLACE_SPAN_ATTRIBUTE) ||
           objects_to_rest(p, span_bytes(span));
}
