/* span_metrics as somebody sees it who reads its series. */
#include "tests/unit/metrics/short_of_memory.h"

#include "metrics/dimensions.h"

#define SERVER             SPAN_KIND_SERVER
#define CLIENT             SPAN_KIND_CLIENT
#define HIGH               0xff00 /* a trace whose randomness is above most thresholds */
#define OF(kind_, status_) ",span.kind=SPAN_KIND_" kind_ ",status.code=STATUS_CODE_" status_

static void calls_and_durations(void **state)
{
    (void)state;
    struct rig r = rig_open(&span_metrics_connector, "{}");
    SEND(&r, SPAN("shop", "GET /", SERVER, 0, 3 * MS, 1, 1, 0),
         SPAN("shop", "GET /", SERVER, 0, 2 * MS, 1, 2, 0),
         SPAN("shop", "GET /", SERVER, SPAN_STATUS_ERROR, 20 * SEC, 1, 3, 0),
         SPAN("cart", "GET /", CLIENT, SPAN_STATUS_OK, 0, 1, 4, 0));
    SEND(&r, SPAN("shop", "GET /", SERVER, 0, 3 * MS, 1, 5, 0),
         SPAN(NULL, "nobody's", SERVER, 0, 1, 1, 6, 0));
    assert_string_equal(
        shown(&r, "traces.span.metrics.calls"),
        "service.name=cart,span.name=GET /" OF(
            "CLIENT", "OK") " 1\n"
                            "service.name=shop,span.name=GET /" OF(
                                "SERVER", "ERROR") " 1\n"
                                                   "service.name=shop,span.name=GET /" OF(
                                                       "SERVER", "UNSET") " 3");
    assert_string_equal(
        shown(&r, "traces.span.metrics.duration"),
        "service.name=cart,span.name=GET /" OF(
            "CLIENT", "OK") " 1 0 2:1\n"
                            "service.name=shop,span.name=GET /" OF(
                                "SERVER", "ERROR") " 1 20000 inf:1\n"
                                                   "service.name=shop,span.name=GET /" OF(
                                                       "SERVER", "UNSET") " 3 8 2:1 4:2");
    assert_string_equal(r.source->families[1].unit, "ms");
    rig_close(&r);
}

/* A span that ends before it starts took no time. */
static void backwards(void **state)
{
    (void)state;
    struct rig r = rig_open(&span_metrics_connector, "{'histogram':{'unit':'s'}}");
    SEND(&r, SPAN("shop", "a", SERVER, 0, (uint64_t)-5, 1, 1, 0),
         SPAN("shop", "a", SERVER, 0, 2 * MS, 1, 1, 0));
    assert_string_equal(shown(&r, "traces.span.metrics.duration"),
                        "service.name=shop,span.name=a" OF("SERVER", "UNSET") " 2 0.002 0.002:2");
    assert_string_equal(r.source->families[1].unit, "s");
    rig_close(&r);
}

static void dimensions_come_from_span_then_resource_then_default(void **state)
{
    (void)state;
    struct rig r = rig_open(&span_metrics_connector,
                            "{'namespace':'n','histogram':{'disable':true},'exclude_dimensions':"
                            "['span.kind','status.code'],'dimensions':[{'name':'region'},"
                            "{'name':'code','default':'none'},{'name':'absent'}]}");
    SEND(&r,
         {"shop", "a", .id = 1, .attributes = "region=span,code=#200", .resource = "region=res"},
         {"shop", "a", .id = 2, .attributes = "code=200", .resource = "region=res"},
         {"shop", "a", .id = 3, .attributes = "code=#200", .resource = "region=res"},
         {"shop", "a", .id = 4, .resource = "x=y"});
    assert_string_equal(shown(&r, "n.calls"),
                        "service.name=shop,span.name=a,code=none 1\n"
                        "service.name=shop,span.name=a,region=res,code=200 2\n"
                        "service.name=shop,span.name=a,region=span,code=200 1");
    assert_int_equal(r.source->family_count, 1);
    rig_close(&r);
}

