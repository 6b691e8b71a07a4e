/* Requests are put together with the wire writer, so that these tests depend on nothing that they
 * test. */
#include "fixture.h"

#include "component/lane.h"
#include "proto/buffer.h"
#include "proto/wire.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

void trace_id_of(uint64_t trace, uint8_t id[16])
{
    for (int i = 0; i < 8; i++) {
        id[i] = (uint8_t)(~trace >> (56 - 8 * i));
        id[8 + i] = (uint8_t)(trace >> (56 - 8 * i));
    }
}

static void put(struct buffer *b, uint32_t number, const void *data, size_t len)
{
    uint8_t *at = buffer_reserve(b, len + 2 * WIRE_MAX_VARINT);
    assert_non_null(at);
    struct wire_writer w = wire_writer(at, len + 2 * WIRE_MAX_VARINT);
    wire_put_bytes(&w, number, bytes_of(data, len));
    b->len += (size_t)(w.at - at);
}

static void put_number(struct buffer *b, uint32_t number, enum wire_type type, uint64_t v)
{
    uint8_t *at = buffer_reserve(b, 2 * WIRE_MAX_VARINT);
    assert_non_null(at);
    struct wire_writer w = wire_writer(at, 2 * WIRE_MAX_VARINT);
    if (type == WIRE_FIXED64)
        wire_put_fixed64(&w, number, v);
    else
        wire_put_integer(&w, number, v);
    b->len += (size_t)(w.at - at);
}

static void put_buffer(struct buffer *b, uint32_t number, struct buffer *message)
{
    put(b, number, message->len ? (void *)message->data : "", message->len);
    buffer_free(message);
}

static void put_pair(struct buffer *b, uint32_t field, const char *key, struct buffer *value)
{
    struct buffer pair = {0};
    put(&pair, 1, key, strlen(key));
    put_buffer(&pair, 2, value);
    put_buffer(b, field, &pair);
}

static void put_string(struct buffer *b, uint32_t field, const char *key, const char *text)
{
    struct buffer value = {0};
    put(&value, 1, text, strlen(text));
    put_pair(b, field, key, &value);
}

static void put_filler(struct buffer *b, uint64_t seed, size_t len)
{
    struct buffer value = {0};
    char *text = malloc(len);
    assert_non_null(text);
    for (size_t i = 0; i < len; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        text[i] = (char)(33 + (seed >> 33) % 90);
    }
    put(&value, 1, text, len);
    free(text);
    put_pair(b, 9, "filler", &value);
}

static void put_id(struct buffer *b, uint32_t number, uint64_t id)
{
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(id >> (56 - 8 * i));
    put(b, number, bytes, sizeof bytes);
}

static void put_attributes(struct buffer *b, const struct span_spec *s)
{
    for (int i = 0; i < 4 && s->keys[i]; i++)
        put_string(b, 9, s->keys[i], s->values[i]);
    if (s->number_key) {
        struct buffer value = {0};
        put_number(&value, 3, WIRE_VARINT, (uint64_t)s->number);
        put_pair(b, 9, s->number_key, &value);
    }
    if (s->filler_bytes)
        put_filler(b, s->trace * 31 + s->id, s->filler_bytes);
    if (s->event_key) {
        struct buffer event = {0};
        put(&event, 2, "event", 5);
        put_string(&event, 3, s->event_key, s->event_value);
        put_buffer(b, 11, &event);
    }
}

