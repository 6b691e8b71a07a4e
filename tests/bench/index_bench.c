/* What the way of a request through proto/ costs, in nanoseconds a span.
 *
 *     index_bench [spans in a request]
 *
 * Every line is the least of several rounds over a few different requests, so that the processor
 * cannot learn one by heart. Decoding the same requests with protobuf-c is what to compare with. */
#include "opentelemetry/proto/collector/trace/v1/trace_service.pb-c.h"
#include "proto/attribute.h"
#include "proto/edit.h"
#include "proto/frame.h"
#include "tests/bench/measure.h"
#include "tests/bench/spans.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#define ROUNDS   60
#define REQUESTS 8

static struct batch *receive(const struct request *r)
{
    struct batch *b = batch_create(r->len);
    need(b != NULL, "batch_create");
    memcpy(batch_payload(b), r->data, r->len);
    return b;
}

static struct batch *indexed(const struct request *r)
{
    struct batch_report report;
    struct batch *b = receive(r);
    need(batch_index(b, r->len, &report) && b->span_count == r->spans, "batch_index");
    return b;
}

/* Each of these does its work once on `b`, which is indexed and held once. */
static void visit_attributes(struct batch *b)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < b->span_count; i++) {
        struct attribute_iterator it;
        struct attribute a;
        attribute_begin(&it, span_bytes(&b->spans[i]), SPAN_ATTRIBUTES);
        while (attribute_next(&it, &a))
            bytes += a.key.len + a.value.bytes.len;
    }
    need(bytes > 0, "attribute_next");
}

static void find_attribute(struct batch *b)
{
    struct attribute a;
    struct bytes key = bytes_of_string("http.response.status_code");
    unsigned found = 0;
    for (uint32_t i = 0; i < b->span_count; i++)
        found += attribute_find(span_bytes(&b->spans[i]), SPAN_ATTRIBUTES, key, &a);
    need(found <= b->span_count, "attribute_find");
}

static void frame_whole(struct batch *b)
{
    struct frame *f = frame_create();
    need(f && frame_add(f, b, 0, b->span_count) && frame_finish(f), "frame");
    frame_release(f);
}

static void frame_half(struct batch *b)
{
    struct frame *f = frame_create();
    need(f != NULL, "frame_create");
    for (uint32_t i = 0; i < b->span_count; i += 2)
        need(frame_add(f, b, i, 1), "frame_add");
    need(frame_finish(f), "frame_finish");
    frame_release(f);
}

static void edit_all(struct batch *b)
{
    struct value v = {.type = VALUE_STRING, .bytes = bytes_of_string("****")};
    for (uint32_t i = 0; i < b->span_count; i++)
        need(span_set_attribute(b, i, bytes_of_string("url.path"), &v), "span_set_attribute");
}

static void build_half(struct batch *b)
{
    struct batch_builder *w = batch_builder_create();
    need(w != NULL, "batch_builder_create");
    for (uint32_t i = 0; i < b->span_count; i += 2)
        need(batch_builder_add(w, b, i), "batch_builder_add");
    batch_release(batch_builder_finish(w));
}

static void print(const char *what, uint64_t ns, const struct request *r, double measure)
{
    double each = (double)ns / REQUESTS / r->spans;
    printf("%-32s %8.1f ns/span", what, each);
    if (measure > 0)
        printf("   %6.1f times less than protobuf-c's unpack", measure / each);
    putchar('\n');
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t time_unpack(const struct request *requests)
{
    uint64_t best = UINT64_MAX;
    for (int i = 0; i < ROUNDS / 8; i++) {
        uint64_t sum = 0;
        for (int j = 0; j < REQUESTS; j++) {
            const struct request *r = &requests[j];
            uint64_t begin = monotonic_ns();
            Opentelemetry__Proto__Collector__Trace__V1__ExportTraceServiceRequest *m =
                opentelemetry__proto__collector__trace__v1__export_trace_service_request__unpack(
                    NULL, r->len, r->data);
            need(m != NULL, "unpack");
            sum += monotonic_ns() - begin;
            opentelemetry__proto__collector__trace__v1__export_trace_service_request__free_unpacked(
                m, NULL);
        }
        best = least(best, sum);
    }
    return best;
}

static void time_index(const struct request *requests, double measure)
{
    uint64_t create = UINT64_MAX;
    uint64_t index = UINT64_MAX;
    uint64_t release = UINT64_MAX;
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t sums[3] = {0};
        for (int j = 0; j < REQUESTS; j++) {
            const struct request *r = &requests[j];
            struct batch_report report;
            uint64_t t0 = monotonic_ns();
            struct batch *b = receive(r);
            uint64_t t1 = monotonic_ns();
            need(batch_index(b, r->len, &report) && b->span_count == r->spans, "batch_index");
            uint64_t t2 = monotonic_ns();
            batch_release(b);
            sums[0] += t1 - t0;
            sums[1] += t2 - t1;
            sums[2] += monotonic_ns() - t2;
        }
        create = least(create, sums[0]);
        index = least(index, sums[1]);
        release = least(release, sums[2]);
    }
    print("batch_create and copy", create, requests, 0);
    print("batch_index", index, requests, measure);
    print("batch_release", release, requests, 0);
}

static void time_work(const char *what, void (*work)(struct batch *b),
                      const struct request *requests)
{
    uint64_t best = UINT64_MAX;
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t sum = 0;
        for (int j = 0; j < REQUESTS; j++) {
            struct batch *b = indexed(&requests[j]);
            uint64_t begin = monotonic_ns();
            work(b);
            sum += monotonic_ns() - begin;
            batch_release(b);
        }
        best = least(best, sum);
    }
    print(what, best, requests, 0);
}

int main(int argc, char **argv)
{
    struct request_shape shape = {.spans = argc > 1 ? (uint32_t)atoi(argv[1]) : 512,
                                  .spans_per_trace = 8};
    struct random random = {.state = 1};
    struct request requests[REQUESTS];
    if (shape.spans == 0)
        return 2;
    /* memory that was freed stays, so that nobody is charged for fetching it anew */
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    mallopt(M_MMAP_THRESHOLD, 1 << 25);
    for (int i = 0; i < REQUESTS; i++) {
        request_build(&requests[i], &shape, &random);
        request_refresh(&requests[i], &random, 1700000000000000000U);
    }
    printf("%u spans, %.0f bytes each\n", shape.spans, (double)requests[0].len / shape.spans);

    uint64_t unpack = time_unpack(requests);
    print("protobuf-c's unpack", unpack, requests, 0);
    time_index(requests, (double)unpack / REQUESTS / shape.spans);
    time_work("visit every attribute", visit_attributes, requests);
    time_work("find one attribute", find_attribute, requests);
    time_work("frame all", frame_whole, requests);
    time_work("frame every other span", frame_half, requests);
    time_work("builder, every other span", build_half, requests);
    time_work("set an attribute of each span", edit_all, requests);
    for (int i = 0; i < REQUESTS; i++)
        request_free(&requests[i]);
    return 0;
}
