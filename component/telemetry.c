/* The registry behind 8888/metrics: a list of metrics, walked when scraped.
 *
 * There are tens of them, registered at start, so a list and a lock serve; what happens per request
 * touches only a counter. Format: Prometheus text exposition 0.0.4. */
#include "component/telemetry.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of what a series is: itself, or of the histogram that bears its name. In the order in which the
 * format wants them. */
enum part {
    PART_WHOLE,
    PART_BUCKET,
    PART_SUM,
    PART_COUNT,
};

struct metric {
    struct counter counter;
    char *name;
    char *help;
    char *labels;  /* rendered: {a="b",c="d"} or empty */
    size_t family; /* how much of the name is the family's */
    size_t series; /* how much of the labels tells histograms from each other: all but `le` */
    enum part part;
    double le; /* of a bucket */
    const char *type;
    double (*read)(void *context); /* NULL: the counter */
    void *context;
    struct metric *next;
};

struct telemetry {
    pthread_mutex_t lock; /* guards the list */
    struct metric *first; /* by family, labels, part */
};

static void *must(void *p)
{
    if (!p)
        abort();
    return p;
}

struct telemetry *telemetry_create(void)
{
    struct telemetry *t = must(calloc(1, sizeof *t));
    pthread_mutex_init(&t->lock, NULL);
    return t;
}

static void metric_free(struct metric *m)
{
    free(m->name);
    free(m->help);
    free(m->labels);
    free(m);
}

void telemetry_destroy(struct telemetry *t)
{
    while (t->first) {
        struct metric *m = t->first;
        t->first = m->next;
        metric_free(m);
    }
    pthread_mutex_destroy(&t->lock);
    free(t);
}

static void append_escaped(struct buffer *out, const char *s, bool quotes)
{
    for (; *s; s++) {
        if (*s == '\\')
            buffer_append_string(out, "\\\\");
        else if (*s == '\n')
            buffer_append_string(out, "\\n");
        else if (*s == '"' && quotes)
            buffer_append_string(out, "\\\"");
        else
            buffer_append_byte(out, (uint8_t)*s);
    }
}

/* NULL: out of memory. */
static char *render_labels(const struct label *labels)
{
    struct buffer b = {0};
    for (const struct label *l = labels; l && l->name; l++) {
        buffer_append_byte(&b, b.len ? ',' : '{');
        buffer_append_string(&b, l->name);
        buffer_append_string(&b, "=\"");
        append_escaped(&b, l->value, true);
        buffer_append_byte(&b, '"');
    }
    if (b.len)
        buffer_append_byte(&b, '}');
    size_t len;
    char *text = b.len ? buffer_take(&b, &len) : strdup("");
    buffer_free(&b);
    return text;
}

static int compare_texts(const char *a, size_t a_len, const char *b, size_t b_len)
{
    int order = memcmp(a, b, a_len < b_len ? a_len : b_len);
    return order ? order : (a_len > b_len) - (a_len < b_len);
}

static int compare(const struct metric *a, const struct metric *b)
{
    int order = compare_texts(a->name, a->family, b->name, b->family);
    if (order == 0)
        order = compare_texts(a->labels, a->series, b->labels, b->series);
    if (order == 0)
        order = (a->part > b->part) - (a->part < b->part);
    return order ? order : (a->le > b->le) - (a->le < b->le);
}

static bool ends_with(const char *name, const char *end)
{
    size_t len = strlen(name), end_len = strlen(end);
    return len > end_len && strcmp(name + len - end_len, end) == 0;
}

/* Whether it is a bucket: its bound is the last label. */
static bool read_bound(struct metric *m)
{
    static const char key[] = "le=\"";
    const char *at = strstr(m->labels, key);
    for (const char *next; at && (next = strstr(at + 1, key));)
        at = next;
    if (!at || (at[-1] != '{' && at[-1] != ',') || !ends_with(m->name, "_bucket"))
        return false;
    m->le = strtod(at + sizeof key - 1, NULL);
    m->series = (size_t)(at - 1 - m->labels);
    return true;
}

static bool has_buckets(const struct telemetry *t, const char *family, size_t len)
{
    const struct metric *m = t->first;
    while (m && (m->part != PART_BUCKET || m->family != len || memcmp(m->name, family, len) != 0))
        m = m->next;
    return m != NULL;
}

