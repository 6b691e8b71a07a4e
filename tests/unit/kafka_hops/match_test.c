/* Matching: what meets whom, in whichever order the two come. */
#include "tests/unit/kafka_hops/rig.h"

#define PLACE(p, o) ".destination.name=T .destination.partition.id=" #p " .kafka.offset=#" #o

/* ---- one record, one consumer, both orders ---- */

static const struct {
    const char *what;
    const char *producer; /* attributes of span 10 of trace 1 */
    int kind;
    unsigned trace, parent;
    const char *consumer; /* attributes of span 20 */
    unsigned link;        /* to this span of trace 1 */
    const char *link_attributes;
    int by; /* -1: no hop */
} pairs[] = {
    {"child", ".destination.name=T", CONSUMER, 1, 10, ".destination.name=T", 0, "", HOP_BY_PARENT},
    {"link", ".destination.name=T", CONSUMER, 2, 0, ".destination.name=T", 10, "", HOP_BY_LINK},
    {"link and other parent", ".destination.name=T", CONSUMER, 2, 7, ".destination.name=T", 10, "",
     HOP_BY_LINK},
    {"poll with a link", ".destination.name=T", CLIENT, 2, 0, ".destination.name=T", 10,
     ".kafka.offset=#3", HOP_BY_LINK},
    {"poll is nobody's child", ".destination.name=T", CLIENT, 1, 10, ".destination.name=T", 0, "",
     -1},
    {"place", PLACE(0, 7), CONSUMER, 2, 0, PLACE(0, 7), 0, "", HOP_BY_OFFSET},
    {"place under another parent", PLACE(0, 7), CONSUMER, 2, 9, PLACE(0, 7), 0, "", HOP_BY_OFFSET},
    {"poll of a place", PLACE(0, 7), CLIENT, 2, 0, PLACE(0, 7), 0, "", HOP_BY_OFFSET},
    {"old and new names", ".destination=T .kafka.partition=#0 .kafka.message.offset=7", CONSUMER, 2,
     0, ".source.name=T .kafka.source.partition=#0 .kafka.offset=#7", 0, "", HOP_BY_OFFSET},
    {"T.p.o", PLACE(0, 7), CONSUMER, 2, 0, ".destination=T .message_id=T.0.7", 0, "",
     HOP_BY_OFFSET},
    {"bare offset", ".destination=T .kafka.destination.partition=#2 .message.id=7", CONSUMER, 2, 0,
     ".destination=T .kafka.source.partition=#2 .message.id=7", 0, "", HOP_BY_OFFSET},
    {"another offset", PLACE(0, 8), CONSUMER, 2, 0, PLACE(0, 7), 0, "", -1},
    {"another partition", PLACE(1, 7), CONSUMER, 2, 0, PLACE(0, 7), 0, "", -1},
    {"another topic", ".destination.name=U .kafka.partition=#0 .kafka.offset=#7", CONSUMER, 2, 0,
     PLACE(0, 7), 0, "", -1},
    {"unknown partition", PLACE(-1, 7), CONSUMER, 2, 0, PLACE(-1, 7), 0, "", -1},
    {"same cluster", PLACE(0, 7) " .kafka.cluster.id=c", CONSUMER, 2, 0,
     PLACE(0, 7) " .kafka.cluster.id=c", 0, "", HOP_BY_OFFSET},
    {"another cluster", PLACE(0, 7) " .kafka.cluster.id=c", CONSUMER, 2, 0,
     PLACE(0, 7) " .kafka.cluster.id=d", 0, "", -1},
    {"one cluster unknown", PLACE(0, 7) " .kafka.cluster.id=c", CONSUMER, 2, 0,
     PLACE(0, 7) " server.address=x", 0, "", HOP_BY_OFFSET},
    {"a shared broker", PLACE(0, 7) " .kafka.bootstrap.servers=a:9092,b:9092", CONSUMER, 2, 0,
     PLACE(0, 7) " server.address=b", 0, "", HOP_BY_OFFSET},
    {"no shared broker", PLACE(0, 7) " .kafka.bootstrap.servers=a:9092,b:9092", CONSUMER, 2, 0,
     PLACE(0, 7) " .url=c:9092", 0, "", -1},
    {"a link to something else", PLACE(0, 7), CONSUMER, 2, 0, PLACE(0, 7), 11, "", HOP_BY_OFFSET},
    {"a link that says the place", PLACE(0, 7), CONSUMER, 2, 0, ".destination.name=T", 11,
     ".destination.partition.id=0 .kafka.offset=#7", HOP_BY_OFFSET},
    {"commit", PLACE(0, 7), CLIENT, 2, 0, PLACE(0, 7) " .operation.name=commit", 0, "", -1},
    {"dead letter", PLACE(0, 7), CONSUMER, 2, 0,
     ".destination.name=T.DLT .kafka.partition=#0 .kafka.offset=#1 "
     ".header.kafka_dlt_original_topic=[T] .header.kafka_dlt_original_partition=[0] "
     ".header.kafka_dlt_original_offset=[7]",
     0, "", HOP_BY_ORIGINAL},
    {"dead letter of Connect", PLACE(0, 7), CONSUMER, 2, 0,
     ".destination.name=dlq .header.__connect.errors.topic=[T] "
     ".header.__connect.errors.partition=[0] .header.__connect.errors.offset=[7]",
     0, "", HOP_BY_ORIGINAL},
};

