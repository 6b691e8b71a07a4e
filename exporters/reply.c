#include "exporters/reply.h"

#include "proto/wire.h"

#include <stdio.h>

void reply_message(struct send_answer *answer, const char *prefix, struct bytes text)
{
    size_t room = sizeof answer->message - 1;
    size_t n = (size_t)snprintf(answer->message, sizeof answer->message, "%s%s", prefix,
                                prefix[0] && text.len ? ": " : "");
    if (n > room)
        n = room;
    for (size_t i = 0; i < text.len && n < room; i++) {
        uint8_t c = text.data[i];
        answer->message[n++] = c >= 0x20 && c < 0x7f ? (char)c : c == '\n' ? ' ' : '?';
    }
    answer->message[n] = 0;
}

/* Source: opentelemetry/proto/collector/trace/v1/trace_service.proto, ExportTracePartialSuccess:
 * rejected_spans = 1, error_message = 2; in the response it is field 1. */
static void read_partial_success(struct bytes wire, struct send_answer *answer)
{
    const uint8_t *at = wire.data, *end = wire_end(wire);
    struct wire_field f;
    while (at < end && (at = wire_field(at, end, &f))) {
        if (f.tag == WIRE_TAG(1, WIRE_VARINT))
            answer->rejected_spans = (int64_t)f.integer > 0 ? f.integer : 0;
        else if (f.tag == WIRE_TAG(2, WIRE_LENGTH))
            reply_message(answer, "", f.bytes);
    }
}

void reply_read_response(struct bytes wire, struct send_answer *answer)
{
    const uint8_t *at = wire.data, *end = wire_end(wire);
    struct wire_field f;
    while (at < end && (at = wire_field(at, end, &f))) {
        if (f.tag == WIRE_TAG(1, WIRE_LENGTH))
            read_partial_success(f.bytes, answer);
    }
}

/* google.protobuf.Duration: seconds = 1, nanos = 2. Negative and absurd ones are cut to fit. */
static uint64_t read_duration(struct bytes wire)
{
    const uint8_t *at = wire.data, *end = wire_end(wire);
    struct wire_field f;
    int64_t seconds = 0, nanos = 0;
    while (at < end && (at = wire_field(at, end, &f))) {
        if (f.tag == WIRE_TAG(1, WIRE_VARINT))
            seconds = (int64_t)f.integer;
        else if (f.tag == WIRE_TAG(2, WIRE_VARINT))
            nanos = (int64_t)f.integer;
    }
    if (seconds < 0 || nanos < 0)
        return 0;
    if (seconds > 1000000000)
        seconds = 1000000000;
    if (nanos > 999999999)
        nanos = 999999999;
    return (uint64_t)seconds * 1000000000u + (uint64_t)nanos;
}

/* google.rpc.RetryInfo: retry_delay = 1. */
static void read_retry_info(struct bytes wire, struct reply_status *out)
{
    const uint8_t *at = wire.data, *end = wire_end(wire);
    struct wire_field f;
    out->has_retry_info = true;
    while (at < end && (at = wire_field(at, end, &f))) {
        if (f.tag == WIRE_TAG(1, WIRE_LENGTH))
            out->retry_after_ns = read_duration(f.bytes);
    }
}

static bool names_retry_info(struct bytes url)
{
    static const char name[] = "/google.rpc.RetryInfo";
    size_t len = sizeof name - 1;
    return url.len >= len && memcmp(url.data + url.len - len, name, len) == 0;
}

/* google.protobuf.Any: type_url = 1, value = 2. */
static void read_detail(struct bytes wire, struct reply_status *out)
{
    const uint8_t *at = wire.data, *end = wire_end(wire);
    struct wire_field f;
    struct bytes url = {0}, value = {0};
    while (at < end && (at = wire_field(at, end, &f))) {
        if (f.tag == WIRE_TAG(1, WIRE_LENGTH))
            url = f.bytes;
        else if (f.tag == WIRE_TAG(2, WIRE_LENGTH))
            value = f.bytes;
    }
    if (names_retry_info(url))
        read_retry_info(value, out);
}

/* google.rpc.Status: code = 1, message = 2, details = 3. */
void reply_read_status(struct bytes wire, struct reply_status *out)
{
    const uint8_t *at = wire.data, *end = wire_end(wire);
    struct wire_field f;
    *out = (struct reply_status){0};
    while (at < end && (at = wire_field(at, end, &f))) {
        if (f.tag == WIRE_TAG(2, WIRE_LENGTH))
            out->message = f.bytes;
        else if (f.tag == WIRE_TAG(3, WIRE_LENGTH))
            read_detail(f.bytes, out);
    }
}
