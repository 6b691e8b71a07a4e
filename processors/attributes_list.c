#include "processors/attributes_list.h"

#include "proto/rewrite.h"
#include "proto/value_equal.h"

#include <stdlib.h>

void attribute_list_free(struct attribute_list *l)
{
    free(l->entries);
    pieces_free(&l->pieces);
}

static void add(struct attribute_list *l, struct attribute_entry e)
{
    if (l->count == l->capacity) {
        size_t capacity = l->capacity ? 2 * l->capacity : 32;
        struct attribute_entry *grown = reallocarray(l->entries, capacity, sizeof *grown);
        if (!grown) {
            l->failed = true;
            return;
        }
        l->entries = grown;
        l->capacity = capacity;
    }
    l->entries[l->count++] = e;
}

void attribute_list_load(struct attribute_list *l, struct bytes message, enum attribute_field field)
{
    struct attribute_iterator it;
    struct attribute a;
    l->count = 0;
    l->changed = false;
    l->failed = false;
    l->too_many = false;
    if (l->pieces.newest)
        pieces_reset(&l->pieces);
    attribute_begin(&it, message, field);
    while (attribute_next(&it, &a) && !l->failed && !l->too_many) {
        l->too_many = l->count == ATTRIBUTE_LIST_MAX;
        add(l, (struct attribute_entry){.key = a.key, .value = a.value});
    }
    if (l->too_many)
        l->count = 0;
    l->came = l->count;
}

struct attribute_entry *attribute_list_find(struct attribute_list *l, struct bytes key)
{
    for (size_t i = 0; i < l->count; i++) {
        struct attribute_entry *e = &l->entries[i];
        if (e->key.len == key.len && e->state != ENTRY_REMOVED && bytes_equal(e->key, key))
            return e;
    }
    return NULL;
}

void attribute_list_settle(struct attribute_list *l, const struct attribute_entry *e)
{
    for (size_t i = 0; i < l->count; i++) {
        struct attribute_entry *other = &l->entries[i];
        if (other != e && other->state != ENTRY_REMOVED && bytes_equal(other->key, e->key))
            attribute_list_remove(l, other);
    }
}

void attribute_list_set(struct attribute_list *l, struct attribute_entry *e, struct value v)
{
    if (value_equal(&e->value, &v))
        return;
    e->value = v;
    if (e->state == ENTRY_CAME)
        e->state = ENTRY_SET;
    l->changed = true;
}

void attribute_list_put(struct attribute_list *l, struct bytes key, struct value v)
{
    struct attribute_entry *e = attribute_list_find(l, key);
    if (e) {
        attribute_list_settle(l, e);
        attribute_list_set(l, e, v);
        return;
    }
    add(l, (struct attribute_entry){.key = key, .value = v, .state = ENTRY_ADDED});
    l->changed = true;
}

void attribute_list_remove(struct attribute_list *l, struct attribute_entry *e)
{
    e->state = ENTRY_REMOVED;
    l->changed = true;
}

/* ---- writing ---- */

struct writing {
    const struct attribute_list *list;
    enum rewrite_place place;
    size_t at;
    struct link_attribute *added;
    size_t added_count;
};

static enum rewrite_verdict visit(void *context, const struct rewrite_item *item,
                                  struct rewrite_change *change)
{
    struct writing *w = context;
    if (item->place != w->place || item->depth > 0 || w->at >= w->list->came)
        return REWRITE_KEEP;
    const struct attribute_entry *e = &w->list->entries[w->at++];
    if (e->state == ENTRY_REMOVED)
        return REWRITE_REMOVE;
    if (e->state != ENTRY_SET)
        return REWRITE_KEEP;
    change->value = e->value;
    return REWRITE_SET;
}

static size_t append(void *context, enum rewrite_place place,
                     const struct link_attribute **attributes)
{
    const struct writing *w = context;
    *attributes = w->added;
    return place == w->place ? w->added_count : 0;
}

static bool prepare(struct writing *w, struct attribute_list *l, enum rewrite_place place)
{
    *w = (struct writing){.list = l, .place = place};
    if (l->failed || l->pieces.failed)
        return false;
    if (l->count == l->came)
        return true;
    w->added = pieces_get(&l->pieces, (l->count - l->came) * sizeof *w->added);
    for (size_t i = l->came; w->added && i < l->count; i++) {
        const struct attribute_entry *e = &l->entries[i];
        if (e->state != ENTRY_REMOVED)
            w->added[w->added_count++] = (struct link_attribute){.key = e->key, .value = e->value};
    }
    return w->added != NULL;
}

bool attribute_list_write_span(struct attribute_list *l, struct batch *b, uint32_t span)
{
    struct writing w;
    struct rewriter r = {.context = &w, .visit = visit, .append = append};
    return prepare(&w, l, PLACE_SPAN_ATTRIBUTE) && span_rewrite(b, span, &r);
}

bool attribute_list_write_resource(struct attribute_list *l, struct batch *b, uint32_t resource)
{
    struct writing w;
    struct rewriter r = {.context = &w, .visit = visit, .append = append};
    return prepare(&w, l, PLACE_RESOURCE_ATTRIBUTE) && resource_rewrite(b, resource, &r);
}
