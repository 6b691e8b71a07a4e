/* Reading the keys of `redaction`. */
#include "processors/redaction_rules.h"

#include <stdlib.h>

static const char *const summaries[] = {"silent", "info", "debug", "", NULL};

struct sanitizer_settings {
    bool enabled;
    struct config_strings attributes;
    bool sanitize_span_name;
};

struct db_settings {
    struct sanitizer_settings sql, redis, valkey, memcached, mongo, opensearch, es;
    bool sanitize_span_name;
};

struct settings {
    bool allow_all_keys;
    bool redact_all_types;
    struct config_strings allowed_keys;
    struct config_strings ignored_keys;
    struct config_strings ignored_key_patterns;
    struct config_strings blocked_key_patterns;
    struct config_strings blocked_values;
    struct config_strings allowed_values;
    const char *hash_function;
    const char *hmac_key;
    int summary;
    struct sanitizer_settings url;
    struct db_settings db;
};

static const struct config_field sanitizer_fields[] = {
    {.key = "enabled", .type = FIELD_BOOL, .offset = offsetof(struct sanitizer_settings, enabled)},
    {.key = "attributes",
     .type = FIELD_STRINGS,
     .offset = offsetof(struct sanitizer_settings, attributes)},
    {.key = "sanitize_span_name",
     .type = FIELD_BOOL,
     .offset = offsetof(struct sanitizer_settings, sanitize_span_name)},
    CONFIG_END,
};

#define DATABASE(name)                                                                             \
    {                                                                                              \
        .key = #name, .type = FIELD_SECTION, .offset = offsetof(struct db_settings, name),         \
        .section = sanitizer_fields                                                                \
    }

static const struct config_field db_fields[] = {
    DATABASE(sql),
    DATABASE(redis),
    DATABASE(valkey),
    DATABASE(memcached),
    DATABASE(mongo),
    DATABASE(opensearch),
    DATABASE(es),
    {.key = "sanitize_span_name",
     .type = FIELD_BOOL,
     .offset = offsetof(struct db_settings, sanitize_span_name)},
    CONFIG_END,
};

#define STRINGS(name)                                                                              \
    {                                                                                              \
        .key = #name, .type = FIELD_STRINGS, .offset = offsetof(struct settings, name)             \
    }

static const struct config_field fields[] = {
    {.key = "allow_all_keys",
     .type = FIELD_BOOL,
     .offset = offsetof(struct settings, allow_all_keys)},
    STRINGS(allowed_keys),
    STRINGS(ignored_keys),
    STRINGS(ignored_key_patterns),
    {.key = "redact_all_types",
     .type = FIELD_BOOL,
     .offset = offsetof(struct settings, redact_all_types)},
    STRINGS(blocked_key_patterns),
    STRINGS(blocked_values),
    STRINGS(allowed_values),
    {.key = "hash_function",
     .type = FIELD_STRING,
     .offset = offsetof(struct settings, hash_function),
     .fallback = ""},
    {.key = "hmac_key",
     .type = FIELD_STRING,
     .offset = offsetof(struct settings, hmac_key),
     .fallback = ""},
    {.key = "summary",
     .type = FIELD_CHOICE,
     .offset = offsetof(struct settings, summary),
     .choices = summaries},
    {.key = "url_sanitizer",
     .type = FIELD_SECTION,
     .offset = offsetof(struct settings, url),
     .section = sanitizer_fields},
    {.key = "db_sanitizer",
     .type = FIELD_SECTION,
     .offset = offsetof(struct settings, db),
     .section = db_fields},
    CONFIG_END,
};

