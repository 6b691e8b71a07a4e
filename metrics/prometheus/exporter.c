/* `exporters: prometheus`: shows what its sources have counted to whoever scrapes /metrics.
 *
 * Nothing is kept here, so metrics_expiration and the like are the sources' business, and nothing
 * waits to be sent. Two scrapes are answered at once, further ones wait for a thread; each ends at
 * the scraper's own timeout when it says one. */
#include "component/clock.h"
#include "component/config.h"
#include "component/exporter_metrics.h"
#include "component/http_server.h"
#include "component/log.h"
#include "component/telemetry.h"
#include "metrics/prometheus/naming_settings.h"
#include "metrics/prometheus/negotiation.h"
#include "metrics/prometheus/prometheus.h"
#include "metrics/prometheus/scrape.h"

#include <math.h>
#include <stdlib.h>

enum {
    THREADS = 2,
    CONNECTIONS = 64,
    PACKED_MAX = 64 << 20,   /* of one scrape: more than a gigabyte of text */
    REPLIES_MAX = 160 << 20, /* of all that are being read */
    SCRAPE_SECONDS = 30,     /* when the scraper does not say */
};

struct settings {
    const char *endpoint;
    struct {
        bool present;
        struct tls_server_settings server;
    } tls;
    struct naming_settings naming;
    struct config_pairs const_labels;
    bool send_timestamps;
    int64_t metric_expiration_ns;
    bool enable_open_metrics;
    bool without_scope_info;
    struct resource_conversion resource;
    int64_t value_limit;
    struct config_pairs response_headers;
    const struct config_value *auth;
    const struct config_value *sending_queue;
};

#define KEY(key_, member, type_, ...)                                                              \
    {                                                                                              \
        .key = #key_, .type = type_, .offset = offsetof(struct settings, member), __VA_ARGS__      \
    }
static const struct config_field fields[] = {
    KEY(endpoint, endpoint, FIELD_STRING, .fallback = "localhost:8889"),
    KEY(tls, tls.server, FIELD_SECTION, .section = tls_server_fields,
        .present = offsetof(struct settings, tls.present)),
    NAMING_KEYS(struct settings, naming),
    KEY(const_labels, const_labels, FIELD_PAIRS),
    KEY(send_timestamps, send_timestamps, FIELD_BOOL),
    KEY(metric_expiration, metric_expiration_ns, FIELD_DURATION, .fallback = "5m"),
    KEY(enable_open_metrics, enable_open_metrics, FIELD_BOOL),
    KEY(without_scope_info, without_scope_info, FIELD_BOOL),
    KEY(resource_to_telemetry_conversion, resource, FIELD_SECTION,
        .section = resource_conversion_fields),
    LABEL_VALUE_LIMIT_KEY(struct settings, value_limit),
    KEY(response_headers, response_headers, FIELD_PAIRS),
    KEY(auth, auth, FIELD_VALUE),
    KEY(sending_queue, sending_queue, FIELD_VALUE),
    CONFIG_END,
};

/* How names are spelled: for scrapers that take any, or only Prometheus' old ones. */
struct spelling {
    struct families families;
    struct label_rules rules;
};

struct prometheus {
    struct component component;

    /* set once */
    struct settings settings;
    struct metric_source **sources;
    size_t source_count;
    struct spelling escaped;
    struct spelling utf8; /* without families unless the strategy keeps names */
    struct http_server *server;
    struct counter *sent;
    struct counter *scrapes;
    struct counter *late;
    struct counter *too_large;
    struct counter *duplicates;
    struct counter *expired;
    struct counter *unsayable;
    struct counter *targets;

    atomic_bool told; /* of duplicates, in the log; shared by the server's threads */
};

/* ---- scrapes ---- */

