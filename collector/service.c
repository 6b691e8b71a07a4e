#include "collector/service.h"

#include "collector/components.h"
#include "component/log.h"
#include "proto/buffer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const sections[COMPONENT_CLASSES] = {
    [COMPONENT_RECEIVER] = "receivers",   [COMPONENT_PROCESSOR] = "processors",
    [COMPONENT_CONNECTOR] = "connectors", [COMPONENT_EXPORTER] = "exporters",
    [COMPONENT_EXTENSION] = "extensions",
};

/* ---- names of components ---- */

const struct component_kind *service_kind(enum component_class class, const char *id)
{
    return components_find(class, id, strcspn(id, "/"));
}

const struct config_value *service_component(const struct config_value *root,
                                             enum component_class class, const char *id)
{
    return config_child(config_child(root, sections[class]), id);
}

/* For what older configurations of the Collector have, and its newer versions do not either. */
static const char *replacement(enum component_class class, const char *id)
{
    static const struct {
        const char *type, *hint;
    } gone[] = {
        {"logging", " (debug does the same)"},
        {"jaeger", " (Jaeger takes OTLP: use otlp_grpc, with its port 4317)"},
    };
    for (size_t i = 0; class == COMPONENT_EXPORTER && i < sizeof gone / sizeof gone[0]; i++) {
        size_t len = strlen(gone[i].type);
        if (strncmp(id, gone[i].type, len) == 0 && strcspn(id, "/") == len)
            return gone[i].hint;
    }
    return "";
}

static bool unknown_type(const struct config_value *v, enum component_class class, struct error *e)
{
    struct buffer list = {0};
    for (size_t i = 0; component_kinds[i]; i++) {
        if (component_kinds[i]->class == class)
            buffer_printf(&list, "%s%s", list.len ? ", " : "", component_kinds[i]->type);
    }
    config_error(v, e, "unknown %s type \"%.*s\"%s; supported: %.*s", component_class_name(class),
                 (int)strcspn(v->key, "/"), v->key, replacement(class, v->key), (int)list.len,
                 (const char *)list.data);
    buffer_free(&list);
    return false;
}

static bool check_types(const struct config_value *root, struct error *e)
{
    for (int class = 0; class < COMPONENT_CLASSES; class ++) {
        const struct config_value *section = config_child(root, sections[class]);
        if (!section || section->type == CONFIG_NULL)
            continue;
        if (section->type != CONFIG_MAP)
            return config_error(section, e, "is not a map of components");
        for (const struct config_value *v = section->children; v; v = v->next) {
            if (!service_kind(class, v->key))
                return unknown_type(v, class, e);
            size_t type_len = strcspn(v->key, "/");
            if (v->key[type_len] == '/' && v->key[type_len + 1] == 0)
                return config_error(v, e, "the name after \"/\" is missing");
        }
    }
    return true;
}

/* ---- service::telemetry ---- */

static const char *const log_levels[] = {"debug", "info", "warn",  "error", "DEBUG",
                                         "INFO",  "WARN", "ERROR", NULL};
static const char *const log_encodings[] = {"auto", "json", "console", NULL};
static const char *const metric_levels[] = {"normal", "none", "basic", "detailed", NULL};

struct telemetry_settings {
    struct {
        int level;
        int encoding;
    } logs;
    struct {
        int level;
        const char *address;
        const struct config_value *readers;
    } metrics;
};

#define LOGS(key_, type_, ...)                                                                     \
    {                                                                                              \
        .key = #key_, .type = type_,                                                               \
        .offset = offsetof(struct telemetry_settings, logs.key_) -                                 \
                  offsetof(struct telemetry_settings, logs),                                       \
        __VA_ARGS__                                                                                \
    }
static const struct config_field logs_fields[] = {
    LOGS(level, FIELD_CHOICE, .choices = log_levels, .fallback = "info"),
    LOGS(encoding, FIELD_CHOICE, .choices = log_encodings, .fallback = "auto"),
    CONFIG_END,
};

#define METRICS(key_, type_, ...)                                                                  \
    {                                                                                              \
        .key = #key_, .type = type_,                                                               \
        .offset = offsetof(struct telemetry_settings, metrics.key_) -                              \
                  offsetof(struct telemetry_settings, metrics),                                    \
        __VA_ARGS__                                                                                \
    }
static const struct config_field metrics_fields[] = {
    METRICS(level, FIELD_CHOICE, .choices = metric_levels, .fallback = "normal"),
    METRICS(address, FIELD_STRING),
    METRICS(readers, FIELD_VALUE),
    CONFIG_END,
};

