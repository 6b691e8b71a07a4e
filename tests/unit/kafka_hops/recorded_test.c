/* Spans of real instrumentations, from tests/recorded/kafka: whatever lies there, with what is true
 * of it. In any order every hop that has an exact key is found, and none that is not true.
 *
 * Some instrumentations make a consumer span for a record that the program never got to see,
 * because it gave the rest of its batch back. What is told of such a span must still be of one
 * record. */
#include "tests/unit/kafka_hops/rig.h"

#include <glob.h>

#define FOLDER "tests/recorded/kafka/"

enum { LINES_MAX = 4096, EXPECTED_MAX = 4096, ORDERS = 12 };

struct expected {
    uint8_t producer[24]; /* trace, span */
    uint8_t consumer[24];
    unsigned attempt;
    bool exact;
    char message[64];
    bool found;
};

static struct {
    const char *name;
    struct batch *spans[LINES_MAX]; /* one each */
    unsigned span_count;
    struct expected expected[EXPECTED_MAX];
    unsigned expected_count;
} recording;

/* ---- reading ---- */

static char *file_text(const char *path)
{
    FILE *f = fopen(path, "r");
    size_t len = 0;
    char *text = NULL;
    if (!f)
        fail_msg("cannot read %s", path);
    assert_true(getdelim(&text, &len, 0, f) >= 0);
    fclose(f);
    return text;
}

static void add_request(const char *line)
{
    struct buffer wire = {0};
    struct batch_report report;
    char where[256];
    if (!otlp_json_parse(bytes_of_string(line), OTLP_TRACE_REQUEST, &wire, where, sizeof where))
        fail_msg("%s: %s", recording.name, where);
    struct batch *b = batch_from_request(buffer_bytes(&wire), &report);
    assert_non_null(b);
    for (uint32_t i = 0; i < b->span_count; i++) {
        assert_true(recording.span_count < LINES_MAX);
        recording.spans[recording.span_count] = batch_select(b, &i, 1);
        assert_non_null(recording.spans[recording.span_count++]);
    }
    batch_release(b);
    buffer_free(&wire);
}

static void unhex(uint8_t *to, const json_t *of, const char *key, size_t len)
{
    const char *text = json_string_value(json_object_get(of, key));
    assert_non_null(text);
    for (size_t i = 0; i < len; i++)
        assert_int_equal(sscanf(text + 2 * i, "%2hhx", &to[i]), 1);
}

static void add_expected(const json_t *j)
{
    struct expected *e = &recording.expected[recording.expected_count++];
    const json_t *producer = json_object_get(j, "producer");
    const json_t *consumer = json_object_get(j, "consumer");
    assert_true(recording.expected_count < EXPECTED_MAX);
    *e = (struct expected){.attempt = (unsigned)json_integer_value(json_object_get(j, "attempt")),
                           .exact =
                               strcmp(json_string_value(json_object_get(j, "how")), "none") != 0};
    snprintf(e->message, sizeof e->message, "%s of %s",
             json_string_value(json_object_get(j, "message")),
             json_string_value(json_object_get(j, "group")));
    unhex(e->producer, producer, "trace", 16);
    unhex(e->producer + 16, producer, "span", 8);
    unhex(e->consumer, consumer, "trace", 16);
    unhex(e->consumer + 16, consumer, "span", 8);
}

static void load(const char *expect_path)
{
    char path[500];
    size_t len = strlen(expect_path) - strlen(".expect.json");
    json_error_t why;
    recording.name = expect_path;
    recording.span_count = recording.expected_count = 0;
    json_t *list = json_load_file(expect_path, 0, &why);
    if (!json_is_array(list))
        fail_msg("%s: %s", expect_path, why.text);
    for (size_t i = 0; i < json_array_size(list); i++)
        add_expected(json_array_get(list, i));
    json_decref(list);
    snprintf(path, sizeof path, "%.*s.json", (int)len, expect_path);
    char *text = file_text(path);
    for (char *rest = text, *line; (line = strsep(&rest, "\n"));) {
        if (*line)
            add_request(line);
    }
    free(text);
}

static void unload(void)
{
    for (unsigned i = 0; i < recording.span_count; i++)
        batch_release(recording.spans[i]);
}

/* ---- comparing ---- */

static bool same_ids(const uint8_t ids[24], const uint8_t trace[16], const uint8_t span[8])
{
    return memcmp(ids, trace, 16) == 0 && memcmp(ids + 16, span, 8) == 0;
}

static struct expected *expected_for(const struct hop *hop)
{
    for (unsigned i = 0; i < recording.expected_count; i++) {
        struct expected *e = &recording.expected[i];
        if (same_ids(e->producer, hop->producer_trace, hop->producer_span) &&
            same_ids(e->consumer, hop->consumer_trace, hop->consumer_span))
            return e;
    }
    return NULL;
}