static void calls_and_durations_may_have_dimensions_of_their_own(void **state)
{
    (void)state;
    struct rig r =
        rig_open(&span_metrics_connector,
                 "{'exclude_dimensions':['span.kind','status.code'],'dimensions':[{'name':'all'}],"
                 "'calls_dimensions':[{'name':'c'}],'histogram':{'dimensions':[{'name':'d'}]}}");
    SEND(&r, {"s", "a", .id = 1, .attributes = "all=1,c=2,d=3"},
         {"s", "a", .id = 2, .attributes = "d=3,c=9,all=1"});
    assert_string_equal(shown(&r, "traces.span.metrics.calls"),
                        "service.name=s,span.name=a,all=1,c=2 1\n"
                        "service.name=s,span.name=a,all=1,c=9 1");
    assert_string_equal(shown(&r, "traces.span.metrics.duration"),
                        "service.name=s,span.name=a,all=1,d=3 2 0 2:2");
    rig_close(&r);
}

static void globs_choose_attributes(void **state)
{
    (void)state;
    struct rig r = rig_open(
        &span_metrics_connector,
        "{'exclude_dimensions':['span.kind','status.code','span.name'],'histogram':"
        "{'disable':true},'dimensions':[{'glob':'http.*'},{'name':'z'},{'glob':'k8s.**'}]}");
    SEND(&r,
         {"s", "a", .id = 1, .attributes = "http.b=1,http.a=2,http.a.b=3", .resource = "k8s.x.y=r"},
         {"s", "b", .id = 2, .attributes = "z=1,http.a=2,http.b=1", .resource = "k8s.x.y=r"},
         {"s", "b", .id = 3, .attributes = "k8s.x.y=q", .resource = "k8s.x.y=r"});
    assert_string_equal(shown(&r, "traces.span.metrics.calls"),
                        "service.name=s,http.a=2,http.b=1,k8s.x.y=r 1\n"
                        "service.name=s,k8s.x.y=q 1\n"
                        "service.name=s,z=1,http.a=2,http.b=1,k8s.x.y=r 1");
    rig_close(&r);
}

/* A label is the same wherever it comes from; where two say it, the span's counts, and its last. */
static void globs_do_not_tell_sources_apart(void **state)
{
    (void)state;
    struct rig r =
        rig_open(&span_metrics_connector,
                 "{'exclude_dimensions':['span.kind','status.code','span.name'],'histogram':"
                 "{'disable':true},'dimensions':[{'glob':'h.*'}],"
                 "'resource_metrics_key_attributes':['service.name']}");
    SEND(&r, {"s", "a", .id = 1, .attributes = "h.a=1,h.b=2"},
         {"s", "a", .id = 2, .attributes = "h.b=2", .resource = "h.a=1"},
         {"s", "a", .id = 3, .attributes = "h.a=1", .resource = "h.b=2"},
         {"s", "a", .id = 4, .attributes = "h.b=3,h.a=1,h.b=2", .resource = "h.a=4,h.b=4"});
    assert_string_equal(shown(&r, "traces.span.metrics.calls"), "service.name=s,h.a=1,h.b=2 4");
    rig_close(&r);
}

/* "h.0=x,h.1=x,…"; kept until the test ends. */
static const char *many_attributes(unsigned count)
{
    struct buffer list = {0};
    for (unsigned i = 0; i < count; i++)
        buffer_printf(&list, "%sh.%u=x", i ? "," : "", i);
    buffer_append_byte(&list, 0);
    const char *kept = kept_text((const char *)list.data);
    buffer_free(&list);
    return kept;
}

/* Strangers choose how many attributes a span and its resource have. What takes them with each
 * other does not end before the test's time is over. */
static void globs_are_bounded(void **state)
{
    (void)state;
    enum { SPANS = 50, MANY = 40000 };
    struct rig r = rig_open(&span_metrics_connector,
                            "{'exclude_dimensions':['span.kind','status.code','span.name'],"
                            "'dimensions':[{'glob':'h.*'}],"
                            "'resource_metrics_key_attributes':['service.name']}");
    const char *many = many_attributes(MANY);
    struct test_span spans[SPANS];
    for (int i = 0; i < SPANS; i++)
        spans[i] = (struct test_span){"s", "a", .id = 1, .attributes = many, .resource = many};
    rig_send(&r, spans, SPANS);
    const char *line = shown(&r, "traces.span.metrics.calls");
    size_t labels = 0;
    for (const char *at = line; (at = strstr(at, ",h.")); at++)
        labels++;
    assert_int_equal(labels, GLOBBED_MAX);
    assert_string_equal(strrchr(line, ' '), " 50");
    rig_close(&r);
}