static void pairs_meet_in_both_orders(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * sizeof pairs / sizeof *pairs; i++) {
        size_t n = i / 2;
        bool consumer_first = i % 2;
        struct rig *rig = rig_start("{}");
        const char *link = pairs[n].link ? link_to(1, pairs[n].link, pairs[n].link_attributes) : "";
        const char *p = span(PRODUCER, 1, 10, 0, 100, 105, pairs[n].producer, "");
        const char *c = span(pairs[n].kind, pairs[n].trace, 20, pairs[n].parent, 120, 130,
                             pairs[n].consumer, link);
        rig_send(rig, consumer_first ? "c" : "p", consumer_first ? c : p);
        rig_send(rig, consumer_first ? "p" : "c", consumer_first ? p : c);
        rig_settle(rig);
        if ((rig->count > 0) != (pairs[n].by >= 0))
            fail_msg("%s: %u hops", pairs[n].what, rig->count);
        if (rig->count > 0) {
            assert_int_equal(rig->count, 1);
            const struct hop *hop = assert_hop(rig, 10, 20, (enum hop_match)pairs[n].by, 1);
            assert_int_equal(hop->waited, consumer_first);
            assert_int_equal(hop->confidence, 100);
            assert_false(hop->inferred);
            assert_int_equal(hop->receives, pairs[n].kind == CLIENT);
            assert_int_equal(hop->producer_end_ns, (RIG_EPOCH_MS + 105) * MS);
            assert_int_equal(hop->consumer_start_ns, (RIG_EPOCH_MS + 120) * MS);
            assert_string_equal(rig->told[0].topic, "T");
            assert_string_equal(rig->told[0].producer_service, "p");
            assert_string_equal(rig->told[0].consumer_service, "c");
        }
        rig_stop(rig);
    }
}

/* ---- many consumers ---- */

