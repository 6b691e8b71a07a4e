/* Journeys over a store of their own: found from any of their traces, with a critical path in time,
 * and as references in Jaeger's answers. */
#include "fixture.h"

#include "component/clock.h"
#include "query/critical_path.h"
#include "query/hop_links.h"
#include "query/journey.h"
#include "storage/store.h"
#include "storage/store_hops.h"

#include <string.h>
#include <unistd.h>

#define MS   1000000ull
#define BASE 1700000000000000000ull

static struct {
    char directory[64];
    struct store *store;
    struct store_reader *reader;
} world;

static int begin(void **state)
{
    (void)state;
    struct error e;
    snprintf(world.directory, sizeof world.directory, "/tmp/tailspan-journey-XXXXXX");
    assert_non_null(mkdtemp(world.directory));
    const struct store_options o = {.directory = world.directory,
                                    .max_age_ns = INT64_MAX / 2,
                                    .max_bytes = 1ll << 40,
                                    .slot_ns = INT64_MAX / 4,
                                    .queue_bytes = 64 << 20,
                                    .flush_ns = 1000000};
    world.store = store_open(&o, &e);
    assert_non_null(world.store);
    world.reader = store_reader_open(world.store);
    return 0;
}

static int end(void **state)
{
    (void)state;
    char command[128];
    store_reader_close(world.reader);
    store_close(world.store);
    snprintf(command, sizeof command, "rm -rf %s", world.directory);
    return system(command);
}

static void trace_id(unsigned n, uint8_t id[16])
{
    memset(id, 0, 16);
    id[0] = 7;
    id[15] = (uint8_t)n;
    id[14] = (uint8_t)(n >> 8);
}

/* Trace n: `work n` from 100 n ms on for 80 ms, and in it `send n`, its child, from 20 to 50 ms
 * after that. */
static void write_trace(unsigned n)
{
    char json[2000];
    uint64_t start = BASE + n * 100 * MS;
    snprintf(
        json, sizeof json,
        "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{"
        "\"stringValue\":\"s%u\"}}]},\"scopeSpans\":[{\"spans\":["
        "{\"traceId\":\"0700000000000000000000000000%04x\",\"spanId\":\"aa0000000000%04x\","
        "\"name\":"
        "\"work %u\",\"kind\":5,\"startTimeUnixNano\":\"%llu\",\"endTimeUnixNano\":\"%llu\"},"
        "{\"traceId\":\"0700000000000000000000000000%04x\",\"spanId\":\"bb0000000000%04x\","
        "\"parentSpanId\":\"aa0000000000%04x\",\"name\":\"send %u\",\"kind\":4,"
        "\"startTimeUnixNano\":\"%llu\",\"endTimeUnixNano\":\"%llu\"}]}]}]}",
        n, n, n, n, (unsigned long long)start, (unsigned long long)(start + 80 * MS), n, n, n, n,
        (unsigned long long)(start + 20 * MS), (unsigned long long)(start + 50 * MS));
    assert_true(store_write(world.store, fixture_parse(json)));
}

static void span_id(uint8_t kind, unsigned n, uint8_t id[8])
{
    memset(id, 0, 8);
    id[0] = kind;
    id[7] = (uint8_t)n;
    id[6] = (uint8_t)(n >> 8);
}

/* What `send from` sent is taken by `work to`. */
static void write_hop(unsigned from, unsigned to)
{
    struct store_hop h = {.producer_end_ns = BASE + (from * 100 + 50) * MS,
                          .consumer_start_ns = BASE + to * 100 * MS,
                          .offset = to,
                          .partition = 0,
                          .attempt = 1,
                          .confidence = 100,
                          .matched_by = bytes_of_string("offset"),
                          .topic = bytes_of_string("t"),
                          .consumer_service = bytes_of_string("consumer")};
    trace_id(from, h.producer_trace);
    trace_id(to, h.consumer_trace);
    span_id(0xbb, from, h.producer_span);
    span_id(0xaa, to, h.consumer_span);
    assert_true(store_write_hop(world.store, &h));
}

static void written(void)
{
    write_trace(999);
    assert_true(store_flush(world.store, monotonic_ns() + 60000 * MS));
}