/* A resource is large and has many scopes. */
static void resources_are_read_once(void **state)
{
    (void)state;
    enum { SCOPES = 200000, MANY = 300000 };
    struct rig r = rig_open(&span_metrics_connector, "{'dimensions':[{'name':'d'}],"
                                                     "'add_resource_attributes':false,"
                                                     "'exclude_dimensions':['span.kind']}");
    const struct test_span span = {"s", "a", .id = 1};
    struct buffer request = {0}, group = {0}, part = {0};
    put_key_value(&part, 1, bytes_of_string("service.name"), bytes_of_string("s"));
    put_attributes(&part, 1, many_attributes(MANY));
    put_nested(&group, 1, &part);
    for (int i = 0; i < SCOPES; i++) {
        put_span(&part, &span);
        put_nested(&group, 2, &part);
    }
    put_nested(&request, 1, &group);
    struct batch_report report;
    struct batch *b = batch_from_request(buffer_bytes(&request), &report);
    assert_non_null(b);
    buffer_free(&request);
    component_consume(r.connector, b, NULL);
    assert_string_equal(shown(&r, "traces.span.metrics.calls"),
                        "service.name=s,span.name=a,status.code=STATUS_CODE_UNSET 200000");
    rig_close(&r);
}

static void events_have_their_own_dimensions(void **state)
{
    (void)state;
    struct rig r = rig_open(&span_metrics_connector,
                            "{'exclude_dimensions':['span.kind','status.code'],'events':{'enabled':"
                            "true,'dimensions':[{'name':'exception.type'}]}}");
    SEND(&r, {"s", "a", .id = 1, .event = "exception.type=Oops"}, {"s", "a", .id = 2},
         {"s", "a", .trace = HIGH, .id = 3, .event = "exception.type=Oops",
          .trace_state = "ot=th:8"});
    assert_string_equal(shown(&r, "traces.span.metrics.events"),
                        "service.name=s,span.name=a,exception.type=Oops 3");
    rig_close(&r);
}

static void scopes_are_told_when_listed(void **state)
{
    (void)state;
    struct rig r =
        rig_open(&span_metrics_connector, "{'exclude_dimensions':['span.kind','status.code'],'"
                                          "include_instrumentation_scope':['lib']}");
    SEND(&r, {"s", "a", .id = 1, .scope = "lib"}, {"s", "a", .id = 2, .scope = "other"},
         {"s", "a", .id = 3, .scope = "lib"});
    assert_string_equal(shown(&r, "traces.span.metrics.calls"),
                        "service.name=s,span.name=a 1\n"
                        "service.name=s,span.name=a,span.instrumentation.scope.name=lib 2");
    rig_close(&r);
}

/* Half of the spans: each stands for two. Five elevenths: 1.4545 on average, whole each time. */
static void sampled_spans_stand_for_more(void **state)
{
    (void)state;
    enum { MANY = 20000 };
    struct rig r =
        rig_open(&span_metrics_connector, "{'exclude_dimensions':['span.kind','status.code'],"
                                          "'enable_metrics_sampling_method':true}");
    SEND(&r,
         {"s", "a", .trace = HIGH, .id = 1, .duration_ns = 3 * MS,
          .trace_state = "x=y,ot=rv:8;th:8"},
         {"s", "a", .trace = HIGH, .id = 2, .duration_ns = 3 * MS, .trace_state = "ot=th:c"},
         {"s", "a", .id = 3, .duration_ns = 3 * MS});
    assert_string_equal(shown(&r, "traces.span.metrics.duration"),
                        "service.name=s,span.name=a,sampling.method=counted 1 3 4:1\n"
                        "service.name=s,span.name=a,sampling.method=extrapolated 6 18 4:6");
    for (int i = 0; i < MANY / 4; i++) {
        const struct test_span s = {"t", "a", .trace = HIGH, .id = 1, .trace_state = "ot=th:5"};
        const struct test_span four[] = {s, s, s, s};
        rig_send(&r, four, 4);
    }
    const char *at = strstr(shown(&r, "traces.span.metrics.calls"), "service.name=t");
    double sum = atof(strstr(at, "extrapolated ") + strlen("extrapolated "));
    assert_true(sum > MANY * 1.4545 - 600 && sum < MANY * 1.4545 + 600);
    rig_close(&r);
}

