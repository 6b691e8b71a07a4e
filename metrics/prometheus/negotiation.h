/* Which format a scraper is given, from its Accept and Accept-Encoding headers. */
#ifndef TAILSPAN_METRICS_PROMETHEUS_NEGOTIATION_H
#define TAILSPAN_METRICS_PROMETHEUS_NEGOTIATION_H

#include "metrics/prometheus/exposition.h"

struct negotiated {
    const struct exposition_format *format;
    bool utf8; /* it takes names that are not escaped */
};

/* The best that `accept` allows, by its q values, then by its order; what nobody knows is passed
 * over, and when nothing is left it is the classic text. `accept` may be NULL. */
struct negotiated negotiate_format(const char *accept, bool open_metrics);

/* Whether gzip may be used. `accept_encoding` may be NULL: no. */
bool negotiate_gzip(const char *accept_encoding);

#endif
