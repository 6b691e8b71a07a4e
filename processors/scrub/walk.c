/* Resources and scopes are walked once a batch, spans one by one. What a value becomes is written
 * into memory of the batch. Whole numbers are looked at as text when they are long enough to be a
 * card's. */
#include "processors/scrub/walk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEYS_MAX = 32, KEYS_BYTES = 2048 };

/* Attributes of one list that were changed, for its summary. */
struct changed_keys {
    struct bytes items[KEYS_MAX];
    size_t count;
    size_t total;
};

struct walking {
    const struct scrub_walk *walk;
    struct batch *batch;
    struct bytes span; /* the span that is walked; empty for resources and scopes */
    struct bytes db_system;
    bool db_system_known;
    bool no_memory;
    struct buffer text;                         /* scratch */
    struct changed_keys masked[REWRITE_PLACES]; /* by the list's place */
    struct changed_keys removed[REWRITE_PLACES];
    struct link_attribute summary[4];
};

/* ---- context ---- */

static struct bytes find_text(struct bytes span, const char *key)
{
    struct attribute a;
    bool found = attribute_find(span, SPAN_ATTRIBUTES, bytes_of_string(key), &a) &&
                 a.value.type == VALUE_STRING;
    return found ? a.value.bytes : bytes_of(NULL, 0);
}

static struct bytes db_system_of(struct walking *w, struct bytes key)
{
    bool wanted = key.len >= 3 && (memcmp(key.data, "sql", 3) == 0 ||
                                   (memcmp(key.data, "db.", 3) == 0 && key.len >= 8 &&
                                    (key.data[3] == 'q' || key.data[3] == 's')));
    if (!wanted || w->span.len == 0)
        return bytes_of(NULL, 0);
    if (!w->db_system_known) {
        w->db_system = find_text(w->span, "db.system.name");
        if (w->db_system.len == 0)
            w->db_system = find_text(w->span, "db.system");
        w->db_system_known = true;
    }
    return w->db_system;
}

static bool is_ignored(const struct scrub_rules *r, struct bytes key)
{
    for (size_t i = 0; i < r->ignored_keys.count; i++) {
        if (bytes_equal_string(key, r->ignored_keys.items[i]))
            return true;
    }
    return false;
}

/* ---- what was done ---- */

static void note_key(struct changed_keys *k, struct bytes key)
{
    for (size_t i = 0; i < k->count; i++) {
        if (bytes_equal(k->items[i], key))
            return;
    }
    k->total++;
    if (k->count < KEYS_MAX)
        k->items[k->count++] = key;
}

static bool is_attribute(enum rewrite_place place)
{
    return place == PLACE_SPAN_ATTRIBUTE || place == PLACE_EVENT_ATTRIBUTE ||
           place == PLACE_LINK_ATTRIBUTE || place == PLACE_RESOURCE_ATTRIBUTE ||
           place == PLACE_SCOPE_ATTRIBUTE;
}

static void tell(struct walking *w, const struct rewrite_item *item, struct bytes before,
                 const struct scrub_hits *hits, const struct bytes *after)
{
    const struct scrub_walk *k = w->walk;
    for (size_t i = 0; k->hit && i < hits->count; i++)
        k->hit(k->context, item, before, &hits->items[i]);
    if (k->changed)
        k->changed(k->context, item, before, after);
    if (is_attribute(item->place) && k->rules->summary != SUMMARY_SILENT)
        note_key(&(after ? w->masked : w->removed)[item->place], item->top_key);
}

/* ---- changing ---- */

/* The scratch's content, in memory of the batch. */
static bool keep_text(struct walking *w, struct bytes *out)
{
    uint8_t *memory = w->text.failed ? NULL : batch_memory(w->batch, w->text.len + 1);
    if (!memory) {
        w->no_memory = true;
        return false;
    }
    if (w->text.len)
        memcpy(memory, w->text.data, w->text.len);
    *out = bytes_of(memory, w->text.len);
    return true;
}

static struct bytes *replaced(struct walking *w, struct bytes value, const struct scrub_hits *hits,
                              struct bytes *out)
{
    w->text.len = 0;
    scrub_replace(w->walk->rules, value, hits, &w->text);
    return keep_text(w, out) ? out : NULL;
}

