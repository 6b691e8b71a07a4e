#include "collector/otlp_file.h"

#include "proto/json_reader.h"
#include "proto/otlp_json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { JSON_DEPTH = 100 };

static bool add(struct otlp_batches *all, struct batch *b)
{
    if (all->count == all->capacity) {
        uint32_t capacity = all->capacity ? all->capacity * 2 : 64;
        struct batch **items = reallocarray(all->items, capacity, sizeof(struct batch *));
        if (!items)
            return false;
        all->items = items;
        all->capacity = capacity;
    }
    all->items[all->count++] = b;
    return true;
}

/* What a file holds, as far as it has been read. */
struct reading {
    struct otlp_batches *all;
    bool traces; /* requests of them, with or without spans */
    bool
        something; /* that is no request of traces; `other` is its first key, "" when it has none */
    char other[48];
};

static void note_other(struct reading *r, struct bytes key)
{
    if (r->something)
        return;
    r->something = true;
    for (size_t i = 0; i < key.len && i < sizeof r->other - 1; i++)
        r->other[i] = key.data[i] < ' ' || key.data[i] > '~' ? '?' : (char)key.data[i];
}

/* Of an object that is known to be well-formed, and in which no spans were found. */
static void note_keys(struct reading *r, struct bytes json)
{
    struct json_reader in;
    struct bytes key, first = {0};
    bool escaped, more;
    json_read_begin(&in, json);
    more = json_read_punctuation(&in, '{') && json_peek(&in) != '}';
    while (more && json_read_string(&in, &key, &escaped) && json_read_punctuation(&in, ':')) {
        if (bytes_equal_string(key, "resourceSpans") || bytes_equal_string(key, "resource_spans")) {
            r->traces = true;
            return;
        }
        if (!first.data)
            first = key;
        if (!json_skip_value(&in, JSON_DEPTH) || !json_read_more(&in, '}', &more))
            break;
    }
    note_other(r, first);
}

static bool add_request(struct reading *r, struct bytes json, struct error *e)
{
    char where[256];
    struct buffer wire = {0};
    struct batch_report report = {0};
    if (!otlp_json_parse(json, OTLP_TRACE_REQUEST, &wire, where, sizeof where)) {
        buffer_free(&wire);
        return error_set(e, "%s", where);
    }
    if (wire.len == 0)
        note_keys(r, json);
    else
        r->traces = true;
    struct batch *b = batch_from_request(buffer_bytes(&wire), &report);
    buffer_free(&wire);
    if (!b)
        return error_set(e, "%s", report.where);
    if (b->span_count > 0 && add(r->all, b))
        return true;
    bool empty = b->span_count == 0;
    batch_release(b);
    return empty || error_set(e, "out of memory");
}

static bool is_blank(const char *line)
{
    return line[strspn(line, " \t\r\n")] == 0;
}

/* A request that is spread over lines is no line of its own: then the file is one request. */
static bool read_lines(FILE *f, struct reading *r, struct error *e)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t len;
    size_t number = 0;
    bool done = true;
    while (done && (len = getline(&line, &room, f)) >= 0) {
        struct error why;
        number++;
        if (is_blank(line))
            continue;
        done = add_request(r, bytes_of(line, (size_t)len), &why) ||
               error_set(e, "line %zu: %.900s", number, why.text);
    }
    free(line);
    return done;
}

static bool read_whole(FILE *f, struct reading *r, struct error *e)
{
    struct buffer text = {0};
    uint8_t *room;
    size_t len;
    rewind(f);
    while ((room = buffer_reserve(&text, 1 << 20)) && (len = fread(room, 1, 1 << 20, f)) > 0)
        text.len += len;
    bool done =
        text.failed ? error_set(e, "out of memory") : add_request(r, buffer_bytes(&text), e);
    buffer_free(&text);
    return done;
}

/* What else people have at hand. */
static const char *explain(const char *key)
{
    if (strcmp(key, "data") == 0)
        return ", which looks like Jaeger's JSON";
    if (strcmp(key, "resourceLogs") == 0 || strcmp(key, "resourceMetrics") == 0)
        return ", which is another signal of OTLP";
    return "";
}

static bool check_contents(const char *path, const struct reading *r, struct error *e)
{
    static const char expected[] = "OTLP traces were expected, {\"resourceSpans\": [...]}";
    if (r->traces)
        return true;
    if (!r->something)
        return error_set(e, "%s: %s, but the file is empty", path, expected);
    if (!r->other[0])
        return error_set(e, "%s: %s, but an empty object was found", path, expected);
    return error_set(e, "%s: %s, but \"%s\" was found%s", path, expected, r->other,
                     explain(r->other));
}

bool otlp_file_read(const char *path, struct otlp_batches *all, struct error *e)
{
    FILE *f = fopen(path, "r");
    if (!f)
        return error_set(e, "%s: %s", path, strerror(errno));
    struct reading r = {.all = all};
    struct error lines, whole;
    bool done = read_lines(f, &r, &lines) || (all->count == 0 && read_whole(f, &r, &whole)) ||
                error_set(e, "%s: %.900s", path, all->count ? lines.text : whole.text);
    fclose(f);
    return done && check_contents(path, &r, e);
}

void otlp_batches_free(struct otlp_batches *all)
{
    for (uint32_t i = 0; i < all->count; i++)
        batch_release(all->items[i]);
    free(all->items);
}
