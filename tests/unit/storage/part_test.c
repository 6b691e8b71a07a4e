/* Packing spans without what they share, and getting the same spans back. */
#include "fixture.h"

#include "storage/part.h"
#include "storage/schema.h"
#include "storage/sql.h"

#include <stdio.h>
#include <stdlib.h>

struct world {
    char *directory;
    sqlite3 *db;
    struct names *names;
};

static int begin(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    char path[512];
    int code;
    w->directory = make_directory();
    snprintf(path, sizeof path, "%s/part.sqlite", w->directory);
    w->db = sql_open(path, SQL_WRITE, &code);
    assert_int_equal(slot_schema_migrate(w->db), SQLITE_OK);
    w->names = names_open(w->db, &code);
    assert_non_null(w->names);
    *state = w;
    return 0;
}

static int end(void **state)
{
    struct world *w = *state;
    names_close(w->names);
    sqlite3_close(w->db);
    remove_directory(w->directory);
    free(w);
    return 0;
}

/* Envelopes from the table; what was found stays until the next call but nine. */
static bool find(void *context, uint32_t code, struct bytes *envelope)
{
    static uint8_t kept[10][4096];
    static unsigned next;
    struct world *w = context;
    sqlite3_stmt *s;
    bool found = false;
    assert_int_equal(sql_prepare(w->db, "SELECT data FROM envelope WHERE id=?1", &s), SQLITE_OK);
    sqlite3_bind_int64(s, 1, code);
    if (sqlite3_step(s) == SQLITE_ROW) {
        struct bytes b = sql_blob(s, 0);
        uint8_t *to = kept[next++ % 10];
        assert_true(b.len <= sizeof kept[0]);
        if (b.len)
            memcpy(to, b.data, b.len);
        *envelope = bytes_of(to, b.len);
        found = true;
    }
    sqlite3_finalize(s);
    return found;
}

static const struct span_spec shop[] = {
    {.trace = 1,
     .id = 11,
     .start = 5,
     .service = "web",
     .name = "a",
     .scope = "http",
     .resource_key = "host",
     .resource_value = "h1"},
    {.trace = 1,
     .id = 12,
     .start = 6,
     .service = "web",
     .name = "b",
     .scope = "http",
     .resource_key = "host",
     .resource_value = "h1"},
    {.trace = 1, .id = 13, .start = 7, .service = "cart", .name = "c", .scope = "jdbc"},
    {.trace = 1, .id = 14, .start = 8, .name = "d"},
};
static const struct span_ref refs[] = {{0, 0}, {0, 1}, {0, 2}, {0, 3}};

static struct buffer packed(struct world *w, const struct span_spec *specs, uint32_t count)
{
    struct buffer out = {0};
    struct source source;
    struct batch *b = batch_of(specs, count);
    assert_true(source_init(&source, b));
    part_pack(w->names, &source, refs, count, &out);
    assert_false(out.failed);
    source_free(&source);
    batch_release(b);
    return out;
}

static void the_same_spans_come_back(void **state)
{
    struct world *w = *state;
    struct buffer p = packed(w, shop, 4);
    struct batch *before = batch_of(shop, 4);
    struct batch *b = part_unpack(buffer_bytes(&p), 1 << 20, find, w);
    assert_non_null(b);
    assert_int_equal(b->span_count, 4);
    for (uint32_t i = 0; i < 4; i++) {
        assert_true(bytes_equal(span_bytes(&b->spans[i]), span_bytes(&before->spans[i])));
        assert_true(bytes_equal(span_scope(b, &b->spans[i])->message,
                                span_scope(before, &before->spans[i])->message));
        assert_true(bytes_equal(span_resource(b, &b->spans[i])->message,
                                span_resource(before, &before->spans[i])->message));
    }
    /* What they share is kept once, however many parts there are. */
    int64_t envelopes = sql_integer(w->db, "SELECT count(*) FROM envelope", 0);
    struct buffer again = packed(w, shop, 4);
    assert_int_equal(sql_integer(w->db, "SELECT count(*) FROM envelope", 0), envelopes);
    assert_true(bytes_equal(buffer_bytes(&p), buffer_bytes(&again)));
    batch_release(b);
    batch_release(before);
    buffer_free(&p);
    buffer_free(&again);
}

static void what_is_too_long_for_an_envelope_stays_in_the_part(void **state)
{
    struct world *w = *state;
    char *value = malloc(NAMES_MAX_ENVELOPE_LENGTH + 1);
    memset(value, 'x', NAMES_MAX_ENVELOPE_LENGTH);
    value[NAMES_MAX_ENVELOPE_LENGTH] = '\0';
    struct span_spec large = shop[0];
    large.resource_value = value;
    struct buffer p = packed(w, &large, 1);
    struct batch *b = part_unpack(buffer_bytes(&p), 1 << 20, find, w);
    assert_non_null(b);
    assert_true(bytes_equal_string(resource_service_name(span_resource(b, &b->spans[0])), "web"));
    batch_release(b);
    buffer_free(&p);
    free(value);
}

static bool find_none(void *context, uint32_t code, struct bytes *envelope)
{
    (void)context, (void)code, (void)envelope;
    return false;
}

static void what_is_not_right_is_refused(void **state)
{
    struct world *w = *state;
    struct buffer p = packed(w, shop, 4);
    assert_null(part_unpack(buffer_bytes(&p), 1 << 20, find_none, NULL));
    assert_null(part_unpack(buffer_bytes(&p), 50, find, w));
    assert_null(part_unpack(bytes_of(NULL, 0), 1 << 20, find, w));
    for (size_t len = 0; len < p.len; len++) {
        uint8_t *cut = malloc(len + 1);
        memcpy(cut, p.data, len);
        struct batch *b = part_unpack(bytes_of(cut, len), 1 << 20, find, w);
        assert_true(!b || b->span_count < 4);
        if (b)
            batch_release(b);
        free(cut);
    }
    for (size_t i = 0; i < p.len; i++) { /* any damage ends in a batch or in nothing */
        for (unsigned bit = 0; bit < 8; bit++) {
            p.data[i] ^= (uint8_t)(1u << bit);
            struct batch *b = part_unpack(buffer_bytes(&p), 1 << 20, find, w);
            if (b)
                batch_release(b);
            p.data[i] ^= (uint8_t)(1u << bit);
        }
    }
    buffer_free(&p);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_same_spans_come_back),
        TEST(what_is_too_long_for_an_envelope_stays_in_the_part),
        TEST(what_is_not_right_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
