/* A million random spans, on one lane and on several, against plain models that know nothing of
 * hashes, keys and edges. Durations are whole halves of a millisecond, so sums are exact in any
 * order. */
#include "tests/unit/metrics/rig.h"

#include "metrics/service_graph_private.h"

#include <pthread.h>

enum {
    SPANS = 1000000,
    SERVICES = 5,
    OPERATIONS = 40,
    KINDS = 6,
    STATUSES = 3,
    METHODS = 3,
    BUCKETS = 17,
    BATCH = 200,
    LANES = 3
};

static const double bounds[] = {2,   4,   6,    8,    10,   50,   100,   200,
                                400, 800, 1000, 1400, 2000, 5000, 10000, 15000};

static uint64_t dice = 1;

static uint32_t roll(uint32_t below)
{
    dice = dice * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(dice >> 33) % below;
}

struct tally {
    uint64_t count;
    double sum;
    uint64_t buckets[BUCKETS];
    bool shown;
};

static void tally_add(struct tally *t, double value, uint64_t n)
{
    size_t b = 0;
    while (b < BUCKETS - 1 && value > bounds[b])
        b++;
    t->count += n;
    t->sum += value * (double)n;
    t->buckets[b] += n;
}

static void assert_tally(const struct tally *t, const struct metric_point *p, double unit)
{
    assert_int_equal(p->count, t->count);
    assert_int_equal(p->bound_count, BUCKETS - 1);
    assert_memory_equal(p->buckets, t->buckets, sizeof t->buckets);
    assert_float_equal(p->sum * unit, t->sum, t->sum * 1e-9);
}

/* ---- span_metrics ---- */

static struct tally tallies[SERVICES][OPERATIONS][KINDS][STATUSES][METHODS];
static char services[SERVICES][8], operations[OPERATIONS][8];
static const char *const methods[METHODS] = {NULL, "m=GET", "other=1,m=POST,x=y"};

static void name_things(void)
{
    for (int i = 0; i < SERVICES; i++)
        snprintf(services[i], sizeof services[i], "s%d", i);
    for (int i = 0; i < OPERATIONS; i++)
        snprintf(operations[i], sizeof operations[i], "op%d", i);
}

static double random_ms(void)
{
    return (double)roll(1U << roll(16)) / 2;
}

static struct test_span random_span(void)
{
    uint32_t service = roll(SERVICES), operation = roll(OPERATIONS), kind = roll(KINDS),
             status = roll(STATUSES), method = roll(METHODS);
    double ms = random_ms();
    uint64_t n = roll(8) == 0 ? 2 : 1;
    tally_add(&tallies[service][operation][kind][status][method], ms, n);
    return (struct test_span){.service = services[service],
                              .name = operations[operation],
                              .kind = kind,
                              .status = status,
                              .duration_ns = (uint64_t)(ms * 1e6),
                              .id = 1 + roll(1000),
                              .trace_state = n == 2 ? "ot=rv:ffffffffffffff;th:8" : NULL,
                              .attributes = methods[method]};
}

static struct batch *random_batch(void)
{
    struct test_span spans[BATCH];
    for (int i = 0; i < BATCH; i++)
        spans[i] = random_span();
    return batch_from_spans(spans, BATCH);
}

static struct bytes label(const struct metric_point *p, const char *name)
{
    for (size_t i = 0; i < p->label_count; i++) {
        if (bytes_equal_string(p->labels[i].name, name))
            return p->labels[i].value.bytes;
    }
    return bytes_of(NULL, 0);
}

static uint32_t number_behind(struct bytes b, size_t prefix)
{
    char text[16] = "";
    memcpy(text, b.data + prefix, b.len - prefix);
    return (uint32_t)atoi(text);
}