static uint64_t deadline(const struct http_request *rq)
{
    const char *text = http_header(rq, "X-Prometheus-Scrape-Timeout-Seconds");
    double seconds = text ? strtod(text, NULL) : 0;
    if (!(seconds > 0 && seconds < SCRAPE_SECONDS))
        seconds = SCRAPE_SECONDS;
    return monotonic_ns() + (uint64_t)(seconds * 1e9);
}

static void count(struct prometheus *p, const struct scrape_report *r)
{
    counter_add(p->scrapes, 1);
    counter_add(p->sent, r->points);
    counter_add(p->duplicates, r->duplicates);
    counter_add(p->expired, r->expired);
    counter_add(p->unsayable, r->unsayable);
    counter_add(p->targets, r->targets);
    if (r->duplicates + r->unsayable + r->targets > 0 && !atomic_exchange(&p->told, true))
        log_warn(p->component.id,
                 "some series cannot be shown (tailspan_exporter_left_out_series counts them)",
                 LOG_I("duplicates", r->duplicates), LOG_I("too_coarse", r->unsayable),
                 LOG_I("target_info", r->targets));
}

static void scrape(struct prometheus *p, const struct http_request *rq, struct http_reply *reply)
{
    struct negotiated n =
        negotiate_format(http_header(rq, "Accept"), p->settings.enable_open_metrics);
    const struct spelling *s = n.utf8 && p->utf8.families.target_info ? &p->utf8 : &p->escaped;
    struct scrape_report report;
    const struct scrape_options o = {
        .families = &s->families,
        .rules = &s->rules,
        .format = n.format,
        .gzip = negotiate_gzip(http_header(rq, "Accept-Encoding")),
        .timestamps = p->settings.send_timestamps,
        .expiration_ns = (uint64_t)p->settings.metric_expiration_ns,
        .deadline_ns = deadline(rq),
        .limit = PACKED_MAX,
    };
    switch (scrape_run(&o, reply, &report)) {
    case SCRAPE_DONE:
        count(p, &report);
        break;
    case SCRAPE_LATE:
        counter_add(p->late, 1);
        http_reply_text(reply, 503, "not done within the scrape timeout");
        break;
    case SCRAPE_TOO_LARGE:
        counter_add(p->too_large, 1);
        http_reply_text(reply, 503, "too many series for the memory that a scrape may take");
        break;
    }
}

static void handle(void *context, const struct http_request *rq, struct http_reply *reply)
{
    struct prometheus *p = context;
    const struct config_pairs *headers = &p->settings.response_headers;
    if (strcmp(rq->path, "/metrics") != 0) {
        http_reply_text(reply, 404, "metrics are at /metrics");
    } else if (strcmp(rq->method, "GET") != 0 && strcmp(rq->method, "HEAD") != 0) {
        http_reply_text(reply, 405, "only GET and HEAD");
        http_reply_header(reply, "Allow", "GET, HEAD");
    } else {
        scrape(p, rq, reply);
    }
    for (size_t i = 0; i < headers->count; i++)
        http_reply_header(reply, headers->items[i].key, headers->items[i].value);
}

/* ---- the component ---- */

static bool take_metrics(struct component *c, struct metric_source *source)
{
    struct prometheus *p = (struct prometheus *)c;
    struct metric_source **sources =
        reallocarray(p->sources, p->source_count + 1, sizeof(struct metric_source *));
    if (!sources)
        return false;
    p->sources = sources;
    sources[p->source_count++] = source;
    return true;
}

static bool spell(struct prometheus *p, struct spelling *s, bool utf8, struct error *e)
{
    struct naming naming = naming_of_settings(&p->settings.naming);
    naming.utf8 = utf8;
    s->rules = (struct label_rules){.utf8 = utf8,
                                    .scope = !p->settings.without_scope_info,
                                    .resource = p->settings.resource,
                                    .constants = p->settings.const_labels,
                                    .value_limit = p->settings.value_limit};
    return families_make(&s->families, p->sources, p->source_count, &naming, p->component.id) ||
           error_set(e, "out of memory");
}

