/* In a key, a dimension is its number in two bytes, the length of its text in four, and the text;
 * a name that is not in the table has the number NAMED and stands, with its length, before. */
#include "metrics/dimensions.h"

#include "metrics/glob.h"
#include "proto/wire.h"

#include <stdlib.h>
#include <string.h>

enum { NAMED = 0xffff };

/* ---- configuration ---- */

struct entry {
    const char *name;
    const char *fallback;
    bool has_fallback;
    const char *glob;
};

static const struct config_field entry_fields[] = {
    {.key = "name", .type = FIELD_STRING, .offset = offsetof(struct entry, name)},
    {.key = "default",
     .type = FIELD_STRING,
     .offset = offsetof(struct entry, fallback),
     .present = offsetof(struct entry, has_fallback)},
    {.key = "glob", .type = FIELD_STRING, .offset = offsetof(struct entry, glob)},
    CONFIG_END,
};

static bool is_reserved(const char *const *reserved, const char *name)
{
    for (; *reserved; reserved++) {
        if (strcmp(*reserved, name) == 0)
            return true;
    }
    return false;
}

static int find_name(const struct dimension_names *names, struct bytes name)
{
    for (unsigned i = 0; i < names->count; i++) {
        if (bytes_equal(names->items[i], name))
            return (int)i;
    }
    return -1;
}

static bool lists(const struct dimension_list *l, unsigned begin, unsigned end, unsigned name)
{
    for (unsigned i = begin; i < end; i++) {
        if (l->items[i].name == name)
            return true;
    }
    return false;
}

static bool add_name(struct dimension_list *l, struct dimension_names *names, unsigned begin,
                     const struct entry *n, const struct config_value *v, struct error *e)
{
    struct bytes bytes = bytes_of_string(n->name);
    int at = find_name(names, bytes);
    if (at < 0 && names->count == DIMENSIONS_MAX)
        return config_error(v, e, "more than %d dimensions", DIMENSIONS_MAX);
    if (at < 0) {
        at = (int)names->count;
        dimension_names_add(names, bytes);
    }
    if (lists(l, begin, l->count, (unsigned)at))
        return config_error(v, e, "duplicate dimension name \"%s\"", n->name);
    if (!lists(l, 0, begin, (unsigned)at))
        l->items[l->count++] = (struct dimension){
            .name = (unsigned)at,
            .label = (unsigned)at,
            .fallback = n->has_fallback ? (n->fallback ? n->fallback : "") : NULL};
    return true;
}

/* Lists may share one. False: too many. */
static bool add_pattern(struct dimension_names *names, const char *glob)
{
    for (unsigned i = 0; i < names->glob_count; i++) {
        if (strcmp(names->globs[i], glob) == 0)
            return true;
    }
    if (names->glob_count == DIMENSIONS_MAX)
        return false;
    names->globs[names->glob_count++] = glob;
    return true;
}

static bool add_glob(struct dimension_list *l, struct dimension_names *names, const struct entry *n,
                     const struct config_value *v, struct error *e)
{
    const char *wrong = glob_check(n->glob);
    if (wrong)
        return config_error(v, e, "the glob \"%s\" %s", n->glob, wrong);
    if (n->has_fallback)
        return config_error(v, e, "a glob has no default");
    if (l->glob_count == DIMENSIONS_MAX || !add_pattern(names, n->glob))
        return config_error(v, e, "more than %d globs", DIMENSIONS_MAX);
    l->globs[l->glob_count++] = n->glob;
    return true;
}

static bool check_globs(const struct dimension_list *l, const struct dimension_names *names,
                        const struct config_value *v, const char *const *reserved, struct error *e)
{
    for (unsigned g = 0; g < l->glob_count; g++) {
        for (const char *const *r = reserved; *r; r++) {
            if (glob_match(l->globs[g], bytes_of_string(*r)))
                return config_error(v, e, "the glob \"%s\" would add \"%s\" again", l->globs[g],
                                    *r);
        }
        for (unsigned i = 0; i < l->count; i++) {
            struct bytes name = names->items[l->items[i].name];
            if (glob_match(l->globs[g], name))
                return config_error(v, e, "the glob \"%s\" would add \"%.*s\" again", l->globs[g],
                                    (int)name.len, name.data);
        }
    }
    return true;
}

bool dimension_list_read(struct dimension_list *l, struct dimension_names *names,
                         const struct config_value *v, const char *const *reserved, struct error *e)
{
    if (!v || v->type == CONFIG_NULL)
        return true;
    if (v->type != CONFIG_LIST)
        return config_error(v, e, "must be a list of {name, default} or {glob}");
    unsigned begin = l->count;
    for (const struct config_value *c = v->children; c; c = c->next) {
        struct entry n = {0};
        if (!config_read(c, entry_fields, &n, e))
            return false;
        bool named = n.name && *n.name, globbed = n.glob && *n.glob;
        if (named == globbed)
            return config_error(c, e, "a dimension has either name or glob");
        if (named && is_reserved(reserved, n.name))
            return config_error(c, e, "duplicate dimension name \"%s\"", n.name);
        if (named ? !add_name(l, names, begin, &n, c, e) : !add_glob(l, names, &n, c, e))
            return false;
    }
    return check_globs(l, names, v, reserved, e);
}