static void every_group_takes_it_and_again(void **state)
{
    (void)state;
    struct rig *rig = rig_start("{}");
    rig_send(rig, "p", span(PRODUCER, 1, 10, 0, 100, 105, PLACE(0, 7), ""));
    rig_send(rig, "c",
             span(CONSUMER, 2, 20, 0, 110, 112, PLACE(0, 7) " .consumer.group.name=g", ""));
    rig_send(rig, "c",
             span(CONSUMER, 3, 30, 0, 120, 122, PLACE(0, 7) " .consumer.group.name=h", ""));
    rig_send(rig, "c",
             span(CONSUMER, 4, 40, 0, 130, 132, PLACE(0, 7) " .consumer.group.name=g", ""));
    rig_send(rig, "d", span(CONSUMER, 5, 50, 0, 140, 142, PLACE(0, 7), ""));
    rig_send(rig, "d", span(CONSUMER, 6, 60, 0, 9000000, 9000001, PLACE(0, 7), ""));
    rig_send(rig, "d", span(CLIENT, 7, 70, 0, 9000000, 9000001, PLACE(0, 7), ""));
    assert_int_equal(rig->count, 6);
    assert_hop(rig, 10, 20, HOP_BY_OFFSET, 1);
    assert_hop(rig, 10, 30, HOP_BY_OFFSET, 1);
    assert_hop(rig, 10, 40, HOP_BY_OFFSET, 2);
    assert_hop(rig, 10, 50, HOP_BY_OFFSET, 1);
    assert_hop(rig, 10, 60, HOP_BY_OFFSET, 2);
    assert_hop(rig, 10, 70, HOP_BY_OFFSET, 1);
    assert_string_equal(told_between(rig, 10, 40)->group, "g");
    rig_stop(rig);
}

static void attempts_are_counted_by_time_when_they_waited(void **state)
{
    (void)state;
    struct rig *rig = rig_start("{}");
    for (unsigned i = 0; i < 200; i++)
        rig_send(rig, "c",
                 span(CONSUMER, 2 + i, 1000 + i, 0, 900 - i, 901 - i,
                      PLACE(0, 7) " .kafka.consumer_group=g", ""));
    assert_int_equal(rig->count, 0);
    assert_int_equal(rig->opened, 200);
    rig_send(rig, "p", span(PRODUCER, 1, 10, 0, 100, 105, PLACE(0, 7), ""));
    assert_int_equal(rig->count, 200);
    unsigned sum = 0;
    for (unsigned i = 0; i < rig->count; i++)
        sum += rig->told[i].hop.attempt;
    assert_int_equal(sum, 200 * 201 / 2);
    rig_stop(rig);
}

static void headers_say_the_attempt(void **state)
{
    (void)state;
    struct rig *rig = rig_start("{}");
    rig_send(rig, "p", span(PRODUCER, 1, 10, 0, 100, 105, PLACE(0, 7), ""));
    rig_send(
        rig, "c",
        span(CONSUMER, 2, 20, 0, 110, 112, PLACE(0, 7) " .header.kafka_deliveryattempt=[3]", ""));
    assert_hop(rig, 10, 20, HOP_BY_OFFSET, 3);
    rig_stop(rig);
}

static void a_span_that_comes_again_is_told_once_and_linked_again(void **state)
{
    (void)state;
    struct rig *rig = rig_start("{}");
    const char *p = span(PRODUCER, 1, 10, 0, 100, 105, PLACE(0, 7), "");
    const char *c = span(CONSUMER, 2, 20, 0, 110, 112, PLACE(0, 7), "");
    for (int i = 0; i < 3; i++) {
        struct span_cursor links;
        struct link_view link;
        rig_send(rig, "p", p);
        rig_send(rig, "c", c);
        span_links_begin(&links, span_bytes(&rig->received->spans[0]));
        assert_true(link_next(&links, &link));
    }
    assert_int_equal(rig->count, 1);
    assert_shown(rig, "tailspan_kafka_hops_repeated{processor=\"kafka_hops\"} 4");
    rig_stop(rig);
}

/* ---- batches ---- */

