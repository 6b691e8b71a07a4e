/* Reading include and exclude. */
#include "processors/attributes_match_private.h"
#include "processors/attributes_value.h"
#include "proto/span_kind.h"

#include <stdlib.h>

static const char *const match_types[] = {"", "strict", "regexp", NULL};

struct cache_settings { /* needs no cache, so takes what is said about it */
    bool enabled;
    int64_t entries;
};

struct settings {
    int match_type;
    struct cache_settings cache;
    const struct config_value *services;
    const struct config_value *names;
    const struct config_value *kinds;
    const struct config_value *attributes;
    const struct config_value *resources;
    const struct config_value *libraries;
};

static const struct config_field cache_fields[] = {
    {.key = "cacheenabled", .type = FIELD_BOOL, .offset = offsetof(struct cache_settings, enabled)},
    {.key = "cachemaxnumentries",
     .type = FIELD_INT,
     .offset = offsetof(struct cache_settings, entries)},
    CONFIG_END,
};

#define LIST(name, member)                                                                         \
    {                                                                                              \
        .key = name, .type = FIELD_VALUE, .offset = offsetof(struct settings, member)              \
    }

static const struct config_field fields[] = {
    {.key = "match_type",
     .type = FIELD_CHOICE,
     .offset = offsetof(struct settings, match_type),
     .choices = match_types},
    {.key = "regexp",
     .type = FIELD_SECTION,
     .offset = offsetof(struct settings, cache),
     .section = cache_fields},
    LIST("services", services),
    LIST("span_names", names),
    LIST("span_kinds", kinds),
    LIST("attributes", attributes),
    LIST("resources", resources),
    LIST("libraries", libraries),
    CONFIG_END,
};

struct pair_settings {
    const char *key;
    const struct config_value *value;
};

static const struct config_field pair_fields[] = {
    {.key = "key",
     .type = FIELD_STRING,
     .offset = offsetof(struct pair_settings, key),
     .fallback = ""},
    {.key = "value", .type = FIELD_VALUE, .offset = offsetof(struct pair_settings, value)},
    CONFIG_END,
};

struct library_settings {
    const struct config_value *name;
    const struct config_value *version;
};

static const struct config_field library_fields[] = {
    {.key = "name", .type = FIELD_VALUE, .offset = offsetof(struct library_settings, name)},
    {.key = "version", .type = FIELD_VALUE, .offset = offsetof(struct library_settings, version)},
    CONFIG_END,
};

/* Or nothing, which is an empty one. */
static bool is_list(const struct config_value *v, struct error *e)
{
    return !v || v->type == CONFIG_NULL || v->type == CONFIG_LIST ||
           config_error(v, e, "is not a list");
}

static const struct config_value *first_of(const struct config_value *list)
{
    return list ? list->children : NULL;
}

static bool read_wanted(const struct config_value *v, enum match_type type, struct wanted *out,
                        struct error *e)
{
    struct error why = {0};
    if (v->type != CONFIG_SCALAR)
        return config_error(v, e, "is not a single value");
    if (type == MATCH_MISSING)
        return config_error(v->parent, e, "a match_type is needed: strict or regexp");
    out->text = bytes_of_string(v->text);
    if (type == MATCH_STRICT)
        return true;
    out->regex = regex_compile(out->text, &why);
    return out->regex || config_error(v, e, "%.600s", why.text);
}

static bool read_list(const struct config_value *v, enum match_type type, struct wanted_list *out,
                      struct error *e)
{
    if (!is_list(v, e))
        return false;
    out->items = config_keep(config_count(v) + 1, sizeof *out->items);
    for (const struct config_value *c = first_of(v); c; c = c->next) {
        if (!read_wanted(c, type, &out->items[out->count++], e))
            return false;
    }
    return true;
}

static bool check_kinds(const struct side *s, const struct config_value *v, struct error *e)
{
    for (size_t i = 0; s->type == MATCH_STRICT && i < s->kinds.count; i++) {
        if (span_kind_of_constant(s->kinds.items[i].text) < SPAN_KIND_INTERNAL)
            return config_error(v, e,
                                "\"%.*s\" is not a kind; supported: SPAN_KIND_INTERNAL, "
                                "SPAN_KIND_SERVER, SPAN_KIND_CLIENT, SPAN_KIND_PRODUCER, "
                                "SPAN_KIND_CONSUMER",
                                (int)s->kinds.items[i].text.len, s->kinds.items[i].text.data);
    }
    return true;
}