/* ---- finding ---- */

/* Names are told apart by their length and first byte before anything else is looked at. */
static inline unsigned filter_bit(size_t len, uint8_t first)
{
    return ((unsigned)len ^ first * 11U) & 63;
}

static void note_value(struct dimension_values *out, const struct dimension_names *names,
                       struct bytes framed, uint32_t field)
{
    struct attribute_iterator it;
    struct attribute a;
    attribute_begin(&it, framed, field);
    if (!attribute_next(&it, &a))
        return;
    for (unsigned i = 0; i < names->count; i++) {
        if (bytes_equal(names->items[i], a.key)) {
            out->items[i] = a.value;
            out->present |= 1ULL << i;
        }
    }
}

static bool any_glob(const char *const *globs, unsigned count, struct bytes key)
{
    for (unsigned i = 0; i < count; i++) {
        if (glob_match(globs[i], key))
            return true;
    }
    return false;
}

/* A message is walked once for all globs, and not when it is written: a span is written for each of
 * its events, a resource for each span. */
static void find_globbed(struct dimension_values *out, const struct dimension_names *names,
                         struct bytes message, uint32_t field)
{
    struct attribute_iterator it;
    struct attribute a;
    attribute_begin(&it, message, field);
    while (out->globbed_count < GLOBBED_MAX && attribute_next(&it, &a)) {
        if (any_glob(names->globs, names->glob_count, a.key))
            out->globbed[out->globbed_count++] = a;
    }
}

/* What nearly all attributes look like is recognised by four bytes: their tag and length, the key's
 * tag and length, both lengths below 128. Such a one is passed over in a few instructions unless a
 * name begins like its key and is as long. */
void dimension_values_find(struct dimension_values *out, const struct dimension_names *names,
                           struct bytes message, uint32_t field)
{
    const uint32_t mask = 0x80ff80ff;
    const uint32_t usual = WIRE_TAG(field, WIRE_LENGTH) | WIRE_TAG(1, WIRE_LENGTH) << 16;
    const uint8_t *at = message.data, *end = wire_end(message);
    struct wire_field f;
    out->present = 0;
    out->globbed_count = 0;
    if (names->glob_count > 0)
        find_globbed(out, names, message, field);
    if (names->count == 0)
        return;
    while (at && at < end) {
        const uint8_t *next = at;
        if (wire_likely(end - at >= 10 && (wire_load32(at) & mask) == usual)) {
            next = at + 2 + at[1];
            if (wire_unlikely(next > end))
                next = at;
            else if (names->filter >> filter_bit(at[3], at[4]) & 1)
                note_value(out, names, bytes_of(at, (size_t)(next - at)), field);
        } else if ((at[0] & 0xf8) != (usual & 0xf8)) {
            next = wire_pass_short(at, end);
        }
        if (wire_likely(next != at)) {
            at = next;
            continue;
        }
        at = wire_field(at, end, &f);
        if (at && f.tag == WIRE_TAG(field, WIRE_LENGTH))
            note_value(out, names, f.framed, field);
    }
}

void dimension_names_add(struct dimension_names *names, struct bytes name)
{
    names->items[names->count++] = name;
    names->filter |= name.len > 0 ? 1ULL << filter_bit(name.len, name.data[0]) : UINT64_MAX;
}

/* ---- writing ---- */

void dimension_writer_free(struct dimension_writer *w)
{
    buffer_free(&w->rest);
    buffer_free(&w->types);
    value_text_free(&w->text);
}

static void put_text(struct dimension_writer *w, struct bytes text, enum value_type type)
{
    uint32_t len = (uint32_t)text.len;
    buffer_append(&w->rest, &len, sizeof len);
    buffer_append(&w->rest, text.data, text.len);
    buffer_append_byte(&w->types, (uint8_t)type);
}

static void put_value(struct dimension_writer *w, const struct value *v)
{
    struct bytes text = value_text(v, &w->text);
    w->rest.failed |= w->text.large.failed;
    put_text(w, text, v->type);
}

static void put_number(struct dimension_writer *w, unsigned number)
{
    uint16_t n = (uint16_t)number;
    buffer_append(&w->rest, &n, sizeof n);
}

static void put_name(struct dimension_writer *w, struct bytes name)
{
    uint32_t len = (uint32_t)name.len;
    put_number(w, NAMED);
    buffer_append(&w->rest, &len, sizeof len);
    buffer_append(&w->rest, name.data, name.len);
}

void dimension_write_named(struct dimension_writer *w, struct bytes name, struct bytes text,
                           enum value_type type)
{
    put_name(w, name);
    put_text(w, text, type);
}

/* An attribute that a glob has chosen; of those with one name the one of lowest rank counts. */
struct chosen {
    const struct attribute *attribute;
    unsigned rank;
};