static void a_batch_takes_a_record_for_each_link(void **state)
{
    (void)state;
    for (int late = 0; late < 2; late++) {
        struct rig *rig = rig_start("{}");
        const char *links = rig_text(
            "%s,%s,%s", link_to(1, 10, ".destination.partition.id=0 .kafka.offset=#1"),
            link_to(1, 11, ".destination.partition.id=1 .kafka.offset=#1"),
            link_to(3, 12, ".destination.name=U .destination.partition.id=0 .kafka.offset=#5"));
        const char *c = span(CONSUMER, 9, 90, 0, 200, 210, ".destination.name=T", links);
        if (late)
            rig_send(rig, "c", c);
        rig_send(rig, "p", span(PRODUCER, 1, 10, 0, 100, 105, ".destination.name=T", ""));
        rig_send(rig, "p", span(PRODUCER, 1, 11, 0, 101, 106, ".destination.name=T", ""));
        rig_send(rig, "p", span(PRODUCER, 3, 12, 0, 102, 107, ".destination.name=U", ""));
        if (!late)
            rig_send(rig, "c", c);
        assert_int_equal(rig->count, 3);
        assert_int_equal(assert_hop(rig, 10, 90, HOP_BY_LINK, 1)->partition, 0);
        assert_int_equal(assert_hop(rig, 11, 90, HOP_BY_LINK, 1)->partition, 1);
        assert_int_equal(assert_hop(rig, 12, 90, HOP_BY_LINK, 1)->offset, 5);
        assert_string_equal(told_between(rig, 12, 90)->topic, "U");
        /* the links told where the records lie */
        rig_send(rig, "d", span(CONSUMER, 8, 80, 0, 300, 310, PLACE(1, 1), ""));
        assert_hop(rig, 11, 80, HOP_BY_OFFSET, 1);
        rig_stop(rig);
    }
}

static void a_batchs_span_says_nothing_of_its_records(void **state)
{
    (void)state;
    struct rig *rig = rig_start("{}");
    rig_send(rig, "p", span(PRODUCER, 1, 10, 0, 100, 105, ".destination.name=T", ""));
    rig_send(rig, "p", span(PRODUCER, 1, 11, 0, 100, 105, ".destination.name=T", ""));
    rig_send(rig, "c",
             span(CONSUMER, 9, 90, 0, 200, 210, PLACE(0, 1),
                  rig_text("%s,%s", link_to(1, 10, ""), link_to(1, 11, ""))));
    assert_int_equal(rig->count, 2);
    rig_send(rig, "d", span(CONSUMER, 8, 80, 0, 300, 310, PLACE(0, 1), ""));
    assert_int_equal(rig->count, 2);
    rig_stop(rig);
}

static void many_links_are_many_hops(void **state)
{
    (void)state;
    enum { MANY = 128 };
    struct rig *rig = rig_start("{}");
    char *links = calloc(MANY, 200);
    for (unsigned i = 0; i < MANY; i++) {
        strcat(links, i ? "," : "");
        strcat(links, link_to(1, 100 + i, ""));
        rig_send(rig, "p", span(PRODUCER, 1, 100 + i, 0, 100, 105, ".destination.name=T", ""));
    }
    size_t len = strlen(links) + 1000;
    char *text = malloc(len);
    snprintf(text, len,
             "{'traceId':'%032x','spanId':'%016x','name':'process T','kind':5,"
             "'startTimeUnixNano':'1700000000200000000','endTimeUnixNano':'1700000000300000000',"
             "'attributes':[%s],'links':[%s]}",
             9, 90, attributes(".system=kafka .destination.name=T"), links);
    rig_send(rig, "c", text);
    assert_int_equal(rig->count, MANY);
    free(text);
    free(links);
    rig_stop(rig);
}

