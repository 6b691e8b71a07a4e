#include "collector/yaml.h"

#include "collector/environment.h"
#include "component/file.h"
#include "proto/utf8.h"

#include <libfyaml.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_DEPTH = 64,
    MAX_VALUES = 100000,
    MAX_BYTES = 16 << 20, /* of text, which aliases multiply */
};

/* One conversion of a document. */
struct conversion {
    const char *file;
    int fixed_line; /* for values that come from the environment: where the reference stands; else 0
                     */
    unsigned values;
    size_t bytes;
    unsigned depth;
    struct error *error;
};

static struct config_value *convert(struct conversion *c, struct fy_node *node,
                                    const struct config_value *parent);

static const char *keep_string(const char *text, size_t len)
{
    char *copy = config_keep(len + 1, 1);
    memcpy(copy, text, len);
    return copy;
}

static int node_line(const struct conversion *c, struct fy_node *node)
{
    if (c->fixed_line)
        return c->fixed_line;
    for (;;) {
        struct fy_node *first = NULL;
        if (fy_node_is_scalar(node)) {
            struct fy_token *token = fy_node_get_scalar_token(node);
            const struct fy_mark *mark = token ? fy_token_start_mark(token) : NULL;
            return mark ? mark->line + 1 : 1;
        }
        if (fy_node_is_mapping(node)) {
            struct fy_node_pair *pair = fy_node_mapping_get_by_index(node, 0);
            first = pair ? fy_node_pair_key(pair) : NULL;
        } else {
            first = fy_node_sequence_get_by_index(node, 0);
        }
        if (!first)
            return 1;
        node = first;
    }
}

static bool fail(struct conversion *c, int line, const char *text)
{
    return error_set(c->error, "%s:%d: %s", c->file, line, text);
}

static struct config_value *new_value(const struct conversion *c, enum config_type type, int line,
                                      const struct config_value *parent)
{
    struct config_value *v = config_keep(1, sizeof *v);
    v->type = type;
    v->file = c->file;
    v->line = line;
    v->parent = parent;
    return v;
}

static bool is_null_text(const char *text, size_t len)
{
    return len == 0 || (len == 1 && text[0] == '~') ||
           (len == 4 && strncasecmp(text, "null", 4) == 0);
}

/* What libfyaml is not given, because some of it keeps it busy for ever: bytes that are not UTF-8,
 * control characters, and directives, of which a configuration has none. */
static bool check_text(const char *text, const char *name, struct error *e)
{
    const uint8_t *at = (const uint8_t *)text;
    size_t left = strlen(text);
    int line = 1;
    bool line_begins = true;
    while (left > 0) {
        size_t len = utf8_sequence(at, left);
        if (len == 0)
            return error_set(e, "%s:%d: not valid UTF-8", name, line);
        if ((*at < 0x20 && !strchr("\t\n\r", *at)) || *at == 0x7f)
            return error_set(e, "%s:%d: a control character, 0x%02x", name, line, *at);
        if (line_begins && *at == '%')
            return error_set(e, "%s:%d: YAML directives are not supported", name, line);
        line_begins = *at == '\n' || *at == '\r';
        line += *at == '\n';
        at += len;
        left -= len;
    }
    return true;
}

/* A document and what its parser had to say; libfyaml prints to standard error unless it is given a
 * place to collect. */
struct document {
    struct fy_diag *diag;
    struct fy_document *document; /* NULL: nothing but comments, or malformed */
};

static struct document document_parse(const char *text)
{
    struct fy_diag_cfg diag_cfg;
    struct document d;
    fy_diag_cfg_default(&diag_cfg);
    diag_cfg.fp = NULL;
    diag_cfg.colorize = false;
    d.diag = fy_diag_create(&diag_cfg);
    if (d.diag)
        fy_diag_set_collect_errors(d.diag, true);
    struct fy_parse_cfg cfg = {.flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG, .diag = d.diag};
    d.document = fy_document_build_from_string(&cfg, text, FY_NT);
    return d;
}

static void document_free(struct document *d)
{
    fy_document_destroy(d->document);
    fy_diag_destroy(d->diag);
}

