/* One scrape: all families of all sources, once, in one format, into one reply. */
#ifndef TAILSPAN_METRICS_PROMETHEUS_SCRAPE_H
#define TAILSPAN_METRICS_PROMETHEUS_SCRAPE_H

#include "component/http_server.h"
#include "metrics/prometheus/exposition.h"

struct scrape_options {
    const struct families *families;
    const struct label_rules *rules;
    const struct exposition_format *format;
    bool gzip;
    bool timestamps;
    uint64_t expiration_ns; /* a point that is older is not shown; 0: none is too old */
    uint64_t deadline_ns;   /* CLOCK_MONOTONIC */
    size_t limit;           /* bytes of the packed body */
};

enum scrape_result {
    SCRAPE_DONE,
    SCRAPE_LATE,
    SCRAPE_TOO_LARGE, /* or out of memory */
};

struct scrape_report {
    uint64_t points;     /* shown */
    uint64_t duplicates; /* left out: the same series was shown before */
    uint64_t expired;
    uint64_t unsayable; /* left out: a histogram too coarse for Prometheus */
    uint64_t targets;   /* left out: target_info beyond what is kept */
};

/* Fills the reply's body and headers when done. Any thread, several at once. */
enum scrape_result scrape_run(const struct scrape_options *o, struct http_reply *reply,
                              struct scrape_report *report);

#endif