static struct tally *tally_of(const struct metric_point *p)
{
    static const char kinds[KINDS][12] = {"UNSPECIFIED", "INTERNAL", "SERVER",
                                          "CLIENT",      "PRODUCER", "CONSUMER"};
    static const char statuses[STATUSES][8] = {"UNSET", "OK", "ERROR"};
    struct bytes kind = label(p, "span.kind"), status = label(p, "status.code"),
                 method = label(p, "m");
    uint32_t k = 0, s = 0;
    while (!bytes_equal_string(bytes_of(kind.data + 10, kind.len - 10), kinds[k]))
        k++;
    while (!bytes_equal_string(bytes_of(status.data + 12, status.len - 12), statuses[s]))
        s++;
    uint32_t m = method.len == 0 ? 0 : bytes_equal_string(method, "GET") ? 1 : 2;
    return &tallies[number_behind(label(p, "service.name"), 1)]
                   [number_behind(label(p, "span.name"), 2)][k][s][m];
}

struct check {
    struct metric_visitor visitor;
    bool durations;
    size_t count;
};

static bool check_point(struct metric_visitor *visitor, const struct metric_point *p)
{
    struct check *c = (struct check *)visitor;
    struct tally *t = tally_of(p);
    assert_true(t->shown != c->durations); /* each once */
    t->shown = c->durations;
    if (c->durations)
        assert_tally(t, p, 1);
    else
        assert_true(p->value == (double)t->count);
    c->count++;
    return true;
}

static void assert_equal_to_the_model(struct rig *r)
{
    size_t wanted = 0;
    const struct tally *all = &tallies[0][0][0][0][0];
    for (size_t i = 0; i < sizeof tallies / sizeof *all; i++)
        wanted += all[i].count > 0;
    struct check durations = {.visitor.point = check_point, .durations = true};
    struct check calls = {.visitor.point = check_point};
    r->source->collect(r->source, 1, &durations.visitor);
    r->source->collect(r->source, 0, &calls.visitor);
    assert_int_equal(durations.count, wanted);
    assert_int_equal(calls.count, wanted);
}

static void span_metrics_equal_a_plain_model(void **state)
{
    (void)state;
    memset(tallies, 0, sizeof tallies);
    struct rig r = rig_open(&span_metrics_connector, "{'dimensions':[{'name':'m'}]}");
    for (int i = 0; i < SPANS / BATCH; i++)
        component_consume(r.connector, random_batch(), NULL);
    assert_equal_to_the_model(&r);
    rig_close(&r);
}

/* ---- lanes ---- */

struct lane_of_batches {
    struct rig *rig;
    struct batch *batches[SPANS / BATCH / LANES / 10];
};

static void *send_all(void *context)
{
    struct lane_of_batches *l = context;
    for (size_t i = 0; i < sizeof l->batches / sizeof l->batches[0]; i++)
        component_consume(l->rig->connector, l->batches[i], NULL);
    return NULL;
}

static bool is_consistent(struct metric_visitor *visitor, const struct metric_point *p)
{
    uint64_t sum = 0;
    (void)visitor;
    for (size_t i = 0; i <= p->bound_count; i++)
        sum += p->buckets[i];
    assert_int_equal(sum, p->count);
    return true;
}

static atomic_bool sending;

static void *collect_all(void *context)
{
    struct rig *r = context;
    struct metric_visitor v = {.point = is_consistent};
    while (atomic_load(&sending))
        r->source->collect(r->source, 1, &v);
    return NULL;
}

static void lanes_count_together_while_others_look(void **state)
{
    (void)state;
    static struct lane_of_batches lanes[LANES];
    pthread_t threads[LANES], collector;
    memset(tallies, 0, sizeof tallies);
    struct rig r = rig_open(&span_metrics_connector,
                            "{'dimensions':[{'name':'m'}],'exemplars':{'enabled':true}}");
    for (int l = 0; l < LANES; l++) {
        lanes[l].rig = &r;
        for (size_t i = 0; i < sizeof lanes[l].batches / sizeof lanes[l].batches[0]; i++)
            lanes[l].batches[i] = random_batch();
    }
    atomic_store(&sending, true);
    pthread_create(&collector, NULL, collect_all, &r);
    for (int l = 0; l < LANES; l++)
        pthread_create(&threads[l], NULL, send_all, &lanes[l]);
    for (int l = 0; l < LANES; l++)
        pthread_join(threads[l], NULL);
    atomic_store(&sending, false);
    pthread_join(collector, NULL);
    assert_equal_to_the_model(&r);
    rig_close(&r);
}

