#include "processors/scrub/rules.h"

#include "component/file.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const actions[] = {"replace", "remove", "mask", "hash", "truncate", NULL};
static const char *const summaries[] = {"silent", "info", "debug", NULL};

struct settings {
    struct config_strings profiles;
    const struct config_value *classes;
    int action;
    struct {
        const char *key;
        const char *key_file;
        const char *key_id;
    } hash;
    const struct config_value *patterns;
    const struct config_value *blocked_keys;
    const struct config_value *allowed_values;
    struct config_strings ignored_keys;
    struct config_strings url_query_keys;
    bool url_query_keys_given;
    int summary;
};

#define HASH(key_, member_, ...)                                                                   \
    {                                                                                              \
        .key = key_, .type = FIELD_STRING,                                                         \
        .offset = offsetof(struct settings, hash.member_) - offsetof(struct settings, hash),       \
        __VA_ARGS__                                                                                \
    }
static const struct config_field hash_fields[] = {
    HASH("key", key),
    HASH("key_file", key_file),
    HASH("key_id", key_id, .fallback = "1"),
    CONFIG_END,
};

#define FIELD(key_, type_, member_, ...)                                                           \
    {                                                                                              \
        .key = key_, .type = type_, .offset = offsetof(struct settings, member_), __VA_ARGS__      \
    }
static const struct config_field fields[] = {
    FIELD("profiles", FIELD_STRINGS, profiles, .fallback = NULL),
    FIELD("classes", FIELD_VALUE, classes),
    FIELD("action", FIELD_CHOICE, action, .choices = actions, .fallback = "replace"),
    FIELD("hash", FIELD_SECTION, hash, .section = hash_fields),
    FIELD("patterns", FIELD_VALUE, patterns),
    FIELD("blocked_keys", FIELD_VALUE, blocked_keys),
    FIELD("allowed_values", FIELD_VALUE, allowed_values),
    FIELD("ignored_keys", FIELD_STRINGS, ignored_keys),
    FIELD("url_query_keys", FIELD_STRINGS, url_query_keys,
          .present = offsetof(struct settings, url_query_keys_given)),
    FIELD("summary", FIELD_CHOICE, summary, .choices = summaries, .fallback = "silent"),
    CONFIG_END,
};

/* ---- classes ---- */

static bool read_profiles(const struct config_value *config, const struct settings *s,
                          struct detector_options *o, struct error *e)
{
    static const char *const names[SCRUB_PROFILES] = {"secrets", "pii", "strict"};
    static const char *const usual[] = {"secrets"};
    bool given = config->type == CONFIG_MAP && config_child(config, "profiles");
    size_t count = given ? s->profiles.count : 1;
    for (size_t i = 0; i < count; i++) {
        const char *name = given ? s->profiles.items[i] : usual[0];
        unsigned p = 0;
        while (p < SCRUB_PROFILES && strcmp(names[p], name) != 0)
            p++;
        if (p == SCRUB_PROFILES)
            return config_error(config_child(config, "profiles"), e,
                                "unknown profile \"%s\"; supported: secrets, pii, strict", name);
        o->strict |= p == PROFILE_STRICT;
        for (unsigned c = 0; c < SCRUB_CLASSES; c++)
            o->classes[c] |= scrub_profile_has((enum scrub_profile)p, (enum scrub_class)c);
    }
    return true;
}

static bool can_truncate(unsigned class)
{
    return class == SCRUB_IPV4 || class == SCRUB_IPV6;
}

struct class_settings {
    bool enabled;
    int action;
    bool action_given;
};

static const struct config_field class_fields[] = {
    {.key = "enabled",
     .type = FIELD_BOOL,
     .offset = offsetof(struct class_settings, enabled),
     .fallback = "true"},
    {.key = "action",
     .type = FIELD_CHOICE,
     .offset = offsetof(struct class_settings, action),
     .choices = actions,
     .present = offsetof(struct class_settings, action_given)},
    CONFIG_END,
};

static void list_classes(char *out, size_t len)
{
    size_t used = 0;
    for (unsigned i = 0; i < SCRUB_CLASSES && used < len; i++)
        used += (size_t)snprintf(out + used, len - used, "%s%s", i ? ", " : "",
                                 scrub_class_name((enum scrub_class)i));
}

/* Naming a class switches it on. */
static bool read_class(struct scrub_rules *r, struct detector_options *o,
                       const struct config_value *v, struct error *e)
{
    enum scrub_class class;
    struct class_settings s = {0};
    if (!scrub_class_parse(v->key, &class)) {
        char list[700];
        list_classes(list, sizeof list);
        return config_error(v, e, "there is no such class; there are %s", list);
    }
    if (!config_read(v, class_fields, &s, e))
        return false;
    o->classes[class] = s.enabled;
    if (s.action_given)
        r->actions[class] = (enum scrub_action)s.action;
    return r->actions[class] != ACTION_TRUNCATE || can_truncate(class) ||
           config_error(v, e, "only ipv4 and ipv6 can be truncated");
}