/* They hide by a trained model and by another vendor's parsers; ours would hide other parts. */
static bool check_sanitizers(const struct settings *s, const struct config_value *config,
                             struct error *e)
{
    const struct db_settings *db = &s->db;
    if (s->url.enabled)
        return config_error(config_child(config, "url_sanitizer"), e,
                            "is not supported; the processor scrub cleans URLs");
    if (db->sql.enabled || db->redis.enabled || db->valkey.enabled || db->memcached.enabled ||
        db->mongo.enabled || db->opensearch.enabled || db->es.enabled)
        return config_error(config_child(config, "db_sanitizer"), e,
                            "is not supported; the processor scrub cleans queries and commands");
    return true;
}

static bool read_hash(struct redaction_rules *r, const struct settings *s,
                      const struct config_value *config, struct error *e)
{
    const struct config_value *function = config_child(config, "hash_function");
    if (!hash_function_parse(s->hash_function, &r->hash))
        return config_error(function, e,
                            "\"%s\" is not supported; supported: md5, sha1, sha3, hmac-sha256, "
                            "hmac-sha512",
                            s->hash_function);
    r->hmac_key = bytes_of_string(s->hmac_key);
    if (r->hmac_key.len < hash_key_min(r->hash)) {
        const struct config_value *key = config_child(config, "hmac_key");
        return config_error(key ? key : function, e,
                            "%s needs an hmac_key of at least %zu bytes; there are %zu",
                            s->hash_function, hash_key_min(r->hash), r->hmac_key.len);
    }
    return true;
}

/* `texts` were read from `v`, a list or a single value. */
static bool compile(struct redaction_patterns *out, const struct config_strings *texts,
                    const struct config_value *v, struct error *e)
{
    const struct config_value *place = v && v->children ? v->children : v;
    if (texts->count == 0)
        return true;
    out->items = calloc(texts->count, sizeof(struct regex *));
    if (!out->items)
        return error_set(e, "out of memory");
    for (size_t i = 0; i < texts->count; i++, place = place ? place->next : NULL) {
        struct error why = {0};
        out->items[i] = regex_compile(bytes_of_string(texts->items[i]), &why);
        if (!out->items[i])
            return config_error(place, e, "pattern %zu: %.600s", i + 1, why.text);
        out->count++;
    }
    return true;
}

static bool fill(struct redaction_rules *r, const struct config_value *config, struct error *e)
{
    struct settings s = {0};
    if (!config_read(config, fields, &s, e) || !check_sanitizers(&s, config, e) ||
        !read_hash(r, &s, config, e))
        return false;
    r->allow_all_keys = s.allow_all_keys;
    r->redact_all_types = s.redact_all_types;
    r->allowed_keys = s.allowed_keys;
    r->ignored_keys = s.ignored_keys;
    r->summary =
        s.summary <= SUMMARY_DEBUG ? (enum redaction_summary_level)s.summary : SUMMARY_SILENT;
    return compile(&r->ignored_key_patterns, &s.ignored_key_patterns,
                   config_child(config, "ignored_key_patterns"), e) &&
           compile(&r->blocked_key_patterns, &s.blocked_key_patterns,
                   config_child(config, "blocked_key_patterns"), e) &&
           compile(&r->blocked_values, &s.blocked_values, config_child(config, "blocked_values"),
                   e) &&
           compile(&r->allowed_values, &s.allowed_values, config_child(config, "allowed_values"),
                   e);
}

struct redaction_rules *redaction_rules_create(const struct config_value *config, struct error *e)
{
    struct redaction_rules *r = calloc(1, sizeof *r);
    if (!r) {
        error_set(e, "out of memory");
        return NULL;
    }
    if (!fill(r, config, e)) {
        redaction_rules_destroy(r);
        return NULL;
    }
    return r;
}

static void release(struct redaction_patterns *p)
{
    for (size_t i = 0; i < p->count; i++)
        regex_destroy(p->items[i]);
    free(p->items);
}

void redaction_rules_destroy(struct redaction_rules *r)
{
    release(&r->ignored_key_patterns);
    release(&r->blocked_key_patterns);
    release(&r->blocked_values);
    release(&r->allowed_values);
    free(r);
}