static enum rewrite_verdict change_text(struct walking *w, const struct rewrite_item *item,
                                        struct bytes text, const struct scrub_hits *hits,
                                        struct rewrite_change *change)
{
    struct bytes after;
    if (scrub_removes_all(w->walk->rules, text, hits)) {
        tell(w, item, text, hits, NULL);
        return REWRITE_REMOVE;
    }
    if (!replaced(w, text, hits, &after))
        return REWRITE_REMOVE; /* and the batch is given back */
    tell(w, item, text, hits, &after);
    change->value.bytes = after;
    if (change->value.type != VALUE_BYTES)
        change->value.type = VALUE_STRING;
    return REWRITE_SET;
}

/* A value of a blocked key goes whole, whatever it is; an array's elements go one by one. */
static enum rewrite_verdict block(struct walking *w, const struct rewrite_item *item,
                                  struct bytes text, struct rewrite_change *change)
{
    struct scrub_hits hits = {.count = 1};
    hits.items[0] = (struct scrub_hit){0, (uint32_t)text.len, SCRUB_SENSITIVE_KEY};
    change->value.type = VALUE_STRING;
    return change_text(w, item, text, &hits, change);
}

static struct detect_context context_of(struct walking *w, const struct rewrite_item *item)
{
    return (struct detect_context){.place = item->place,
                                   .key = item->key,
                                   .top_key = item->top_key,
                                   .db_system = db_system_of(w, item->key)};
}

static enum rewrite_verdict scrub_text(struct walking *w, const struct rewrite_item *item,
                                       struct bytes text, struct rewrite_change *change)
{
    struct scrub_hits hits;
    const struct detect_context where = context_of(w, item);
    if (!scrub_find(w->walk->rules, &where, text, &hits))
        return REWRITE_KEEP;
    return change_text(w, item, text, &hits, change);
}

/* Keys that carry data: those of maps, and those with an @. */
static enum rewrite_verdict scrub_key(struct walking *w, const struct rewrite_item *item,
                                      enum rewrite_verdict verdict, struct rewrite_change *change)
{
    struct scrub_hits hits;
    const struct detect_context where = {.place = item->place};
    bool looked_at =
        item->depth > 0 || (item->key.len && memchr(item->key.data, '@', item->key.len));
    if (!looked_at || item->element || verdict == REWRITE_REMOVE ||
        !scrub_find(w->walk->rules, &where, item->key, &hits))
        return verdict;
    struct bytes after;
    if (!replaced(w, item->key, &hits, &after))
        return REWRITE_REMOVE;
    tell(w, item, item->key, &hits, &after);
    change->key = after;
    return verdict == REWRITE_KEEP || verdict == REWRITE_ENTER ? REWRITE_SET : verdict;
}

static bool is_blocked(const struct walking *w, const struct rewrite_item *item)
{
    const struct scrub_rules *r = w->walk->rules;
    return item->key.len > 0 && scrub_key_is_blocked(r, item->key);
}

static enum rewrite_verdict scrub_number(struct walking *w, const struct rewrite_item *item,
                                         struct rewrite_change *change)
{
    char text[24];
    int64_t n = item->value.integer;
    bool long_enough = n >= 1000000000 || n <= -1000000000;
    if (!long_enough && !is_blocked(w, item))
        return REWRITE_KEEP;
    int len = snprintf(text, sizeof text, "%lld", (long long)n);
    if (is_blocked(w, item))
        return block(w, item, bytes_of(text, (size_t)len), change);
    return scrub_text(w, item, bytes_of(text, (size_t)len), change);
}