static struct config_value *string_value(const struct conversion *c, const char *text, int line,
                                         const struct config_value *parent)
{
    size_t len = strlen(text);
    struct config_value *v =
        new_value(c, is_null_text(text, len) ? CONFIG_NULL : CONFIG_SCALAR, line, parent);
    v->text = keep_string(text, len);
    return v;
}

/* A value from the environment is YAML of its own; what does not parse is a string. */
static struct config_value *convert_expanded(const struct conversion *from, const char *text,
                                             int line, const struct config_value *parent)
{
    struct error ignored;
    struct conversion c = {.file = from->file,
                           .fixed_line = line,
                           .values = from->values,
                           .depth = from->depth,
                           .error = &ignored};
    if (!check_text(text, from->file, &ignored))
        return string_value(from, text, line, parent);
    struct document d = document_parse(text);
    struct fy_node *node = d.document ? fy_document_root(d.document) : NULL;
    struct config_value *v = NULL;
    if (node && !fy_node_is_scalar(node))
        v = convert(&c, node, parent);
    document_free(&d);
    return v ? v : string_value(from, text, line, parent);
}

static struct config_value *convert_scalar(struct conversion *c, struct fy_node *node,
                                           const struct config_value *parent)
{
    size_t len = 0;
    const char *text = fy_node_get_scalar(node, &len);
    enum fy_node_style style = fy_node_get_style(node);
    bool plain = style == FYNS_PLAIN || style == FYNS_ANY;
    int line = node_line(c, node);
    if (!text || (plain && is_null_text(text, len)))
        return new_value(c, CONFIG_NULL, line, parent);
    if (memchr(text, 0, len)) {
        fail(c, line, "a value contains a NUL character");
        return NULL;
    }
    c->bytes += len;
    if (c->bytes > MAX_BYTES) {
        fail(c, line, "over 16 MiB of text, with what aliases repeat");
        return NULL;
    }
    const char *kept = keep_string(text, len);
    bool whole = false;
    struct error e;
    const char *expanded = c->fixed_line ? kept : environment_expand(kept, &whole, &e);
    if (!expanded) {
        fail(c, line, e.text);
        return NULL;
    }
    if (plain && whole)
        return convert_expanded(c, expanded, line, parent);
    struct config_value *v = new_value(c, CONFIG_SCALAR, line, parent);
    v->text = expanded;
    v->quoted = !plain;
    return v;
}

static void append_child(struct config_value *parent, struct config_value *child)
{
    struct config_value **at = &parent->children;
    while (*at)
        at = &(*at)->next;
    child->next = NULL;
    child->parent = parent;
    *at = child;
}

static struct config_value *find_child(struct config_value *map, const char *key)
{
    for (struct config_value *v = map->children; v; v = v->next) {
        if (strcmp(v->key, key) == 0)
            return v;
    }
    return NULL;
}

/* Merge key: keys of `from` that the map does not have itself. */
static void merge_missing(struct config_value *map, struct config_value *from)
{
    if (from->type == CONFIG_LIST) {
        for (struct config_value *v = from->children; v; v = v->next)
            merge_missing(map, v);
        return;
    }
    for (struct config_value *v = from->children, *next; v; v = next) {
        next = v->next;
        if (v->key && !find_child(map, v->key))
            append_child(map, v);
    }
}

static bool convert_pair(struct conversion *c, struct fy_node_pair *pair, struct config_value *map,
                         struct config_value **merge)
{
    struct fy_node *key = fy_node_pair_key(pair);
    size_t len = 0;
    const char *text = key && fy_node_is_scalar(key) ? fy_node_get_scalar(key, &len) : NULL;
    if (!text)
        return fail(c, node_line(c, key ? key : fy_node_pair_value(pair)),
                    "a key is not plain text");
    const char *name = keep_string(text, len);
    struct fy_node *node = fy_node_pair_value(pair);
    struct config_value *v = node ? convert(c, node, map) : new_value(c, CONFIG_NULL, 0, map);
    if (!v)
        return false;
    if (strcmp(name, "<<") == 0) {
        *merge = v;
        return true;
    }
    if (find_child(map, name))
        return fail(c, node_line(c, key), "a key stands twice");
    v->key = name;
    v->line = node_line(c, key); /* where a person looks for it */
    append_child(map, v);
    return true;
}