static bool read_classes(struct scrub_rules *r, struct detector_options *o,
                         const struct settings *s, struct error *e)
{
    for (unsigned i = 0; i < SCRUB_CLASSES; i++) {
        bool cuts = s->action == ACTION_TRUNCATE;
        r->actions[i] = cuts && !can_truncate(i) ? ACTION_REPLACE : (enum scrub_action)s->action;
    }
    if (!s->classes || s->classes->type == CONFIG_NULL)
        return true;
    if (s->classes->type != CONFIG_MAP)
        return config_error(s->classes, e, "is not a map of classes");
    for (const struct config_value *v = s->classes->children; v; v = v->next) {
        if (!read_class(r, o, v, e))
            return false;
    }
    return true;
}

/* ---- expressions ---- */

static struct regex *compile(const struct config_value *v, struct error *e)
{
    struct error why;
    if (v->type != CONFIG_SCALAR || !v->text[0]) {
        config_error(v, e, "is not a regular expression");
        return NULL;
    }
    struct regex *regex = regex_compile(bytes_of_string(v->text), &why);
    if (!regex)
        config_error(v, e, "%s", why.text);
    return regex;
}

static bool read_regexes(struct regex_list *list, const struct config_value *v, struct error *e)
{
    if (!v || v->type == CONFIG_NULL)
        return true;
    if (v->type != CONFIG_LIST)
        return config_error(v, e, "is not a list of regular expressions");
    list->items = config_keep(config_count(v) + 1, sizeof(struct regex *));
    for (const struct config_value *c = v->children; c; c = c->next) {
        struct regex *regex = compile(c, e);
        if (!regex)
            return false;
        list->items[list->count++] = regex;
    }
    return true;
}

/* What a mark may hold, [name:id:…], so that it is known as one. */
static bool is_mark_text(const char *text, size_t most)
{
    size_t len = 0;
    while (text[len] && scrub_is_mark_byte((uint8_t)text[len]))
        len++;
    return len > 0 && len <= most && !text[len];
}

struct pattern_settings {
    const char *name;
    const struct config_value *regex;
    int action;
    bool action_given;
};

static const struct config_field pattern_fields[] = {
    {.key = "name", .type = FIELD_STRING, .offset = offsetof(struct pattern_settings, name)},
    {.key = "regex", .type = FIELD_VALUE, .offset = offsetof(struct pattern_settings, regex)},
    {.key = "action",
     .type = FIELD_CHOICE,
     .offset = offsetof(struct pattern_settings, action),
     .choices = actions,
     .present = offsetof(struct pattern_settings, action_given)},
    CONFIG_END,
};

static bool read_pattern(struct scrub_rules *r, const struct settings *settings,
                         const struct config_value *v, struct error *e)
{
    struct pattern_settings s = {0};
    enum scrub_class taken;
    if (r->pattern_count == SCRUB_PATTERNS_MAX)
        return config_error(v, e, "more than %d patterns", SCRUB_PATTERNS_MAX);
    if (!config_read(v, pattern_fields, &s, e))
        return false;
    if (!s.name || !s.name[0] || !s.regex)
        return config_error(v, e, "a pattern needs a name and a regex");
    if (!is_mark_text(s.name, SCRUB_NAME_MAX))
        return config_error(v, e, "a name has 1 to %d letters, digits, dots, dashes, underscores",
                            SCRUB_NAME_MAX);
    if (scrub_class_parse(s.name, &taken))
        return config_error(v, e, "\"%s\" is the name of a class", s.name);
    struct scrub_pattern *p = &r->patterns[r->pattern_count];
    *p = (struct scrub_pattern){
        .name = s.name,
        .action = (enum scrub_action)(s.action_given ? s.action : settings->action)};
    if (s.action_given && p->action == ACTION_TRUNCATE)
        return config_error(v, e, "only ipv4 and ipv6 can be truncated");
    if (p->action == ACTION_TRUNCATE)
        p->action = ACTION_REPLACE;
    p->regex = compile(s.regex, e);
    r->pattern_count += p->regex != NULL;
    return p->regex != NULL;
}

static bool read_patterns(struct scrub_rules *r, const struct settings *s, struct error *e)
{
    const struct config_value *v = s->patterns;
    if (!v || v->type == CONFIG_NULL)
        return true;
    if (v->type != CONFIG_LIST)
        return config_error(v, e, "is not a list of patterns");
    for (const struct config_value *c = v->children; c; c = c->next) {
        if (!read_pattern(r, s, c, e))
            return false;
    }
    return true;
}

