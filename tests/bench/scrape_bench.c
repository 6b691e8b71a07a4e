/* What a scrape costs: ten thousand operations with calls and durations, and as many as make a
 * million series in Prometheus' sense, in each format, packed and plain.
 *
 *     scrape_bench
 *
 * No network and no connectors (metrics_bench has those): what is measured is how series become a
 * body. The floor beside it is copying the plain body and hashing it, once. */
#include "metrics/prometheus/scrape.h"

#include "component/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

enum { BOUNDS = 15, SERIES_EACH = 1 + BOUNDS + 3, ROUNDS = 5 };

static const struct metric_family families_shown[] = {
    {"traces.span.metrics.calls", "", "Spans.", METRIC_SUM},
    {"traces.span.metrics.duration", "ms", "How long they took.", METRIC_HISTOGRAM},
};

struct many {
    struct metric_source source; /* first */
    size_t count;
};

static struct metric_label label(const char *name, const char *value)
{
    return (struct metric_label){.name = bytes_of_string(name),
                                 .value = {.type = VALUE_STRING, .bytes = bytes_of_string(value)}};
}

static void collect(struct metric_source *source, size_t family, struct metric_visitor *v)
{
    static const double bounds[BOUNDS] = {2,   4,   6,    8,    10,   50,   100,  200,
                                          400, 800, 1000, 1400, 2000, 5000, 10000};
    const struct metric_label resource_labels[] = {label("service.name", "checkout"),
                                                   label("service.instance.id", "checkout-1")};
    const struct metric_resource resource = {.id = 1, .labels = resource_labels, .label_count = 2};
    char name[64];
    for (size_t i = 0; i < ((struct many *)source)->count; i++) {
        uint64_t buckets[BOUNDS + 1];
        for (size_t k = 0; k <= BOUNDS; k++)
            buckets[k] = (i * 31 + k * 17) % 1000;
        snprintf(name, sizeof name, "GET /api/v1/orders/{id}/items/%zu", i);
        const struct metric_label labels[] = {
            label("service.name", "checkout"), label("span.name", name),
            label("span.kind", "SPAN_KIND_SERVER"), label("status.code", "STATUS_CODE_UNSET")};
        const struct metric_point p = {.series = i,
                                       .resource = &resource,
                                       .labels = labels,
                                       .label_count = 4,
                                       .start_ns = 1700000000000000000u,
                                       .time_ns = 1700000001000000000u,
                                       .value = (double)(i * 7),
                                       .count = i * 7,
                                       .sum = (double)i * 1234.567,
                                       .bounds = bounds,
                                       .bound_count = BOUNDS,
                                       .buckets = buckets};
        (void)family;
        if (!v->point(v, &p))
            return;
    }
}

/* Milliseconds of the best of several; the body's bytes in *len. */
static double scrape(const struct families *f, const struct exposition_format *format, bool gzip,
                     size_t *len)
{
    const struct label_rules rules = {0};
    double best = 1e9;
    for (int i = 0; i < ROUNDS; i++) {
        struct http_reply reply = {0};
        struct scrape_report report;
        uint64_t begin = monotonic_ns();
        enum scrape_result result = scrape_run(&(struct scrape_options){.families = f,
                                                                        .rules = &rules,
                                                                        .format = format,
                                                                        .gzip = gzip,
                                                                        .deadline_ns = UINT64_MAX,
                                                                        .limit = 64 << 20},
                                               &reply, &report);
        double ms = (double)(monotonic_ns() - begin) / 1e6;
        best = ms < best ? ms : best;
        if (result != SCRAPE_DONE)
            exit(1);
        *len = reply.stream ? reply.stream_held : reply.body.len;
        if (reply.stream)
            reply.stream_free(reply.stream_context);
        buffer_free(&reply.body);
    }
    return best;
}

static void floor_of(size_t len)
{
    uint8_t *from = malloc(len), *to = malloc(len);
    if (!from || !to)
        exit(1);
    memset(from, 'x', len);
    memset(to, 'y', len);
    uint64_t begin = monotonic_ns();
    memcpy(to, from, len);
    volatile uint64_t hash = XXH3_64bits(to, len);
    (void)hash;
    printf("  %-28s %8.2f ms %10.1f MB\n", "floor: copy and hash",
           (double)(monotonic_ns() - begin) / 1e6, (double)len / 1e6);
    free(from);
    free(to);
}

static void measure(size_t operations)
{
    static const struct {
        const char *name;
        const struct exposition_format *format;
    } formats[] = {{"text", &exposition_text},
                   {"OpenMetrics", &exposition_open_metrics},
                   {"protobuf", &exposition_protobuf}};
    struct many many = {
        .source = {.families = families_shown, .family_count = 2, .scope = "", .collect = collect},
        .count = operations};
    struct metric_source *sources[] = {&many.source};
    const struct naming naming = {.suffixes = true};
    struct families f;
    size_t len;
    if (!families_make(&f, sources, 1, &naming, "bench"))
        exit(1);
    printf("%zu operations, %zu series\n", operations, operations * SERIES_EACH);
    for (size_t i = 0; i < 6; i++) {
        char name[64];
        double ms = scrape(&f, formats[i / 2].format, i % 2, &len);
        snprintf(name, sizeof name, "%s%s", formats[i / 2].name, i % 2 ? ", gzip" : "");
        printf("  %-28s %8.2f ms %10.1f MB kept\n", name, ms, (double)len / 1e6);
    }
    floor_of(operations * SERIES_EACH * 180);
    families_free(&f);
}

int main(void)
{
    measure(10000 / SERIES_EACH + 1);
    measure(10000);
    measure(1000000 / SERIES_EACH);
    return 0;
}