static void a_chain_is_found_from_anywhere(void **state)
{
    (void)state;
    for (unsigned i = 1; i <= 20; i++) {
        write_trace(i);
        if (i > 1)
            write_hop(i - 1, i);
    }
    written();
    for (unsigned from = 1; from <= 20; from += 6) {
        struct journey j;
        uint8_t id[16];
        trace_id(from, id);
        assert_true(journey_find(world.reader, id, UINT64_MAX, &j));
        assert_int_equal(j.trace_count, 20);
        assert_int_equal(j.hops.count, 19);
        assert_false(j.cut);
        assert_memory_equal(j.traces[0], id, 16);
        journey_free(&j);
    }
}

static void the_path_leads_through_all_in_time(void **state)
{
    (void)state;
    struct journey j;
    struct critical_path path;
    struct arena arena = {.limit = 1 << 24};
    uint8_t id[16];
    trace_id(20, id);
    assert_true(journey_find(world.reader, id, UINT64_MAX, &j));
    assert_true(critical_path_find(world.reader, &arena, &j, id, UINT64_MAX, &path));
    assert_int_equal(path.count, 19 * 3 + 1); /* work, send, hop; …; work */
    assert_false(path.cut);
    assert_int_equal(path.segments[0].start_ns, BASE + 100 * MS);
    assert_int_equal(path.segments[path.count - 1].end_ns, BASE + 2080 * MS);
    for (size_t i = 0; i < path.count; i++) {
        assert_int_equal(path.segments[i].hop, i % 3 == 2);
        if (i > 0) /* without gaps */
            assert_int_equal(path.segments[i].start_ns, path.segments[i - 1].end_ns);
    }
    assert_true(bytes_equal_string(path.segments[1].name, "send 1"));
    assert_true(bytes_equal_string(path.segments[1].service, "s1"));
    assert_true(bytes_equal_string(path.segments[2].name, "t"));
    arena_free(&arena);
    journey_free(&j);
}

/* In time that grows with the number of spans and steps, not with both together. */
static void a_path_leads_through_a_long_chain_in_one_trace(void **state)
{
    (void)state;
    enum { SPANS = 300000 };
    struct journey j;
    struct critical_path path;
    struct arena arena = {.limit = 1 << 24};
    struct buffer json = {0};
    uint8_t id[16];
    buffer_append_string(&json, "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[");
    for (unsigned i = 0; i < SPANS; i++)
        buffer_printf(&json,
                      "%s{\"traceId\":\"0700000000000000000000000000b000\",\"spanId\":"
                      "\"cc00000000%06x\",\"parentSpanId\":\"cc00000000%06x\","
                      "\"startTimeUnixNano\":\"%u\",\"endTimeUnixNano\":\"%u\"}",
                      i ? "," : "", i + 1, i, i + 1, i + 2);
    buffer_append_string(&json, "]}]}]}");
    char *text = buffer_take(&json, NULL);
    assert_true(store_write(world.store, fixture_parse(text)));
    free(text);
    written();
    trace_id(0xb000, id);
    assert_true(journey_find(world.reader, id, UINT64_MAX, &j));
    assert_true(critical_path_find(world.reader, &arena, &j, id, UINT64_MAX, &path));
    assert_int_equal(path.count, CRITICAL_PATH_MAX);
    assert_int_equal(path.segments[path.count - 1].start_ns, SPANS);
    assert_int_equal(path.segments[0].start_ns, SPANS + 1 - CRITICAL_PATH_MAX);
    arena_free(&arena);
    journey_free(&j);
}

static void fans_and_cycles_end(void **state)
{
    (void)state;
    struct journey j;
    struct critical_path path;
    struct arena arena = {.limit = 1 << 24};
    uint8_t id[16];
    for (unsigned i = 100; i < 110; i++)
        write_trace(i);
    for (unsigned i = 101; i < 110; i++)
        write_hop(100, i);
    write_hop(109, 100); /* by clocks that go wrong, or ids made up */
    written();
    trace_id(105, id);
    assert_true(journey_find(world.reader, id, UINT64_MAX, &j));
    assert_int_equal(j.trace_count, 10);
    assert_int_equal(j.hops.count, 10);
    assert_true(critical_path_find(world.reader, &arena, &j, id, UINT64_MAX, &path));
    assert_true(path.cut);
    assert_int_equal(path.count, CRITICAL_PATH_MAX);
    arena_free(&arena);
    journey_free(&j);
}

