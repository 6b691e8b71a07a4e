/* Prometheus' text format 0.0.4 and OpenMetrics 1.0.0, which differ in little: the second has
 * exemplars and an end, names counters' families without _total, and spells bounds as floats. */
#include "metrics/prometheus/exposition.h"
#include "metrics/prometheus/number_text.h"

#include <math.h>

static bool is_open_metrics(const struct exposition *x)
{
    return x->format == &exposition_open_metrics;
}

/* ---- families ---- */

static bool ends_in_total(const char *name)
{
    size_t len = strlen(name);
    return len > 6 && strcmp(name + len - 6, "_total") == 0;
}

/* The family's name as OpenMetrics has it. */
static struct bytes family_name(const struct exposition *x)
{
    struct bytes name = bytes_of_string(x->family->name);
    if (is_open_metrics(x) && x->family->type == FAMILY_COUNTER && ends_in_total(x->family->name))
        name.len -= 6;
    return name;
}

static void append_quoted(struct buffer *out, const char *prefix, struct bytes name,
                          const char *suffix)
{
    buffer_append_string(out, prefix);
    for (size_t i = 0; i < name.len; i++) {
        if (name.data[i] == '"' || name.data[i] == '\\')
            buffer_append_byte(out, '\\');
        if (name.data[i] == '\n')
            buffer_append_string(out, "\\n");
        else
            buffer_append_byte(out, name.data[i]);
    }
    buffer_append_string(out, suffix);
    buffer_append_byte(out, '"');
}

static void append_name(struct buffer *out, struct bytes name)
{
    if (naming_is_plain(name))
        buffer_append(out, name.data, name.len);
    else
        append_quoted(out, "\"", name, "");
}

static void append_help(struct exposition *x, const char *help)
{
    struct buffer clean = {0};
    naming_clean(bytes_of_string(help), &clean);
    for (size_t i = 0; i < clean.len; i++) {
        uint8_t c = clean.data[i];
        if (c == '\\' || c == '\n' || (c == '"' && is_open_metrics(x)))
            buffer_append_byte(x->out, '\\');
        buffer_append_byte(x->out, c == '\n' ? 'n' : c);
    }
    x->out->failed = x->out->failed || clean.failed;
    buffer_free(&clean);
}

static void begin_family(struct exposition *x, const struct family *f)
{
    static const char *const types[] = {" counter\n", " gauge\n", " histogram\n"};
    x->family = f;
    struct bytes name = family_name(x);
    buffer_append_string(x->out, "# HELP ");
    append_name(x->out, name);
    buffer_append_byte(x->out, ' ');
    append_help(x, f->help);
    buffer_append_string(x->out, "\n# TYPE ");
    append_name(x->out, name);
    buffer_append_string(x->out, types[f->type]);
}

static void end_family(struct exposition *x)
{
    (void)x;
}

/* ---- samples ---- */

/* name_suffix{labels, without the bracket that closes; and with a comma for one more label. */
static void begin_sample(const struct exposition *x, const char *suffix, struct bytes labels,
                         struct buffer *out)
{
    struct bytes name = bytes_of_string(x->family->name);
    if (naming_is_plain(name)) {
        buffer_append(out, name.data, name.len);
        buffer_append_string(out, suffix);
        buffer_append_byte(out, '{');
    } else {
        append_quoted(out, "{\"", name, suffix);
        if (labels.len > 0)
            buffer_append_byte(out, ',');
    }
    buffer_append(out, labels.data, labels.len);
}

static void end_labels(struct buffer *out, struct bytes labels, const struct exposition *x)
{
    if (labels.len == 0 && naming_is_plain(bytes_of_string(x->family->name)))
        out->len -= out->len > 0; /* no labels, no brackets */
    else
        buffer_append_byte(out, '}');
    buffer_append_byte(out, ' ');
}

static void append_exemplar(struct exposition *x, const struct metric_exemplar *e)
{
    static const char digits[] = "0123456789abcdef";
    char text[128], *at = text;
    if (!e || !is_open_metrics(x))
        return;
    at = stpcpy(at, " # {trace_id=\"");
    for (size_t i = 0; i < sizeof e->trace_id; i++) {
        *at++ = digits[e->trace_id[i] >> 4];
        *at++ = digits[e->trace_id[i] & 15];
    }
    at = stpcpy(at, "\",span_id=\"");
    for (size_t i = 0; i < sizeof e->span_id; i++) {
        *at++ = digits[e->span_id[i] >> 4];
        *at++ = digits[e->span_id[i] & 15];
    }
    at = stpcpy(at, "\"} ");
    buffer_append(x->out, text, (size_t)(at - text));
    number_append(x->out, e->value);
    if (e->time_ns) {
        buffer_append_byte(x->out, ' ');
        number_append_seconds(x->out, e->time_ns);
    }
}

/* Timestamp, exemplar and end of line. */
static void end_sample(struct exposition *x, const struct metric_point *p,
                       const struct metric_exemplar *e)
{
    if (x->timestamps && p->time_ns) {
        buffer_append_byte(x->out, ' ');
        if (is_open_metrics(x))
            number_append_seconds(x->out, p->time_ns);
        else
            number_append_count(x->out, p->time_ns / 1000000);
    }
    append_exemplar(x, e);
    buffer_append_byte(x->out, '\n');
}

