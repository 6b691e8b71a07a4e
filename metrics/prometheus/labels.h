/* The labels of one series, as Prometheus has them: names translated, values as text, in order of
 * their names, none twice.
 *
 * A builder is used again for point after point; what it gives is good until the next. Names come
 * from a small cache, because the same few attributes come with every point. */
#ifndef TAILSPAN_METRICS_PROMETHEUS_LABELS_H
#define TAILSPAN_METRICS_PROMETHEUS_LABELS_H

#include "component/config.h"
#include "component/metric.h"
#include "proto/buffer.h"
#include "proto/value_text.h"

/* The section of this name, with the Collector's keys. */
struct resource_conversion {
    bool enabled;
    bool exclude_service_attributes;
};
extern const struct config_field resource_conversion_fields[];

struct label_rules {
    bool utf8; /* names keep their characters */
    bool scope;
    struct resource_conversion resource;
    struct config_pairs constants;
    int64_t value_limit; /* bytes of an attribute's value, 64 or more; 0: none */
};

/* A longer value is cut and ends with a hash of it all, so that it stays another than those that
 * begin like it. */
#define LABEL_VALUE_LIMIT_KEY(struct_, member)                                                     \
    {                                                                                              \
        .key = "label_value_length_limit", .type = FIELD_INT, .offset = offsetof(struct_, member), \
        .fallback = "4096", .min = 64, .max = 1 << 20                                              \
    }

struct series_label {
    struct bytes name;
    struct bytes value; /* UTF-8 */
};

enum { LABEL_NAMES_CACHED = 256 };

struct label_builder {
    const struct label_rules *rules;

    /* the result */
    struct series_label *items;
    size_t count;
    bool failed;    /* out of memory */
    bool has_empty; /* a label without a value, which Prometheus takes for none */

    size_t capacity;
    struct label_place *places;
    struct buffer arena;
    struct value_text text;
    struct {
        uint8_t *bytes; /* the name, then its translation */
        uint32_t name_len;
        uint32_t len;
    } cache[LABEL_NAMES_CACHED];
};

void label_builder_init(struct label_builder *b, const struct label_rules *rules);
void label_builder_free(struct label_builder *b);

/* The labels of a point: its attributes, scope, resource when wanted, job and instance, constants.
 * Attributes whose names become the same are joined with ';'; of the others, the later of this list
 * counts. A bucket's own name, "le", is left to buckets. */
bool label_builder_point(struct label_builder *b, const char *scope, const struct metric_point *p);

/* The labels of target_info for a resource: all but what makes job and instance, and these two.
 * False also when it lacks one of the two, as there is none then. */
bool label_builder_target(struct label_builder *b, const struct metric_resource *r);

/* Appends name="value",… escaped for the text formats. */
void label_builder_write(const struct label_builder *b, struct buffer *out);
/* What tells the series from others of its family: that text, `written`, but for labels without a
 * value. In `scratch` when it is not the same. */
struct bytes label_builder_identity(const struct label_builder *b, struct bytes written,
                                    struct buffer *scratch);

#endif
