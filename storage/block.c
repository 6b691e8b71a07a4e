/* What is noted of a part: its record, its spans' attributes in the block's filter, its calls and
 * refs, its key. Resources and scopes are shared by many spans, so their attributes are added once
 * for each block, by a serial number that every new block gets. */
#include "storage/block.h"

#include "proto/attribute.h"
#include "proto/otlp_fields.h"
#include "proto/span_kind.h"
#include "proto/value_text.h"
#include "proto/wire.h"
#include "storage/sql.h"

#include <endian.h>
#include <stdlib.h>

struct block_builder {
    int64_t id; /* of its first part */
    uint64_t serial;
    uint32_t parts;
    uint64_t base;
    uint64_t min_start;
    uint64_t max_start;
    uint64_t max_last_start;
    uint64_t max_duration;
    uint64_t keys[BLOCK_MAX_PARTS];
    struct filter_set filter;
    struct buffer records;
    struct buffer refs;
    struct edges edges;

    /* scratch */
    struct value_text text;
    struct kinship kinship;
    struct buffer packed;
    struct kin *kin;
    struct record_entry *entries;
    uint32_t capacity;      /* of kin and entries */
    uint32_t *entry_of;     /* by operation: index of its entry + 1 … */
    uint64_t *entry_serial; /* … in the part with this number */
    uint64_t part_serial;
};

struct block_builder *block_builder_create(void)
{
    struct block_builder *b = calloc(1, sizeof *b);
    if (!b)
        return NULL;
    b->entry_of = calloc(NAMES_MAX_OPERATIONS + 1, sizeof *b->entry_of);
    b->entry_serial = calloc(NAMES_MAX_OPERATIONS + 1, sizeof *b->entry_serial);
    if (!b->entry_of || !b->entry_serial) {
        block_builder_destroy(b);
        return NULL;
    }
    return b;
}

void block_builder_destroy(struct block_builder *b)
{
    if (!b)
        return;
    filter_free(&b->filter);
    buffer_free(&b->records);
    buffer_free(&b->refs);
    edges_free(&b->edges);
    value_text_free(&b->text);
    kinship_free(&b->kinship);
    buffer_free(&b->packed);
    free(b->kin);
    free(b->entries);
    free(b->entry_of);
    free(b->entry_serial);
    free(b);
}

static void empty(struct buffer *b)
{
    if (b->failed || b->capacity > (size_t)2 * BLOCK_MAX_BYTES)
        buffer_free(b);
    b->len = 0;
    b->failed = false;
}

void block_begin(struct block_builder *b, int64_t first_part)
{
    b->id = first_part;
    b->serial++;
    b->parts = 0;
    filter_clear(&b->filter);
    empty(&b->records);
    empty(&b->refs);
    edges_clear(&b->edges);
}

uint32_t block_parts(const struct block_builder *b)
{
    return b->parts;
}

bool block_is_full(const struct block_builder *b)
{
    return b->parts == BLOCK_MAX_PARTS || b->filter.count >= BLOCK_MAX_ENTRIES ||
           b->records.len + b->refs.len >= BLOCK_MAX_BYTES;
}

const uint64_t *block_keys(const struct block_builder *b)
{
    return b->keys;
}

static void note_attributes(struct block_builder *b, struct bytes message, uint32_t field,
                            uint32_t service, bool shared)
{
    struct attribute_iterator it;
    struct attribute a;
    for (attribute_begin(&it, message, field); attribute_next(&it, &a);)
        filter_add(&b->filter, service, filter_pair(a.key, value_text(&a.value, &b->text)), shared);
}

static void note_text(struct block_builder *b, const char *key, struct bytes value,
                      uint32_t service)
{
    if (value.len)
        filter_add(&b->filter, service, filter_pair(bytes_of_string(key), value), true);
}