/* Each hop of the span gets a link, and the span is copied for all of them together. */
static void many_links_are_added_at_once(void **state)
{
    (void)state;
    enum { MANY = 128, LONG = 100000 };
    struct rig *rig = rig_start("{}");
    char *links = calloc(MANY, 300), *note = malloc(LONG + 1),
         *text = malloc(MANY * 300 + 2 * LONG);
    memset(note, 'x', LONG);
    note[LONG] = 0;
    for (unsigned i = 0; i < MANY; i++) {
        strcat(links, i ? "," : "");
        strcat(links, link_to(7, 500 + i, /* nobody's */
                              rig_text(".destination.partition.id=0 .kafka.offset=#%u", i)));
        rig_send(rig, "p",
                 span(PRODUCER, 1, 100 + i, 0, 100, 105,
                      rig_text(".destination.name=T .destination.partition.id=0 "
                               ".kafka.offset=#%u",
                               i),
                      ""));
    }
    sprintf(text,
            "{'traceId':'%032x','spanId':'%016x','name':'%s','kind':5,"
            "'startTimeUnixNano':'1700000000200000000','endTimeUnixNano':'1700000000300000000',"
            "'attributes':[%s],'links':[%s]}",
            9, 90, note, attributes(".system=kafka .destination.name=T"), links);
    rig_send(rig, "c", text);
    assert_int_equal(rig->count, MANY);
    struct span_cursor cursor;
    struct link_view link;
    unsigned seen = 0;
    for (span_links_begin(&cursor, span_bytes(&rig->received->spans[0]));
         link_next(&cursor, &link);)
        seen++;
    assert_int_equal(seen, 2 * MANY);
    assert_true(batch_bytes(rig->received) < 8 * LONG);
    free(text);
    free(note);
    free(links);
    rig_stop(rig);
}

/* ---- one record, one producer ---- */

static void a_record_has_one_producer(void **state)
{
    (void)state;
    struct rig *rig = rig_start("{}");
    rig_send(rig, "p", span(PRODUCER, 1, 10, 0, 100, 105, PLACE(0, 7), ""));
    rig_send(rig, "c",
             span(CONSUMER, 3, 30, 0, 110, 112, PLACE(0, 7) " .consumer.group.name=g", ""));
    rig_send(rig, "p", span(PRODUCER, 2, 11, 0, 106, 108, PLACE(0, 7), ""));
    rig_send(rig, "c",
             span(CONSUMER, 4, 40, 0, 120, 122, PLACE(0, 7) " .consumer.group.name=h", ""));
    assert_hop(rig, 10, 30, HOP_BY_OFFSET, 1);
    assert_hop(rig, 10, 40, HOP_BY_OFFSET, 1);
    assert_int_equal(rig->count, 2);
    rig_stop(rig);
}

static void a_topic_made_anew_begins_at_zero_again(void **state)
{
    (void)state;
    struct rig *rig = rig_start("{}");
    rig_send(rig, "p", span(PRODUCER, 1, 10, 0, 100, 105, PLACE(0, 7), ""));
    rig_send(rig, "p", span(PRODUCER, 2, 11, 0, 600100, 600105, PLACE(0, 7), ""));
    rig_send(rig, "c", span(CONSUMER, 3, 30, 0, 110, 112, PLACE(0, 7), ""));
    rig_send(rig, "c", span(CONSUMER, 4, 40, 0, 600110, 600112, PLACE(0, 7), ""));
    assert_hop(rig, 10, 30, HOP_BY_OFFSET, 1);
    assert_hop(rig, 11, 40, HOP_BY_OFFSET, 1);
    rig_stop(rig);
}

static void what_was_taken_long_before_is_another_record(void **state)
{
    (void)state;
    struct rig *rig = rig_start("{}");
    rig_send(rig, "p", span(PRODUCER, 1, 10, 0, 600100, 600105, PLACE(0, 7), ""));
    rig_send(rig, "c", span(CONSUMER, 3, 30, 0, 110, 112, PLACE(0, 7), ""));
    assert_int_equal(rig->count, 0);
    rig_send(rig, "c", span(CONSUMER, 4, 40, 0, 600101, 600112, PLACE(0, 7), ""));
    assert_hop(rig, 10, 40, HOP_BY_OFFSET, 1);
    rig_stop(rig);
}

static void a_place_learned_from_a_child_serves_other_groups(void **state)
{
    (void)state;
    struct rig *rig = rig_start("{}");
    rig_send(rig, "d", span(CONSUMER, 3, 30, 0, 115, 119, PLACE(0, 7), ""));
    rig_send(rig, "p", span(PRODUCER, 1, 10, 0, 100, 105, ".destination.name=T", ""));
    rig_send(rig, "c", span(CONSUMER, 1, 20, 10, 110, 112, PLACE(0, 7), ""));
    assert_hop(rig, 10, 20, HOP_BY_PARENT, 1);
    assert_hop(rig, 10, 30, HOP_BY_OFFSET, 1);
    assert_false(told_between(rig, 10, 30)->hop.inferred);
    rig_stop(rig);
}