static const struct config_field telemetry_fields[] = {
    {.key = "logs",
     .type = FIELD_SECTION,
     .offset = offsetof(struct telemetry_settings, logs),
     .section = logs_fields},
    {.key = "metrics",
     .type = FIELD_SECTION,
     .offset = offsetof(struct telemetry_settings, metrics),
     .section = metrics_fields},
    CONFIG_END,
};

/* readers: [{pull: {exporter: {prometheus: {host: H, port: N}}}}], the Collector's newer notation.
 */
struct prometheus_reader {
    const char *host;
    int64_t port;
    bool without_scope_info, without_type_suffix, without_units;
};

/* Our names have neither suffixes nor scopes, whatever the last three say. */
#define READER(key_, type_, ...)                                                                   \
    {                                                                                              \
        .key = #key_, .type = type_, .offset = offsetof(struct prometheus_reader, key_),           \
        __VA_ARGS__                                                                                \
    }
static const struct config_field reader_fields[] = {
    READER(host, FIELD_STRING, .fallback = "localhost"),
    READER(port, FIELD_INT, .fallback = "8888", .min = 1, .max = 65535),
    READER(without_scope_info, FIELD_BOOL),
    READER(without_type_suffix, FIELD_BOOL),
    READER(without_units, FIELD_BOOL),
    CONFIG_END,
};

static bool read_readers(const struct config_value *readers, const char **endpoint, struct error *e)
{
    const struct config_value *reader = readers->type == CONFIG_LIST ? readers->children : NULL;
    const struct config_value *prometheus =
        config_child(config_child(config_child(reader, "pull"), "exporter"), "prometheus");
    if (!reader || !prometheus || reader->next)
        return config_error(
            readers, e,
            "is not supported; supported: one reader of the form pull::exporter::prometheus");
    struct prometheus_reader r = {0};
    if (!config_read(prometheus, reader_fields, &r, e))
        return false;
    char *text = config_keep(300, 1);
    snprintf(text, 300, strchr(r.host, ':') ? "[%s]:%d" : "%s:%d", r.host, (int)r.port);
    *endpoint = text;
    return true;
}

static bool apply_telemetry(const struct telemetry_settings *t, struct service_config *out,
                            struct error *e)
{
    out->log_level = t->logs.level % 4; /* either spelling, in the order of enum log_level */
    out->log_encoding = t->logs.encoding;
    if (t->metrics.level == 1)
        return true;
    out->metrics_endpoint = t->metrics.address ? t->metrics.address : "localhost:8888";
    if (t->metrics.readers && t->metrics.readers->type != CONFIG_NULL)
        return read_readers(t->metrics.readers, &out->metrics_endpoint, e);
    return true;
}

/* ---- service::pipelines ---- */

static bool read_ids(const struct config_value *v, struct id_list *out, struct error *e)
{
    out->count = 0;
    if (!v || v->type == CONFIG_NULL)
        return true;
    if (v->type != CONFIG_LIST)
        return config_error(v, e, "is not a list of component names");
    for (const struct config_value *item = v->children; item; item = item->next) {
        if (item->type != CONFIG_SCALAR)
            return config_error(item, e, "is not a component name");
        if (out->count == PIPELINE_ITEMS_MAX)
            return config_error(v, e, "has more than %d items", PIPELINE_ITEMS_MAX);
        for (size_t i = 0; i < out->count; i++) {
            if (strcmp(out->items[i]->text, item->text) == 0)
                return config_error(item, e, "\"%s\" stands twice", item->text);
        }
        out->items[out->count++] = item;
    }
    return true;
}

struct pipeline_settings {
    const struct config_value *receivers, *processors, *exporters;
};

static const struct config_field pipeline_fields[] = {
    {.key = "receivers",
     .type = FIELD_VALUE,
     .offset = offsetof(struct pipeline_settings, receivers)},
    {.key = "processors",
     .type = FIELD_VALUE,
     .offset = offsetof(struct pipeline_settings, processors)},
    {.key = "exporters",
     .type = FIELD_VALUE,
     .offset = offsetof(struct pipeline_settings, exporters)},
    CONFIG_END,
};

/* Every name must be configured, as one of two classes where connectors may stand as well. */
static bool check_ids(const struct config_value *root, const struct id_list *ids,
                      enum component_class class, bool or_connector, struct error *e)
{
    for (size_t i = 0; i < ids->count; i++) {
        const char *id = ids->items[i]->text;
        if (service_component(root, class, id) ||
            (or_connector && service_component(root, COMPONENT_CONNECTOR, id)))
            continue;
        return config_error(ids->items[i], e, "\"%s\" is not configured under %s%s", id,
                            sections[class], or_connector ? " or connectors" : "");
    }
    return true;
}