static int by_key_and_rank(const void *a, const void *b)
{
    const struct chosen *x = a, *y = b;
    int order = bytes_compare(x->attribute->key, y->attribute->key);
    return order ? order : (x->rank > y->rank) - (x->rank < y->rank);
}

/* Within one message the last of a name counts, as it does for dimensions by name. */
static unsigned choose(const struct dimension_list *l, const struct dimension_values *v,
                       unsigned rank, struct chosen *out)
{
    unsigned n = 0;
    for (unsigned i = v ? v->globbed_count : 0; i-- > 0;) {
        if (any_glob(l->globs, l->glob_count, v->globbed[i].key))
            out[n++] = (struct chosen){&v->globbed[i], rank++};
    }
    return n;
}

/* In order of their names, so that a key depends neither on the order of attributes nor on where
 * they stand. */
static void write_globs(const struct dimension_list *l,
                        const struct dimension_values *const from[3], struct dimension_writer *w)
{
    struct chosen all[3 * GLOBBED_MAX];
    unsigned count = 0;
    for (unsigned f = 0; f < 3; f++)
        count += choose(l, from[f], count, all + count);
    if (count > 1)
        qsort(all, count, sizeof all[0], by_key_and_rank);
    for (unsigned i = 0; i < count; i++) {
        const struct attribute *a = all[i].attribute;
        if (i > 0 && bytes_equal(a->key, all[i - 1].attribute->key))
            continue;
        put_name(w, a->key);
        put_value(w, &a->value);
    }
}

void dimension_list_write(const struct dimension_list *l,
                          const struct dimension_values *const from[3], struct dimension_writer *w)
{
    for (unsigned i = 0; i < l->count; i++) {
        const struct dimension *d = &l->items[i];
        const struct value *v = NULL;
        for (unsigned f = 0; f < 3 && !v; f++) {
            if (from[f] && from[f]->present >> d->name & 1)
                v = &from[f]->items[d->name];
        }
        if (!v && !d->fallback)
            continue;
        put_number(w, d->label);
        if (v)
            put_value(w, v);
        else
            put_text(w, bytes_of_string(d->fallback), VALUE_STRING);
    }
    if (l->glob_count > 0)
        write_globs(l, from, w);
}

/* ---- reading back ---- */

static struct bytes take(struct bytes *b, size_t len)
{
    struct bytes taken = bytes_of(b->data, len);
    *b = bytes_of(b->data + len, b->len - len);
    return taken;
}

static struct bytes take_text(struct bytes *b)
{
    uint32_t len;
    memcpy(&len, take(b, sizeof len).data, sizeof len);
    return take(b, len);
}

static struct value value_of(struct bytes text, enum value_type type)
{
    char copy[64];
    struct value v = {.type = VALUE_STRING, .bytes = text};
    if (text.len == 0 || text.len >= sizeof copy)
        return v;
    memcpy(copy, text.data, text.len);
    copy[text.len] = 0;
    if (type == VALUE_BOOL)
        v.boolean = copy[0] == 't';
    else if (type == VALUE_INT)
        v.integer = strtoll(copy, NULL, 10);
    else if (type == VALUE_DOUBLE)
        v.real = strtod(copy, NULL);
    else
        return v;
    v.type = type;
    return v;
}

bool dimension_read(struct dimension_reader *r, const struct dimension_names *names,
                    struct metric_label *label)
{
    if (r->rest.len == 0)
        return false;
    uint16_t number;
    memcpy(&number, take(&r->rest, sizeof number).data, sizeof number);
    label->name = number == NAMED ? take_text(&r->rest) : names->items[number];
    struct bytes text = take_text(&r->rest);
    enum value_type type =
        r->types.len > 0 ? (enum value_type)take(&r->types, 1).data[0] : VALUE_STRING;
    label->value = value_of(text, type);
    return true;
}

/* ---- merging ---- */

/* The first entry of a part, and its number. */
static struct bytes first_entry(struct bytes part, uint16_t *number)
{
    struct bytes rest = part;
    memcpy(number, take(&rest, sizeof *number).data, sizeof *number);
    take_text(&rest);
    return bytes_of(part.data, part.len - rest.len);
}

/* Entries stand in the order of their list, and so of their numbers. */
void dimension_merge(struct buffer *out, struct bytes older, struct bytes newer)
{
    uint16_t a = UINT16_MAX, b = UINT16_MAX;
    while (older.len > 0 || newer.len > 0) {
        struct bytes x = {0}, y = {0};
        if (older.len > 0)
            x = first_entry(older, &a);
        if (newer.len > 0)
            y = first_entry(newer, &b);
        bool take_newer = y.len > 0 && (x.len == 0 || b <= a);
        bool take_older = x.len > 0 && (y.len == 0 || a <= b);
        struct bytes chosen = take_newer ? y : x;
        buffer_append(out, chosen.data, chosen.len);
        if (take_newer)
            take(&newer, y.len);
        if (take_older)
            take(&older, x.len);
    }
}