static enum rewrite_verdict scrub_value(struct walking *w, const struct rewrite_item *item,
                                        struct rewrite_change *change)
{
    switch (item->value.type) {
    case VALUE_STRING:
    case VALUE_BYTES:
        if (w->walk->rules->blocked_keys.count && is_blocked(w, item) && item->value.bytes.len)
            return block(w, item, item->value.bytes, change);
        return scrub_text(w, item, item->value.bytes, change);
    case VALUE_INT:
        return scrub_number(w, item, change);
    case VALUE_MAP:
        return is_blocked(w, item) ? block(w, item, bytes_of("{}", 2), change) : REWRITE_ENTER;
    case VALUE_ARRAY:
        return REWRITE_ENTER;
    case VALUE_DOUBLE:
        return is_blocked(w, item) ? block(w, item, bytes_of("0", 1), change) : REWRITE_KEEP;
    default:
        return REWRITE_KEEP;
    }
}

static enum rewrite_verdict visit(void *context, const struct rewrite_item *item,
                                  struct rewrite_change *change)
{
    struct walking *w = context;
    if (item->key.len && is_ignored(w->walk->rules, item->top_key))
        return REWRITE_KEEP;
    return scrub_key(w, item, scrub_value(w, item, change), change);
}

/* ---- the summary, in the Collector's words ---- */

static int compare_keys(const void *a, const void *b)
{
    const struct bytes *x = a, *y = b;
    int order = memcmp(x->data, y->data, x->len < y->len ? x->len : y->len);
    return order ? order : (x->len > y->len) - (x->len < y->len);
}

static struct bytes join_keys(struct walking *w, struct changed_keys *k)
{
    struct bytes out = {0};
    qsort(k->items, k->count, sizeof k->items[0], compare_keys);
    w->text.len = 0;
    for (size_t i = 0; i < k->count && w->text.len < KEYS_BYTES; i++) {
        if (i)
            buffer_append_byte(&w->text, ',');
        buffer_append(&w->text, k->items[i].data, k->items[i].len);
    }
    keep_text(w, &out);
    return out;
}

static size_t summarise(struct walking *w, struct changed_keys *k, const char *keys,
                        const char *count, size_t at)
{
    if (k->total == 0)
        return at;
    if (w->walk->rules->summary == SUMMARY_DEBUG)
        w->summary[at++] = (struct link_attribute){
            bytes_of_string(keys), {.type = VALUE_STRING, .bytes = join_keys(w, k)}};
    w->summary[at++] = (struct link_attribute){bytes_of_string(count),
                                               {.type = VALUE_INT, .integer = (int64_t)k->total}};
    k->count = k->total = 0;
    return at;
}

static size_t append(void *context, enum rewrite_place place, const struct link_attribute **out)
{
    struct walking *w = context;
    *out = w->summary;
    size_t count =
        summarise(w, &w->masked[place], "redaction.masked.keys", "redaction.masked.count", 0);
    return summarise(w, &w->removed[place], "redaction.redacted.keys", "redaction.redacted.count",
                     count);
}

/* ---- the batch ---- */

static bool scrub_shared(struct batch *b, const struct rewriter *rewriter)
{
    for (uint32_t i = 0; i < b->resource_count; i++) {
        if (!resource_rewrite(b, i, rewriter))
            return false;
    }
    for (uint32_t i = 0; i < b->scope_count; i++) {
        if (!scope_rewrite(b, i, rewriter))
            return false;
    }
    return true;
}

bool scrub_batch(const struct scrub_walk *walk, struct batch *b)
{
    struct walking w; /* large: what is not read before it is set is left */
    w.walk = walk;
    w.batch = b;
    w.span = w.db_system = bytes_of(NULL, 0);
    w.db_system_known = w.no_memory = false;
    w.text = (struct buffer){0};
    for (unsigned i = 0; i < REWRITE_PLACES; i++)
        w.masked[i].count = w.masked[i].total = w.removed[i].count = w.removed[i].total = 0;
    const struct rewriter rewriter = {.context = &w,
                                      .visit = visit,
                                      .append =
                                          walk->rules->summary == SUMMARY_SILENT ? NULL : append};
    bool done = scrub_shared(b, &rewriter);
    for (uint32_t i = 0; i < b->span_count && done && !w.no_memory; i++) {
        w.span = span_bytes(&b->spans[i]);
        w.db_system_known = false;
        done = span_rewrite(b, i, &rewriter);
    }
    buffer_free(&w.text);
    return done && !w.no_memory;
}