static bool is_listed_consumer(const struct hop *hop)
{
    for (unsigned i = 0; i < recording.expected_count; i++) {
        if (same_ids(recording.expected[i].consumer, hop->consumer_trace, hop->consumer_span))
            return true;
    }
    return false;
}

/* "o3 dead" repeats "o3": the producer of the one is the original producer of the other. */
static bool is_original(const struct hop *hop)
{
    const struct expected *consumer = NULL, *producer = NULL;
    for (unsigned i = 0; i < recording.expected_count; i++) {
        const struct expected *e = &recording.expected[i];
        if (same_ids(e->consumer, hop->consumer_trace, hop->consumer_span))
            consumer = e;
        if (same_ids(e->producer, hop->producer_trace, hop->producer_span))
            producer = e;
    }
    return consumer && producer &&
           strncmp(consumer->message, producer->message, strcspn(producer->message, " ") + 1) == 0;
}

/* Of a consumer that is not listed: nothing is known but that its record was listed ones', too. */
static void check_unlisted(const struct rig *rig, const struct hop *hop)
{
    for (unsigned i = 0; i < rig->count; i++) {
        const struct hop *other = &rig->told[i].hop;
        if (memcmp(other->producer_span, hop->producer_span, 8) == 0)
            assert_true(other->offset == hop->offset && other->partition == hop->partition);
    }
}

static bool is_attempt(const struct rig *rig, const struct told *told, unsigned attempt)
{
    for (unsigned i = 0; i < rig->count; i++) {
        const struct told *other = &rig->told[i];
        attempt += !is_listed_consumer(&other->hop) && other->hop.receives == told->hop.receives &&
                   strcmp(other->group, told->group) == 0 &&
                   memcmp(other->hop.producer_span, told->hop.producer_span, 8) == 0;
    }
    return told->hop.attempt == attempt;
}

static void compare_hop(const struct rig *rig, const struct told *told, unsigned order)
{
    const struct hop *hop = &told->hop;
    struct expected *e = expected_for(hop);
    if (!e && !is_listed_consumer(hop) && hop->matched_by != HOP_BY_KEY) {
        check_unlisted(rig, hop);
        return;
    }
    if (!e && hop->matched_by == HOP_BY_ORIGINAL && is_original(hop))
        return;
    if (!e)
        fail_msg("%s, order %u: a hop by %s at offset %lld that is not true", recording.name, order,
                 hop_match_name(hop->matched_by), (long long)hop->offset);
    if (e->found)
        fail_msg("%s, order %u: %s told twice", recording.name, order, e->message);
    e->found = true;
    if (order == 0 && e->exact && !is_attempt(rig, told, e->attempt))
        fail_msg("%s: %s is attempt %u, not %u", recording.name, e->message, e->attempt,
                 hop->attempt);
}

static void compare(const struct rig *rig, unsigned order)
{
    for (unsigned i = 0; i < recording.expected_count; i++)
        recording.expected[i].found = false;
    for (unsigned i = 0; i < rig->count; i++)
        compare_hop(rig, &rig->told[i], order);
    for (unsigned i = 0; i < recording.expected_count; i++) {
        if (recording.expected[i].exact && !recording.expected[i].found)
            fail_msg("%s, order %u: %s not found", recording.name, order,
                     recording.expected[i].message);
    }
}

static void send_in_order(unsigned order)
{
    struct rig *rig = rig_start("{}");
    unsigned n = recording.span_count, at[LINES_MAX];
    srand(order);
    for (unsigned i = 0; i < n; i++)
        at[i] = order == 1 ? n - 1 - i : i;
    for (unsigned i = n; order > 1 && i > 1; i--) {
        unsigned other = (unsigned)rand() % i, kept = at[i - 1];
        at[i - 1] = at[other];
        at[other] = kept;
    }
    for (unsigned i = 0; i < n; i++)
        component_consume(rig->processor, batch_retain(recording.spans[at[i]]), NULL);
    rig_settle(rig);
    compare(rig, order);
    if (order == 0)
        print_message("%s: %u of %u hops\n", recording.name, rig->count, recording.expected_count);
    rig_end(rig);
}

static void what_was_recorded_is_matched(void **state)
{
    (void)state;
    glob_t files;
    assert_int_equal(glob(FOLDER "*.expect.json", 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        load(files.gl_pathv[i]);
        for (unsigned order = 0; order < ORDERS; order++)
            send_in_order(order);
        unload();
    }
    globfree(&files);
    assert_int_equal(batch_live_bytes(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_was_recorded_is_matched)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
