#include "exporters/http_answer.h"

#include "exporters/reply.h"

#include <grpc/status.h>
#include <stdio.h>
#include <strings.h>

static bool is_type(const char *content_type, const char *type)
{
    size_t len = strlen(type);
    return strncasecmp(content_type, type, len) == 0 &&
           (content_type[len] == 0 || content_type[len] == ';' || content_type[len] == ' ');
}

/* The body as a message's wire bytes, in `wire` when it had to be converted; false when it is
 * neither protobuf nor JSON. */
static bool body_as_wire(const struct http_result *r, enum otlp_message type, struct buffer *wire,
                         struct bytes *out)
{
    if (is_type(r->content_type, "application/x-protobuf")) {
        *out = r->body;
        return true;
    }
    char where[256];
    if (!is_type(r->content_type, "application/json") ||
        !otlp_json_parse(r->body, type, wire, where, sizeof where) || wire->failed)
        return false;
    *out = buffer_bytes(wire);
    return true;
}

static void read_success(const struct http_result *r, enum otlp_message type,
                         struct send_answer *answer)
{
    struct buffer wire = {0};
    struct bytes message;
    answer->result = SEND_OK;
    if (r->body.len && body_as_wire(r, type, &wire, &message))
        reply_read_response(message, answer);
    buffer_free(&wire);
}

static bool is_retryable(int status)
{
    return status == 429 || status == 502 || status == 503 || status == 504;
}

static int grpc_status_of(int status)
{
    switch (status) {
    case 400:
        return GRPC_STATUS_INVALID_ARGUMENT;
    case 401:
        return GRPC_STATUS_UNAUTHENTICATED;
    case 403:
        return GRPC_STATUS_PERMISSION_DENIED;
    case 404:
        return GRPC_STATUS_UNIMPLEMENTED;
    case 413:
    case 429:
        return GRPC_STATUS_RESOURCE_EXHAUSTED;
    default:
        return is_retryable(status) ? GRPC_STATUS_UNAVAILABLE : GRPC_STATUS_INTERNAL;
    }
}

static void read_failure(const struct http_result *r, struct send_answer *answer)
{
    struct buffer wire = {0};
    struct bytes message;
    struct reply_status status = {0};
    char prefix[32];
    snprintf(prefix, sizeof prefix, "HTTP %d", r->status);
    answer->result = is_retryable(r->status) ? SEND_RETRY : SEND_PERMANENT;
    answer->retry_after_ns =
        r->retry_after_s < 1000000000u ? r->retry_after_s * 1000000000u : UINT64_MAX;
    answer->grpc_status = grpc_status_of(r->status);
    if (body_as_wire(r, OTLP_STATUS, &wire, &message))
        reply_read_status(message, &status);
    else if (is_type(r->content_type, "text/plain"))
        status.message = r->body;
    reply_message(answer, prefix, status.message);
    buffer_free(&wire);
}

static void read_error(const struct http_result *r, struct send_answer *answer)
{
    answer->result = r->hopeless ? SEND_PERMANENT : SEND_RETRY;
    answer->grpc_status = GRPC_STATUS_UNAVAILABLE;
    reply_message(answer, "", bytes_of_string(r->error));
}

void http_answer_read(const struct http_result *r, enum otlp_message type,
                      struct send_answer *answer)
{
    if (r->error)
        read_error(r, answer);
    else if (r->status >= 200 && r->status < 300)
        read_success(r, type, answer);
    else
        read_failure(r, answer);
}
