/* Hops: found from both of their ends, however many there are, after a restart and after an
 * erasure. */
#include "fixture.h"

#include "component/clock.h"
#include "storage/erase.h"
#include "storage/hop_record.h"
#include "storage/store_hops.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#define BASE (1700000000ull * SEC)

static struct store_hop hop_of(uint64_t producer, uint64_t consumer)
{
    struct store_hop h = {
        .producer_end_ns = BASE + producer,
        .consumer_start_ns = BASE + consumer,
        .offset = (int64_t)consumer,
        .partition = 3,
        .attempt = 1,
        .confidence = 100,
        .matched_by = bytes_of_string("offset"),
        .topic = bytes_of_string("orders"),
        .group = bytes_of_string("billing"),
        .producer_service = bytes_of_string("shop"),
        .consumer_service = bytes_of_string("bill"),
    };
    trace_id_of(producer, h.producer_trace);
    trace_id_of(consumer, h.consumer_trace);
    memcpy(h.producer_span, &(uint64_t){htobe64(producer)}, 8);
    memcpy(h.consumer_span, &(uint64_t){htobe64(consumer)}, 8);
    return h;
}

static void write_hop(struct store *s, uint64_t producer, uint64_t consumer)
{
    struct store_hop h = hop_of(producer, consumer);
    assert_true(store_write_hop(s, &h));
}

/* The writer takes hops with the next commit. */
static void write_and_flush(struct store *s, uint64_t trace)
{
    const struct span_spec span = {.trace = trace,
                                   .id = 1,
                                   .start = BASE,
                                   .duration = MS,
                                   .service = "shop",
                                   .keys = {"u"},
                                   .values = {"v"}};
    write_spans(s, &span, 1);
    flush(s);
}

static struct store_hops hops_of(struct store *s, uint64_t first, size_t count, size_t limit)
{
    uint8_t(*ids)[16] = calloc(count, sizeof *ids);
    for (size_t i = 0; i < count; i++)
        trace_id_of(first + i, ids[i]);
    struct store_reader *r = store_reader_open(s);
    struct store_hops out;
    assert_true(store_hops_of(r, (const uint8_t(*)[16])ids, count, limit, &out));
    store_reader_close(r);
    free(ids);
    return out;
}

static size_t count_of(struct store *s, uint64_t trace)
{
    struct store_hops h = hops_of(s, trace, 1, 1000);
    size_t count = h.count;
    store_hops_free(&h);
    return count;
}

static void hops_are_found_from_both_ends(void **state)
{
    (void)state;
    char *directory = make_directory();
    struct store_options o = options_of(directory);
    struct store *s = open_store(&o);
    write_hop(s, 1, 2);
    write_hop(s, 1, 3);
    write_hop(s, 3, 4);
    write_hop(s, 1, 2); /* told twice */
    write_and_flush(s, 1);
    struct store_hops h = hops_of(s, 3, 1, 100);
    assert_int_equal(h.count, 2);
    const struct store_hop *x = &h.items[0], want = hop_of(1, 3);
    assert_memory_equal(x->producer_trace, want.producer_trace, 16);
    assert_memory_equal(x->consumer_span, want.consumer_span, 8);
    assert_int_equal(x->producer_end_ns, BASE + 1);
    assert_int_equal(x->consumer_start_ns, BASE + 3);
    assert_int_equal(x->offset, 3);
    assert_int_equal(x->partition, 3);
    assert_true(bytes_equal_string(x->matched_by, "offset"));
    assert_true(bytes_equal_string(x->topic, "orders"));
    assert_true(bytes_equal_string(x->group, "billing"));
    assert_true(bytes_equal_string(x->producer_service, "shop"));
    assert_true(bytes_equal_string(x->consumer_service, "bill"));
    store_hops_free(&h);
    assert_int_equal(count_of(s, 1), 2);
    assert_int_equal(count_of(s, 4), 1);
    assert_int_equal(count_of(s, 5), 0);
    h = hops_of(s, 1, 4, 100);
    assert_int_equal(h.count, 3);
    assert_false(h.cut);
    store_hops_free(&h);
    h = hops_of(s, 1, 4, 2);
    assert_int_equal(h.count, 2);
    assert_true(h.cut);
    store_hops_free(&h);
    store_close(s);
    s = open_store(&o);
    assert_int_equal(count_of(s, 1), 2);
    store_close(s);
    remove_directory(directory);
}