static void set_part(const struct telemetry *t, struct metric *m)
{
    size_t len = strlen(m->name);
    m->family = len;
    m->series = strlen(m->labels);
    if (read_bound(m)) {
        m->part = PART_BUCKET;
        m->family = len - strlen("_bucket");
    } else if (ends_with(m->name, "_sum") && has_buckets(t, m->name, len - strlen("_sum"))) {
        m->part = PART_SUM;
        m->family = len - strlen("_sum");
    } else if (ends_with(m->name, "_count") && has_buckets(t, m->name, len - strlen("_count"))) {
        m->part = PART_COUNT;
        m->family = len - strlen("_count");
    }
    if (m->part != PART_WHOLE) {
        m->type = "histogram";
        /* without the brace, so that a bucket's labels begin as those of its sum do */
        if (m->part != PART_BUCKET && m->series > 0)
            m->series--;
    }
}

/* NULL: out of memory. */
static struct metric *metric_create(const char *name, const char *help, const struct label *labels,
                                    const char *type)
{
    struct metric *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->name = strdup(name);
    m->help = strdup(help);
    m->labels = render_labels(labels);
    m->type = type;
    if (m->name && m->help && m->labels)
        return m;
    metric_free(m);
    return NULL;
}

/* Under the lock. Gauges of the same name and labels replace each other: the last one registered is
 * the one alive. NULL: out of memory. */
static struct metric *find_or_add(struct telemetry *t, const char *name, const char *help,
                                  const struct label *labels, const char *type)
{
    struct metric *m = metric_create(name, help, labels, type);
    struct metric **at = &t->first;
    if (!m)
        return NULL;
    set_part(t, m);
    while (*at && compare(*at, m) < 0)
        at = &(*at)->next;
    if (*at && compare(*at, m) == 0) {
        metric_free(m);
        return *at;
    }
    m->next = *at;
    *at = m;
    return m;
}

struct counter *telemetry_late_counter(struct telemetry *t, const char *name, const char *help,
                                       const struct label *labels)
{
    pthread_mutex_lock(&t->lock);
    struct metric *m = find_or_add(t, name, help, labels, "counter");
    pthread_mutex_unlock(&t->lock);
    return m ? &m->counter : NULL;
}

struct counter *telemetry_counter(struct telemetry *t, const char *name, const char *help,
                                  const struct label *labels)
{
    return must(telemetry_late_counter(t, name, help, labels));
}

static void add_read(struct telemetry *t, const char *name, const char *help,
                     const struct label *labels, const char *type, double (*read)(void *),
                     void *context)
{
    pthread_mutex_lock(&t->lock);
    struct metric *m = must(find_or_add(t, name, help, labels, type));
    m->read = read;
    m->context = context;
    pthread_mutex_unlock(&t->lock);
}

void telemetry_gauge(struct telemetry *t, const char *name, const char *help,
                     const struct label *labels, double (*read)(void *context), void *context)
{
    add_read(t, name, help, labels, "gauge", read, context);
}

void telemetry_total(struct telemetry *t, const char *name, const char *help,
                     const struct label *labels, double (*read)(void *context), void *context)
{
    add_read(t, name, help, labels, "counter", read, context);
}

void telemetry_remove(struct telemetry *t, void *context)
{
    pthread_mutex_lock(&t->lock);
    for (struct metric **at = &t->first; *at;) {
        struct metric *m = *at;
        if (m->read && m->context == context) {
            *at = m->next;
            metric_free(m);
        } else {
            at = &m->next;
        }
    }
    pthread_mutex_unlock(&t->lock);
}

static void write_number(struct buffer *out, double v)
{
    if (isfinite(v) && v == floor(v) && fabs(v) < 9007199254740992.0)
        buffer_printf(out, "%.0f", v);
    else if (isfinite(v))
        buffer_printf(out, "%.17g", v);
    else
        buffer_append_string(out, isnan(v) ? "NaN" : v > 0 ? "+Inf" : "-Inf");
}

static void write_head(struct buffer *out, const struct metric *m)
{
    buffer_printf(out, "# HELP %.*s ", (int)m->family, m->name);
    append_escaped(out, m->help, false);
    buffer_printf(out, "\n# TYPE %.*s %s\n", (int)m->family, m->name, m->type);
}

void telemetry_write(struct telemetry *t, struct buffer *out)
{
    const struct metric *last = NULL;
    pthread_mutex_lock(&t->lock);
    for (const struct metric *m = t->first; m; last = m, m = m->next) {
        if (!last || compare_texts(m->name, m->family, last->name, last->family) != 0)
            write_head(out, m);
        buffer_append_string(out, m->name);
        buffer_append_string(out, m->labels);
        buffer_append_byte(out, ' ');
        if (m->read)
            write_number(out, m->read(m->context));
        else
            buffer_printf(out, "%llu", (unsigned long long)counter_read(&m->counter));
        buffer_append_byte(out, '\n');
    }
    pthread_mutex_unlock(&t->lock);
}
