/* Metrics of hops: how long records were under way, how often they were taken again, and what never
 * met its other side; by topic, group and the two services.
 *
 * A series is about 400 bytes and found by a hash of its labels. Beyond `limit` series what is new
 * is counted in one overflow series; a series that counted nothing for an hour makes room.
 *
 * A lock of its own, taken last. Any thread. */
#ifndef TAILSPAN_PROCESSORS_KAFKA_HOPS_HOP_METRICS_H
#define TAILSPAN_PROCESSORS_KAFKA_HOPS_HOP_METRICS_H

#include "component/metric.h"
#include "component/telemetry.h"
#include "processors/kafka_hops/hops.h"
#include "processors/kafka_hops/party.h"

struct hop_metrics;

/* `overflow` counts what went into the overflow series. NULL: out of memory. */
struct hop_metrics *hop_metrics_create(uint32_t limit, struct counter *overflow);
void hop_metrics_destroy(struct hop_metrics *m);

struct metric_source *hop_metrics_source(struct hop_metrics *m);

/* A hop between these two. Latency is taken of records' processing, not of polls, and not from an
 * original to its repetition. */
void hop_metrics_hop(struct hop_metrics *m, const struct hop *hop);

/* A record that nobody was seen to take, or that was taken and nobody was seen to write. */
void hop_metrics_unmatched(struct hop_metrics *m, const struct party *party, bool producer);

#endif
