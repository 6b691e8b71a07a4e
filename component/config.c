/* Reading a component's keys by its table. */
#include "component/config.h"

#include "proto/buffer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- places ---- */

void config_path(const struct config_value *v, char *path, size_t len)
{
    const struct config_value *chain[64];
    size_t depth = 0;
    for (; v && v->parent && depth < 64; v = v->parent)
        chain[depth++] = v;
    size_t used = 0;
    path[0] = 0;
    while (depth-- > 0) {
        const char *key = chain[depth]->key;
        int n = snprintf(path + used, len - used, "%s%s", used ? "::" : "", key ? key : "[]");
        if (n < 0 || (size_t)n >= len - used)
            return;
        used += (size_t)n;
    }
}

bool config_error(const struct config_value *v, struct error *e, const char *format, ...)
{
    char path[256];
    char text[700];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    config_path(v, path, sizeof path);
    if (!v || !v->file)
        return error_set(e, "%s%s%s", path, path[0] ? ": " : "", text);
    return error_set(e, "%s:%d: %s%s%s", v->file, v->line, path, path[0] ? ": " : "", text);
}

const struct config_value *config_child(const struct config_value *map, const char *key)
{
    if (!map || map->type != CONFIG_MAP)
        return NULL;
    for (const struct config_value *c = map->children; c; c = c->next) {
        if (strcmp(c->key, key) == 0)
            return c;
    }
    return NULL;
}

/* ---- memory ---- */

struct kept {
    struct kept *next;
    max_align_t memory[];
};

static struct kept *all_kept;

void *config_keep(size_t count, size_t size)
{
    struct kept *k = NULL;
    size_t bytes;
    if (!__builtin_mul_overflow(count, size, &bytes))
        k = calloc(1, sizeof *k + bytes);
    if (!k)
        abort();
    k->next = all_kept;
    all_kept = k;
    return k->memory;
}

void config_release(void)
{
    while (all_kept) {
        struct kept *k = all_kept;
        all_kept = k->next;
        free(k);
    }
}

/* ---- one field ---- */

static bool read_bool(const struct config_value *v, bool *out, struct error *e)
{
    if (strcmp(v->text, "true") == 0 || strcmp(v->text, "false") == 0) {
        *out = v->text[0] == 't';
        return true;
    }
    return config_error(v, e, "\"%s\" is not true or false", v->text);
}

static bool read_int(const struct config_value *v, const struct config_field *f, int64_t *out,
                     struct error *e)
{
    bool negative;
    uint64_t magnitude;
    if (!config_parse_integer(v->text, &negative, &magnitude) ||
        magnitude > (uint64_t)INT64_MAX + negative)
        return config_error(v, e, "\"%s\" is not a whole number", v->text);
    long long n = (long long)(negative ? -magnitude : magnitude);
    if ((f->min || f->max) && (n < f->min || n > f->max))
        return config_error(v, e, "%lld is out of range, it must be from %lld to %lld", n,
                            (long long)f->min, (long long)f->max);
    *out = n;
    return true;
}

static bool read_double(const struct config_value *v, double *out, struct error *e)
{
    char plain[CONFIG_NUMBER_MAX];
    char *end = plain;
    bool fits = config_plain_number(v->text, plain);
    *out = fits ? strtod(plain, &end) : 0;
    if (!fits || *end || end == plain)
        return config_error(v, e, "\"%s\" is not a number", v->text);
    return true;
}

static bool read_choice(const struct config_value *v, const struct config_field *f, int *out,
                        struct error *e)
{
    struct buffer list = {0};
    for (int i = 0; f->choices[i]; i++) {
        if (strcmp(f->choices[i], v->text) == 0) {
            *out = i;
            buffer_free(&list);
            return true;
        }
        buffer_printf(&list, "%s%s", list.len ? ", " : "",
                      f->choices[i][0] ? f->choices[i] : "\"\"");
    }
    config_error(v, e, "\"%s\" is not supported; supported: %.*s", v->text, (int)list.len,
                 (const char *)list.data);
    buffer_free(&list);
    return false;
}

static void (*tell_missing)(const char *why);

void config_let_files_miss(void (*tell)(const char *why))
{
    tell_missing = tell;
}

static bool read_file_name(const struct config_value *v, const char **out, struct error *e)
{
    *out = v->text[0] ? v->text : NULL;
    if (!*out || access(*out, R_OK) == 0)
        return true;
    struct error why = {{0}};
    config_error(v, tell_missing ? &why : e, "cannot read %s: %s", v->text, strerror(errno));
    if (tell_missing)
        tell_missing(why.text);
    return tell_missing != NULL;
}

size_t config_count(const struct config_value *v)
{
    size_t n = 0;
    for (const struct config_value *c = v ? v->children : NULL; c; c = c->next)
        n++;
    return n;
}

