#include "processors/kafka_hops/hop_link.h"

#include "proto/attribute.h"
#include "proto/message_writer.h"
#include "proto/otlp_fields.h"

enum { KEY_VALUE_KEY = 1, KEY_VALUE_VALUE = 2, ANY_STRING = 1, ANY_INT = 3, ANY_DOUBLE = 4 };

/* What both ids take: tag, length, content. */
enum { TRACE_ID = 2, SPAN_ID = TRACE_ID + 16 + 2, IDS = SPAN_ID + 8 };

static size_t begin_attribute(struct buffer *b, const char *key, size_t *value)
{
    size_t attribute = message_begin(b, LINK_ATTRIBUTES);
    message_bytes(b, KEY_VALUE_KEY, bytes_of_string(key));
    *value = message_begin(b, KEY_VALUE_VALUE);
    return attribute;
}

static void end_attribute(struct buffer *b, size_t attribute, size_t value)
{
    message_end(b, value);
    message_end(b, attribute);
}

static void write_attributes(struct buffer *b, const struct hop *hop)
{
    size_t value, attribute = begin_attribute(b, HOP_ATTRIBUTE_MATCHED_BY, &value);
    message_bytes(b, ANY_STRING, bytes_of_string(hop_match_name(hop->matched_by)));
    end_attribute(b, attribute, value);

    attribute = begin_attribute(b, HOP_ATTRIBUTE_CONFIDENCE, &value);
    message_double(b, ANY_DOUBLE, hop->confidence / 100.0);
    end_attribute(b, attribute, value);

    if (hop->attempt <= 1)
        return;
    attribute = begin_attribute(b, HOP_ATTRIBUTE_ATTEMPT, &value);
    message_integer(b, ANY_INT, hop->attempt);
    end_attribute(b, attribute, value);
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
    size_t attributes = b->len;
    write_attributes(b, hop);
    size_t behind = b->len - attributes;
    message_end(b, link);
    w->ids = b->len - behind - IDS; /* the frame may have grown */
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