/* Thresholds above the span's randomness, or that nobody samples with, are as good as none. */
static void incredible_thresholds_count_once(void **state)
{
    (void)state;
    static const struct {
        const char *trace_state;
        uint64_t trace;
        const char *shown;
    } cases[] = {
        {"ot=th:8", 0x8000, "sampling.method=extrapolated 2"},
        {"ot=th:8", 0x7f00, "sampling.method=counted 1"},
        {"ot=th:ffffffffffffff", HIGH, "sampling.method=counted 1"},
        {"ot=rv:80000000000000;th:8", 0, "sampling.method=extrapolated 2"},
        {"ot=rv:7fffffffffffff;th:8", HIGH, "sampling.method=counted 1"},
        {"ot=rv:ffffffffffffff;th:ffffffffffffff", HIGH, "sampling.method=counted 1"},
        {"ot=rv:ffffffffffffff;th:ffffffff", HIGH, "sampling.method=extrapolated 4294967296"},
        {"ot=rv:ffffffffffffff;th:ffffffff000001", HIGH, "sampling.method=counted 1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct rig r = rig_open(&span_metrics_connector,
                                "{'exclude_dimensions':['service.name','span.name','span.kind',"
                                "'status.code'],'enable_metrics_sampling_method':true}");
        SEND(&r, {"s", "a", .trace = cases[i].trace, .id = 1, .trace_state = cases[i].trace_state});
        assert_string_equal(shown(&r, "traces.span.metrics.calls"), cases[i].shown);
        rig_close(&r);
    }
}

/* Counted once, shown twice. */
static void names_by_flavour(void **state)
{
    (void)state;
    struct rig r = rig_open(&span_metrics_connector, "{'names':['collector','tempo']}");
    SEND(&r, SPAN("s", "a", SERVER, SPAN_STATUS_ERROR, 3 * MS, 1, 1, 0));
    assert_int_equal(r.source->family_count, 4);
    assert_string_equal(shown(&r, "traces_spanmetrics_calls_total"),
                        "service=s,span_name=a,span_kind=SPAN_KIND_SERVER,"
                        "status_code=STATUS_CODE_ERROR 1");
    assert_string_equal(shown(&r, "traces_spanmetrics_latency"),
                        "service=s,span_name=a,span_kind=SPAN_KIND_SERVER,"
                        "status_code=STATUS_CODE_ERROR 1 0.003 0.004:1");
    assert_string_equal(shown(&r, "traces.span.metrics.duration"),
                        "service.name=s,span.name=a" OF("SERVER", "ERROR") " 1 3 4:1");
    rig_close(&r);
    r = rig_open(&span_metrics_connector, "{'names':['tempo']}");
    assert_int_equal(r.source->family_count, 2);
    rig_close(&r);
}

static void a_flood_of_names_ends_in_the_overflow_series(void **state)
{
    (void)state;
    char names[100][16];
    struct test_span spans[100];
    struct rig r = rig_open(&span_metrics_connector,
                            "{'aggregation_cardinality_limit':3,'exclude_dimensions':"
                            "['span.kind','status.code'],'histogram':{'disable':true}}");
    for (int i = 0; i < 100; i++) {
        snprintf(names[i], sizeof names[i], "n%d", i);
        spans[i] = (struct test_span){"s", names[i], .id = 1};
    }
    rig_send(&r, spans, 100);
    SEND(&r, {"s", "n0", .id = 2}, {"t", "n50", .id = 3});
    assert_string_equal(shown(&r, "traces.span.metrics.calls"), "otel.metric.overflow=true 97\n"
                                                                "service.name=s,span.name=n0 2\n"
                                                                "service.name=s,span.name=n1 1\n"
                                                                "service.name=s,span.name=n2 1\n"
                                                                "service.name=t,span.name=n50 1");
    assert_counter(&r, "overflowed_spans{connector=\"x\"} 97\n");
    rig_close(&r);
}

