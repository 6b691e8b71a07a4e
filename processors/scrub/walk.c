/* Resources and scopes are walked once a batch, spans one by one. What a value becomes is written
 * into memory of the batch. Numbers are looked at as text where they could be somebody's.
 *
 * What has nothing in it is remembered (memo.h), so that as a rule only values that this thread has
 * not seen lately are looked at. */
#include "processors/scrub/walk.h"

#include "processors/scrub/arguments.h"
#include "processors/scrub/key_facts.h"
#include "processors/scrub/memo.h"
#include "processors/scrub/named_values.h"
#include "processors/scrub/summary.h"
#include "proto/attribute_plain.h"

#include <string.h>

struct walking {
    const struct scrub_walk *walk;
    struct batch *batch;
    struct memo *memo;
    struct key_table *keys;
    bool wide; /* pass_plain_wide() may be called */
    bool no_memory;
    struct buffer text; /* scratch */

    /* of the span; empty for resources and scopes */
    struct bytes span;
    struct bytes db_system;
    enum key_system system; /* what said so */

    /* of the attribute */
    const struct key_facts *facts; /* of its key */
    struct bytes key_value;        /* its body */
    struct bytes shown_key;        /* as it leaves */
    bool noted;                    /* in its list's summary */
    struct arguments arguments;    /* its elements may be a command's */
    struct named_values named;     /* what in it may stand beside its name */
    struct bytes called;           /* what something in it is judged by; empty: its key */

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

/* It says what a statement is written in. */
static struct bytes db_system_of(struct walking *w)
{
    if (w->system == NO_SYSTEM) { /* or it comes later */
        w->db_system = find_text(w->span, "db.system.name");
        if (w->db_system.len == 0)
            w->db_system = find_text(w->span, "db.system");
        w->system = NEW_SYSTEM;
    }
    return w->db_system;
}

static void note_system(struct walking *w, enum rewrite_place place, const struct attribute *a)
{
    if (place != PLACE_SPAN_ATTRIBUTE || w->facts->system < w->system ||
        a->value.type != VALUE_STRING)
        return;
    w->system = w->facts->system;
    w->db_system = a->value.bytes;
}

/* ---- what need not be looked at ---- */

enum {
    SHORT_NUMBER = 1000000000, /* less are nobody's, unless the key says what they are */
    SHORT_ATTRIBUTE = 40,      /* looked at as fast as remembered */
};

static bool is_short(int64_t n)
{
    return n < SHORT_NUMBER && n > -SHORT_NUMBER;
}

/* Whether there is nothing in the value of a KeyValue, as far as that can be told at a glance. */
static inline bool is_plain(const struct scrub_rules *r, const struct key_facts *f,
                            const uint8_t *key_value, const struct value *v)
{
    if (v->type == VALUE_STRING)
        return v->bytes.len < DETECT_SHORTEST ||
               detector_glance(r->detector, v->bytes, (size_t)(v->bytes.data - key_value),
                               !f->agent);
    return v->type == VALUE_BOOL || (v->type == VALUE_INT && is_short(v->integer));
}

/* As what the attribute is remembered. */
static void remembered_as(struct walking *w, struct memo_key *k)
{
    k->rules = w->walk->rules->id;
    k->kind = w->facts->statement ? MEMO_STATEMENT : MEMO_ATTRIBUTE;
    k->context = w->facts->statement ? db_system_of(w) : bytes_of(NULL, 0);
    k->text = w->key_value;
}

/* What is known of an attribute is of no other one. */
static void forget_attribute(struct walking *w)
{
    w->facts = NULL;
    w->key_value = bytes_of(NULL, 0);
}

/* Whether it was looked at lately, and nothing was found. */
static bool is_remembered(struct walking *w, const struct key_facts *f, struct bytes key_value)
{
    struct memo_key k;
    w->facts = f;
    w->key_value = key_value;
    if (key_value.len < SHORT_ATTRIBUTE)
        return false;
    remembered_as(w, &k);
    return memo_has(w->memo, &k);
}

/* `f` is of the key that stands first; NULL when it is not known yet. */
__attribute__((noinline)) static bool passes_anyhow(struct walking *w, enum rewrite_place place,
                                                    struct bytes key_value,
                                                    const struct key_facts *f)
{
    const struct scrub_rules *r = w->walk->rules;
    struct attribute a;
    if (!attribute_read_plain(key_value, &a) && !attribute_read(key_value, &a))
        return true;
    if (!f || a.key.data != key_value.data + 2) /* of several keys the last one counts */
        f = key_table_ask(w->keys, r, a.key);
    w->facts = f;
    if (f->system)
        note_system(w, place, &a);
    if (f->ignored || (f->usual && is_plain(r, f, key_value.data, &a.value)))
        return true;
    return is_remembered(w, f, key_value);
}

/* Whether there is nothing in an attribute, or nothing was. */
static inline bool passes(struct walking *w, enum rewrite_place place, struct bytes key_value)
{
    const struct scrub_rules *r = w->walk->rules;
    const struct key_slot *s = key_table_follow(w->keys, r, key_value);
    if (!s || !s->facts.plain)
        return passes_anyhow(w, place, key_value, s ? &s->facts : NULL);
    const uint8_t *any = key_value.data + s->len;
    size_t len = key_value.len - s->len - 1;
    if (any[0] != len)
        return passes_anyhow(w, place, key_value, &s->facts);
    if (len <= NOTHING_ANY)
        return true;
    if (any[1] != WIRE_TAG(1, WIRE_LENGTH) || any[2] != len - 2 || len >= 0x80)
        return passes_anyhow(w, place, key_value, &s->facts);
    return detector_glance(r->detector, bytes_of(any + 3, len - 2), s->len + 3U, !s->facts.agent) ||
           is_remembered(w, &s->facts, key_value);
}

static const uint8_t *skip(void *context, enum rewrite_place place, const uint8_t *at,
                           const uint8_t *end)
{
    struct walking *w = context;
    const uint8_t tag = *at;
    while (at < end && *at == tag) {
        size_t len;
#ifdef HAVE_WIDE_VECTORS
        if (w->wide) {
            at = pass_plain_wide(w->keys, w->walk->rules, at, end);
            if (at == end || *at != tag)
                break;
        }
#endif
        const uint8_t *body = wire_length(at + 1, end, &len);
        if (!body || !passes(w, place, bytes_of(body, len)))
            return at;
        at = body + len;
    }
    forget_attribute(w);
    return at;
}

/* ---- what was done ---- */

static struct scrub_summary_list *summary_of(struct walking *w, enum rewrite_place place)
{
    return place == PLACE_EVENT_ATTRIBUTE || place == PLACE_LINK_ATTRIBUTE ? &w->inner : &w->outer;
}

static void note(struct walking *w, const struct rewrite_item *item, bool removed)
{
    if (w->noted || !rewrite_place_is_attribute(item->place))
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

/* A value that goes from one of its bytes on, whatever is there. */
static enum rewrite_verdict block_from(struct walking *w, const struct rewrite_item *item,
                                       struct bytes text, size_t from, enum scrub_class class,
                                       struct rewrite_change *change)
{
    struct scrub_hits hits = {.count = 1};
    struct bytes gone = bytes_of(text.data + from, text.len - from);
    if (gone.len == 0 || scrub_is_mark(w->walk->rules, gone))
        return REWRITE_KEEP;
    hits.items[0] = (struct scrub_hit){(uint32_t)from, (uint32_t)gone.len, (uint16_t) class};
    change->value.type = VALUE_STRING;
    return change_text(w, item, text, &hits, change);
}

/* One that goes whole; an array's elements go one by one. */
static enum rewrite_verdict block(struct walking *w, const struct rewrite_item *item,
                                  struct bytes text, struct rewrite_change *change)
{
    return block_from(w, item, text, 0, SCRUB_SENSITIVE_KEY, change);
}

static enum rewrite_verdict scrub_text(struct walking *w, const struct rewrite_item *item,
                                       const struct key_facts *f, struct bytes text,
                                       struct rewrite_change *change)
{
    struct scrub_hits hits;
    const struct detect_context where = {.place = item->place,
                                         .key = w->called.len ? w->called : item->key,
                                         .top_key = item->top_key,
                                         .db_system =
                                             f->statement ? db_system_of(w) : bytes_of(NULL, 0)};
    if (!scrub_find(w->walk->rules, &where, text, &hits))
        return REWRITE_KEEP;
    return change_text(w, item, text, &hits, change);
}

/* ---- keys ---- */

/* Sets change->key. False: all of the key is something that is removed, so the attribute goes. */
static bool scrub_key(struct walking *w, const struct rewrite_item *item,
                      struct rewrite_change *change)
{
    struct scrub_hits hits;
    const struct detect_context where = {.place = item->place};
    bool looked_at = item->depth == 0 ? w->facts->carries : !item->element;
    if (!looked_at || !scrub_find(w->walk->rules, &where, item->key, &hits))
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

/* In decimal, at the end of `text`. */
static struct bytes decimal(char text[24], int64_t n)
{
    size_t at = 24;
    uint64_t left = n < 0 ? -(uint64_t)n : (uint64_t)n;
    do
        text[--at] = (char)('0' + left % 10);
    while (left /= 10);
    if (n < 0)
        text[--at] = '-';
    return bytes_of(text + at, 24 - at);
}

/* Whether a value that is no text goes whole. */
static bool is_secret(const struct key_facts *f)
{
    return f->blocked || f->sensitive;
}

static enum rewrite_verdict scrub_number(struct walking *w, const struct rewrite_item *item,
                                         const struct key_facts *f, int64_t n,
                                         struct rewrite_change *change)
{
    char text[24];
    if (is_secret(f))
        return block(w, item, decimal(text, n), change);
    if (is_short(n) && !w->walk->rules->pattern_count && !f->personal)
        return REWRITE_KEEP;
    return scrub_text(w, item, f, decimal(text, n), change);
}

static enum rewrite_verdict scrub_double(struct walking *w, const struct rewrite_item *item,
                                         const struct key_facts *f, struct rewrite_change *change)
{
    double d = item->value.real;
    const double most = 9007199254740992.0; /* above, doubles are no exact whole numbers */
    if (d >= -most && d <= most && d == (double)(int64_t)d)
        return scrub_number(w, item, f, (int64_t)d, change);
    return is_secret(f) ? block(w, item, bytes_of("0", 1), change) : REWRITE_KEEP;
}

static enum rewrite_verdict scrub_value(struct walking *w, const struct rewrite_item *item,
                                        const struct key_facts *f, struct rewrite_change *change)
{
    switch (item->value.type) {
    case VALUE_STRING:
    case VALUE_BYTES:
        return f->blocked ? block(w, item, item->value.bytes, change)
                          : scrub_text(w, item, f, item->value.bytes, change);
    case VALUE_INT:
        return scrub_number(w, item, f, item->value.integer, change);
    case VALUE_DOUBLE:
        return scrub_double(w, item, f, change);
    case VALUE_MAP:
        if (is_secret(f))
            return block(w, item, bytes_of("{}", 2), change);
        named_values_enter(&w->named, item);
        return REWRITE_ENTER;
    case VALUE_ARRAY:
        named_values_enter(&w->named, item);
        return REWRITE_ENTER;
    case VALUE_BOOL: /* has_password and the like tell nothing */
        return f->blocked ? block(w, item, bytes_of("?", 1), change) : REWRITE_KEEP;
    default:
        return REWRITE_KEEP;
    }
}

/* An element of an array, which may be the arguments of a command. */
static enum rewrite_verdict scrub_element(struct walking *w, const struct rewrite_item *item,
                                          const struct key_facts *f, struct rewrite_change *change)
{
    struct bytes text = item->value.bytes;
    size_t from;
    if (item->value.type != VALUE_STRING)
        return scrub_value(w, item, f, change);
    enum argument_kind kind = arguments_take(&w->arguments, text, &from);
    if (kind == ARGUMENT_PLAIN || !detector_has(w->walk->rules->detector, argument_class(kind)))
        return scrub_value(w, item, f, change);
    return block_from(w, item, text, from, argument_class(kind), change);
}

/* ---- the visit ---- */

static enum rewrite_verdict scrub_item(struct walking *w, const struct rewrite_item *item,
                                       const struct key_facts *f, struct rewrite_change *change)
{
    if (!scrub_key(w, item, change))
        return REWRITE_REMOVE;
    enum rewrite_verdict verdict =
        item->element ? scrub_element(w, item, f, change) : scrub_value(w, item, f, change);
    bool renamed = change->key.data != item->key.data;
    return verdict == REWRITE_KEEP && renamed ? REWRITE_SET : verdict;
}

/* A name, message or state. */
static enum rewrite_verdict visit_text(struct walking *w, const struct rewrite_item *item,
                                       struct rewrite_change *change)
{
    static const struct key_facts none;
    struct bytes text = item->value.bytes;
    const struct memo_key k = {.rules = w->walk->rules->id, .kind = MEMO_TEXT, .text = text};
    bool plain =
        !w->walk->rules->pattern_count && detector_glance(w->walk->rules->detector, text, 0, true);
    if (plain || memo_has(w->memo, &k))
        return REWRITE_KEEP;
    enum rewrite_verdict verdict = scrub_text(w, item, &none, text, change);
    if (verdict == REWRITE_KEEP)
        memo_add(w->memo, &k);
    return verdict;
}

/* One of another processor's summary is looked at as well, but not counted. */
static enum rewrite_verdict visit_summary(struct walking *w, const struct rewrite_item *item,
                                          struct rewrite_change *change)
{
    w->noted = true;
    enum rewrite_verdict verdict = scrub_item(w, item, w->facts, change);
    bool goes = verdict == REWRITE_REMOVE ||
                scrub_summary_came(summary_of(w, item->place), item->key, &change->value);
    return goes ? REWRITE_REMOVE : verdict;
}

static enum rewrite_verdict remembered_visit(struct walking *w, const struct rewrite_item *item,
                                             struct rewrite_change *change)
{
    enum rewrite_verdict verdict = scrub_item(w, item, w->facts, change);
    if (verdict == REWRITE_KEEP && w->key_value.len >= SHORT_ATTRIBUTE) {
        struct memo_key k;
        remembered_as(w, &k);
        memo_add(w->memo, &k);
    }
    return verdict;
}

/* An attribute whose tag is written in more bytes than it takes comes by no skip(). It is not
 * remembered. */
static void look_up(struct walking *w, const struct rewrite_item *item)
{
    const struct attribute a = {.key = item->key, .value = item->value};
    w->facts = key_table_ask(w->keys, w->walk->rules, item->key);
    if (w->facts->system)
        note_system(w, item->place, &a);
}

/* An attribute of a list that was not let pass. */
static enum rewrite_verdict visit_attribute(struct walking *w, const struct rewrite_item *item,
                                            struct rewrite_change *change)
{
    enum rewrite_verdict verdict;
    w->shown_key = item->key;
    w->noted = false;
    w->arguments = (struct arguments){0};
    w->named = (struct named_values){0};
    if (!w->facts)
        look_up(w, item);
    if (w->facts->ignored)
        verdict = REWRITE_KEEP;
    else if (w->walk->rules->summary != SUMMARY_SILENT && scrub_summary_is_key(item->key))
        verdict = visit_summary(w, item, change);
    else
        verdict = remembered_visit(w, item, change);
    forget_attribute(w);
    return verdict;
}

/* Something within an attribute, by its key or by what stands beside it. */
static enum rewrite_verdict visit_inner(struct walking *w, const struct rewrite_item *item,
                                        struct rewrite_change *change)
{
    const struct scrub_rules *r = w->walk->rules;
    struct bytes name = named_values_name(&w->named, r->detector, item);
    w->called = name.len ? name : item->key;
    const struct key_facts f = inner_key_facts(r, w->called);
    enum rewrite_verdict verdict = scrub_item(w, item, &f, change);
    w->called = bytes_of(NULL, 0);
    return verdict;
}

static enum rewrite_verdict visit(void *context, const struct rewrite_item *item,
                                  struct rewrite_change *change)
{
    struct walking *w = context;
    if (!rewrite_place_is_attribute(item->place))
        return visit_text(w, item, change);
    if (item->depth == 0)
        return visit_attribute(w, item, change);
    return visit_inner(w, item, change);
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
    w->keys = key_table_of_thread();
    w->wide = detector_is_wide(walk->rules->detector);
    w->no_memory = w->noted = false;
    w->text = (struct buffer){0};
    w->span = bytes_of(NULL, 0);
    w->system = NO_SYSTEM;
    w->facts = NULL;
    w->key_value = w->shown_key = w->called = bytes_of(NULL, 0);
    scrub_summary_begin(&w->outer);
    scrub_summary_begin(&w->inner);
}

bool scrub_batch(const struct scrub_walk *walk, struct batch *b)
{
    struct walking w;
    struct buffer scratch = {0};
    const struct rewriter rewriter = {
        .context = &w,
        .scratch = &scratch,
        .visit = visit,
        .skip = skip,
        .append = walk->rules->summary == SUMMARY_SILENT ? NULL : append,
    };
    begin(&w, walk, b);
    bool done = scrub_shared(b, &rewriter);
    for (uint32_t i = 0; i < b->span_count && done && !w.no_memory; i++) {
        w.span = span_bytes(&b->spans[i]);
        w.system = NO_SYSTEM;
        done = span_rewrite(b, i, &rewriter);
    }
    buffer_free(&scratch);
    buffer_free(&w.text);
    return done && !w.no_memory;
}
