#include "exporters/grpc_answer.h"

#include "exporters/reply.h"

#include <grpc/byte_buffer.h>
#include <libdeflate.h>
#include <stdlib.h>

static const char *status_name(grpc_status_code status)
{
    static const char *const names[] = {
        "OK",
        "CANCELLED",
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
        "UNAUTHENTICATED",
    };
    return (unsigned)status < sizeof names / sizeof names[0] ? names[status] : "UNKNOWN";
}

static bool is_retryable(grpc_status_code status, bool has_retry_info)
{
    switch (status) {
    case GRPC_STATUS_CANCELLED:
    case GRPC_STATUS_DEADLINE_EXCEEDED:
    case GRPC_STATUS_ABORTED:
    case GRPC_STATUS_OUT_OF_RANGE:
    case GRPC_STATUS_UNAVAILABLE:
    case GRPC_STATUS_DATA_LOSS:
        return true;
    case GRPC_STATUS_RESOURCE_EXHAUSTED:
        return has_retry_info;
    default:
        return false;
    }
}

static struct bytes slice_bytes(const grpc_slice *s)
{
    return bytes_of(GRPC_SLICE_START_PTR(*s), GRPC_SLICE_LENGTH(*s));
}

void grpc_answer_failure(grpc_status_code code, const grpc_slice *message,
                         const grpc_metadata_array *trailing, struct send_answer *answer)
{
    struct reply_status status = {0};
    for (size_t i = 0; i < trailing->count; i++) {
        const grpc_metadata *m = &trailing->metadata[i];
        if (bytes_equal_string(slice_bytes(&m->key), "grpc-status-details-bin") &&
            GRPC_SLICE_LENGTH(m->value) <= REPLY_MAX_BYTES)
            reply_read_status(slice_bytes(&m->value), &status);
    }
    answer->result = is_retryable(code, status.has_retry_info) ? SEND_RETRY : SEND_PERMANENT;
    answer->retry_after_ns = status.retry_after_ns;
    answer->grpc_status = (int)code;
    reply_message(answer, status_name(code), slice_bytes(message));
}

/* The response's bytes, at most REPLY_MAX_BYTES, inflated; 0 when there are none to look at. */
static size_t flatten_response(grpc_byte_buffer *response, uint8_t *out)
{
    const grpc_slice_buffer *slices = &response->data.raw.slice_buffer;
    if (slices->length == 0 || slices->length > REPLY_MAX_BYTES)
        return 0;
    uint8_t *wire = malloc(slices->length);
    if (!wire)
        return 0;
    size_t len = 0;
    for (size_t i = 0; i < slices->count; i++) {
        struct bytes part = slice_bytes(&slices->slices[i]);
        memcpy(wire + len, part.data, part.len);
        len += part.len;
    }
    if (response->data.raw.compression == GRPC_COMPRESS_NONE) {
        memcpy(out, wire, len);
    } else {
        struct libdeflate_decompressor *inflater = libdeflate_alloc_decompressor();
        if (!inflater || libdeflate_gzip_decompress(inflater, wire, len, out, REPLY_MAX_BYTES,
                                                    &len) != LIBDEFLATE_SUCCESS)
            len = 0;
        libdeflate_free_decompressor(inflater);
    }
    free(wire);
    return len;
}

void grpc_answer_success(grpc_byte_buffer *response, struct send_answer *answer)
{
    answer->result = SEND_OK;
    if (!response || response->data.raw.slice_buffer.length == 0)
        return;
    uint8_t *wire = malloc(REPLY_MAX_BYTES);
    if (wire)
        reply_read_response(bytes_of(wire, flatten_response(response, wire)), answer);
    free(wire);
}