/* The service of the span's resource; its and the scope's attributes go into the filter. */
static uint32_t note_service(struct block_builder *b, struct names *names, struct source *s,
                             const struct span_view *span)
{
    struct batch *batch = s->batch;
    const struct scope_view *scope = span_scope(batch, span);
    const struct resource_view *resource = &batch->resources[scope->resource];
    uint32_t *service = &s->services[scope->resource];
    if (!*service)
        *service = names_service(names, resource_service_name(resource)) + 1;
    uint32_t code = *service - 1;
    if (s->resource_blocks[scope->resource] != b->serial) {
        s->resource_blocks[scope->resource] = b->serial;
        note_attributes(b, resource->message, RESOURCE_ATTRIBUTES, code, true);
    }
    if (s->scope_blocks[span->scope] != b->serial) {
        s->scope_blocks[span->scope] = b->serial;
        note_attributes(b, scope->message, SCOPE_ATTRIBUTES, code, true);
        note_text(b, "otel.scope.name", scope_name(scope->message), code);
        note_text(b, "otel.scope.version", scope_version(scope->message), code);
    }
    return code;
}

static void note_span(struct block_builder *b, const struct span_view *span, uint32_t service)
{
    const uint8_t *end = span->data + span->len;
    struct wire_field f;
    for (const uint8_t *at = span->data; at && at < end;) {
        at = wire_field(at, end, &f);
        if (!at)
            return;
        switch (f.tag) {
        case WIRE_TAG(SPAN_ATTRIBUTES, WIRE_LENGTH):
            note_attributes(b, f.framed, SPAN_ATTRIBUTES, service, false);
            break;
        case WIRE_TAG(SPAN_EVENTS, WIRE_LENGTH):
            note_attributes(b, f.bytes, EVENT_ATTRIBUTES, service, false);
            break;
        case WIRE_TAG(SPAN_LINKS, WIRE_LENGTH):
            note_attributes(b, f.bytes, LINK_ATTRIBUTES, service, false);
            break;
        case WIRE_TAG(SPAN_STATUS, WIRE_LENGTH):
            note_text(b, "otel.status_description", span_status_message(span_bytes(span)), service);
            break;
        }
    }
}

/* Adds the span to the entry of its operation; returns the number of entries. */
static uint32_t note_entry(struct block_builder *b, const struct span_view *span, uint32_t service,
                           uint32_t operation, uint32_t count)
{
    uint64_t duration = span->end_ns > span->start_ns ? span->end_ns - span->start_ns : 0;
    uint8_t code = duration_code(duration);
    struct record_entry *e;
    if (duration > b->max_duration)
        b->max_duration = duration;
    if (operation && b->entry_serial[operation] == b->part_serial) {
        e = &b->entries[b->entry_of[operation]];
    } else {
        e = &b->entries[count];
        *e = (struct record_entry){.service = service,
                                   .operation = operation,
                                   .kind = span->kind,
                                   .minimum = code,
                                   .maximum = code};
        b->entry_serial[operation] = b->part_serial;
        b->entry_of[operation] = count++;
        note_text(b, FILTER_OPERATION, span_name(span), service);
    }
    e->error = e->error || span->status_code == SPAN_STATUS_ERROR;
    e->minimum = code < e->minimum ? code : e->minimum;
    e->maximum = code > e->maximum ? code : e->maximum;
    return count;
}

static bool reserve(struct block_builder *b, uint32_t spans)
{
    if (spans <= b->capacity)
        return true;
    free(b->kin);
    free(b->entries);
    b->kin = malloc(spans * sizeof *b->kin);
    b->entries = malloc(spans * sizeof *b->entries);
    b->capacity = b->kin && b->entries ? spans : 0;
    return b->capacity != 0;
}

static void note_times(struct block_builder *b, uint64_t start, uint64_t last_start)
{
    if (b->parts == 0) {
        b->base = start;
        b->min_start = start;
        b->max_start = start;
        b->max_last_start = last_start;
        records_begin(&b->records, start);
    }
    if (start < b->min_start)
        b->min_start = start;
    if (start > b->max_start)
        b->max_start = start;
    if (last_start > b->max_last_start)
        b->max_last_start = last_start;
}

