#include "processors/kafka_hops/hop_link.h"

#include "proto/attribute_writer.h"
#include "proto/message_writer.h"
#include "proto/otlp_fields.h"

/* Where the ids stand in a link's content, behind their tags and lengths. */
enum { TRACE_ID = 2, SPAN_ID = TRACE_ID + 16 + 2 };

static void write_attributes(struct buffer *b, const struct hop *hop)
{
    const struct value how = {.type = VALUE_STRING,
                              .bytes = bytes_of_string(hop_match_name(hop->matched_by))};
    const struct value confidence = {.type = VALUE_DOUBLE, .real = hop->confidence / 100.0};
    const struct value attempt = {.type = VALUE_INT, .integer = hop->attempt};
    attribute_append(b, LINK_ATTRIBUTES, bytes_of_string(HOP_ATTRIBUTE_MATCHED_BY), &how);
    attribute_append(b, LINK_ATTRIBUTES, bytes_of_string(HOP_ATTRIBUTE_CONFIDENCE), &confidence);
    if (hop->attempt > 1)
        attribute_append(b, LINK_ATTRIBUTES, bytes_of_string(HOP_ATTRIBUTE_ATTEMPT), &attempt);
}

/* The last link becomes one like this hop's. */
static void make_anew(struct hop_link_writer *w, const struct hop *hop)
{
    static const uint8_t none[16];
    struct buffer *b = &w->last;
    b->len = 0;
    size_t link = message_begin(b, SPAN_LINKS);
    message_bytes(b, LINK_TRACE_ID, bytes_of(none, 16));
    message_bytes(b, LINK_SPAN_ID, bytes_of(none, 8));
    write_attributes(b, hop);
    size_t content = b->len - link;
    message_end(b, link);
    w->ids = b->len - content; /* the frame may have grown */
    w->matched_by = hop->matched_by;
    w->attempt = hop->attempt;
    w->confidence = hop->confidence;
}

void hop_link_write(struct hop_link_writer *w, const struct hop *hop, struct buffer *out)
{
    if (w->last.len == 0 || w->matched_by != hop->matched_by || w->attempt != hop->attempt ||
        w->confidence != hop->confidence)
        make_anew(w, hop);
    if (w->last.failed) {
        hop_link_writer_free(w);
        out->failed = true;
        return;
    }
    uint8_t *to = buffer_reserve(out, w->last.len);
    if (!to)
        return;
    memcpy(to, w->last.data, w->last.len);
    memcpy(to + w->ids + TRACE_ID, hop->producer_trace, sizeof hop->producer_trace);
    memcpy(to + w->ids + SPAN_ID, hop->producer_span, sizeof hop->producer_span);
    out->len += w->last.len;
}

void hop_link_writer_free(struct hop_link_writer *w)
{
    buffer_free(&w->last);
}