static bool read_pipeline(const struct config_value *root, const struct config_value *v,
                          struct pipeline_config *p, struct error *e)
{
    size_t signal_len = strcspn(v->key, "/");
    p->metrics = signal_len == 7 && memcmp(v->key, "metrics", 7) == 0;
    if (!p->metrics && (signal_len != 6 || memcmp(v->key, "traces", 6) != 0))
        return config_error(v, e,
                            "\"%.*s\" pipelines are not supported; supported: traces, metrics",
                            (int)signal_len, v->key);
    struct pipeline_settings s = {0};
    if (!config_read(v, pipeline_fields, &s, e))
        return false;
    if (!read_ids(s.receivers, &p->receivers, e) || !read_ids(s.processors, &p->processors, e) ||
        !read_ids(s.exporters, &p->exporters, e))
        return false;
    if (p->receivers.count == 0)
        return config_error(v, e, "must have at least one receiver");
    if (p->exporters.count == 0)
        return config_error(v, e, "must have at least one exporter");
    return (p->metrics || check_ids(root, &p->receivers, COMPONENT_RECEIVER, true, e)) &&
           check_ids(root, &p->processors, COMPONENT_PROCESSOR, false, e) &&
           check_ids(root, &p->exporters, COMPONENT_EXPORTER, true, e);
}

static bool read_pipelines(const struct config_value *root, const struct config_value *pipelines,
                           struct service_config *out, struct error *e)
{
    if (!pipelines || pipelines->type != CONFIG_MAP)
        return config_error(pipelines ? pipelines : root, e,
                            "service::pipelines must name at least one pipeline");
    for (const struct config_value *v = pipelines->children; v; v = v->next) {
        if (out->pipeline_count == PIPELINES_MAX)
            return config_error(pipelines, e, "has more than %d pipelines", PIPELINES_MAX);
        if (!read_pipeline(root, v, &out->pipelines[out->pipeline_count++], e))
            return false;
    }
    return true;
}

/* ---- the whole ---- */

struct root_settings {
    const struct config_value *values[COMPONENT_CLASSES + 1];
};

#define ROOT(key_, index_)                                                                         \
    {                                                                                              \
        .key = key_, .type = FIELD_VALUE, .offset = offsetof(struct root_settings, values[index_]) \
    }
static const struct config_field root_fields[] = {
    ROOT("receivers", 0), ROOT("processors", 1), ROOT("connectors", 2),
    ROOT("exporters", 3), ROOT("extensions", 4), ROOT("service", 5),
    CONFIG_END,
};

struct service_settings {
    const struct config_value *extensions;
    const struct config_value *pipelines;
    struct telemetry_settings telemetry;
    int64_t lanes;
    int64_t drain_timeout_ns;
};

static const struct config_field service_fields[] = {
    {.key = "extensions",
     .type = FIELD_VALUE,
     .offset = offsetof(struct service_settings, extensions)},
    {.key = "pipelines",
     .type = FIELD_VALUE,
     .offset = offsetof(struct service_settings, pipelines)},
    {.key = "telemetry",
     .type = FIELD_SECTION,
     .offset = offsetof(struct service_settings, telemetry),
     .section = telemetry_fields},
    {.key = "lanes",
     .type = FIELD_INT,
     .offset = offsetof(struct service_settings, lanes),
     .fallback = "0",
     .min = 0,
     .max = 64},
    {.key = "drain_timeout",
     .type = FIELD_DURATION,
     .offset = offsetof(struct service_settings, drain_timeout_ns),
     .fallback = "20s"},
    CONFIG_END,
};

bool service_read(const struct config_value *root, struct service_config *out, struct error *e)
{
    struct root_settings sections_read = {0};
    if (!config_read(root, root_fields, &sections_read, e) || !check_types(root, e))
        return false;
    const struct config_value *service = config_child(root, "service");
    if (!service || service->type != CONFIG_MAP)
        return config_error(service ? service : root, e, "the service section is missing");
    struct service_settings s = {0};
    if (!config_read(service, service_fields, &s, e))
        return false;
    *out = (struct service_config){.lanes = s.lanes, .drain_timeout_ns = s.drain_timeout_ns};
    return apply_telemetry(&s.telemetry, out, e) && read_ids(s.extensions, &out->extensions, e) &&
           check_ids(root, &out->extensions, COMPONENT_EXTENSION, false, e) &&
           read_pipelines(root, s.pipelines, out, e);
}
