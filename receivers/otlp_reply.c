#include "receivers/otlp_reply.h"

#include "google/rpc/error_details.pb-c.h"
#include "google/rpc/status.pb-c.h"
#include "opentelemetry/proto/collector/trace/v1/trace_service.pb-c.h"
#include "proto/json_writer.h"

#include <stdarg.h>
#include <stdio.h>

static bool is_retryable(grpc_status_code status)
{
    switch (status) {
    case GRPC_STATUS_CANCELLED:
    case GRPC_STATUS_DEADLINE_EXCEEDED:
    case GRPC_STATUS_RESOURCE_EXHAUSTED: /* with RetryInfo */
    case GRPC_STATUS_ABORTED:
    case GRPC_STATUS_OUT_OF_RANGE:
    case GRPC_STATUS_UNAVAILABLE:
    case GRPC_STATUS_DATA_LOSS:
        return true;
    default:
        return false;
    }
}

static void from_busy(struct reply *r, const struct outcome *o)
{
    r->status = (grpc_status_code)o->grpc_status;
    if (!is_retryable(r->status))
        r->status = GRPC_STATUS_UNAVAILABLE;
    r->retry_after_ms = o->retry_after_ms;
    if (r->status == GRPC_STATUS_RESOURCE_EXHAUSTED && r->retry_after_ms == 0)
        r->retry_after_ms = 1000; /* without RetryInfo it would mean never */
}

void reply_from_outcome(struct reply *r, const struct outcome *o)
{
    r->http_status = 0;
    r->retry_after_ms = 0;
    switch (o->verdict) {
    case VERDICT_ACCEPTED:
    case VERDICT_PENDING:
        r->status = GRPC_STATUS_OK;
        return;
    case VERDICT_BUSY:
        from_busy(r, o);
        break;
    case VERDICT_REJECTED:
        r->status = o->grpc_status ? (grpc_status_code)o->grpc_status : GRPC_STATUS_INTERNAL;
        break;
    }
    snprintf(r->message, sizeof r->message, "%.*s", (int)sizeof o->message, o->message);
}

void reply_set(struct reply *r, grpc_status_code status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(r->message, sizeof r->message, format, args);
    va_end(args);
    r->status = status;
}

unsigned reply_http_status(const struct reply *r)
{
    if (r->http_status)
        return r->http_status;
    switch (r->status) {
    case GRPC_STATUS_OK:
        return 200;
    case GRPC_STATUS_INVALID_ARGUMENT:
        return 400;
    case GRPC_STATUS_UNAUTHENTICATED:
        return 401;
    case GRPC_STATUS_PERMISSION_DENIED:
        return 403;
    case GRPC_STATUS_UNIMPLEMENTED:
        return 404;
    case GRPC_STATUS_RESOURCE_EXHAUSTED:
        return 429;
    default:
        return is_retryable(r->status) ? 503 : 500;
    }
}

unsigned reply_retry_after(const struct reply *r)
{
    return r->retry_after_ms ? (r->retry_after_ms + 999u) / 1000u : 0;
}

/* ---- protobuf ---- */

static void append_packed(const ProtobufCMessage *m, struct buffer *out)
{
    size_t len = protobuf_c_message_get_packed_size(m);
    uint8_t *at = buffer_reserve(out, len);
    if (at)
        out->len += protobuf_c_message_pack(m, at);
}

static void append_partial_success(const struct reply *r, struct buffer *out)
{
    Opentelemetry__Proto__Collector__Trace__V1__ExportTracePartialSuccess partial =
        OPENTELEMETRY__PROTO__COLLECTOR__TRACE__V1__EXPORT_TRACE_PARTIAL_SUCCESS__INIT;
    Opentelemetry__Proto__Collector__Trace__V1__ExportTraceServiceResponse response =
        OPENTELEMETRY__PROTO__COLLECTOR__TRACE__V1__EXPORT_TRACE_SERVICE_RESPONSE__INIT;
    partial.rejected_spans = r->rejected_spans;
    partial.error_message = (char *)r->message;
    response.partial_success = &partial;
    append_packed(&response.base, out);
}

static void append_status(const struct reply *r, struct buffer *out)
{
    uint8_t packed[64];
    Google__Protobuf__Duration delay = GOOGLE__PROTOBUF__DURATION__INIT;
    delay.seconds = r->retry_after_ms / 1000;
    delay.nanos = (int32_t)(r->retry_after_ms % 1000) * 1000000;
    Google__Rpc__RetryInfo info = GOOGLE__RPC__RETRY_INFO__INIT;
    info.retry_delay = &delay;
    Google__Protobuf__Any any = GOOGLE__PROTOBUF__ANY__INIT;
    any.type_url = (char *)"type.googleapis.com/google.rpc.RetryInfo";
    any.value.data = packed;
    any.value.len = google__rpc__retry_info__pack(&info, packed);
    Google__Protobuf__Any *details[] = {&any};
    Google__Rpc__Status status = GOOGLE__RPC__STATUS__INIT;
    status.code = (int32_t)r->status;
    status.message = (char *)r->message;
    status.n_details = r->retry_after_ms ? 1 : 0;
    status.details = details;
    append_packed(&status.base, out);
}

/* ---- JSON ---- */

static void append_json(const struct reply *r, struct buffer *out)
{
    struct json_writer w;
    json_begin(&w, out, false);
    json_object_begin(&w);
    if (r->status != GRPC_STATUS_OK) {
        json_key(&w, "code");
        json_int(&w, r->status);
        json_key(&w, "message");
        json_text(&w, r->message);
    } else if (r->rejected_spans) {
        json_key(&w, "partialSuccess");
        json_object_begin(&w);
        json_key(&w, "rejectedSpans");
        json_uint_string(&w, r->rejected_spans);
        json_key(&w, "errorMessage");
        json_text(&w, r->message);
        json_object_end(&w);
    }
    json_object_end(&w);
}

void reply_body(const struct reply *r, bool json, struct buffer *out)
{
    if (json)
        append_json(r, out);
    else if (r->status != GRPC_STATUS_OK)
        append_status(r, out);
    else if (r->rejected_spans)
        append_partial_success(r, out);
}