/* Of all resources together, and in bytes: long names use up what many short ones would. */
static void everything_is_bounded(void **state)
{
    (void)state;
    static char name[9000];
    struct rig r = rig_open(&span_metrics_connector, "{'max_series':8,'histogram':{'disable':true},"
                                                     "'exclude_dimensions':['span.kind']}");
    memset(name, 'x', sizeof name - 1);
    SEND(&r, {"s", name, .id = 1});
    assert_string_equal(shown(&r, "traces.span.metrics.calls"), "otel.metric.overflow=true 1");
    for (char c = 'a'; c < 'z'; c++) {
        const char service[] = {c, 0};
        SEND(&r, {service, "op", .id = 1});
    }
    size_t lines = 1, plain = 0;
    for (const char *at = shown(&r, "traces.span.metrics.calls"); *at; at++) {
        lines += *at == '\n';
        plain += strncmp(at, "service.name", 12) == 0;
    }
    assert_int_equal(plain, 7);
    assert_int_equal(lines, 1 + 7 + 17);
    rig_close(&r);
}

static void resources_come_and_go(void **state)
{
    (void)state;
    struct rig r = rig_open(&span_metrics_connector,
                            "{'resource_metrics_cache_size':2,'histogram':{'disable':true},"
                            "'exclude_dimensions':['span.kind','status.code']}");
    SEND(&r, {"a", "op", .id = 1}, {"b", "op", .id = 1}, {"a", "op", .id = 1},
         {"c", "op", .id = 1});
    assert_string_equal(shown(&r, "traces.span.metrics.calls"),
                        "service.name=a,span.name=op 2\nservice.name=c,span.name=op 1");
    SEND(&r, {"b", "op", .id = 1});
    assert_string_equal(shown(&r, "traces.span.metrics.calls"),
                        "service.name=b,span.name=op 1\nservice.name=c,span.name=op 1");
    rig_close(&r);
}

struct resources {
    struct metric_visitor visitor;
    uint64_t ids[10];
    size_t labels;
    size_t count;
};

static bool keep_resource(struct metric_visitor *visitor, const struct metric_point *p)
{
    struct resources *r = (struct resources *)visitor;
    r->ids[r->count++] = p->resource->id;
    r->labels += p->resource->label_count;
    return true;
}

/* How many series a service with two instances has, told apart by their hosts or not. */
static size_t series_of_two_hosts(const char *config, size_t *labels)
{
    struct rig r = rig_open(&span_metrics_connector, config);
    struct resources all = {.visitor.point = keep_resource};
    SEND(&r, {"a", "op", .id = 1, .resource = "host=1,os=x"},
         {"a", "op", .id = 1, .resource = "os=x,host=1"},
         {"a", "op", .id = 1, .resource = "host=2,os=x"});
    r.source->collect(r.source, 0, &all.visitor);
    assert_true(all.count < 2 || all.ids[0] != all.ids[1]);
    *labels = all.labels;
    rig_close(&r);
    return all.count;
}

static void what_tells_resources_apart(void **state)
{
    (void)state;
    size_t labels;
    assert_int_equal(series_of_two_hosts("{}", &labels), 2);
    assert_int_equal(labels, 6);
    assert_int_equal(series_of_two_hosts("{'add_resource_attributes':true}", &labels), 2);
    assert_int_equal(series_of_two_hosts("{'resource_metrics_key_attributes':['os']}", &labels), 1);
    assert_int_equal(labels, 3);
    assert_int_equal(series_of_two_hosts("{'add_resource_attributes':false}", &labels), 1);
    assert_int_equal(labels, 0);
}

/* An attribute may be a few bytes, and a resource may have millions of them. All tell it apart. */
static void few_attributes_of_many_are_shown(void **state)
{
    (void)state;
    enum { MANY = 300000, SHOWN = 128 };
    struct rig r = rig_open(&span_metrics_connector, "{}");
    struct resources all = {.visitor.point = keep_resource};
    struct buffer list = {0};
    for (int i = 0; i < MANY; i++)
        buffer_append_string(&list, ".=#1,");
    buffer_append(&list, "last=", sizeof "last=");
    SEND(&r, {"s", "a", .id = 1, .resource = (const char *)list.data},
         {"s", "a", .id = 2, .resource = (const char *)list.data + strlen(".=#1,")},
         {"s", "a", .id = 3, .resource = (const char *)list.data});
    r.source->collect(r.source, 0, &all.visitor);
    assert_int_equal(all.count, 2);
    assert_int_equal(all.labels, 2 * SHOWN);
    buffer_free(&list);
    rig_close(&r);
}