/* ---- the key ---- */

static void find_hashed(struct scrub_rules *r, const struct detector_options *o)
{
    for (unsigned i = 0; i < SCRUB_CLASSES; i++)
        r->hashed[i] = o->classes[i] && r->actions[i] == ACTION_HASH;
    r->hashed[SCRUB_SENSITIVE_KEY] |=
        r->blocked_keys.count > 0 && r->actions[SCRUB_SENSITIVE_KEY] == ACTION_HASH;
    for (size_t i = 0; i < r->pattern_count; i++)
        r->hashed[SCRUB_CLASSES + i] = r->patterns[i].action == ACTION_HASH;
    for (size_t i = 0; i < SCRUB_RULES_MAX; i++)
        r->hashes |= r->hashed[i];
}

enum { KEY_MIN = 16 };

static bool read_key(struct scrub_rules *r, const struct config_value *config,
                     const struct settings *s, struct error *e)
{
    struct error why;
    r->hash_key_id = s->hash.key_id;
    if (!r->hashes)
        return true;
    if (!is_mark_text(r->hash_key_id, SCRUB_KEY_ID_MAX))
        return config_error(
            config_child(config, "hash"), e,
            "key_id has to be of 1 to %d letters, digits, dots, dashes, underscores",
            SCRUB_KEY_ID_MAX);
    if (!s->hash.key == !s->hash.key_file)
        return config_error(config, e, "action hash needs hash::key or hash::key_file");
    char *file = s->hash.key_file ? file_read(s->hash.key_file, &why) : NULL;
    if (s->hash.key_file && !file)
        return config_error(config_child(config_child(config, "hash"), "key_file"), e, "%s",
                            why.text);
    const char *key = file ? file : s->hash.key;
    size_t len = strlen(key);
    while (file && len > 0 && (key[len - 1] == '\n' || key[len - 1] == '\r'))
        len--;
    bool fits = len >= KEY_MIN && len <= SCRUB_KEY_MAX;
    if (fits) {
        memcpy(r->hash_key, key, len);
        r->hash_key_len = len;
    }
    free(file);
    return fits || config_error(config_child(config, "hash"), e,
                                "the key has to be of %d to %d bytes", KEY_MIN, SCRUB_KEY_MAX);
}

/* ---- the whole ---- */

static bool fill(struct scrub_rules *r, const struct config_value *config, struct error *e)
{
    struct settings s = {0};
    struct detector_options o = {.classes = {false}};
    if (!config_read(config, fields, &s, e) || !read_profiles(config, &s, &o, e) ||
        !read_classes(r, &o, &s, e) || !read_patterns(r, &s, e) ||
        !read_regexes(&r->blocked_keys, s.blocked_keys, e) ||
        !read_regexes(&r->allowed_values, s.allowed_values, e))
        return false;
    find_hashed(r, &o);
    r->ignored_keys = s.ignored_keys;
    r->summary = (enum scrub_summary)s.summary;
    if (s.url_query_keys_given) {
        o.url_keys = s.url_query_keys.items;
        o.url_key_count = s.url_query_keys.count;
    }
    if (!read_key(r, config, &s, e))
        return false;
    r->detector = detector_create(&o);
    return r->detector || error_set(e, "out of memory");
}

struct scrub_rules *scrub_rules_create(const struct config_value *config, struct error *e)
{
    static atomic_uint_fast64_t rules_made;
    struct scrub_rules *r = calloc(1, sizeof *r);
    if (!r) {
        error_set(e, "out of memory");
        return NULL;
    }
    r->id = atomic_fetch_add(&rules_made, 1) + 1;
    if (fill(r, config, e))
        return r;
    scrub_rules_destroy(r);
    return NULL;
}

static void free_regexes(struct regex_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        regex_destroy(list->items[i]);
}

void scrub_rules_destroy(struct scrub_rules *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->pattern_count; i++)
        regex_destroy(r->patterns[i].regex);
    free_regexes(&r->blocked_keys);
    free_regexes(&r->allowed_values);
    detector_destroy(r->detector);
    explicit_bzero(r->hash_key, sizeof r->hash_key);
    free(r);
}

const char *scrub_rule_name(const struct scrub_rules *r, unsigned rule)
{
    return rule < SCRUB_CLASSES ? scrub_class_name((enum scrub_class)rule)
                                : r->patterns[rule - SCRUB_CLASSES].name;
}

bool scrub_key_is_blocked(const struct scrub_rules *r, struct bytes key)
{
    for (size_t i = 0; i < r->blocked_keys.count; i++) {
        if (regex_match(r->blocked_keys.items[i], key) != REGEX_NO)
            return true; /* one that could not be decided is blocked */
    }
    return false;
}
