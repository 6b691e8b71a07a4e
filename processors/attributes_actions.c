#include "processors/attributes_actions.h"

#include "component/pseudonym.h"
#include "processors/attributes_convert.h"
#include "processors/attributes_value.h"
#include "processors/redaction_hash.h"
#include "sampling/regex.h"

#include <endian.h>
#include <stdlib.h>
#include <strings.h>

enum action_type { INSERT, UPDATE, UPSERT, DELETE, HASH, EXTRACT, CONVERT, ACTIONS };

static const char *const action_names[] = {"insert", "update",  "upsert",  "delete",
                                           "hash",   "extract", "convert", NULL};
static const char *const conversions[] = {"string", "int", "double", NULL};

struct action {
    enum action_type type;
    struct bytes key;
    struct bytes from; /* attribute; empty: none */
    bool has_value;
    bool has_fallback;
    struct value value;
    struct value fallback;
    struct regex *pattern; /* NULL: none */
    int conversion;
};

struct attribute_actions {
    struct action *items;
    size_t count;
    struct pseudonymiser hashes; /* of texts, when an action hashes */
    bool has_hashes;
};

/* ---- configuration ---- */

struct settings {
    const char *key;
    const char *action;
    const struct config_value *value;
    const struct config_value *fallback;
    const struct config_value *pattern;
    const char *from_attribute;
    const struct config_value *from_context;
    int conversion;
    bool has_conversion;
};

static const struct config_field fields[] = {
    {.key = "key", .type = FIELD_STRING, .offset = offsetof(struct settings, key), .fallback = ""},
    {.key = "action",
     .type = FIELD_STRING,
     .offset = offsetof(struct settings, action),
     .fallback = ""},
    {.key = "value", .type = FIELD_VALUE, .offset = offsetof(struct settings, value)},
    {.key = "default_value", .type = FIELD_VALUE, .offset = offsetof(struct settings, fallback)},
    {.key = "from_attribute",
     .type = FIELD_STRING,
     .offset = offsetof(struct settings, from_attribute),
     .fallback = ""},
    {.key = "from_context", .type = FIELD_VALUE, .offset = offsetof(struct settings, from_context)},
    {.key = "pattern", .type = FIELD_VALUE, .offset = offsetof(struct settings, pattern)},
    {.key = "converted_type",
     .type = FIELD_CHOICE,
     .offset = offsetof(struct settings, conversion),
     .choices = conversions,
     .present = offsetof(struct settings, has_conversion)},
    CONFIG_END,
};

static bool given(const struct config_value *v)
{
    return v && v->type != CONFIG_NULL && !(v->type == CONFIG_SCALAR && !v->quoted && !v->text[0]);
}

static bool parse_type(const struct config_value *place, const char *name, enum action_type *type,
                       struct error *e)
{
    for (int i = 0; action_names[i]; i++) {
        if (strcasecmp(action_names[i], name) == 0) {
            *type = (enum action_type)i;
            return true;
        }
    }
    return config_error(place, e,
                        "\"%s\" is not supported as action; supported: insert, update, upsert, "
                        "delete, hash, extract, convert",
                        name);
}

/* Which keys an action has no use for. */
static bool check(const struct settings *s, enum action_type type, const struct config_value *place,
                  struct error *e)
{
    bool sets = type <= UPSERT;
    bool takes_pattern = type == DELETE || type == HASH || type == EXTRACT;
    unsigned sources = (unsigned)given(s->value) + (s->from_attribute[0] != 0);
    const char *name = action_names[type];
    if (given(s->from_context))
        return config_error(s->from_context, e,
                            "is not supported: who sent a span is not known any more where it is "
                            "processed");
    if (!s->key[0] && !((type == DELETE || type == HASH) && given(s->pattern)))
        return config_error(place, e, "a key is needed");
    if (sets && sources + given(s->fallback) == 0)
        return config_error(place, e, "%s needs value, from_attribute or default_value", name);
    if (sources > 1)
        return config_error(place, e, "value and from_attribute cannot be used together");
    if (!sets && (sources > 0 || given(s->fallback)))
        return config_error(place, e, "%s takes no value", name);
    if (!takes_pattern && given(s->pattern))
        return config_error(s->pattern, e, "%s takes no pattern", name);
    if (type == EXTRACT && !given(s->pattern))
        return config_error(place, e, "extract needs a pattern");
    if (type == CONVERT && !s->has_conversion)
        return config_error(place, e, "convert needs a converted_type");
    if (type != CONVERT && s->has_conversion)
        return config_error(place, e, "%s takes no converted_type", name);
    return true;
}

