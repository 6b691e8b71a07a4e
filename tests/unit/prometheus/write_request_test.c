/* Requests of remote write, read back. */
#include "unsnap.h"

#include "metrics/prometheus/write_request.h"
#include "prometheus/remote_write.pb-c.h"

#include <math.h>
#include <stdio.h>

static struct {
    Prometheus__WriteRequest *requests[64];
    size_t count;
    uint64_t points;
    uint64_t lost;
    struct write_report report;
} sent;

static void take(void *context, struct buffer *request, uint64_t points)
{
    (void)context;
    if (request->failed) {
        sent.lost += points;
        return;
    }
    assert_true(sent.count < 64);
    struct buffer plain = unsnap(buffer_bytes(request));
    sent.requests[sent.count] = prometheus__write_request__unpack(NULL, plain.len, plain.data);
    assert_non_null(sent.requests[sent.count++]);
    sent.points += points;
    buffer_free(&plain);
}

static void collect(struct test_source *source, struct label_rules rules, size_t request_max)
{
    struct metric_source *sources[] = {&source->source};
    const struct naming naming = {.suffixes = true};
    struct families families;
    assert_true(families_make(&families, sources, 1, &naming, "test"));
    struct write_requests *w =
        write_requests_create(&(struct write_requests_options){.families = &families,
                                                               .rules = &rules,
                                                               .request_max = request_max,
                                                               .target_info = true,
                                                               .metadata = true});
    write_requests_collect(w, &source->source, take, NULL, &sent.report);
    write_requests_destroy(w);
    families_free(&families);
}

static int forget(void **state)
{
    (void)state;
    for (size_t i = 0; i < sent.count; i++)
        prometheus__write_request__free_unpacked(sent.requests[i], NULL);
    memset(&sent, 0, sizeof sent);
    return 0;
}

/* name{label="value",…} of a series; its labels have to be in order, with values, none twice. */
static const char *identity(const Prometheus__TimeSeries *s)
{
    static char text[1024];
    char name[256] = "";
    size_t n = 0;
    for (size_t i = 0; i < s->n_labels; i++) {
        const Prometheus__Label *l = s->labels[i];
        assert_true(l->value[0] != 0);
        assert_true(i == 0 || strcmp(s->labels[i - 1]->name, l->name) < 0);
        if (strcmp(l->name, "__name__") == 0)
            snprintf(name, sizeof name, "%s", l->value);
        else
            n += (size_t)snprintf(text + n, sizeof text - n, ",%s=%s", l->name, l->value);
    }
    memmove(text + strlen(name), text, n + 1);
    memcpy(text, name, strlen(name));
    return text;
}

static const Prometheus__TimeSeries *find(const char *wanted)
{
    for (size_t i = 0; i < sent.requests[0]->n_timeseries; i++) {
        if (strcmp(identity(sent.requests[0]->timeseries[i]), wanted) == 0)
            return sent.requests[0]->timeseries[i];
    }
    fail_msg("there is no %s", wanted);
    return NULL;
}

static void assert_sample(const char *wanted, double value)
{
    const Prometheus__TimeSeries *s = find(wanted);
    assert_int_equal(s->n_samples, 1);
    assert_true(s->samples[0]->value == value);
    assert_int_equal(s->samples[0]->timestamp, 1700000002000);
}

#define OWN      ",span_kind=SPAN_KIND_SERVER,span_name=GET /"
#define BOX      ",instance=i-1,job=shop/cart"
#define DURATION "traces_span_metrics_duration_milliseconds"

