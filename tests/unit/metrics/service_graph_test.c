/* service_graph as somebody sees it who reads its series. */
#include "tests/unit/metrics/short_of_memory.h"

#include "metrics/service_graph_private.h"

#define SERVER   SPAN_KIND_SERVER
#define CLIENT   SPAN_KIND_CLIENT
#define PRODUCER SPAN_KIND_PRODUCER
#define CONSUMER SPAN_KIND_CONSUMER

static void expire_at(struct rig *r, uint64_t after_ns)
{
    struct moment now = moment_now();
    now.steady_ns += after_ns;
    service_graph_expire_all((struct service_graph *)r->connector, now);
}

static const char *total(struct rig *r)
{
    return shown(r, "traces_service_graph_request_total");
}

static void a_request_is_an_edge(void **state)
{
    (void)state;
    struct rig r = rig_open(&service_graph_connector, "{}");
    SEND(&r, SPAN("b", "s", SERVER, 0, 3 * MS, 1, 2, 1),
         SPAN("a", "c", CLIENT, SPAN_STATUS_ERROR, 7 * MS, 1, 1, 0),
         SPAN("a", "c", CLIENT, 0, 20 * SEC, 2, 1, 0));
    SEND(&r, SPAN("b", "s", SERVER, 0, 15 * SEC, 2, 2, 1));
    assert_string_equal(total(&r), "client=a,server=b,connection_type=,failed=false 1\n"
                                   "client=a,server=b,connection_type=,failed=true 1");
    assert_string_equal(shown(&r, "traces_service_graph_request_failed_total"),
                        "client=a,server=b,connection_type=,failed=true 1");
    assert_string_equal(shown(&r, "traces_service_graph_request_server"),
                        "client=a,server=b,connection_type=,failed=false 1 15 15:1\n"
                        "client=a,server=b,connection_type=,failed=true 1 0.003 0.004:1");
    assert_string_equal(shown(&r, "traces_service_graph_request_client"),
                        "client=a,server=b,connection_type=,failed=false 1 20 inf:1\n"
                        "client=a,server=b,connection_type=,failed=true 1 0.007 0.008:1");
    assert_string_equal(r.source->families[2].unit, "s");
    assert_counter(&r, "total_edges{connector=\"x\"} 2\n");
    rig_close(&r);
}

/* A consumer's link says who it serves; a parent that is the same is not counted again; without
 * links a root is a user's. */
static void messages_pair_by_link(void **state)
{
    (void)state;
    static const struct {
        const char *config;
        const char *shown;
    } cases[] = {
        {"{}", "client=p,server=c,connection_type=messaging_system,failed=false 2"},
        {"{'pair_by_links':false}",
         "client=p,server=c,connection_type=messaging_system,failed=false 1\n"
         "client=p,server=unknown,connection_type=virtual_node,failed=false 1\n"
         "client=user,server=c,connection_type=virtual_node,failed=false 1"},
    };
    for (size_t i = 0; i < 2; i++) {
        struct rig r = rig_open(&service_graph_connector, cases[i].config);
        SEND(&r, SPAN("p", "send", PRODUCER, 0, MS, 1, 1, 0),
             SPAN("p", "send", PRODUCER, 0, MS, 2, 1, 0),
             {"c", "process", CONSUMER, .trace = 9, .id = 5, .link_trace = 1, .link_id = 1},
             {"c", "process", CONSUMER, .trace = 2, .id = 5, .parent = 1, .link_trace = 2,
              .link_id = 1});
        expire_at(&r, 10 * SEC);
        assert_string_equal(total(&r), cases[i].shown);
        rig_close(&r);
    }
}