static void write_simple(struct exposition *x, const struct metric_point *p, struct bytes labels)
{
    bool counter = x->family->type == FAMILY_COUNTER;
    bool needs_total = counter && is_open_metrics(x) && !ends_in_total(x->family->name);
    begin_sample(x, needs_total ? "_total" : "", labels, x->out);
    end_labels(x->out, labels, x);
    number_append(x->out, p->value);
    end_sample(x, p, counter ? exposition_exemplar(p, -INFINITY, INFINITY) : NULL);
}

/* ---- histograms ---- */

const struct metric_exemplar *exposition_exemplar(const struct metric_point *p, double low,
                                                  double high)
{
    const struct metric_exemplar *newest = NULL;
    for (size_t i = 0; i < p->exemplar_count; i++) {
        const struct metric_exemplar *e = &p->exemplars[i];
        if (e->value > low && e->value <= high && (!newest || e->time_ns >= newest->time_ns))
            newest = e;
    }
    return newest;
}

/* The text of a bound, kept as long as bounds come in the same order, which they do for all series
 * of a family. */
static struct bytes bound_text(struct exposition *x, size_t i, double bound)
{
    if (i >= BOUNDS_CACHED || (i < x->le.count && x->le.bounds[i] != bound))
        x->le.count = 0;
    if (x->le.count == 0)
        x->le.texts.len = 0;
    size_t begin;
    if (i < x->le.count) {
        begin = i > 0 ? x->le.ends[i - 1] : 0;
        return bytes_of(x->le.texts.data + begin, x->le.ends[i] - begin);
    }
    begin = x->le.texts.len;
    number_append_bound(&x->le.texts, bound, is_open_metrics(x));
    if (x->le.count == i && i < BOUNDS_CACHED) {
        x->le.bounds[i] = bound;
        x->le.ends[i] = x->le.texts.len;
        x->le.count++;
    }
    return bytes_of(x->le.texts.data + begin, x->le.texts.len - begin);
}

static void write_bucket(struct exposition *x, const struct metric_point *p, struct bytes le,
                         uint64_t count, const struct metric_exemplar *e)
{
    buffer_append(x->out, x->scratch.data, x->scratch.len);
    buffer_append(x->out, le.data, le.len);
    buffer_append(x->out, "\"} ", 3);
    number_append_count(x->out, count);
    end_sample(x, p, e);
}

static void write_buckets(struct exposition *x, const struct metric_point *p, struct bytes labels)
{
    uint64_t count = 0;
    double low = -INFINITY;
    x->scratch.len = 0;
    begin_sample(x, "_bucket", labels, &x->scratch);
    bool first = labels.len == 0 && naming_is_plain(bytes_of_string(x->family->name));
    buffer_append_string(&x->scratch, first ? "le=\"" : ",le=\"");
    x->out->failed = x->out->failed || x->scratch.failed || x->le.texts.failed;
    for (size_t i = 0; i < p->bound_count && !x->out->failed; i++) {
        double high = p->bounds[i];
        count += p->buckets[i];
        write_bucket(x, p, bound_text(x, i, high), count, exposition_exemplar(p, low, high));
        low = high;
    }
    write_bucket(x, p, bytes_of_string("+Inf"), p->count, exposition_exemplar(p, low, INFINITY));
}

static void write_histogram(struct exposition *x, const struct metric_point *p, struct bytes labels)
{
    write_buckets(x, p, labels);
    begin_sample(x, "_sum", labels, x->out);
    end_labels(x->out, labels, x);
    number_append(x->out, p->sum);
    end_sample(x, p, NULL);
    begin_sample(x, "_count", labels, x->out);
    end_labels(x->out, labels, x);
    number_append_count(x->out, p->count);
    end_sample(x, p, NULL);
}

static bool write_point(struct exposition *x, const struct metric_family *f,
                        const struct metric_point *p, const struct label_builder *labels,
                        struct bytes text)
{
    (void)f;
    (void)labels;
    if (x->family->type == FAMILY_HISTOGRAM)
        write_histogram(x, p, text);
    else
        write_simple(x, p, text);
    return true;
}

/* ---- formats ---- */

static void end_text(struct exposition *x)
{
    (void)x;
}

static void end_open_metrics(struct exposition *x)
{
    buffer_append_string(x->out, "# EOF\n");
}

void exposition_free(struct exposition *x)
{
    buffer_free(&x->scratch);
    buffer_free(&x->message);
    buffer_free(&x->le.texts);
    native_histogram_free(&x->native);
}

const struct exposition_format exposition_text = {
    .content_type = "text/plain; version=0.0.4; charset=utf-8",
    .content_type_utf8 = "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
    .begin_family = begin_family,
    .point = write_point,
    .end_family = end_family,
    .end = end_text,
};

const struct exposition_format exposition_open_metrics = {
    .content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8",
    .content_type_utf8 =
        "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
    .begin_family = begin_family,
    .point = write_point,
    .end_family = end_family,
    .end = end_open_metrics,
};
