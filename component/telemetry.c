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

struct metric {
    struct counter counter;
    char *name;
    char *help;
    char *labels; /* rendered: {a="b",c="d"} or empty */
    const char *type;
    double (*read)(void *context); /* NULL: the counter */
    void *context;
    struct metric *next;
};

struct telemetry {
    pthread_mutex_t lock; /* guards the list */
    struct metric *first; /* by name, then labels */
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

static int compare(const struct metric *m, const char *name, const char *labels)
{
    int order = strcmp(m->name, name);
    return order ? order : strcmp(m->labels, labels);
}

/* Takes over `labels`. NULL: out of memory. */
static struct metric *metric_create(const char *name, const char *help, char *labels,
                                    const char *type)
{
    struct metric *m = calloc(1, sizeof *m);
    if (!m) {
        free(labels);
        return NULL;
    }
    m->name = strdup(name);
    m->help = strdup(help);
    m->labels = labels;
    m->type = type;
    if (m->name && m->help)
        return m;
    metric_free(m);
    return NULL;
}

/* Under the lock. Gauges of the same name and labels replace each other: the last one registered is
 * the one alive. NULL: out of memory. */
static struct metric *find_or_add(struct telemetry *t, const char *name, const char *help,
                                  const struct label *labels, const char *type)
{
    char *rendered = render_labels(labels);
    struct metric **at = &t->first;
    if (!rendered)
        return NULL;
    while (*at && compare(*at, name, rendered) < 0)
        at = &(*at)->next;
    if (*at && compare(*at, name, rendered) == 0) {
        free(rendered);
        return *at;
    }
    struct metric *m = metric_create(name, help, rendered, type);
    if (!m)
        return NULL;
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

void telemetry_write(struct telemetry *t, struct buffer *out)
{
    const char *family = "";
    pthread_mutex_lock(&t->lock);
    for (const struct metric *m = t->first; m; m = m->next) {
        if (strcmp(m->name, family) != 0) {
            family = m->name;
            buffer_printf(out, "# HELP %s ", family);
            append_escaped(out, m->help, false);
            buffer_printf(out, "\n# TYPE %s %s\n", family, m->type);
        }
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
