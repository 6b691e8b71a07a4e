/* Resources and scopes are walked once a batch, spans one by one. What a value becomes is written
 * into memory of the batch. Numbers are looked at as text where they could be somebody's.
 *
 * What has nothing in it is remembered (memo.h), so that as a rule only values that this thread has
 * not seen lately are looked at. */
#include "processors/scrub/walk.h"

#include "processors/scrub/keys.h"
#include "processors/scrub/memo.h"
#include "processors/scrub/summary.h"

#include <string.h>

struct walking {
    const struct scrub_walk *walk;
    struct batch *batch;
    struct memo *memo;
    bool no_memory;
    struct buffer text; /* scratch */

    /* of the span; empty for resources and scopes */
    struct bytes span;
    struct bytes db_system;
    bool db_system_known;

    /* of the attribute */
    struct bytes key_value; /* its body */
    struct bytes shown_key; /* as it leaves */
    bool noted;             /* in its list's summary */

    struct scrub_summary_list outer; /* of the span, resource or scope */
    struct scrub_summary_list inner; /* of one of its events or links */
    struct link_attribute summary[SUMMARY_ATTRIBUTES_MAX];
};

/* ---- context ---- */

static struct bytes find_text(struct bytes span, const char *key)
{
    struct attribute a;
    bool found = attribute_find(span, SPAN_ATTRIBUTES, bytes_of_string(key), &a) &&
                 a.value.type == VALUE_STRING;
    return found ? a.value.bytes : bytes_of(NULL, 0);
}