/* No spans come: they are written all the same, at the latest at the end. */
static void hops_alone_are_written(void **state)
{
    (void)state;
    char *directory = make_directory();
    struct store_options o = options_of(directory);
    struct store *s = open_store(&o);
    write_hop(s, 1, 2);
    store_close(s);
    s = open_store(&o);
    assert_int_equal(count_of(s, 2), 1);
    store_close(s);
    remove_directory(directory);
}

static void many_hops_take_several_rows(void **state)
{
    (void)state;
    char *directory = make_directory();
    struct store_options o = options_of(directory);
    struct store *s = open_store(&o);
    uint64_t refused = 0;
    for (uint64_t i = 1; i <= 100000; i++) {
        struct store_hop h = hop_of(i, i + 1);
        refused += !store_write_hop(s, &h);
    }
    assert_int_equal(store_hops_dropped(s), refused);
    write_and_flush(s, 1);
    struct store_hops h = hops_of(s, 1000, 50, 1000);
    assert_int_equal(h.count, 51);
    for (size_t i = 0; i < h.count; i++)
        assert_int_equal(h.items[i].consumer_start_ns, BASE + 1000 + i);
    store_hops_free(&h);
    store_close(s);
    remove_directory(directory);
}

static void strings_are_cut_and_records_are_not_trusted(void **state)
{
    (void)state;
    struct buffer out = {0};
    char *topic = malloc(10000);
    memset(topic, 't', 10000);
    struct store_hop h = hop_of(1, 2), back;
    h.topic = bytes_of(topic, 10000);
    hop_record_write(&out, &h);
    assert_true(out.len <= HOP_RECORD_MAX);
    struct bytes records = buffer_bytes(&out);
    assert_true(hop_record_next(&records, &back));
    assert_int_equal(back.topic.len, 255);
    assert_int_equal(records.len, 0);
    for (size_t len = 0; len < out.len;
         len++) { /* cut short anywhere: nothing, and nothing read behind it */
        uint8_t *copy = malloc(len ? len : 1);
        memcpy(copy, out.data, len);
        records = bytes_of(copy, len);
        assert_false(hop_record_next(&records, &back));
        assert_int_equal(hop_records_row(&records).len, 0);
        free(copy);
    }
    srand(1);
    for (unsigned i = 0; i < 20000; i++) { /* damaged anywhere */
        uint8_t copy[HOP_RECORD_MAX];
        memcpy(copy, out.data, out.len);
        copy[(size_t)rand() % out.len] ^= (uint8_t)(1 + rand() % 255);
        records = bytes_of(copy, out.len);
        while (hop_record_next(&records, &back))
            assert_true(back.topic.len <= 255);
    }
    struct buffer row = {0};
    assert_false(hop_row_unpack(&row, bytes_of("nonsense", 8)));
    assert_false(hop_row_unpack(&row, bytes_of("", 0)));
    buffer_free(&row);
    buffer_free(&out);
    free(topic);
}