static bool start(struct component *c, struct error *e)
{
    struct prometheus *p = (struct prometheus *)c;
    const struct naming naming = naming_of_settings(&p->settings.naming);
    if (!spell(p, &p->escaped, false, e) || (naming.utf8 && !spell(p, &p->utf8, true, e)))
        return false;
    p->server = http_server_start(&(struct http_server_options){.endpoint = p->settings.endpoint,
                                                                .name = c->id,
                                                                .threads = THREADS,
                                                                .connections = CONNECTIONS,
                                                                .memory = REPLIES_MAX,
                                                                .tls = p->settings.tls.present
                                                                           ? &p->settings.tls.server
                                                                           : NULL,
                                                                .handle = handle,
                                                                .context = p},
                                  e);
    if (!p->server)
        return false;
    component_set_ok(c);
    return true;
}

static void stop(struct component *c)
{
    struct prometheus *p = (struct prometheus *)c;
    if (p->server)
        http_server_stop(p->server);
    p->server = NULL;
}

static void destroy(struct component *c)
{
    struct prometheus *p = (struct prometheus *)c;
    stop(c);
    families_free(&p->escaped.families);
    families_free(&p->utf8.families);
    free(p->sources);
    free(p);
}

static const struct component_ops ops = {
    .start = start,
    .take_metrics = take_metrics,
    .stop = stop,
    .destroy = destroy,
};

static struct counter *left_out(const struct component_spec *spec, const char *reason)
{
    return telemetry_counter(spec->telemetry, LEFT_OUT_SERIES,
                             LABELS({"exporter", spec->id}, {"reason", reason}));
}

static struct counter *failed(const struct component_spec *spec, const char *reason)
{
    return telemetry_counter(spec->telemetry, "tailspan_exporter_failed_scrapes",
                             "Scrapes that were refused, by reason.",
                             LABELS({"exporter", spec->id}, {"reason", reason}));
}

static void register_counters(struct prometheus *p, const struct component_spec *spec)
{
    p->sent = telemetry_counter(spec->telemetry, EXPORTER_SENT_METRIC_POINTS,
                                LABELS({"exporter", spec->id}));
    p->scrapes = telemetry_counter(spec->telemetry, "tailspan_exporter_scrapes",
                                   "Scrapes that were answered.", LABELS({"exporter", spec->id}));
    p->late = failed(spec, "timeout");
    p->too_large = failed(spec, "too_large");
    p->duplicates = left_out(spec, "duplicate");
    p->expired = left_out(spec, "expired");
    p->unsayable = left_out(spec, "scale");
    p->targets = left_out(spec, "target_info");
}

static bool configure(struct prometheus *p, const struct config_value *config, struct error *e)
{
    struct settings *s = &p->settings;
    if (!config_read(config, fields, s, e))
        return false;
    if (s->auth)
        return config_error(s->auth, e, "auth is not supported; use tls::client_ca_file");
    if (s->sending_queue)
        return config_error(s->sending_queue, e,
                            "there is no queue: metrics are asked for when they are scraped");
    if (s->response_headers.count > 4)
        return config_error(config_child(config, "response_headers"), e, "there may be at most 4");
    return naming_check_labels(&s->const_labels, config_child(config, "const_labels"), e);
}

static struct component *create(const struct component_spec *spec, struct error *e)
{
    struct prometheus *p = calloc(1, sizeof *p);
    if (!p) {
        error_set(e, "out of memory");
        return NULL;
    }
    component_init(&p->component, spec, &ops);
    if (!configure(p, spec->config, e)) {
        destroy(&p->component);
        return NULL;
    }
    register_counters(p, spec);
    return &p->component;
}

const struct component_kind prometheus_exporter = {
    .type = "prometheus",
    .class = COMPONENT_EXPORTER,
    .summary = "shows metrics made of spans to scrapers, on /metrics",
    .create = create,
};