static void a_dead_letter_has_its_own_producer_and_the_originals(void **state)
{
    (void)state;
    struct rig *rig = rig_start("{}");
    const char *dlt = ".destination.name=T.DLT .kafka.partition=#0 .kafka.offset=#1";
    rig_send(rig, "p", span(PRODUCER, 1, 10, 0, 100, 105, PLACE(0, 7), ""));
    rig_send(rig, "c", span(CONSUMER, 2, 20, 0, 110, 119, PLACE(0, 7), ""));
    rig_send(rig, "c", span(PRODUCER, 2, 21, 20, 115, 118, dlt, ""));
    rig_send(rig, "d",
             span(CONSUMER, 3, 30, 0, 200, 201,
                  rig_text("%s .header.kafka_dlt-original-topic=[T] "
                           ".header.kafka_dlt-original-partition=[0] "
                           ".header.kafka_dlt-original-offset=[7]",
                           dlt),
                  ""));
    assert_int_equal(rig->count, 3);
    assert_hop(rig, 10, 20, HOP_BY_OFFSET, 1);
    assert_hop(rig, 21, 30, HOP_BY_OFFSET, 1);
    assert_hop(rig, 10, 30, HOP_BY_ORIGINAL, 1);
    rig_stop(rig);
}

/* ---- links ---- */

static unsigned links_of(const struct batch *b, uint32_t span, struct link_view *last)
{
    struct span_cursor c;
    unsigned n = 0;
    span_links_begin(&c, span_bytes(&b->spans[span]));
    while (link_next(&c, last))
        n++;
    return n;
}

static void a_lost_context_is_linked(void **state)
{
    (void)state;
    struct rig *rig = rig_start("{}");
    struct link_view link;
    struct attribute a;
    const char *both = rig_text("%s,%s", span(CONSUMER, 2, 20, 0, 110, 112, PLACE(0, 7), ""),
                                span(PRODUCER, 1, 10, 0, 100, 105, PLACE(0, 7), ""));
    rig_send(rig, "s", both); /* the consumer stands before its producer */
    assert_int_equal(links_of(rig->received, 0, &link), 1);
    assert_int_equal(low_id(link.trace_id.data, 16), 1);
    assert_int_equal(low_id(link.span_id.data, 8), 10);
    assert_true(attribute_find(link.message, LINK_ATTRIBUTES,
                               bytes_of_string("tailspan.hop.matched_by"), &a));
    assert_true(bytes_equal_string(a.value.bytes, "offset"));
    assert_true(attribute_find(link.message, LINK_ATTRIBUTES,
                               bytes_of_string("tailspan.hop.confidence"), &a));
    assert_true(a.value.real == 1);
    assert_false(
        attribute_find(link.message, LINK_ATTRIBUTES, bytes_of_string("tailspan.hop.attempt"), &a));
    assert_int_equal(links_of(rig->received, 1, &link), 0);
    rig_send(rig, "s", span(CONSUMER, 3, 30, 0, 110, 112, PLACE(0, 7), ""));
    assert_int_equal(links_of(rig->received, 0, &link), 1);
    assert_true(
        attribute_find(link.message, LINK_ATTRIBUTES, bytes_of_string("tailspan.hop.attempt"), &a));
    assert_int_equal(a.value.integer, 2);
    rig_stop(rig);
}