static void an_erasure_takes_the_hops_of_its_traces(void **state)
{
    (void)state;
    char *directory = make_directory();
    struct store_options o = options_of(directory);
    struct store *s = open_store(&o);
    write_hop(s, 1, 2);
    write_hop(s, 3, 4);
    write_and_flush(s, 1);
    struct erase_where w;
    struct error e;
    struct erase_result result;
    assert_true(erase_where_parse("u=\"v\"", &w, &e));
    struct erase_options spans = {.where = &w, .asked = "test"}, traces = spans;
    traces.whole_traces = true;
    write_and_flush(s, 5);
    assert_true(store_erase(s, &traces, &result, &e));
    assert_int_equal(result.traces, 2);
    assert_int_equal(count_of(s, 2), 0);
    assert_int_equal(count_of(s, 3), 1);
    write_hop(s, 6, 7);
    write_and_flush(s, 6);
    assert_true(store_erase(s, &spans, &result, &e));
    assert_int_equal(count_of(s, 6), 1);
    erase_where_free(&w);
    store_close(s);
    remove_directory(directory);
}

static void erase(struct store *s, const char *text)
{
    struct erase_where w;
    struct error e;
    struct erase_result result;
    struct erase_options o = {.where = &w, .asked = "test"};
    assert_true(erase_where_parse(text, &w, &e));
    assert_true(store_erase(s, &o, &result, &e));
    erase_where_free(&w);
}

/* In whatever slot it lies. */
static void an_erasure_takes_the_hops_of_its_spans(void **state)
{
    (void)state;
    char *directory = make_directory();
    struct store_options o = options_of(directory);
    struct store *s = open_store(&o);
    write_hop(s, 10, 11);
    write_hop(s, 12, 13);
    write_and_flush(s, 100);
    erase(s, "u=\"nobody\""); /* ends the slot */
    for (uint64_t trace = 11; trace < 13; trace++) {
        const struct span_spec span = {.trace = trace,
                                       .id = trace,
                                       .start = BASE,
                                       .duration = MS,
                                       .service = "shop",
                                       .keys = {"user"},
                                       .values = {trace == 11 ? "alice" : "bob"}};
        write_spans(s, &span, 1);
    }
    flush(s);
    erase(s, "user=\"alice\"");
    assert_int_equal(count_of(s, 10), 0);
    assert_int_equal(count_of(s, 12), 1);
    store_close(s);
    remove_directory(directory);
}

/* A hop keeps what its spans said when they are gone, or not yet there. */
static void an_erasure_takes_hops_that_say_it_themselves(void **state)
{
    (void)state;
    static const struct {
        const char *where;
        bool goes;
    } cases[] = {
        {"*~\"bob\"", false},
        {"messaging.destination.name=\"reply\"", false},
        {"messaging.destination.name=\"reply-alice\" and u=\"v\"", false},
        {"service.name=\"reply-alice\"", false},
        {"*~\"alice\"", true},
        {"*=\"reply-alice\"", true},
        {"messaging.destination.name=\"reply-alice\"", true},
        {"messaging.destination.name~\"alice\" and service.name=\"shop\"", true},
        {"messaging.consumer.group.name=\"billing\"", true},
        {"service.name=\"bill\"", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *directory = make_directory();
        struct store_options o = options_of(directory);
        struct store *s = open_store(&o);
        struct store_hop h = hop_of(1, 2);
        h.topic = bytes_of_string("reply-alice");
        assert_true(store_write_hop(s, &h));
        const struct span_spec span = {
            .trace = 5, .id = 1, .start = BASE, .duration = MS, .service = "web"};
        write_spans(s, &span, 1);
        flush(s);
        assert_int_equal(count_of(s, 1), 1);
        erase(s, cases[i].where);
        if (count_of(s, 1) != !cases[i].goes)
            fail_msg("%s", cases[i].where);
        store_close(s);
        remove_directory(directory);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hops_are_found_from_both_ends),
        cmocka_unit_test(hops_alone_are_written),
        cmocka_unit_test(many_hops_take_several_rows),
        cmocka_unit_test(strings_are_cut_and_records_are_not_trusted),
        cmocka_unit_test(an_erasure_takes_the_hops_of_its_traces),
        cmocka_unit_test(an_erasure_takes_the_hops_of_its_spans),
        cmocka_unit_test(an_erasure_takes_hops_that_say_it_themselves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