/* ---- service_graph ---- */

enum { REQUESTS = 400000, PEERS = SERVICES + 4, USER = SERVICES, UNKNOWN, PEER, DATABASE };

static const char *const peer_names[] = {"user", "unknown", "peer", "db"};
static const char *const types[] = {"", "messaging_system", "database", "virtual_node"};

struct graph_tally {
    struct tally server, client;
};
static struct graph_tally graph[PEERS][PEERS][4][2];
static struct test_span *graph_spans;
static size_t graph_span_count;
static uint64_t graph_expired;

static void expect_edge(uint32_t client, uint32_t server, unsigned type, bool failed,
                        double client_ms, double server_ms)
{
    struct graph_tally *t = &graph[client][server][type][failed];
    tally_add(&t->client, client_ms, 1);
    tally_add(&t->server, server_ms, 1);
}

/* One request of some sort: its spans, and what they should become. */
static void random_request(uint64_t number)
{
    uint32_t c = roll(SERVICES), s = roll(SERVICES);
    bool client_fails = roll(10) == 0, server_fails = roll(10) == 0;
    double client_ms = random_ms(), server_ms = random_ms();
    struct test_span client = SPAN(services[c], "c", SPAN_KIND_CLIENT, client_fails ? 2 : 0,
                                   (uint64_t)(client_ms * 1e6), number, 1, 0);
    struct test_span server = SPAN(services[s], "s", SPAN_KIND_SERVER, server_fails ? 2 : 0,
                                   (uint64_t)(server_ms * 1e6), number, 2, 1);
    bool failed = client_fails || server_fails;
    bool has_client = true, has_server = true;
    switch (roll(9)) {
    case 0:
    case 1:
        expect_edge(c, s, 0, failed, client_ms, server_ms);
        break;
    case 2: /* messaging, by parent */
        client.kind = SPAN_KIND_PRODUCER;
        server.kind = SPAN_KIND_CONSUMER;
        expect_edge(c, s, 1, failed, client_ms, server_ms);
        break;
    case 3: /* by link, from a trace of its own */
        client.kind = SPAN_KIND_PRODUCER;
        server.kind = SPAN_KIND_CONSUMER;
        server.trace += REQUESTS;
        server.parent = 0;
        server.link_trace = number;
        server.link_id = 1;
        expect_edge(c, s, 1, failed, client_ms, server_ms);
        break;
    case 4:
        has_server = false;
        client.attributes = "db.system=x,db.name=db";
        expect_edge(c, DATABASE, 2, client_fails, client_ms, client_ms);
        break;
    case 5: /* a server that we see nothing of, with a name or without */
        has_server = false;
        client.attributes = number & 1 ? "a=b,peer.service=peer" : NULL;
        expect_edge(c, number & 1 ? PEER : UNKNOWN, 3, client_fails, client_ms, 0);
        graph_expired++;
        break;
    case 6: /* a user's */
        has_client = false;
        server.parent = 0;
        expect_edge(USER, s, 3, server_fails, 0, server_ms);
        graph_expired++;
        break;
    case 7: /* whose caller nobody knows */
        has_client = false;
        graph_expired++;
        break;
    default:
        client.kind = SPAN_KIND_INTERNAL;
        server.kind = SPAN_KIND_UNSPECIFIED;
    }
    if (has_client)
        graph_spans[graph_span_count++] = client;
    if (has_server)
        graph_spans[graph_span_count++] = server;
}

