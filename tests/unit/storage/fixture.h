/* What the storage tests share: spans from a short description, and directories that go away. */
#ifndef TAILSPAN_TESTS_STORAGE_FIXTURE_H
#define TAILSPAN_TESTS_STORAGE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/batch.h"
#include "storage/store.h"

#define MS  1000000ull
#define SEC 1000000000ull

struct span_spec {
    uint64_t trace; /* the id's low half; the high half is its complement */
    uint64_t id;
    uint64_t parent;
    uint64_t start;
    uint64_t duration;
    const char *service; /* NULL: the resource has no service.name */
    const char *name;
    uint8_t kind;
    uint8_t status;
    const char *status_text;
    const char *keys[4]; /* the span's attributes, strings */
    const char *values[4];
    const char *number_key; /* an integer attribute */
    int64_t number;
    const char *event_key; /* an attribute of an event */
    const char *event_value;
    const char *resource_key; /* one more of the resource */
    const char *resource_value;
    const char *scope;   /* its scope's name */
    size_t filler_bytes; /* an attribute of so many bytes that don't compress */
};

void trace_id_of(uint64_t trace, uint8_t id[16]);

/* A batch of these spans, in order; neighbours of one service share a resource. */
struct batch *batch_of(const struct span_spec *spans, size_t count);

/* A new directory below the build's temporary one, and its end with all that is in it. */
char *make_directory(void);
void remove_directory(char *path);

/* Options that keep everything and write at once. */
struct store_options options_of(const char *directory);

struct store *open_store(const struct store_options *o);
void write_spans(struct store *s, const struct span_spec *spans, size_t count);
void flush(struct store *s);

/* A query for everything. */
struct store_query query_all(void);

/* The paths of the slots' main files in the directory, sorted; to be freed with free_paths(). */
char **slot_paths(const char *directory, const char *suffix, size_t *count);
void free_paths(char **paths, size_t count);

#endif