bool block_add(struct block_builder *b, struct names *names, struct source *sources,
               const struct span_ref *refs, uint32_t count, uint64_t key)
{
    uint64_t start = UINT64_MAX;
    uint64_t last_start = 0;
    uint32_t entries = 0;
    const uint8_t *trace_id = sources[refs[0].batch].batch->spans[refs[0].span].trace_id;
    if (!reserve(b, count))
        return false;
    if (b->parts == 0)
        b->max_duration = 0;
    b->part_serial++;
    for (uint32_t i = 0; i < count; i++) {
        struct source *s = &sources[refs[i].batch];
        const struct span_view *span = &s->batch->spans[refs[i].span];
        uint32_t service = note_service(b, names, s, span);
        uint32_t operation = names_operation(names, service, span->kind, span_name(span));
        note_span(b, span, service);
        entries = note_entry(b, span, service, operation, entries);
        b->kin[i].service = service;
        memcpy(&b->kin[i].id, span->span_id, 8);
        memcpy(&b->kin[i].parent, span->parent_span_id, 8);
        start = span->start_ns < start ? span->start_ns : start;
        last_start = span->start_ns > last_start ? span->start_ns : last_start;
    }
    note_times(b, start, last_start);
    record_write(&b->records, b->base, trace_id, start, last_start, b->entries, entries);
    b->keys[b->parts++] = key;
    return kinship_resolve(&b->kinship, b->kin, count, &b->edges, &b->refs) && !b->records.failed;
}

int block_prepare(sqlite3 *db, struct block_statements *s)
{
    int code = sql_prepare(db,
                           "INSERT OR REPLACE INTO block(id, parts, min_start, max_start,"
                           " max_last_start, max_duration, edges) VALUES(?1,?2,?3,?4,?5,?6,?7)",
                           &s->put_block);
    if (code != SQLITE_OK)
        return code;
    return sql_prepare(db,
                       "INSERT OR REPLACE INTO detail(id, keys, filter, records, refs)"
                       " VALUES(?1,?2,?3,?4,?5)",
                       &s->put_detail);
}

void block_finalize(struct block_statements *s)
{
    sqlite3_finalize(s->put_block);
    sqlite3_finalize(s->put_detail);
    *s = (struct block_statements){0};
}

static int write_detail(struct block_builder *b, sqlite3_stmt *s)
{
    uint64_t keys[BLOCK_MAX_PARTS];
    for (uint32_t i = 0; i < b->parts; i++)
        keys[i] = htole64(b->keys[i]);
    empty(&b->packed);
    filter_write(&b->filter, &b->packed);
    if (b->packed.failed)
        return SQLITE_NOMEM;
    sqlite3_bind_int64(s, 1, b->id);
    sql_bind_bytes(s, 2, bytes_of(keys, b->parts * sizeof keys[0]));
    sql_bind_bytes(s, 3, buffer_bytes(&b->packed));
    sql_bind_bytes(s, 4, buffer_bytes(&b->records));
    sql_bind_bytes(s, 5, buffer_bytes(&b->refs));
    int code = sql_run(s);
    sqlite3_clear_bindings(s);
    return code;
}

int block_write(struct block_builder *b, struct block_statements *s)
{
    if (b->parts == 0)
        return SQLITE_OK;
    empty(&b->packed);
    edges_write(&b->edges, &b->packed);
    if (b->packed.failed)
        return SQLITE_NOMEM;
    sqlite3_bind_int64(s->put_block, 1, b->id);
    sqlite3_bind_int64(s->put_block, 2, b->parts);
    sqlite3_bind_int64(s->put_block, 3, (int64_t)b->min_start);
    sqlite3_bind_int64(s->put_block, 4, (int64_t)b->max_start);
    sqlite3_bind_int64(s->put_block, 5, (int64_t)b->max_last_start);
    sqlite3_bind_int64(s->put_block, 6, (int64_t)b->max_duration);
    sql_bind_bytes(s->put_block, 7, buffer_bytes(&b->packed));
    int code = sql_run(s->put_block);
    sqlite3_clear_bindings(s->put_block);
    return code == SQLITE_OK ? write_detail(b, s->put_detail) : code;
}
