/* Any bytes as a request: they are refused with words, or indexed as protobuf-c decodes them; then
 * they are edited and framed, and the frame is a request again. */
#include "proto/edit.h"
#include "proto/frame.h"
#include "tests/unit/proto/oracle.h"

static void change_everything(struct batch *b)
{
    const struct value v = {.type = VALUE_STRING, .bytes = bytes_of_string("changed")};
    struct bytes key = bytes_of_string("k");
    for (uint32_t i = 0; i < b->span_count; i++) {
        oracle_check(span_set_attribute(b, i, key, &v));
        oracle_check(span_rename(b, i, bytes_of_string("name")));
        oracle_check(span_set_status_message(b, i, bytes_of_string("message")));
        oracle_check(bytes_equal_string(span_name(&b->spans[i]), "name"));
    }
    for (uint32_t i = 0; i < b->scope_count; i++)
        oracle_check(scope_set_attribute(b, i, key, &v));
    for (uint32_t i = 0; i < b->resource_count; i++)
        oracle_check(resource_set_attribute(b, i, key, &v));
}

static void frame_again(struct batch *b)
{
    struct frame *f = frame_create();
    struct buffer out = {0};
    struct batch_report report;
    for (uint32_t i = 0; i < b->span_count; i += 2)
        oracle_check(frame_add(f, b, i, 1));
    oracle_check(frame_finish(f));
    frame_flatten(f, &out);
    struct batch *again = batch_from_request(buffer_bytes(&out), &report);
    oracle_check(again && report.rejected_spans == 0);
    oracle_check(again->span_count == frame_spans(f));
    for (uint32_t i = 0; i < again->span_count; i++)
        oracle_check(bytes_equal(span_bytes(&again->spans[i]), span_bytes(&b->spans[2 * i])));
    batch_release(again);
    frame_release(f);
    buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct batch_report report;
    struct batch *b = batch_from_request(bytes_of(data, len), &report);
    if (!b) {
        oracle_check(report.malformed && report.where[0] != 0);
        return 0;
    }
    oracle_request *m = oracle_unpack(bytes_of(data, len));
    oracle_check(m != NULL);
    oracle_skips_parts = true;
    oracle_same(b, m, report.rejected_spans);
    oracle_free(m);
    frame_again(b);
    change_everything(b);
    frame_again(b);
    batch_release(b);
    oracle_check(batch_live_bytes() == 0);
    return 0;
}
