#include "collector/health.h"

#include "collector/graph.h"
#include "component/clock.h"
#include "component/http_server.h"
#include "proto/json_writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct settings {
    bool tls_present;
    bool response_present;
    const char *endpoint;
    const char *path;
    struct tls_server_settings tls;
    struct {
        const char *healthy;
        const char *unhealthy;
    } response;
};

static const struct config_field response_fields[] = {
    {.key = "healthy", .type = FIELD_STRING, .offset = 0},
    {.key = "unhealthy", .type = FIELD_STRING, .offset = sizeof(const char *)},
    CONFIG_END,
};

static const struct config_field fields[] = {
    {.key = "endpoint",
     .type = FIELD_STRING,
     .offset = offsetof(struct settings, endpoint),
     .fallback = "localhost:13133"},
    {.key = "path",
     .type = FIELD_STRING,
     .offset = offsetof(struct settings, path),
     .fallback = "/"},
    {.key = "tls",
     .type = FIELD_SECTION,
     .offset = offsetof(struct settings, tls),
     .section = tls_server_fields,
     .present = offsetof(struct settings, tls_present)},
    {.key = "response_body",
     .type = FIELD_SECTION,
     .offset = offsetof(struct settings, response),
     .section = response_fields,
     .present = offsetof(struct settings, response_present)},
    CONFIG_END,
};

struct health {
    struct component component;
    struct settings settings;
    struct graph *graph;
    struct http_server *server;
};

/* ---- what is known ---- */

struct survey {
    const char *wanted;      /* a component's name, or NULL for all */
    struct json_writer *out; /* NULL: only count */
    unsigned matched;
    bool impaired;
};

static bool is_named(const struct component *c, const char *name)
{
    if (strcmp(c->id, name) == 0)
        return true;
    const char *class = component_class_name(c->kind->class);
    size_t len = strlen(class);
    return strncmp(name, class, len) == 0 && name[len] == '/' && strcmp(name + len + 1, c->id) == 0;
}

static void write_time(struct json_writer *w, const char *key, uint64_t ns)
{
    char text[64];
    time_t seconds = (time_t)(ns / 1000000000u);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    size_t len = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text + len, sizeof text - len, ".%03uZ", (unsigned)(ns / 1000000 % 1000));
    json_key(w, key);
    json_text(w, text);
}

static void write_component(struct json_writer *w, const struct component *c,
                            const struct component_report *r)
{
    json_object_begin(w);
    json_key(w, "name");
    json_text(w, c->id);
    json_key(w, "class");
    json_text(w, component_class_name(c->kind->class));
    json_key(w, "type");
    json_text(w, c->kind->type);
    json_key(w, "state");
    json_text(w, component_state_name(r->state));
    write_time(w, "since", r->since_ns);
    json_key(w, "last_error");
    if (r->error_ns)
        json_text(w, r->error);
    else
        json_nil(w);
    if (r->error_ns)
        write_time(w, "last_error_time", r->error_ns);
    json_object_end(w);
}

static void survey_one(void *context, struct component *c)
{
    struct survey *s = context;
    if (s->wanted && !is_named(c, s->wanted))
        return;
    struct component_report r = component_report(c);
    s->matched++;
    s->impaired |= r.state != STATE_OK;
    if (s->out)
        write_component(s->out, c, &r);
}

static bool is_ready(struct health *h)
{
    struct survey s = {0};
    graph_each(h->graph, survey_one, &s);
    return !s.impaired && graph_phase(h->graph) == GRAPH_RUNNING;
}

static const char *phase_name(enum graph_phase phase)
{
    static const char *const names[] = {"starting", "running", "stopping"};
    return names[phase];
}

/* ---- replies ---- */

static void reply_collector(struct health *h, bool ready, struct http_reply *reply)
{
    reply->status = ready ? 200 : 503;
    const char *custom = ready ? h->settings.response.healthy : h->settings.response.unhealthy;
    if (h->settings.response_present && custom) {
        buffer_append_string(&reply->body, custom);
        return;
    }
    uint64_t started = graph_started_ns(h->graph);
    uint64_t up = started ? realtime_ns() - started : 0;
    char uptime[32];
    snprintf(uptime, sizeof uptime, "%.3fs", (double)up / 1e9);
    struct json_writer w;
    reply->content_type = "application/json";
    json_begin(&w, &reply->body, false);
    json_object_begin(&w);
    json_key(&w, "status");
    json_text(&w, ready ? "Server available" : "Server not available");
    write_time(&w, "upSince", started);
    json_key(&w, "uptime");
    json_text(&w, uptime);
    json_object_end(&w);
}