static bool compile_pattern(struct action *a, const struct config_value *pattern, struct error *e)
{
    struct error why = {0};
    if (!given(pattern))
        return true;
    if (pattern->type != CONFIG_SCALAR)
        return config_error(pattern, e, "is not a single value");
    struct bytes text = bytes_of_string(pattern->text);
    a->pattern = a->type == EXTRACT ? regex_compile_groups(text, &why) : regex_compile(text, &why);
    return a->pattern || config_error(pattern, e, "%.600s", why.text);
}

static bool read_action(struct action *a, const struct config_value *v, struct error *e)
{
    struct settings s = {0};
    if (!config_read(v, fields, &s, e) || !parse_type(v, s.action, &a->type, e) ||
        !check(&s, a->type, v, e))
        return false;
    a->key = bytes_of_string(s.key);
    a->from = bytes_of_string(s.from_attribute);
    a->conversion = s.conversion;
    a->has_value = given(s.value);
    a->has_fallback = given(s.fallback);
    return (!a->has_value || config_typed_value(s.value, &a->value, e)) &&
           (!a->has_fallback || config_typed_value(s.fallback, &a->fallback, e)) &&
           compile_pattern(a, s.pattern, e);
}

static void text_hash(struct pseudonymiser *p, struct bytes value,
                      void (*each)(void *context, struct bytes form), void *context)
{
    char hex[HASH_HEX_MAX];
    (void)p;
    each(context, bytes_of(hex, hash_hex(HASH_SHA256, bytes_of(NULL, 0), value, hex)));
}

static void tell_of_hashes(struct attribute_actions *all)
{
    for (size_t i = 0; i < all->count; i++)
        all->has_hashes |= all->items[i].type == HASH;
    all->hashes.forms = text_hash;
    if (all->has_hashes)
        pseudonym_register(&all->hashes);
}

static bool read_actions(struct attribute_actions *all, const struct config_value *list,
                         struct error *e)
{
    for (const struct config_value *v = list->children; v; v = v->next) {
        struct action *grown = reallocarray(all->items, all->count + 1, sizeof *grown);
        if (!grown)
            return error_set(e, "out of memory");
        all->items = grown;
        all->items[all->count] = (struct action){0};
        if (!read_action(&all->items[all->count++], v, e))
            return false;
    }
    return true;
}

struct attribute_actions *attribute_actions_create(const struct config_value *parent,
                                                   const char *key, struct error *e)
{
    const struct config_value *list = config_child(parent, key);
    if (!list || !list->children) {
        config_error(list ? list : parent, e, "at least one action is needed, under %s", key);
        return NULL;
    }
    if (list->type != CONFIG_LIST) {
        config_error(list, e, "is not a list");
        return NULL;
    }
    struct attribute_actions *all = calloc(1, sizeof *all);
    if (!all) {
        error_set(e, "out of memory");
        return NULL;
    }
    if (!read_actions(all, list, e)) {
        attribute_actions_destroy(all);
        return NULL;
    }
    tell_of_hashes(all);
    return all;
}

void attribute_actions_destroy(struct attribute_actions *a)
{
    if (a->has_hashes)
        pseudonym_unregister(&a->hashes);
    for (size_t i = 0; i < a->count; i++)
        regex_destroy(a->items[i].pattern);
    free(a->items);
    free(a);
}

/* ---- applying ---- */

static bool source_value(const struct action *a, struct attribute_list *l, struct value *out)
{
    const struct attribute_entry *from = NULL;
    if (a->has_value) {
        *out = a->value;
        return true;
    }
    if (a->from.len > 0)
        from = attribute_list_find(l, a->from);
    *out = from ? from->value : a->fallback;
    return from || a->has_fallback;
}