struct examples {
    struct metric_visitor visitor;
    struct metric_exemplar items[10];
    size_t count;
};

static bool keep_examples(struct metric_visitor *visitor, const struct metric_point *p)
{
    struct examples *x = (struct examples *)visitor;
    x->count = p->exemplar_count;
    if (x->count > 0)
        memcpy(x->items, p->exemplars, x->count * sizeof x->items[0]);
    return true;
}

/* One of each bucket as long as there is room, and the latest of each. */
static void exemplars_lead_to_traces(void **state)
{
    (void)state;
    uint8_t trace[16];
    struct examples x = {.visitor.point = keep_examples};
    struct rig r =
        rig_open(&span_metrics_connector, "{'exemplars':{'enabled':true,'max_per_data_point':2},"
                                          "'names':['collector','tempo']}");
    SEND(&r, {"a", "op", .id = 1, .trace = 1, .duration_ns = 3 * MS},
         {"a", "op", .id = 2, .trace = 2, .duration_ns = 3 * MS},
         {"a", "op", .id = 3, .trace = 3, .duration_ns = 300 * MS});
    for (size_t family = 0; family < 4; family++) {
        r.source->collect(r.source, family, &x.visitor);
        assert_int_equal(x.count, 2);
        make_trace_id(trace, 2);
        assert_memory_equal(x.items[0].trace_id, trace, 16);
        assert_float_equal(x.items[1].value, family < 2 ? 300 : 0.3, 1e-9);
        assert_true(x.items[1].time_ns > 0);
    }
    rig_close(&r);
}

static void exponential_histograms(void **state)
{
    (void)state;
    struct rig r = rig_open(&span_metrics_connector,
                            "{'histogram':{'unit':'s','exponential':{'max_size':10}}}");
    SEND(&r, {"a", "op", .id = 1, .duration_ns = 3 * MS}, {"a", "op", .id = 1, .duration_ns = SEC},
         {"a", "op", .id = 1});
    assert_int_equal(r.source->families[1].type, METRIC_EXPONENTIAL_HISTOGRAM);
    assert_string_equal(shown(&r, "traces.span.metrics.duration"),
                        "service.name=a,span.name=op" OF("UNSPECIFIED", "UNSET") " 3 1.003");
    rig_close(&r);
}

static const struct {
    const char *config;
    const char *part;
} mistakes[] = {
    {"{'dimensions':[{'name':'a'},{'name':'a'}]}", "duplicate dimension name \"a\""},
    {"{'dimensions':[{'name':'span.kind'}]}", "duplicate dimension name \"span.kind\""},
    {"{'dimensions':[{'default':'x'}]}", "either name or glob"},
    {"{'dimensions':[{'glob':'a','name':'b'}]}", "either name or glob"},
    {"{'dimensions':[{'glob':'span.*'}]}", "would add"},
    {"{'dimensions':[{'glob':'[a'}]}", "[ without ]"},
    {"{'events':{'enabled':true}}", "events need dimensions"},
    {"{'histogram':{'explicit':{'buckets':['1s']},'exponential':{'max_size':5}}}", "either"},
    {"{'histogram':{'explicit':{'buckets':['1s','1s']}}}", "ascend"},
    {"{'histogram':{'unit':'us'}}", "supported: ms, s"},
    {"{'metrics_flush_interval':'0s'}", "more than 0"},
    {"{'aggregation_temporality':'AGGREGATION_TEMPORALITY_DELTA','metric_timestamp_cache_size':0}",
     "more than 0"},
    {"{'names':['prometheus']}", "supported: collector, tempo"},
    {"{'names':['tempo'],'histogram':{'exponential':{}}}", "seconds"},
    {"{'history':{'step':'10ms'}}", "at least 1s"},
    {"{'history':{'step':'1s','retention':'100001s'}}", "at most 100000 steps"},
    {"{'shards':1}", "unknown key"},
};