static void put_span(struct buffer *out, const struct span_spec *s)
{
    struct buffer b = {0};
    uint8_t id[16];
    trace_id_of(s->trace, id);
    put(&b, 1, id, sizeof id);
    put_id(&b, 2, s->id);
    if (s->parent)
        put_id(&b, 4, s->parent);
    put(&b, 5, s->name ? s->name : "", s->name ? strlen(s->name) : 0);
    put_number(&b, 6, WIRE_VARINT, s->kind);
    put_number(&b, 7, WIRE_FIXED64, s->start);
    put_number(&b, 8, WIRE_FIXED64, s->start + s->duration);
    put_attributes(&b, s);
    if (s->status || s->status_text) {
        struct buffer status = {0};
        if (s->status_text)
            put(&status, 2, s->status_text, strlen(s->status_text));
        put_number(&status, 3, WIRE_VARINT, s->status);
        put_buffer(&b, 15, &status);
    }
    put_buffer(out, 2, &b);
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_resource(const struct span_spec *a, const struct span_spec *b)
{
    return same_text(a->service, b->service) && same_text(a->resource_key, b->resource_key) &&
           same_text(a->scope, b->scope);
}

static size_t put_resource_spans(struct buffer *out, const struct span_spec *spans, size_t count)
{
    struct buffer resource = {0}, scope = {0}, scope_spans = {0}, resource_spans = {0};
    size_t n = 0;
    if (spans->service)
        put_string(&resource, 1, "service.name", spans->service);
    if (spans->resource_key)
        put_string(&resource, 1, spans->resource_key, spans->resource_value);
    put_buffer(&resource_spans, 1, &resource);
    if (spans->scope) {
        put(&scope, 1, spans->scope, strlen(spans->scope));
        put_buffer(&scope_spans, 1, &scope);
    }
    for (; n < count && same_resource(spans, &spans[n]); n++)
        put_span(&scope_spans, &spans[n]);
    put_buffer(&resource_spans, 2, &scope_spans);
    put_buffer(out, 1, &resource_spans);
    return n;
}

struct batch *batch_of(const struct span_spec *spans, size_t count)
{
    struct buffer request = {0};
    struct batch_report report;
    for (size_t i = 0; i < count;)
        i += put_resource_spans(&request, spans + i, count - i);
    struct batch *b = batch_from_request(buffer_bytes(&request), &report);
    buffer_free(&request);
    assert_non_null(b);
    assert_int_equal(b->span_count, count);
    return b;
}

char *make_directory(void)
{
    const char *base = getenv("TMPDIR");
    char *path;
    assert_true(asprintf(&path, "%s/tailspan-store-XXXXXX", base ? base : "/tmp") > 0);
    assert_non_null(mkdtemp(path));
    return path;
}

void remove_directory(char *path)
{
    DIR *d = opendir(path);
    for (struct dirent *e; d && (e = readdir(d));) {
        char *file;
        assert_true(asprintf(&file, "%s/%s", path, e->d_name) > 0);
        unlink(file);
        free(file);
    }
    if (d)
        closedir(d);
    rmdir(path);
    free(path);
}

struct store_options options_of(const char *directory)
{
    return (struct store_options){
        .directory = directory,
        .max_age_ns = 1000000 * (int64_t)SEC,
        .max_bytes = 1ll << 40,
        .slot_ns = 100000 * (int64_t)SEC,
        .queue_bytes = 64 << 20,
        .flush_ns = (int64_t)MS,
    };
}

struct store *open_store(const struct store_options *o)
{
    struct error e = {{0}};
    struct store *s = store_open(o, &e);
    if (!s)
        print_message("%s\n", e.text);
    assert_non_null(s);
    return s;
}

void write_spans(struct store *s, const struct span_spec *spans, size_t count)
{
    assert_true(store_write(s, batch_of(spans, count)));
}

void flush(struct store *s)
{
    assert_true(store_flush(s, monotonic_ns() + 60 * SEC));
}

struct store_query query_all(void)
{
    return (struct store_query){
        .start_max_ns = UINT64_MAX, .duration_max_ns = UINT64_MAX, .limit = 100};
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

char **slot_paths(const char *directory, const char *suffix, size_t *count)
{
    char **paths = calloc(1024, sizeof *paths);
    DIR *d = opendir(directory);
    *count = 0;
    for (struct dirent *e; d && (e = readdir(d));) {
        size_t len = strlen(e->d_name);
        if (len < strlen(suffix) || strcmp(e->d_name + len - strlen(suffix), suffix) != 0)
            continue;
        assert_true(*count < 1024);
        assert_true(asprintf(&paths[(*count)++], "%s/%s", directory, e->d_name) > 0);
    }
    if (d)
        closedir(d);
    qsort(paths, *count, sizeof *paths, compare_paths);
    return paths;
}

void free_paths(char **paths, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(paths[i]);
    free(paths);
}