static uint32_t peer_number(struct bytes name)
{
    for (uint32_t i = 0; i < 4; i++) {
        if (bytes_equal_string(name, peer_names[i]))
            return SERVICES + i;
    }
    return number_behind(name, 1);
}

static struct graph_tally *graph_tally_of(const struct metric_point *p)
{
    unsigned type = 0;
    while (!bytes_equal_string(label(p, "connection_type"), types[type]))
        type++;
    return &graph[peer_number(label(p, "client"))][peer_number(label(p, "server"))][type]
                 [p->labels[3].value.boolean];
}

static bool check_edge(struct metric_visitor *visitor, const struct metric_point *p)
{
    struct check *c = (struct check *)visitor;
    struct graph_tally *t = graph_tally_of(p);
    struct tally *side = c->durations ? &t->server : &t->client;
    assert_false(side->shown);
    side->shown = true;
    assert_tally(side, p, 1e3);
    c->count++;
    return true;
}

static bool add_values(struct metric_visitor *visitor, const struct metric_point *p)
{
    ((struct check *)visitor)->count += (size_t)p->value;
    return true;
}

static void shuffle_spans(void)
{
    for (size_t i = graph_span_count; i > 1; i--) {
        size_t j = roll((uint32_t)i);
        struct test_span swapped = graph_spans[j];
        graph_spans[j] = graph_spans[i - 1];
        graph_spans[i - 1] = swapped;
    }
}

static void assert_graph_equals_the_model(struct rig *r)
{
    size_t wanted = 0, edges = 0, failed = 0;
    struct graph_tally *all = &graph[0][0][0][0];
    for (size_t i = 0; i < sizeof graph / sizeof *all; i++) {
        wanted += all[i].server.count > 0;
        edges += all[i].server.count;
        failed += i & 1 ? all[i].server.count : 0;
    }
    struct check total = {.visitor.point = add_values}, failures = total;
    struct check server = {.visitor.point = check_edge, .durations = true};
    struct check client = {.visitor.point = check_edge};
    r->source->collect(r->source, 0, &total.visitor);
    r->source->collect(r->source, 1, &failures.visitor);
    r->source->collect(r->source, 2, &server.visitor);
    r->source->collect(r->source, 3, &client.visitor);
    assert_int_equal(total.count, edges);
    assert_int_equal(failures.count, failed);
    assert_int_equal(server.count, wanted);
    assert_int_equal(client.count, wanted);
}

static void service_graph_equals_a_plain_model(void **state)
{
    (void)state;
    char expired[100];
    struct rig r = rig_open(&service_graph_connector, "{'store':{'max_items':1000000,'ttl':'1h'}}");
    graph_spans = calloc((size_t)REQUESTS * 2, sizeof *graph_spans);
    for (uint64_t i = 1; i <= REQUESTS; i++)
        random_request(i);
    shuffle_spans();
    for (size_t i = 0; i < graph_span_count; i += BATCH) {
        size_t left = graph_span_count - i;
        rig_send(&r, graph_spans + i, left < BATCH ? left : BATCH);
    }
    struct moment now = moment_now();
    now.steady_ns += 7200 * SEC;
    service_graph_expire_all((struct service_graph *)r.connector, now);
    assert_graph_equals_the_model(&r);
    snprintf(expired, sizeof expired, "expired_edges{connector=\"x\"} %llu\n",
             (unsigned long long)graph_expired);
    assert_counter(&r, expired);
    assert_counter(&r, "dropped_spans{connector=\"x\"} 0\n");
    free(graph_spans);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(span_metrics_equal_a_plain_model),
        cmocka_unit_test(lanes_count_together_while_others_look),
        cmocka_unit_test(service_graph_equals_a_plain_model),
    };
    name_things();
    return cmocka_run_group_tests(tests, NULL, rig_teardown);
}
