/* Dimensions: which attributes become labels, and their values as part of a series' key.
 *
 * All lists of a connector share one table of names, so that a span's attributes are walked once
 * for all of them. A dimension's value comes from the span, else from the event, else from the
 * resource, else it is the default; without one the label is left out. Values of a different type
 * and the same text are the same label, as they are for Prometheus. */
#ifndef TAILSPAN_METRICS_DIMENSIONS_H
#define TAILSPAN_METRICS_DIMENSIONS_H

#include "component/config.h"
#include "component/metric.h"
#include "proto/value_text.h"

enum {
    DIMENSIONS_MAX = 64,
    GLOBBED_MAX = 64 /* attributes of one message that globs choose; the rest is not looked at */
};

struct dimension {
    unsigned name;        /* that is looked for: in the names that values were found by */
    unsigned label;       /* under which it is told: in the names that a key is read back by */
    const char *fallback; /* NULL: none */
};

struct dimension_names {
    struct bytes items[DIMENSIONS_MAX];
    unsigned count;
    uint64_t filter;                   /* a bit for each name; it has others', too */
    const char *globs[DIMENSIONS_MAX]; /* of any list */
    unsigned glob_count;
};

/* There is room: `count` is below DIMENSIONS_MAX. */
void dimension_names_add(struct dimension_names *names, struct bytes name);

struct dimension_list {
    struct dimension items[DIMENSIONS_MAX];
    unsigned count;
    const char *globs[DIMENSIONS_MAX];
    unsigned glob_count;
};

/* Appends the list at `v` (NULL: none) to `list`. Names that are there already are not taken again
 * when they come from another key; in the same one they are an error, as are those in `reserved`
 * (ends with NULL). */
bool dimension_list_read(struct dimension_list *list, struct dimension_names *names,
                         const struct config_value *v, const char *const *reserved,
                         struct error *e);

/* Values found in one message. */
struct dimension_values {
    uint64_t present; /* bit by name */
    struct value items[DIMENSIONS_MAX];
    struct attribute globbed[GLOBBED_MAX]; /* that some list's globs match, as they stand */
    unsigned globbed_count;
};

void dimension_values_find(struct dimension_values *out, const struct dimension_names *names,
                           struct bytes message, uint32_t field);

/* What a key's part for dimensions is written with; zeroed at first. */
struct dimension_writer {
    struct buffer rest;
    struct buffer types;
    struct value_text text;
};
void dimension_writer_free(struct dimension_writer *w);

/* Appends the values of a list, looked for in `from` in this order (NULL: not there). `rest.failed`
 * or `types.failed` is set when out of memory. */
void dimension_list_write(const struct dimension_list *list,
                          const struct dimension_values *const from[3], struct dimension_writer *w);

/* Appends a label that is no dimension, with its name. */
void dimension_write_named(struct dimension_writer *w, struct bytes name, struct bytes text,
                           enum value_type type);

/* Appends what two parts of the same list say together; where both say something, the newer. */
void dimension_merge(struct buffer *out, struct bytes older, struct bytes newer);

/* Reads a key's part back, one label after the other; it borrows from both. */
struct dimension_reader {
    struct bytes rest;
    struct bytes types; /* empty: all are strings */
};
bool dimension_read(struct dimension_reader *r, const struct dimension_names *names,
                    struct metric_label *label);

#endif