static bool read_strings(const struct config_value *v, struct config_strings *out, struct error *e)
{
    if (v->type == CONFIG_MAP)
        return config_error(v, e, "is a map, but a list was expected");
    const char **items = config_keep(v->type == CONFIG_LIST ? config_count(v) : 1, sizeof *items);
    size_t n = 0;
    if (v->type == CONFIG_SCALAR)
        items[n++] = v->text;
    for (const struct config_value *c = v->children; c; c = c->next) {
        if (c->type != CONFIG_SCALAR) {
            return config_error(c, e, "is not a single value");
        }
        items[n++] = c->text;
    }
    *out = (struct config_strings){items, n};
    return true;
}

static bool read_pairs(const struct config_value *v, struct config_pairs *out, struct error *e)
{
    if (v->type != CONFIG_MAP)
        return config_error(v, e, "is not a map of keys and values");
    struct config_pair *items = config_keep(config_count(v), sizeof *items);
    size_t n = 0;
    for (const struct config_value *c = v->children; c; c = c->next) {
        if (c->type == CONFIG_MAP || c->type == CONFIG_LIST) {
            return config_error(c, e, "is not a single value");
        }
        items[n++] = (struct config_pair){c->key, c->text ? c->text : ""};
    }
    *out = (struct config_pairs){items, n};
    return true;
}

static bool read_scalar(const struct config_value *v, const struct config_field *f, void *at,
                        struct error *e)
{
    if (v->type != CONFIG_SCALAR)
        return config_error(v, e, "is a %s, but a single value was expected",
                            v->type == CONFIG_LIST ? "list" : "map");
    switch (f->type) {
    case FIELD_BOOL:
        return read_bool(v, at, e);
    case FIELD_INT:
        return read_int(v, f, at, e);
    case FIELD_DOUBLE:
        return read_double(v, at, e);
    case FIELD_CHOICE:
        return read_choice(v, f, at, e);
    case FIELD_DURATION:
        return config_parse_duration(v->text, at) ||
               config_error(v, e, "\"%s\" is not a duration, such as 200ms, 5s or 1h30m", v->text);
    case FIELD_SIZE:
        return config_parse_size(v->text, at) ||
               config_error(v, e, "\"%s\" is not a size, such as 64MiB or 2GiB", v->text);
    case FIELD_FILE:
        return read_file_name(v, at, e);
    default:
        *(const char **)at = v->text;
        return true;
    }
}

static bool read_field(const struct config_value *v, const struct config_field *f, void *out,
                       struct error *e)
{
    void *at = (char *)out + f->offset;
    switch (f->type) {
    case FIELD_SECTION:
        return config_read(v, f->section, at, e);
    case FIELD_VALUE:
        *(const struct config_value **)at = v;
        return true;
    case FIELD_STRINGS:
        return v->type == CONFIG_NULL || read_strings(v, at, e);
    case FIELD_PAIRS:
        return v->type == CONFIG_NULL || read_pairs(v, at, e);
    default:
        return v->type == CONFIG_NULL || read_scalar(v, f, at, e);
    }
}

/* ---- the table ---- */

static bool set_defaults(const struct config_field *fields, void *out, struct error *e)
{
    for (const struct config_field *f = fields; f->key; f++) {
        if (f->type == FIELD_SECTION) {
            if (!set_defaults(f->section, (char *)out + f->offset, e))
                return false;
        } else if (f->fallback) {
            struct config_value *v = config_keep(1, sizeof *v);
            *v = (struct config_value){.type = CONFIG_SCALAR, .key = f->key, .text = f->fallback};
            if (!read_field(v, f, out, e))
                return false;
        }
    }
    return true;
}

static bool unknown_key(const struct config_value *v, const struct config_field *fields,
                        struct error *e)
{
    struct buffer list = {0};
    for (const struct config_field *f = fields; f->key; f++)
        buffer_printf(&list, "%s%s", list.len ? ", " : "", f->key);
    if (list.len)
        config_error(v, e, "unknown key \"%s\"; supported: %.*s", v->key, (int)list.len,
                     (const char *)list.data);
    else
        config_error(v, e, "unknown key \"%s\"; there is nothing to configure here", v->key);
    buffer_free(&list);
    return false;
}

static bool read_map(const struct config_value *map, const struct config_field *fields, void *out,
                     struct error *e)
{
    for (const struct config_value *v = map->children; v; v = v->next) {
        const struct config_field *f = fields;
        while (f->key && strcmp(f->key, v->key) != 0)
            f++;
        if (!f->key)
            return unknown_key(v, fields, e);
        if (!read_field(v, f, out, e))
            return false;
        if (f->present)
            *(bool *)((char *)out + f->present) = true;
    }
    return true;
}

bool config_read(const struct config_value *v, const struct config_field *fields, void *out,
                 struct error *e)
{
    if (!set_defaults(fields, out, e))
        return false;
    if (!v || v->type == CONFIG_NULL)
        return true;
    if (v->type != CONFIG_MAP)
        return config_error(v, e, "is a %s, but a map was expected",
                            v->type == CONFIG_LIST ? "list" : "single value");
    return read_map(v, fields, out, e);
}