static void kept_contexts_and_others_batches_are_left_alone(void **state)
{
    (void)state;
    struct rig *rig = rig_start("{}");
    struct link_view link;
    struct batch *b = batch_from(
        "s", rig_text("%s,%s,%s", span(PRODUCER, 1, 10, 0, 100, 105, PLACE(0, 7), ""),
                      span(CONSUMER, 1, 20, 10, 110, 112, PLACE(0, 7), ""),
                      span(CONSUMER, 2, 30, 0, 110, 112, PLACE(0, 7), link_to(1, 10, ""))));
    component_consume(rig->processor, batch_retain(b), NULL);
    assert_ptr_equal(rig->received, b);
    assert_int_equal(links_of(b, 1, &link), 0);
    assert_int_equal(links_of(b, 2, &link), 1);
    assert_int_equal(rig->count, 2);
    batch_release(b);
    b = batch_from("s", span(CONSUMER, 4, 40, 0, 110, 112, PLACE(0, 7), ""));
    component_consume(rig->processor, batch_retain(b), NULL);
    assert_ptr_not_equal(rig->received, b); /* somebody else holds it: a copy was linked */
    assert_int_equal(links_of(b, 0, &link), 0);
    assert_int_equal(links_of(rig->received, 0, &link), 1);
    batch_release(b);
    rig_stop(rig);
}

static void a_link_of_a_tailspan_before_keeps_its_doubt(void **state)
{
    (void)state;
    struct rig *rig = rig_start("{}");
    rig_send(rig, "p", span(PRODUCER, 1, 10, 0, 100, 105, ".destination.name=T", ""));
    const char *link = rig_text("{'traceId':'%032x','spanId':'%016x','attributes':[{'key':"
                                "'tailspan.hop.matched_by','value':{'stringValue':'key'}},{'key':"
                                "'tailspan.hop.confidence','value':{'doubleValue':0.93}}]}",
                                1, 10);
    rig_send(rig, "c", span(CONSUMER, 2, 20, 0, 110, 112, ".destination.name=T", link));
    const struct hop *hop = assert_hop(rig, 10, 20, HOP_BY_KEY, 1);
    assert_int_equal(hop->confidence, 93);
    assert_true(hop->inferred);
    rig_stop(rig);
}

/* ---- others ---- */

static void others_are_passed_on(void **state)
{
    (void)state;
    struct rig *rig = rig_start("{}");
    const char *other = "{'traceId':'0102030405060708090a0b0c0d0e0f10','spanId':'0102030405060708',"
                        "'name':'send T','kind':4,'attributes':[{'key':'messaging.system','value':"
                        "{'stringValue':'rabbitmq'}}]}";
    rig_send(rig, "s", other);
    rig_send(rig, "s", "");
    assert_int_equal(rig->opened, 0);
    rig_send(rig, "c", span(CONSUMER, 2, 20, 0, 110, 112, ".destination.name=T", ""));
    assert_shown(rig, "tailspan_kafka_hops_unmatchable{processor=\"kafka_hops\"} 1");
    assert_shown(rig, "tailspan_kafka_hops_waiting{processor=\"kafka_hops\",side=\"consumer\"} 0");
    rig_stop(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_meet_in_both_orders),
        cmocka_unit_test(every_group_takes_it_and_again),
        cmocka_unit_test(attempts_are_counted_by_time_when_they_waited),
        cmocka_unit_test(headers_say_the_attempt),
        cmocka_unit_test(a_span_that_comes_again_is_told_once_and_linked_again),
        cmocka_unit_test(a_batch_takes_a_record_for_each_link),
        cmocka_unit_test(a_batchs_span_says_nothing_of_its_records),
        cmocka_unit_test(many_links_are_many_hops),
        cmocka_unit_test(many_links_are_added_at_once),
        cmocka_unit_test(a_record_has_one_producer),
        cmocka_unit_test(a_topic_made_anew_begins_at_zero_again),
        cmocka_unit_test(what_was_taken_long_before_is_another_record),
        cmocka_unit_test(a_place_learned_from_a_child_serves_other_groups),
        cmocka_unit_test(a_dead_letter_has_its_own_producer_and_the_originals),
        cmocka_unit_test(a_lost_context_is_linked),
        cmocka_unit_test(kept_contexts_and_others_batches_are_left_alone),
        cmocka_unit_test(a_link_of_a_tailspan_before_keeps_its_doubt),
        cmocka_unit_test(others_are_passed_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