static void set(const struct action *a, struct attribute_list *l)
{
    struct value v;
    bool there = attribute_list_find(l, a->key) != NULL;
    if (a->type == (there ? INSERT : UPDATE))
        return;
    if (source_value(a, l, &v))
        attribute_list_put(l, a->key, v);
}

/* What the Collector feeds to the hash: text, or the little-endian bytes of a number. */
static bool hashed_bytes(const struct value *v, uint8_t number[8], struct bytes *out)
{
    uint64_t bits;
    switch (v->type) {
    case VALUE_STRING:
        *out = v->bytes;
        return true;
    case VALUE_BOOL:
        number[0] = v->boolean;
        *out = bytes_of(number, 1);
        return true;
    case VALUE_INT:
    case VALUE_DOUBLE:
        memcpy(&bits, v->type == VALUE_INT ? (const void *)&v->integer : (const void *)&v->real,
               sizeof bits);
        bits = htole64(bits);
        memcpy(number, &bits, sizeof bits);
        *out = bytes_of(number, sizeof bits);
        return true;
    default:
        return false;
    }
}

/* Bytes, arrays and maps have no hash there: they become empty text. */
static void hash(struct attribute_list *l, struct attribute_entry *e)
{
    uint8_t number[8];
    char hex[HASH_HEX_MAX];
    struct bytes data, text = bytes_of("", 0);
    if (hashed_bytes(&e->value, number, &data)) {
        size_t len = hash_hex(HASH_SHA256, bytes_of(NULL, 0), data, hex);
        text = pieces_copy(&l->pieces, bytes_of(hex, len));
    }
    attribute_list_set(l, e, (struct value){.type = VALUE_STRING, .bytes = text});
}

static void take_away(const struct action *a, struct attribute_list *l, struct attribute_entry *e)
{
    if (a->type == DELETE)
        attribute_list_remove(l, e);
    else
        hash(l, e);
}

static void delete_or_hash(const struct action *a, struct attribute_list *l)
{
    struct attribute_entry *named = attribute_list_find(l, a->key);
    if (named) {
        attribute_list_settle(l, named);
        take_away(a, l, named);
    }
    for (size_t i = 0; a->pattern && i < l->count; i++) {
        struct attribute_entry *e = &l->entries[i];
        if (e->state != ENTRY_REMOVED && regex_match(a->pattern, e->key) != REGEX_NO)
            take_away(a, l, e);
    }
}

static void extract(const struct action *a, struct attribute_list *l)
{
    struct regex_span groups[REGEX_GROUPS_MAX];
    const struct attribute_entry *e = attribute_list_find(l, a->key);
    if (!e || e->value.type != VALUE_STRING)
        return;
    struct bytes text = e->value.bytes;
    if (regex_match_groups(a->pattern, text, groups) != REGEX_YES)
        return;
    for (unsigned i = 0; i < regex_groups(a->pattern); i++) {
        size_t len = groups[i].end - groups[i].start;
        struct bytes found = len ? bytes_of(text.data + groups[i].start, len) : bytes_of("", 0);
        attribute_list_put(l, regex_group_name(a->pattern, i),
                           (struct value){.type = VALUE_STRING, .bytes = found});
    }
}

static void convert(const struct action *a, struct attribute_list *l)
{
    struct attribute_entry *e = attribute_list_find(l, a->key);
    if (!e)
        return;
    attribute_list_settle(l, e);
    struct value v = e->value;
    value_convert(&v, (enum conversion)a->conversion, &l->pieces);
    attribute_list_set(l, e, v);
}

void attribute_actions_apply(const struct attribute_actions *all, struct attribute_list *l)
{
    static void (*const does[ACTIONS])(const struct action *a, struct attribute_list *l) = {
        [INSERT] = set,          [UPDATE] = set,
        [UPSERT] = set,          [DELETE] = delete_or_hash,
        [HASH] = delete_or_hash, [EXTRACT] = extract,
        [CONVERT] = convert,
    };
    for (size_t i = 0; i < all->count; i++)
        does[all->items[i].type](&all->items[i], l);
}
