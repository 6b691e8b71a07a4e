/* The formats in which series are exposed, behind one table of functions.
 *
 * A writer is told a family, then each of its series, then its end. What it writes goes to
 * `out`; the caller looks for failure there. */
#ifndef TAILSPAN_METRICS_PROMETHEUS_EXPOSITION_H
#define TAILSPAN_METRICS_PROMETHEUS_EXPOSITION_H

#include "metrics/prometheus/families.h"
#include "metrics/prometheus/labels.h"
#include "metrics/prometheus/native_histogram.h"

enum { BOUNDS_CACHED = 256 };

struct exposition {
    const struct exposition_format *format;
    struct buffer *out;
    bool timestamps; /* of the points */

    /* the writer's */
    const struct family *family;
    struct buffer scratch;
    struct buffer message; /* protobuf: the family that is being written */
    struct native_histogram native;
    struct {
        double bounds[BOUNDS_CACHED]; /* whose texts are in `texts`, one behind the other */
        size_t ends[BOUNDS_CACHED];
        size_t count;
        struct buffer texts;
    } le;
};

struct exposition_format {
    const char *content_type;
    const char *content_type_utf8; /* when names are not escaped */
    void (*begin_family)(struct exposition *x, const struct family *f);
    /* `text` is label_builder_write()'s. False: this point cannot be said in this format. */
    bool (*point)(struct exposition *x, const struct metric_family *f, const struct metric_point *p,
                  const struct label_builder *labels, struct bytes text);
    void (*end_family)(struct exposition *x);
    void (*end)(struct exposition *x);
};

extern const struct exposition_format exposition_text;         /* 0.0.4 */
extern const struct exposition_format exposition_open_metrics; /* 1.0.0, with exemplars */
/* Length-delimited io.prometheus.client.MetricFamily, with native histograms. A family of more than
 * a megabyte comes as several messages of the same name. */
extern const struct exposition_format exposition_protobuf;

void exposition_free(struct exposition *x);

/* The newest exemplar with a value from above `low` to `high`; NULL: none. */
const struct metric_exemplar *exposition_exemplar(const struct metric_point *p, double low,
                                                  double high);

#endif
