/* What the receivers' tests share: a receiver on ports of the system's choice, a consumer that
 * answers what it is told, and requests to send. */
#ifndef TAILSPAN_TESTS_RECEIVERS_FIXTURE_H
#define TAILSPAN_TESTS_RECEIVERS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "component/component.h"
#include "component/config.h"
#include "component/lane.h"
#include "component/telemetry.h"
#include "proto/buffer.h"

/* A consumer at the end of the pipeline. */
struct sink {
    struct component component;

    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t arrived;
    struct outcome answer;
    unsigned requests;
    uint64_t spans;
    struct buffer last;           /* the last batch's payload */
    struct receipt *receipts[64]; /* held back while the answer is pending */
    unsigned held;
};

struct fixture {
    struct component_spec spec;
    struct lane *lanes[2];
    struct telemetry *telemetry;
    struct sink sink;
    struct component *receiver;
    uint16_t grpc_port;
    uint16_t http_port;
};

/* Starts an otlp receiver with this configuration, in YAML's flow notation. */
void fixture_start(struct fixture *f, const char *yaml);
/* Drains (for at most `drain_ms`), stops and destroys it. */
void fixture_stop(struct fixture *f, unsigned drain_ms);
/* The error of a configuration that must not be accepted, or not start. */
const char *fixture_error(const char *yaml);

void sink_answer(struct sink *s, struct outcome answer);
void sink_wait_held(struct sink *s, unsigned count);
/* Answers everything that is held back, from a thread of its own. */
void sink_resolve(struct sink *s, struct outcome answer);

uint64_t fixture_counter(struct fixture *f, const char *name, const char *transport,
                         const char *reason);

/* An ExportTraceServiceRequest of `spans` spans, of which the first `bad` have a zero trace id. */
void make_request(struct buffer *out, unsigned spans, unsigned bad);

struct config_value *flow_parse(const char *yaml);
void flow_free(struct config_value *v);

void compress_gzip(struct bytes in, struct buffer *out);
void compress_zlib(struct bytes in, struct buffer *out);
void compress_deflate(struct bytes in, struct buffer *out);
void compress_zstd(struct bytes in, struct buffer *out);

#endif