static void mistakes_are_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++)
        assert_wrong(&span_metrics_connector, mistakes[i].config, mistakes[i].part);
    struct rig r =
        rig_open(&span_metrics_connector, "{'history':{'step':'1s','retention':'100000s'}}");
    rig_close(&r);
}

static void deltas(void **state)
{
    (void)state;
    struct rig r = rig_open(&span_metrics_connector,
                            "{'aggregation_temporality':'AGGREGATION_TEMPORALITY_DELTA',"
                            "'metrics_flush_interval':'7s'}");
    assert_true(r.source->delta);
    assert_int_equal(r.source->flush_interval_ns, 7 * SEC);
    rig_close(&r);
    r = rig_open(&span_metrics_connector, "{}");
    assert_false(r.source->delta);
    rig_close(&r);
}

/* With every allocation failing in turn: what was counted and what was lost are all there was. */
static void memory_runs_out(void **state)
{
    (void)state;
    const struct test_span spans[] = {
        {"s", "a", .id = 1, .attributes = "d=#5", .event = "e=1"},
        {"t", "b", .id = 2, .attributes = "d=6", .resource = "k=v"},
        {"s", "c", .id = 3, .event = "e=2"},
    };
    bool whole = false;
    for (long left = 0; !whole; left++) {
        struct rig r = rig_open(&span_metrics_connector,
                                "{'dimensions':[{'name':'d'}],'events':{'enabled':true,"
                                "'dimensions':[{'name':'e'}]},'calls_dimensions':[{'name':'x'}],"
                                "'histogram':{'exponential':{'max_size':4}},"
                                "'exemplars':{'enabled':true}}");
        struct batch *b = batch_from_spans(spans, 3);
        allocations_left = left;
        assert_int_equal(component_consume(r.connector, b, NULL).verdict, VERDICT_ACCEPTED);
        whole = allocations_left > 0;
        allocations_left = -1;
        SEND(&r, {"u", "z", .id = 9});
        assert_non_null(strstr(shown(&r, "traces.span.metrics.calls"), "service.name=u"));
        if (whole)
            assert_counter(&r, "lost_spans{connector=\"x\"} 0\n");
        rig_close(&r);
    }
}

static void showing_runs_out_of_memory(void **state)
{
    (void)state;
    struct rig r = rig_open(&span_metrics_connector, "{'names':['collector','tempo'],"
                                                     "'exemplars':{'enabled':true}}");
    for (char c = 'a'; c <= 'z'; c++) {
        const char name[] = {c, 0};
        SEND(&r, {"s", name, SERVER, .id = 1, .duration_ns = MS},
             {"t", name, SERVER, .id = 2, .duration_ns = MS},
             {"u", name, SERVER, .id = 3, .duration_ns = MS});
    }
    for (size_t family = 0; family < r.source->family_count; family++)
        assert_want_of_memory_is_told(&r, family);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_and_durations),
        cmocka_unit_test(backwards),
        cmocka_unit_test(dimensions_come_from_span_then_resource_then_default),
        cmocka_unit_test(calls_and_durations_may_have_dimensions_of_their_own),
        cmocka_unit_test(globs_choose_attributes),
        cmocka_unit_test(globs_do_not_tell_sources_apart),
        cmocka_unit_test(globs_are_bounded),
        cmocka_unit_test(resources_are_read_once),
        cmocka_unit_test(events_have_their_own_dimensions),
        cmocka_unit_test(scopes_are_told_when_listed),
        cmocka_unit_test(sampled_spans_stand_for_more),
        cmocka_unit_test(incredible_thresholds_count_once),
        cmocka_unit_test(names_by_flavour),
        cmocka_unit_test(a_flood_of_names_ends_in_the_overflow_series),
        cmocka_unit_test(everything_is_bounded),
        cmocka_unit_test(resources_come_and_go),
        cmocka_unit_test(what_tells_resources_apart),
        cmocka_unit_test(few_attributes_of_many_are_shown),
        cmocka_unit_test(exemplars_lead_to_traces),
        cmocka_unit_test(exponential_histograms),
        cmocka_unit_test(mistakes_are_told),
        cmocka_unit_test(deltas),
        cmocka_unit_test(memory_runs_out),
        cmocka_unit_test(showing_runs_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, rig_teardown);
}
