/* OTLP/JSON against itself and against protobuf-c.
 *
 * What is accepted must unpack, must be a well-formed batch, and must print to JSON that reads and
 * prints the same again. What is refused must say why and leave nothing behind. A digit as the
 * first byte, which no document begins with, chooses another message than the request. */
#include "proto/batch.h"
#include "proto/otlp_json.h"

#include "google/rpc/status.pb-c.h"
#include "opentelemetry/proto/collector/trace/v1/trace_service.pb-c.h"

#include <stdlib.h>

#define must(condition)                                                                            \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

static const ProtobufCMessageDescriptor *const descriptors[] = {
    [OTLP_TRACE_REQUEST] =
        &opentelemetry__proto__collector__trace__v1__export_trace_service_request__descriptor,
    [OTLP_TRACE_RESPONSE] =
        &opentelemetry__proto__collector__trace__v1__export_trace_service_response__descriptor,
    [OTLP_SPAN] = &opentelemetry__proto__trace__v1__span__descriptor,
    [OTLP_RESOURCE] = &opentelemetry__proto__resource__v1__resource__descriptor,
    [OTLP_STATUS] = &google__rpc__status__descriptor,
};

static void unpacks(const struct buffer *wire, enum otlp_message type)
{
    ProtobufCMessage *m = protobuf_c_message_unpack(descriptors[type], NULL, wire->len, wire->data);
    must(m);
    protobuf_c_message_free_unpacked(m, NULL);
    if (type == OTLP_TRACE_REQUEST) {
        struct batch_report report = {0};
        struct batch *b = batch_from_request(buffer_bytes(wire), &report);
        must(b && !report.malformed);
        batch_release(b);
    }
}

static void reads_and_prints_the_same(const struct buffer *json, enum otlp_message type)
{
    char where[256];
    struct buffer wire = {0};
    struct buffer again = {0};
    must(otlp_json_parse(buffer_bytes(json), type, &wire, where, sizeof where));
    must(otlp_json_print(buffer_bytes(&wire), type, false, &again));
    must(bytes_equal(buffer_bytes(json), buffer_bytes(&again)));
    buffer_free(&again);
    buffer_free(&wire);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum otlp_message type = OTLP_TRACE_REQUEST;
    if (size > 0 && data[0] >= '0' && data[0] <= '0' + OTLP_STATUS) {
        type = data[0] - '0';
        data++;
        size--;
    }
    char where[256] = "";
    struct buffer wire = {0};
    if (otlp_json_parse(bytes_of(data, size), type, &wire, where, sizeof where)) {
        unpacks(&wire, type);
        struct buffer json = {0};
        must(otlp_json_print(buffer_bytes(&wire), type, false, &json));
        reads_and_prints_the_same(&json, type);
        buffer_free(&json);
    } else {
        must(where[0] && memchr(where, '\0', sizeof where));
        must(wire.len == 0);
    }
    buffer_free(&wire);

    /* The same bytes as wire: printing refuses or gives what can be read. */
    struct buffer json = {0};
    if (otlp_json_print(bytes_of(data, size), type, false, &json))
        reads_and_prints_the_same(&json, type);
    must(!json.failed);
    buffer_free(&json);
    return 0;
}