static void what_stays_alone_is_virtual_or_nothing(void **state)
{
    (void)state;
    struct rig r = rig_open(&service_graph_connector, "{'virtual_node_extra_label':true}");
    SEND(&r, SPAN("a", "root", SERVER, 0, MS, 1, 1, 0), SPAN("a", "lost", SERVER, 0, MS, 2, 1, 7),
         {"a", "out", CLIENT, .trace = 3, .id = 1, .attributes = "db.system=x,peer.service=p"},
         {"a", "out", CLIENT, .trace = 4, .id = 1, .status = SPAN_STATUS_ERROR});
    expire_at(&r, SEC);
    assert_string_equal(total(&r), "");
    expire_at(&r, 10 * SEC);
    assert_string_equal(
        total(&r),
        "client=a,server=p,connection_type=virtual_node,failed=false,virtual_node=server 1\n"
        "client=a,server=unknown,connection_type=virtual_node,failed=true,virtual_node=server 1\n"
        "client=user,server=a,connection_type=virtual_node,failed=false,virtual_node=client 1");
    assert_counter(&r, "expired_edges{connector=\"x\"} 4\n");
    rig_close(&r);

    r = rig_open(&service_graph_connector, "{'virtual_node_peer_attributes':[]}");
    SEND(&r, SPAN("a", "root", SERVER, 0, MS, 1, 1, 0));
    expire_at(&r, 10 * SEC);
    assert_string_equal(total(&r), "");
    rig_close(&r);
}

/* Nothing becomes older or younger when the wall's clock is set. */
static void the_clock_is_set(void **state)
{
    (void)state;
    const uint64_t hour = 3600 * SEC;
    for (int forward = 0; forward < 2; forward++) {
        struct rig r = rig_open(&service_graph_connector, "{}");
        struct service_graph *g = (struct service_graph *)r.connector;
        SEND(&r, SPAN("a", "root", SERVER, 0, MS, 1, 1, 0));
        struct moment now = moment_now();
        now.wall_ns = forward ? now.wall_ns + hour : now.wall_ns - hour;
        service_graph_expire_all(g, now);
        assert_string_equal(total(&r), "");
        now.steady_ns += 10 * SEC;
        service_graph_expire_all(g, now);
        assert_string_equal(total(&r),
                            "client=user,server=a,connection_type=virtual_node,failed=false 1");
        rig_close(&r);
    }
}

static void databases_need_no_other_half(void **state)
{
    (void)state;
    struct rig r = rig_open(&service_graph_connector,
                            "{'database_name_attributes':['db.namespace','db.name']}");
    SEND(
        &r, {"a", "q", CLIENT, .trace = 1, .id = 1, .attributes = "db.name=x,db.namespace=orders"},
        {"a", "q", CLIENT, .trace = 1, .id = 2, .attributes = "db.name=#7", .duration_ns = 3 * MS});
    assert_string_equal(total(&r),
                        "client=a,server=7,connection_type=database,failed=false 1\n"
                        "client=a,server=orders,connection_type=database,failed=false 1");
    rig_close(&r);
}

static void dimensions_are_of_either_side(void **state)
{
    (void)state;
    struct rig r = rig_open(&service_graph_connector, "{'dimensions':['zone','tier']}");
    SEND(&r, {"a", "c", CLIENT, .trace = 1, .id = 1, .attributes = "tier=#1", .resource = "zone=n"},
         {"b", "s", SERVER, .trace = 1, .id = 2, .parent = 1, .attributes = "zone=x",
          .resource = "zone=s"},
         SPAN("a", "c", CLIENT, 0, 0, 2, 1, 0), SPAN("b", "s", SERVER, 0, 0, 2, 2, 1));
    assert_string_equal(total(&r), "client=a,server=b,connection_type=,failed=false 1\n"
                                   "client=a,server=b,connection_type=,failed=false,client_zone=n,"
                                   "client_tier=1,server_zone=s 1");
    rig_close(&r);
}

/* A side that is told twice: of each dimension the latest. */
static void dimensions_of_a_side_add_up(void **state)
{
    (void)state;
    struct rig r = rig_open(&service_graph_connector, "{'dimensions':['a','b','c']}");
    SEND(&r, {"s", "s", SERVER, .trace = 1, .id = 2, .parent = 1, .attributes = "a=1,b=1"},
         {"s", "s", SERVER, .trace = 1, .id = 3, .parent = 1, .attributes = "c=2,b=2"},
         {"s", "s", SERVER, .trace = 1, .id = 4, .parent = 1},
         SPAN("c", "c", CLIENT, 0, 0, 1, 1, 0));
    assert_string_equal(total(&r), "client=c,server=s,connection_type=,failed=false,server_a=1,"
                                   "server_b=2,server_c=2 1");
    rig_close(&r);
}