static struct config_value *convert_map(struct conversion *c, struct fy_node *node,
                                        const struct config_value *parent)
{
    struct config_value *map = new_value(c, CONFIG_MAP, node_line(c, node), parent);
    struct config_value *merge = NULL;
    void *position = NULL;
    struct fy_node_pair *pair;
    while ((pair = fy_node_mapping_iterate(node, &position))) {
        if (!convert_pair(c, pair, map, &merge))
            return NULL;
    }
    if (merge)
        merge_missing(map, merge);
    return map;
}

static struct config_value *convert_list(struct conversion *c, struct fy_node *node,
                                         const struct config_value *parent)
{
    struct config_value *list = new_value(c, CONFIG_LIST, node_line(c, node), parent);
    void *position = NULL;
    struct fy_node *item;
    while ((item = fy_node_sequence_iterate(node, &position))) {
        struct config_value *v = convert(c, item, list);
        if (!v)
            return NULL;
        append_child(list, v);
    }
    return list;
}

static struct config_value *convert(struct conversion *c, struct fy_node *node,
                                    const struct config_value *parent)
{
    struct config_value *v = NULL;
    if (c->depth >= MAX_DEPTH || ++c->values > MAX_VALUES) {
        fail(c, c->fixed_line, "nested too deeply, or too many values");
        return NULL;
    }
    c->depth++;
    if (fy_node_is_alias(node)) {
        int line = node_line(c, node);
        struct fy_node *target = fy_node_resolve_alias(node);
        if (target)
            v = convert(c, target, parent);
        else
            fail(c, line, "an alias without its anchor");
    } else if (fy_node_is_scalar(node)) {
        v = convert_scalar(c, node, parent);
    } else if (fy_node_is_mapping(node)) {
        v = convert_map(c, node, parent);
    } else {
        v = convert_list(c, node, parent);
    }
    c->depth--;
    return v;
}

/* The first error, or none: a file of comments has no document either. */
static const struct fy_diag_error *syntax_error(const struct document *d)
{
    void *position = NULL;
    return d->document || !d->diag ? NULL : fy_diag_errors_iterate(d->diag, &position);
}

struct config_value *yaml_parse(const char *text, const char *name, struct error *e)
{
    if (!check_text(text, name, e))
        return NULL;
    struct document d = document_parse(text);
    struct conversion c = {.file = keep_string(name, strlen(name)), .error = e};
    struct fy_node *node = d.document ? fy_document_root(d.document) : NULL;
    const struct fy_diag_error *wrong = syntax_error(&d);
    struct config_value *v = NULL;
    if (wrong)
        error_set(e, "%s:%d:%d: not valid YAML: %s", name, wrong->line, wrong->column, wrong->msg);
    else if (node)
        v = convert(&c, node, NULL);
    else
        v = new_value(&c, CONFIG_NULL, 1, NULL);
    document_free(&d);
    return v;
}

struct config_value *yaml_merge(struct config_value *base, struct config_value *over)
{
    if (!base || base->type == CONFIG_NULL)
        return over;
    if (over->type == CONFIG_NULL && !over->parent)
        return base; /* an empty file */
    if (base->type != CONFIG_MAP || over->type != CONFIG_MAP)
        return over;
    for (struct config_value *v = over->children, *next; v; v = next) {
        next = v->next;
        struct config_value **at = &base->children;
        while (*at && strcmp((*at)->key, v->key) != 0)
            at = &(*at)->next;
        if (!*at) {
            append_child(base, v);
            continue;
        }
        struct config_value *rest = (*at)->next;
        struct config_value *merged = yaml_merge(*at, v);
        merged->next = rest;
        merged->parent = base;
        *at = merged;
    }
    return base;
}

struct config_value *yaml_load(const char *const *files, size_t count, struct error *e)
{
    struct config_value *root = NULL;
    for (size_t i = 0; i < count; i++) {
        char *text = file_read(files[i], e);
        if (!text)
            return NULL;
        struct config_value *v = yaml_parse(text, files[i], e);
        free(text);
        if (!v)
            return NULL;
        root = yaml_merge(root, v);
    }
    return root;
}
