#include "query/search.h"

#include "proto/json_reader.h"

enum { JSON_DEPTH = 32 };

void search_begin(struct search *s)
{
    *s = (struct search){.query = {.start_max_ns = UINT64_MAX, .duration_max_ns = UINT64_MAX}};
}

bool search_tag(struct search *s, const char *key, const char *value, struct error *e)
{
    struct store_query *q = &s->query;
    q->tags = s->tags;
    for (size_t i = 0; i < q->tag_count; i++) {
        if (strcmp(s->tags[i].key, key) == 0) {
            s->tags[i].value = value;
            return true;
        }
    }
    if (q->tag_count == CALL_TAGS_MAX)
        return error_set(e, "more than %d tags in one search", CALL_TAGS_MAX);
    s->tags[q->tag_count++] = (struct store_tag){.key = key, .value = value};
    return true;
}

bool search_tag_text(struct search *s, struct arena *a, const char *text, struct error *e)
{
    const char *colon = strchr(text, ':');
    if (!colon)
        return error_set(e, "malformed 'tag' parameter, expecting key:value, received: %.200s",
                         text);
    const char *key = arena_copy(a, text, (size_t)(colon - text));
    if (!key)
        return error_set(e, "out of memory");
    return search_tag(s, key, colon + 1, e);
}

static const char *type_name(uint8_t first)
{
    switch (first) {
    case '{':
        return "object";
    case '[':
        return "array";
    case 't':
    case 'f':
        return "bool";
    default:
        return "number";
    }
}

static bool malformed(struct json_reader *r, struct error *e)
{
    size_t line;
    size_t column;
    json_position(r, r->error_at ? r->error_at : r->at, &line, &column);
    return error_set(e, "%s at column %zu", r->error ? r->error : "not JSON", column);
}

static const char *read_text(struct json_reader *r, struct arena *a, struct error *e)
{
    struct bytes raw;
    bool escaped;
    if (!json_read_string(r, &raw, &escaped)) {
        malformed(r, e);
        return NULL;
    }
    char *text = arena_copy(a, raw.data, raw.len);
    if (!text)
        error_set(e, "out of memory");
    else if (escaped)
        text[json_unescape(raw, (uint8_t *)text)] = 0;
    return text;
}

/* A member's value; null counts as empty, as in Go. */
static const char *read_member_value(struct json_reader *r, struct arena *a, struct error *e)
{
    uint8_t first = json_peek(r);
    if (first == '"')
        return read_text(r, a, e);
    if (first == 'n' && json_read_literal(r, "null"))
        return "";
    if (!json_skip_value(r, JSON_DEPTH))
        malformed(r, e);
    else
        error_set(e, "json: cannot unmarshal %s into Go value of type string", type_name(first));
    return NULL;
}

static bool read_members(struct search *s, struct arena *a, struct json_reader *r, struct error *e)
{
    if (!json_read_punctuation(r, '{'))
        return malformed(r, e);
    bool more = json_peek(r) != '}';
    if (!more && !json_read_punctuation(r, '}'))
        return malformed(r, e);
    while (more) {
        const char *key = json_peek(r) == '"' ? read_text(r, a, e) : NULL;
        if (!key || !json_read_punctuation(r, ':'))
            return malformed(r, e);
        const char *value = read_member_value(r, a, e);
        if (!value || !search_tag(s, key, value, e))
            return false;
        if (!json_read_more(r, '}', &more))
            return malformed(r, e);
    }
    return true;
}

bool search_tags_json(struct search *s, struct arena *a, const char *json, struct error *e)
{
    struct json_reader r;
    json_read_begin(&r, bytes_of_string(json));
    uint8_t first = json_peek(&r);
    if (first == '{') {
        if (!read_members(s, a, &r, e))
            return false;
    } else if (first != 'n' || !json_read_literal(&r, "null")) {
        if (!json_skip_value(&r, JSON_DEPTH))
            return malformed(&r, e);
        return error_set(e, "json: cannot unmarshal %s into Go value of type map[string]string",
                         first == '"' ? "string" : type_name(first));
    }
    if (json_peek(&r) != 0 || r.at != r.end)
        return malformed(&r, e);
    return true;
}

bool search_run(struct call *c, const struct search *s, struct store_results *out, struct error *e)
{
    *out = (struct store_results){0};
    uint64_t left_ns = call_time_left(c);
    if (left_ns == 0)
        return error_set(e, "the search took too long");
    return store_search(c->reader, &s->query, left_ns, out, e);
}