static void the_store_is_bounded(void **state)
{
    (void)state;
    struct rig r = rig_open(&service_graph_connector, "{'store':{'max_items':2}}");
    SEND(&r, SPAN("a", "c", CLIENT, 0, 0, 1, 1, 0), SPAN("a", "c", CLIENT, 0, 0, 2, 1, 0),
         SPAN("a", "c", CLIENT, 0, 0, 3, 1, 0), SPAN("b", "s", SERVER, 0, 0, 1, 2, 1),
         SPAN("b", "s", SERVER, 0, 0, 3, 2, 1));
    assert_counter(&r, "dropped_spans{connector=\"x\"} 1\n");
    assert_counter(&r, "total_edges{connector=\"x\"} 3\n");
    assert_string_equal(total(&r), "client=a,server=b,connection_type=,failed=false 1");
    rig_close(&r);
}

static void series_are_bounded(void **state)
{
    (void)state;
    struct rig r = rig_open(&service_graph_connector, "{'max_series':1}");
    for (char c = 'a'; c < 'e'; c++) {
        const char name[] = {c, 0};
        SEND(&r, SPAN(name, "c", CLIENT, 0, 0, 1, 1, 0), SPAN("s", "s", SERVER, 0, 0, 1, 2, 1));
    }
    assert_string_equal(total(&r), "client=a,server=s,connection_type=,failed=false 1\n"
                                   "otel.metric.overflow=true 3");
    assert_counter(&r, "overflowed_edges{connector=\"x\"} 3\n");
    rig_close(&r);
}

static void exponential_histograms(void **state)
{
    (void)state;
    struct rig r = rig_open(&service_graph_connector, "{'exponential_histogram_max_size':20}");
    SEND(&r, SPAN("b", "s", SERVER, 0, 3 * SEC, 1, 2, 1),
         SPAN("a", "c", CLIENT, 0, 7 * SEC, 1, 1, 0));
    assert_int_equal(r.source->families[3].type, METRIC_EXPONENTIAL_HISTOGRAM);
    assert_string_equal(shown(&r, "traces_service_graph_request_client"),
                        "client=a,server=b,connection_type=,failed=false 1 7");
    rig_close(&r);
}

static void mistakes_are_told(void **state)
{
    (void)state;
    assert_wrong(&service_graph_connector,
                 "{'latency_histogram_buckets':['1s'],'exponential_histogram_max_size':9}",
                 "either");
    assert_wrong(&service_graph_connector, "{'latency_histogram_buckets':['2s','1s']}", "ascend");
    assert_wrong(&service_graph_connector, "{'store':{'max_items':0}}", "out of range");
    assert_wrong(&service_graph_connector, "{'wait':'1s'}", "unknown key");
}

static void memory_runs_out(void **state)
{
    (void)state;
    const struct test_span spans[] = {
        {"a", "c", CLIENT, .trace = 1, .id = 1, .attributes = "peer.service=p,d=1"},
        {"b", "s", SERVER, .trace = 1, .id = 2, .parent = 1, .attributes = "d=2"},
        {"a", "q", CLIENT, .trace = 2, .id = 1, .attributes = "db.name=db"},
        {"b", "s", SERVER, .trace = 3, .id = 1},
    };
    bool whole = false;
    for (long left = 0; !whole; left++) {
        struct rig r = rig_open(&service_graph_connector,
                                "{'dimensions':['d'],'exponential_histogram_max_size':5}");
        struct batch *b = batch_from_spans(spans, 4);
        allocations_left = left;
        assert_int_equal(component_consume(r.connector, b, NULL).verdict, VERDICT_ACCEPTED);
        expire_at(&r, 10 * SEC);
        whole = allocations_left > 0;
        allocations_left = -1;
        SEND(&r, SPAN("y", "c", CLIENT, 0, 0, 9, 1, 0), SPAN("z", "s", SERVER, 0, 0, 9, 2, 1));
        assert_non_null(strstr(total(&r), "client=y,server=z"));
        if (whole)
            assert_counter(&r, "lost_spans{connector=\"x\"} 0\n");
        rig_close(&r);
    }
}