static bool read_attribute(const struct config_value *v, enum match_type type,
                           struct wanted_attribute *out, struct error *e)
{
    struct pair_settings p = {0};
    if (!config_read(v, pair_fields, &p, e))
        return false;
    if (!p.key[0])
        return config_error(v, e, "a key is needed");
    out->key = bytes_of_string(p.key);
    if (!p.value || p.value->type == CONFIG_NULL)
        return true;
    if (type == MATCH_STRICT) {
        out->how = SAME_VALUE;
        return config_typed_value(p.value, &out->value, e);
    }
    out->how = MATCHING_VALUE;
    return read_wanted(p.value, type, &out->pattern, e) &&
           config_typed_value(p.value, &out->value, e) &&
           (out->value.type == VALUE_STRING ||
            config_error(p.value, e, "with match_type regexp a string is needed; write it quoted"));
}

static bool read_attributes(const struct config_value *v, enum match_type type,
                            struct wanted_attributes *out, struct error *e)
{
    if (!is_list(v, e))
        return false;
    out->items = config_keep(config_count(v) + 1, sizeof *out->items);
    for (const struct config_value *c = first_of(v); c; c = c->next) {
        if (!read_attribute(c, type, &out->items[out->count++], e))
            return false;
    }
    return true;
}

static bool read_library(const struct config_value *v, enum match_type type,
                         struct wanted_library *out, struct error *e)
{
    struct library_settings l = {0};
    if (!config_read(v, library_fields, &l, e))
        return false;
    if (!l.name)
        return config_error(v, e, "a name is needed");
    out->has_version = l.version && l.version->type != CONFIG_NULL;
    return read_wanted(l.name, type, &out->name, e) &&
           (!out->has_version || read_wanted(l.version, type, &out->version, e));
}

static bool read_libraries(const struct config_value *v, struct side *s, struct error *e)
{
    if (!is_list(v, e))
        return false;
    s->libraries = config_keep(config_count(v) + 1, sizeof *s->libraries);
    for (const struct config_value *c = first_of(v); c; c = c->next) {
        if (!read_library(c, s->type, &s->libraries[s->library_count++], e))
            return false;
    }
    return true;
}

static bool read_side(const struct config_value *v, struct side *s, struct error *e)
{
    struct settings found = {0};
    if (!v || v->type == CONFIG_NULL)
        return true;
    if (!config_read(v, fields, &found, e))
        return false;
    s->given = true;
    s->type = (enum match_type)found.match_type;
    if (!read_list(found.services, s->type, &s->services, e) ||
        !read_list(found.names, s->type, &s->names, e) ||
        !read_list(found.kinds, s->type, &s->kinds, e) || !check_kinds(s, found.kinds, e) ||
        !read_attributes(found.attributes, s->type, &s->attributes, e) ||
        !read_attributes(found.resources, s->type, &s->resources, e) ||
        !read_libraries(found.libraries, s, e))
        return false;
    if (s->services.count + s->names.count + s->kinds.count + s->attributes.count +
            s->resources.count + s->library_count ==
        0)
        return config_error(v, e,
                            "at least one of services, span_names, span_kinds, attributes, "
                            "resources, libraries is needed");
    return true;
}

struct span_match *span_match_create(const struct config_value *config, struct error *e)
{
    struct span_match *m = calloc(1, sizeof *m);
    if (!m) {
        error_set(e, "out of memory");
        return NULL;
    }
    if (!read_side(config_child(config, "include"), &m->sides[INCLUDE], e) ||
        !read_side(config_child(config, "exclude"), &m->sides[EXCLUDE], e)) {
        span_match_destroy(m);
        return NULL;
    }
    return m;
}

static void release_list(struct wanted_list *l)
{
    for (size_t i = 0; i < l->count; i++)
        regex_destroy(l->items[i].regex);
}

static void release_attributes(struct wanted_attributes *l)
{
    for (size_t i = 0; i < l->count; i++)
        regex_destroy(l->items[i].pattern.regex);
}

void span_match_destroy(struct span_match *m)
{
    for (struct side *s = m->sides; s < m->sides + SIDES; s++) {
        release_list(&s->services);
        release_list(&s->names);
        release_list(&s->kinds);
        release_attributes(&s->attributes);
        release_attributes(&s->resources);
        for (size_t i = 0; i < s->library_count; i++) {
            regex_destroy(s->libraries[i].name.regex);
            regex_destroy(s->libraries[i].version.regex);
        }
    }
    free(m);
}