static void reply_state(bool good, const char *words, struct http_reply *reply)
{
    struct json_writer w;
    reply->status = good ? 200 : 503;
    reply->content_type = "application/json";
    json_begin(&w, &reply->body, false);
    json_object_begin(&w);
    json_key(&w, "status");
    json_text(&w, words);
    json_object_end(&w);
}

static void reply_detailed(struct health *h, struct http_reply *reply)
{
    bool ready = is_ready(h);
    struct json_writer w;
    reply->status = ready ? 200 : 503;
    reply->content_type = "application/json";
    json_begin(&w, &reply->body, true);
    json_object_begin(&w);
    json_key(&w, "status");
    json_text(&w, ready ? "ready" : "not ready");
    json_key(&w, "phase");
    json_text(&w, phase_name(graph_phase(h->graph)));
    write_time(&w, "started", graph_started_ns(h->graph));
    json_key(&w, "version");
    json_text(&w, TAILSPAN_VERSION);
    json_key(&w, "live_batch_bytes");
    json_uint(&w, batch_live_bytes());
    json_key(&w, "components");
    json_array_begin(&w);
    struct survey s = {.out = &w};
    graph_each(h->graph, survey_one, &s);
    json_array_end(&w);
    json_object_end(&w);
}

/* One object for one component; a list when the name means several. */
static void reply_component(struct health *h, const char *name, struct http_reply *reply)
{
    struct survey count = {.wanted = name};
    graph_each(h->graph, survey_one, &count);
    if (count.matched == 0) {
        http_reply_text(reply, 404, "no component has this name; /health/detailed lists them");
        return;
    }
    struct json_writer w;
    reply->status = count.impaired ? 503 : 200;
    reply->content_type = "application/json";
    json_begin(&w, &reply->body, true);
    if (count.matched > 1)
        json_array_begin(&w);
    struct survey s = {.wanted = name, .out = &w};
    graph_each(h->graph, survey_one, &s);
    if (count.matched > 1)
        json_array_end(&w);
}

static void handle(void *context, const struct http_request *rq, struct http_reply *reply)
{
    static const char component_prefix[] = "/health/component/";
    struct health *h = context;
    if (strcmp(rq->method, "GET") != 0 && strcmp(rq->method, "HEAD") != 0) {
        http_reply_header(reply, "Allow", "GET, HEAD");
        http_reply_text(reply, 405, "only GET and HEAD are answered here");
    } else if (strcmp(rq->path, "/health/live") == 0) {
        reply_state(true, "live", reply);
    } else if (strcmp(rq->path, "/health/ready") == 0 || strcmp(rq->path, "/health") == 0) {
        bool ready = is_ready(h);
        reply_state(ready, ready ? "ready" : "not ready", reply);
    } else if (strcmp(rq->path, "/health/detailed") == 0) {
        reply_detailed(h, reply);
    } else if (strncmp(rq->path, component_prefix, sizeof component_prefix - 1) == 0) {
        reply_component(h, rq->path + sizeof component_prefix - 1, reply);
    } else if (strcmp(rq->path, h->settings.path) == 0) {
        reply_collector(h, is_ready(h), reply);
    } else {
        http_reply_text(reply, 404, "not found; see /health/detailed");
    }
}

/* ---- the component ---- */

static bool health_start(struct component *c, struct error *e)
{
    struct health *h = (struct health *)c;
    struct http_server_options o = {
        .endpoint = h->settings.endpoint,
        .name = c->id,
        .threads = 1,
        .tls = h->settings.tls_present ? &h->settings.tls : NULL,
        .handle = handle,
        .context = h,
    };
    h->server = http_server_start(&o, e);
    return h->server != NULL;
}

static void health_stop(struct component *c)
{
    struct health *h = (struct health *)c;
    http_server_stop(h->server);
}

static void health_destroy(struct component *c)
{
    free(c);
}

static const struct component_ops ops = {
    .start = health_start,
    .stop = health_stop,
    .destroy = health_destroy,
};

static struct component *health_create(const struct component_spec *spec, struct error *e)
{
    struct health *h = calloc(1, sizeof *h);
    if (!h) {
        error_set(e, "out of memory");
        return NULL;
    }
    component_init(&h->component, spec, &ops);
    h->graph = graph_of_spec(spec);
    if (!config_read(spec->config, fields, &h->settings, e)) {
        free(h);
        return NULL;
    }
    return &h->component;
}

const struct component_kind health_check_extension = {
    .type = "health_check",
    .class = COMPONENT_EXTENSION,
    .summary = "liveness, readiness and component states over HTTP",
    .create = health_create,
};