/* The system says what a statement is written in. */
static struct bytes db_system_of(struct walking *w, struct bytes key)
{
    if (!(key_traits(key) & KEY_DATABASE) || w->span.len == 0)
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

/* ---- what need not be looked at again ---- */

static bool knows(void *context, struct bytes key_value)
{
    struct walking *w = context;
    const struct memo_key k = {w->walk->rules->id, MEMO_ATTRIBUTE, {0}, key_value};
    w->key_value = key_value;
    return memo_has(w->memo, &k);
}

/* How an attribute or text is remembered that is not remembered as the attribute that it is. */
static struct memo_key memo_key_of(struct walking *w, const struct rewrite_item *item)
{
    struct memo_key k = {w->walk->rules->id, MEMO_TEXT, {0}, item->value.bytes};
    if (item->key.len == 0 && item->top_key.len == 0)
        return k;
    bool statement = key_traits(item->key) & KEY_DATABASE;
    k.text = w->key_value;
    k.context = db_system_of(w, item->key);
    k.kind = statement ? MEMO_STATEMENT : MEMO_ATTRIBUTE;
    return k;
}

/* ---- what was done ---- */

static bool is_attribute(enum rewrite_place place)
{
    return place == PLACE_SPAN_ATTRIBUTE || place == PLACE_EVENT_ATTRIBUTE ||
           place == PLACE_LINK_ATTRIBUTE || place == PLACE_RESOURCE_ATTRIBUTE ||
           place == PLACE_SCOPE_ATTRIBUTE;
}

static struct scrub_summary_list *summary_of(struct walking *w, enum rewrite_place place)
{
    return place == PLACE_EVENT_ATTRIBUTE || place == PLACE_LINK_ATTRIBUTE ? &w->inner : &w->outer;
}

static void note(struct walking *w, const struct rewrite_item *item, bool removed)
{
    if (w->noted || !is_attribute(item->place))
        return;
    w->noted = true;
    scrub_summary_note(summary_of(w, item->place),
                       removed && item->depth == 0 ? SCRUB_REMOVED : SCRUB_MASKED, w->shown_key);
}

static void tell(struct walking *w, const struct rewrite_item *item, struct bytes before,
                 const struct scrub_hits *hits, const struct bytes *after)
{
    const struct scrub_walk *k = w->walk;
    for (size_t i = 0; k->hit && i < hits->count; i++)
        k->hit(k->context, item, before, &hits->items[i]);
    if (k->changed)
        k->changed(k->context, item, before, after);
    note(w, item, !after);
}

/* ---- changing ---- */

/* What becomes of a text in which something was found, in memory of the batch. */
static bool replaced(struct walking *w, struct bytes text, const struct scrub_hits *hits,
                     struct bytes *out)
{
    w->text.len = 0;
    scrub_replace(w->walk->rules, text, hits, &w->text);
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
    if (bytes_equal(text, after))
        return REWRITE_KEEP; /* it had been here before */
    tell(w, item, text, hits, &after);
    change->value.bytes = after;
    if (change->value.type != VALUE_BYTES)
        change->value.type = VALUE_STRING;
    return REWRITE_SET;
}

/* What a processor in front has hidden stays as it is. */
static bool is_hidden(struct bytes text)
{
    static const char name[] = "[sensitive_key";
    return text.len >= sizeof name && memcmp(text.data, name, sizeof name - 1) == 0 &&
           text.data[text.len - 1] == ']';
}

/* A value that goes whole, whatever it is; an array's elements go one by one. */
static enum rewrite_verdict block(struct walking *w, const struct rewrite_item *item,
                                  struct bytes text, struct rewrite_change *change)
{
    struct scrub_hits hits = {.count = 1};
    if (text.len == 0 || is_hidden(text))
        return REWRITE_KEEP;
    hits.items[0] = (struct scrub_hit){0, (uint32_t)text.len, SCRUB_SENSITIVE_KEY};
    change->value.type = VALUE_STRING;
    return change_text(w, item, text, &hits, change);
}

static enum rewrite_verdict scrub_text(struct walking *w, const struct rewrite_item *item,
                                       struct bytes text, struct rewrite_change *change)
{
    struct scrub_hits hits;
    const struct detect_context where = {.place = item->place,
                                         .key = item->key,
                                         .top_key = item->top_key,
                                         .db_system = db_system_of(w, item->key)};
    if (!scrub_find(w->walk->rules, &where, text, &hits))
        return REWRITE_KEEP;
    return change_text(w, item, text, &hits, change);
}

/* ---- keys ---- */

/* Whether a key may carry data: those of maps may, and of others those with an @ or with many
 * digits, as addresses, numbers and tokens have. */
static bool may_carry_data(const struct rewrite_item *item)
{
    unsigned digits = 0, signs = 0;
    if (item->depth > 0)
        return !item->element;
    for (size_t i = 0; i < item->key.len; i++) {
        digits += (uint8_t)(item->key.data[i] - '0') <= 9;
        signs += item->key.data[i] == '@';
    }
    return digits >= 4 || signs > 0;
}

/* Sets change->key. False: all of the key is something that is removed, so the attribute goes. */
static bool scrub_key(struct walking *w, const struct rewrite_item *item,
                      struct rewrite_change *change)
{
    struct scrub_hits hits;
    const struct detect_context where = {.place = item->place};
    if (!may_carry_data(item) || !scrub_find(w->walk->rules, &where, item->key, &hits))
        return true;
    if (scrub_removes_all(w->walk->rules, item->key, &hits)) {
        if (item->depth == 0)
            w->shown_key = bytes_of(NULL, 0);
        tell(w, item, item->key, &hits, NULL);
        return false;
    }
    if (!replaced(w, item->key, &hits, &change->key))
        return false;
    if (item->depth == 0)
        w->shown_key = change->key;
    tell(w, item, item->key, &hits, &change->key);
    return true;
}

/* ---- values ---- */

static bool is_blocked(const struct walking *w, struct bytes key)
{
    const struct scrub_rules *r = w->walk->rules;
    return r->blocked_keys.count && key.len && scrub_key_is_blocked(r, key);
}

/* Whether a value that is no text goes whole. */
static bool is_secret(const struct walking *w, struct bytes key)
{
    return is_blocked(w, key) || detector_key_is_sensitive(w->walk->rules->detector, key);
}

/* In decimal, at the end of `text`. */
static struct bytes decimal(char text[24], int64_t n)
{
    char *at = text + 24;
    uint64_t left = n < 0 ? -(uint64_t)n : (uint64_t)n;
    do
        *--at = (char)('0' + left % 10);
    while (left /= 10);
    if (n < 0)
        *--at = '-';
    return bytes_of(at, (size_t)(text + 24 - at));
}

/* Short ones are nobody's, unless the key says what they are or there are rules of the user's. */
static enum rewrite_verdict scrub_number(struct walking *w, const struct rewrite_item *item,
                                         int64_t n, struct rewrite_change *change)
{
    enum { PERSONAL = KEY_PHONE | KEY_SSN | KEY_CARD | KEY_NATIONAL };
    char text[24];
    if (is_secret(w, item->key))
        return block(w, item, decimal(text, n), change);
    if (n < 1000000000 && !w->walk->rules->pattern_count && !(key_traits(item->key) & PERSONAL))
        return REWRITE_KEEP;
    return scrub_text(w, item, decimal(text, n), change);
}

static enum rewrite_verdict scrub_double(struct walking *w, const struct rewrite_item *item,
                                         struct rewrite_change *change)
{
    double d = item->value.real;
    const double most = 9007199254740992.0; /* above, doubles are no exact whole numbers */
    if (d >= -most && d <= most && d == (double)(int64_t)d)
        return scrub_number(w, item, (int64_t)d, change);
    return is_secret(w, item->key) ? block(w, item, bytes_of("0", 1), change) : REWRITE_KEEP;
}

static enum rewrite_verdict scrub_value(struct walking *w, const struct rewrite_item *item,
                                        struct rewrite_change *change)
{
    switch (item->value.type) {
    case VALUE_STRING:
    case VALUE_BYTES:
        return is_blocked(w, item->key) ? block(w, item, item->value.bytes, change)
                                        : scrub_text(w, item, item->value.bytes, change);
    case VALUE_INT:
        return scrub_number(w, item, item->value.integer, change);
    case VALUE_DOUBLE:
        return scrub_double(w, item, change);
    case VALUE_MAP:
        return is_secret(w, item->key) ? block(w, item, bytes_of("{}", 2), change) : REWRITE_ENTER;
    case VALUE_ARRAY:
        return REWRITE_ENTER;
    case VALUE_BOOL: /* has_password and the like tell nothing */
        return is_blocked(w, item->key) ? block(w, item, bytes_of("?", 1), change) : REWRITE_KEEP;
    default:
        return REWRITE_KEEP;
    }
}

/* ---- the visit ---- */

static enum rewrite_verdict scrub_item(struct walking *w, const struct rewrite_item *item,
                                       struct rewrite_change *change)
{
    if (!scrub_key(w, item, change))
        return REWRITE_REMOVE;
    enum rewrite_verdict verdict = scrub_value(w, item, change);
    bool renamed = change->key.data != item->key.data;
    return verdict == REWRITE_KEEP && renamed ? REWRITE_SET : verdict;
}

/* An attribute of a list, or a text. */
static enum rewrite_verdict visit_outermost(struct walking *w, const struct rewrite_item *item,
                                            struct rewrite_change *change)
{
    struct memo_key k = memo_key_of(w, item);
    w->shown_key = item->key;
    w->noted = false;
    if (k.kind != MEMO_ATTRIBUTE && memo_has(w->memo, &k))
        return REWRITE_KEEP;
    enum rewrite_verdict verdict = is_ignored(w->walk->rules, item->key) && item->key.len
                                       ? REWRITE_KEEP
                                       : scrub_item(w, item, change);
    if (verdict == REWRITE_KEEP)
        memo_add(w->memo, &k);
    return verdict;
}

/* One of another processor's summary is looked at as well, but not counted. */
static enum rewrite_verdict visit_summary(struct walking *w, const struct rewrite_item *item,
                                          struct rewrite_change *change)
{
    w->noted = true;
    enum rewrite_verdict verdict = scrub_item(w, item, change);
    bool goes = verdict == REWRITE_REMOVE ||
                scrub_summary_came(summary_of(w, item->place), item->key, &change->value);
    return goes ? REWRITE_REMOVE : verdict;
}

static enum rewrite_verdict visit(void *context, const struct rewrite_item *item,
                                  struct rewrite_change *change)
{
    struct walking *w = context;
    if (item->depth > 0)
        return scrub_item(w, item, change);
    if (w->walk->rules->summary != SUMMARY_SILENT && scrub_summary_is_key(item->key))
        return visit_summary(w, item, change);
    return visit_outermost(w, item, change);
}

static size_t append(void *context, enum rewrite_place place, const struct link_attribute **out)
{
    struct walking *w = context;
    struct scrub_summary_list *s = summary_of(w, place);
    size_t count;
    if (!scrub_summary_write(s, w->walk->rules->summary, w->batch, w->summary, &count))
        w->no_memory = true;
    scrub_summary_begin(s);
    *out = w->summary;
    return count;
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

static void begin(struct walking *w, const struct scrub_walk *walk, struct batch *b)
{
    /* large: what is set before it is read is left */
    w->walk = walk;
    w->batch = b;
    w->memo = memo_of_thread();
    w->no_memory = false;
    w->text = (struct buffer){0};
    w->span = bytes_of(NULL, 0);
    w->db_system_known = false;
    scrub_summary_begin(&w->outer);
    scrub_summary_begin(&w->inner);
}

bool scrub_batch(const struct scrub_walk *walk, struct batch *b)
{
    struct walking w;
    const struct rewriter rewriter = {
        .context = &w,
        .visit = visit,
        .knows = knows,
        .append = walk->rules->summary == SUMMARY_SILENT ? NULL : append,
    };
    begin(&w, walk, b);
    bool done = scrub_shared(b, &rewriter);
    for (uint32_t i = 0; i < b->span_count && done && !w.no_memory; i++) {
        w.span = span_bytes(&b->spans[i]);
        w.db_system_known = false;
        done = span_rewrite(b, i, &rewriter);
    }
    buffer_free(&w.text);
    return done && !w.no_memory;
}