static void every_kind_arrives(void **state)
{
    (void)state;
    static const struct config_pair constants[] = {{"a", "b"}, {"empty", ""}};
    struct test_source shop = shop_source();
    collect(&shop, (struct label_rules){.constants = {constants, 2}}, 1 << 20);
    assert_int_equal(sent.count, 1);
    assert_int_equal(sent.points, 4);
    assert_int_equal(sent.lost, 0);
    assert_sample("queue_length_ratio,a=b" BOX OWN, -0.5);
    assert_sample("traces_span_metrics_calls_total,a=b" BOX OWN, 7);
    assert_sample(DURATION "_bucket,a=b" BOX ",le=2" OWN, 1);
    assert_sample(DURATION "_bucket,a=b" BOX ",le=10.5" OWN, 3);
    assert_sample(DURATION "_bucket,a=b" BOX ",le=1e+06" OWN, 3);
    assert_sample(DURATION "_bucket,a=b" BOX ",le=+Inf" OWN, 7);
    assert_sample(DURATION "_sum,a=b" BOX OWN, 12.25);
    assert_sample(DURATION "_count,a=b" BOX OWN, 7);
    assert_sample("target_info,host_name=box" BOX, 1);

    const Prometheus__TimeSeries *calls = find("traces_span_metrics_calls_total,a=b" BOX OWN);
    assert_int_equal(calls->n_exemplars, 1);
    assert_string_equal(calls->exemplars[0]->labels[1]->name, "trace_id");
    assert_string_equal(calls->exemplars[0]->labels[1]->value, "ab000000000000000000000000000000");
    assert_int_equal(calls->exemplars[0]->timestamp, 1700000000123);
    assert_int_equal(find(DURATION "_bucket,a=b" BOX ",le=2" OWN)->n_exemplars, 1);
    assert_int_equal(find(DURATION "_bucket,a=b" BOX ",le=10.5" OWN)->n_exemplars, 0);
    assert_int_equal(find(DURATION "_count,a=b" BOX OWN)->n_exemplars, 0);

    const Prometheus__TimeSeries *fine = find("traces_span_metrics_fine_seconds,a=b" BOX OWN);
    assert_int_equal(fine->n_samples, 0);
    const Prometheus__Histogram *h = fine->histograms[0];
    assert_int_equal(h->count_int, 6);
    assert_true(h->sum == 3 && h->zero_threshold == 1e-128);
    assert_int_equal(h->schema, 2);
    assert_int_equal(h->zero_count_int, 1);
    assert_int_equal(h->n_positive_spans, 2);
    assert_int_equal(h->positive_spans[0]->offset, -1);
    assert_int_equal(h->positive_spans[1]->offset, 3);
    assert_int_equal(h->n_positive_deltas, 2);
    assert_int_equal(h->positive_deltas[1], -1);
    assert_int_equal(h->timestamp, 1700000002000);

    assert_int_equal(sent.requests[0]->n_metadata, 4);
    assert_string_equal(sent.requests[0]->metadata[1]->metric_family_name,
                        "traces_span_metrics_calls_total");
    assert_int_equal(sent.requests[0]->metadata[1]->type, 1);
    assert_string_equal(sent.requests[0]->metadata[1]->help, "Calls.");
}

static void requests_are_cut_and_no_series_is_sent_twice(void **state)
{
    (void)state;
    enum { POINTS = 2000 };
    static struct metric_point points[2 * POINTS];
    static struct metric_label labels[POINTS];
    static const struct metric_family families[] = {{"n", "", "", METRIC_SUM}};
    for (size_t i = 0; i < 2 * POINTS; i++) {
        labels[i % POINTS] =
            (struct metric_label){.name = bytes_of_string("n"),
                                  .value = {.type = VALUE_INT, .integer = (int)(i % POINTS)}};
        points[i] = (struct metric_point){.labels = &labels[i % POINTS], .label_count = 1};
    }
    struct test_source source = source_of(families, 1);
    source.points[0] = points;
    source.counts[0] = 2 * POINTS;
    collect(&source, (struct label_rules){0}, 10000);
    assert_true(sent.count > 5);
    assert_int_equal(sent.points, POINTS);
    assert_int_equal(sent.lost, 0);
    assert_int_equal(sent.report.duplicates, POINTS);
    size_t series = 0;
    for (size_t i = 0; i < sent.count; i++)
        series += sent.requests[i]->n_timeseries;
    assert_int_equal(series, POINTS);
}

static void what_cannot_be_said_is_counted(void **state)
{
    (void)state;
    struct test_source source = coarse_source();
    collect(&source, (struct label_rules){0}, 10000);
    assert_int_equal(sent.report.unsayable, 1);
    assert_int_equal(sent.points, 0);
    assert_int_equal(sent.count, 0);
}

static void what_a_source_cannot_show_is_lost(void **state)
{
    (void)state;
    struct test_source shop = shop_source();
    shop.short_of_memory = true;
    collect(&shop, (struct label_rules){0}, 1 << 20);
    assert_int_equal(sent.points, 4);
    assert_int_equal(sent.lost, 4); /* one for each family */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(every_kind_arrives, forget),
        cmocka_unit_test_teardown(requests_are_cut_and_no_series_is_sent_twice, forget),
        cmocka_unit_test_teardown(what_cannot_be_said_is_counted, forget),
        cmocka_unit_test_teardown(what_a_source_cannot_show_is_lost, forget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
