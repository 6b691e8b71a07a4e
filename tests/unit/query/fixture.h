/* Spans for the query room's tests, as batches made from files of OTLP JSON. */
#ifndef TAILSPAN_TESTS_QUERY_FIXTURE_H
#define TAILSPAN_TESTS_QUERY_FIXTURE_H

#include "proto/batch.h"
#include "proto/otlp_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* The file's text without its last newline; to be freed. */
static inline char *fixture_text(const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "tests/unit/query/fixtures/%s", name);
    FILE *f = fopen(path, "rb");
    if (!f)
        fail_msg("%s is missing (tests run in the source directory)", path);
    struct buffer text = {0};
    uint8_t *room;
    size_t len;
    while ((room = buffer_reserve(&text, 65536)) && (len = fread(room, 1, 65536, f)) > 0)
        text.len += len;
    fclose(f);
    if (text.len && text.data[text.len - 1] == '\n')
        text.len--;
    return buffer_take(&text, &len);
}

static inline struct batch *fixture_parse(const char *json)
{
    struct buffer wire = {0};
    struct batch_report report;
    char where[256] = "";
    if (!otlp_json_parse(bytes_of_string(json), OTLP_TRACE_REQUEST, &wire, where, sizeof where))
        fail_msg("%s", where);
    struct batch *b = batch_from_request(buffer_bytes(&wire), &report);
    if (!b)
        fail_msg("%s", report.where);
    buffer_free(&wire);
    return b;
}

static inline struct batch *fixture_batch(const char *name)
{
    char *json = fixture_text(name);
    struct batch *b = fixture_parse(json);
    free(json);
    return b;
}

#endif