static void consume_without_memory(struct rig *r, const struct test_span *spans, size_t count)
{
    struct batch *b = batch_from_spans(spans, count);
    allocations_left = 0;
    assert_int_equal(component_consume(r->connector, b, NULL).verdict, VERDICT_ACCEPTED);
    allocations_left = -1;
}

/* A service's name is looked at once a scope, and every span of the scope is lost without it; what
 * has no service's name, or no other side, is not. */
static void each_span_is_counted_as_lost(void **state)
{
    (void)state;
    const struct test_span spans[] = {
        SPAN("a", "c", CLIENT, 0, 0, 1, 1, 0),  SPAN("a", "c", CLIENT, 0, 0, 2, 1, 0),
        SPAN("a", "c", CLIENT, 0, 0, 3, 1, 0),  SPAN("a", "i", SPAN_KIND_INTERNAL, 0, 0, 3, 2, 1),
        SPAN(NULL, "c", CLIENT, 0, 0, 4, 1, 0), SPAN("b", "s", SERVER, 0, 0, 5, 1, 0),
    };
    struct rig r = rig_open(&service_graph_connector, "{}");
    consume_without_memory(&r, spans, 6);
    assert_counter(&r, "lost_spans{connector=\"x\"} 4\n");
    rig_close(&r);
}

/* An array's text wants memory, a string's does not. */
static void what_fails_once_may_succeed_later(void **state)
{
    (void)state;
    const struct test_span array[] = {{"a", "c", CLIENT, .id = 1, .attributes = "db.name=[x"}};
    struct rig r = rig_open(&service_graph_connector, "{}");
    SEND(&r, SPAN("a", "c", CLIENT, 0, 0, 1, 1, 0));
    consume_without_memory(&r, array, 1);
    SEND(&r, {"a", "c", CLIENT, .id = 2, .attributes = "db.name=y"});
    assert_string_equal(total(&r), "client=a,server=y,connection_type=database,failed=false 1");
    assert_counter(&r, "lost_spans{connector=\"x\"} 1\n");
    rig_close(&r);
}

static void showing_runs_out_of_memory(void **state)
{
    (void)state;
    struct rig r = rig_open(&service_graph_connector, "{'exponential_histogram_max_size':5}");
    for (char c = 'a'; c <= 'z'; c++) {
        const char name[] = {c, 0};
        SEND(&r, SPAN(name, "c", CLIENT, 0, MS, 1, 1, 0), SPAN("s", "s", SERVER, 0, MS, 1, 2, 1));
    }
    for (size_t family = 0; family < r.source->family_count; family++)
        assert_want_of_memory_is_told(&r, family);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_an_edge),
        cmocka_unit_test(messages_pair_by_link),
        cmocka_unit_test(what_stays_alone_is_virtual_or_nothing),
        cmocka_unit_test(the_clock_is_set),
        cmocka_unit_test(databases_need_no_other_half),
        cmocka_unit_test(dimensions_are_of_either_side),
        cmocka_unit_test(dimensions_of_a_side_add_up),
        cmocka_unit_test(the_store_is_bounded),
        cmocka_unit_test(series_are_bounded),
        cmocka_unit_test(exponential_histograms),
        cmocka_unit_test(mistakes_are_told),
        cmocka_unit_test(memory_runs_out),
        cmocka_unit_test(showing_runs_out_of_memory),
        cmocka_unit_test(each_span_is_counted_as_lost),
        cmocka_unit_test(what_fails_once_may_succeed_later),
    };
    return cmocka_run_group_tests(tests, NULL, rig_teardown);
}