static void large_journeys_are_cut(void **state)
{
    (void)state;
    struct journey j;
    uint8_t id[16];
    for (unsigned i = 3000; i < 3000 + JOURNEY_TRACES_MAX + 50; i++)
        write_hop(2000, i);
    written();
    trace_id(2000, id);
    assert_true(journey_find(world.reader, id, UINT64_MAX, &j));
    assert_int_equal(j.trace_count, JOURNEY_TRACES_MAX);
    assert_int_equal(j.hops.count, JOURNEY_TRACES_MAX - 1);
    assert_true(j.cut);
    journey_free(&j);
}

static void it_is_cut_when_time_is_over(void **state)
{
    (void)state;
    struct journey j;
    uint8_t id[16];
    trace_id(5, id);
    assert_true(journey_find(world.reader, id, monotonic_ns(), &j));
    assert_int_equal(j.trace_count, 1);
    assert_true(j.cut);
    journey_free(&j);
}

static void links_lead_in_both_directions(void **state)
{
    (void)state;
    struct arena arena = {.limit = 1 << 24};
    struct trace t;
    uint8_t id[16];
    trace_id(5, id);
    struct batch *b = store_trace(world.reader, id);
    assert_true(trace_build(&t, &arena, b));
    hop_links_add(world.reader, &t, UINT64_MAX);
    assert_int_equal(t.span_count, 2);
    uint8_t before[16], after[16];
    trace_id(4, before);
    trace_id(6, after);
    for (uint32_t i = 0; i < 2; i++) {
        const struct trace_span *s = &t.spans[i];
        assert_int_equal(s->link_count, 1);
        bool consumer = s->view->kind == 5;
        assert_memory_equal(s->links[0].trace_id.data, consumer ? before : after, 16);
        assert_int_equal(s->links[0].span_id.data[0], consumer ? 0xbb : 0xaa);
        assert_non_null(trace_attribute_find(&s->links[0].attributes, "tailspan.hop.matched_by"));
    }
    hop_links_add(world.reader, &t, UINT64_MAX); /* what is there is not added again */
    assert_int_equal(t.spans[0].link_count, 1);
    arena_free(&arena);
    batch_release(b);
}

/* A topic that many read: its producer has a link to each, in memory that grows with their number,
 * and only what else is to be shown of the trace may need the arena's other half. */
static void a_span_may_have_many_consumers(void **state)
{
    (void)state;
    enum { CONSUMERS = 3000 };
    struct arena arena = {.limit = 16 << 20};
    struct trace t;
    uint8_t id[16];
    write_trace(5000);
    for (unsigned i = 0; i < CONSUMERS; i++)
        write_hop(5000, 5001 + i);
    written();
    trace_id(5000, id);
    struct batch *b = store_trace(world.reader, id);
    for (int small = 0; small < 2; small++) {
        arena.limit = small ? 1 << 20 : 16 << 20;
        assert_true(trace_build(&t, &arena, b));
        hop_links_add(world.reader, &t, UINT64_MAX);
        assert_false(arena.failed);
        const struct trace_span *send = &t.spans[t.spans[0].view->kind == 4 ? 0 : 1];
        if (small)
            assert_in_range(send->link_count, 100, CONSUMERS - 1);
        else
            assert_int_equal(send->link_count, CONSUMERS);
        for (uint32_t i = 1; i < send->link_count; i++)
            assert_memory_not_equal(send->links[i].trace_id.data, send->links[i - 1].trace_id.data,
                                    16);
        arena_free(&arena);
    }
    assert_true(trace_build(&t, &arena, b));
    hop_links_add(world.reader, &t, monotonic_ns());
    assert_int_equal(t.spans[0].link_count + t.spans[1].link_count, 0);
    arena_free(&arena);
    batch_release(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chain_is_found_from_anywhere),
        cmocka_unit_test(the_path_leads_through_all_in_time),
        cmocka_unit_test(a_path_leads_through_a_long_chain_in_one_trace),
        cmocka_unit_test(fans_and_cycles_end),
        cmocka_unit_test(large_journeys_are_cut),
        cmocka_unit_test(it_is_cut_when_time_is_over),
        cmocka_unit_test(links_lead_in_both_directions),
        cmocka_unit_test(a_span_may_have_many_consumers),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
