/* Keys of OTLP/JSON. Descriptors know fields by their snake_case names; camelCase is derived both
 * ways, so there is no table to keep. The one name that is not derived is "@type", which proto3's
 * JSON mapping gives to google.protobuf.Any. */
#include "proto/otlp_json_fields.h"

#include "google/rpc/status.pb-c.h"
#include "opentelemetry/proto/collector/metrics/v1/metrics_service.pb-c.h"
#include "opentelemetry/proto/collector/trace/v1/trace_service.pb-c.h"

const ProtobufCMessageDescriptor *otlp_json_descriptor(enum otlp_message type)
{
    switch (type) {
    case OTLP_TRACE_REQUEST:
        return &opentelemetry__proto__collector__trace__v1__export_trace_service_request__descriptor;
    case OTLP_TRACE_RESPONSE:
        return &opentelemetry__proto__collector__trace__v1__export_trace_service_response__descriptor;
    case OTLP_SPAN:
        return &opentelemetry__proto__trace__v1__span__descriptor;
    case OTLP_RESOURCE:
        return &opentelemetry__proto__resource__v1__resource__descriptor;
    case OTLP_METRICS_REQUEST:
        return &opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__descriptor;
    case OTLP_METRICS_RESPONSE:
        return &opentelemetry__proto__collector__metrics__v1__export_metrics_service_response__descriptor;
    case OTLP_STATUS:
        break;
    }
    return &google__rpc__status__descriptor;
}

void otlp_json_name(const ProtobufCFieldDescriptor *f, char name[OTLP_JSON_NAME_MAX])
{
    if (strcmp(f->name, "type_url") == 0) {
        memcpy(name, "@type", sizeof "@type");
        return;
    }
    char *to = name;
    for (const char *s = f->name; *s && to < name + OTLP_JSON_NAME_MAX - 1; s++) {
        bool hump = *s == '_' && s[1] >= 'a' && s[1] <= 'z';
        *to++ = hump ? (char)(*++s - 'a' + 'A') : *s;
    }
    *to = '\0';
}

const ProtobufCFieldDescriptor *otlp_json_field(const ProtobufCMessageDescriptor *m,
                                                struct bytes key)
{
    if (bytes_equal_string(key, "@type"))
        return protobuf_c_message_descriptor_get_field_by_name(m, "type_url");
    char name[OTLP_JSON_NAME_MAX];
    size_t len = 0;
    for (size_t i = 0; i < key.len; i++) {
        uint8_t c = key.data[i];
        bool hump = c >= 'A' && c <= 'Z';
        bool small = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
        if (!(small || hump) || len + 3 > sizeof name)
            return NULL;
        if (hump)
            name[len++] = '_';
        name[len++] = (char)(hump ? c - 'A' + 'a' : c);
    }
    name[len] = '\0';
    return protobuf_c_message_descriptor_get_field_by_name(m, name);
}

bool otlp_json_is_hex(const ProtobufCFieldDescriptor *f)
{
    return strcmp(f->name, "trace_id") == 0 || strcmp(f->name, "span_id") == 0 ||
           strcmp(f->name, "parent_span_id") == 0;
}
