/* A batch's first span as text, all of its attributes in order:
 *     resource(a=1) scope() name span(k="v" l=[1,"x"]) event(…) link(…) "status" */
#ifndef TAILSPAN_TESTS_PROCESSORS_ATTRIBUTES_TEXT_H
#define TAILSPAN_TESTS_PROCESSORS_ATTRIBUTES_TEXT_H

#include "proto/attribute.h"
#include "proto/batch.h"
#include "proto/buffer.h"
#include "proto/value_text.h"

#include <stdio.h>

static inline void print_list(struct buffer *out, const char *what, struct bytes message,
                              enum attribute_field field)
{
    struct attribute_iterator it;
    struct attribute a;
    size_t begin = out->len;
    for (attribute_begin(&it, message, field); attribute_next(&it, &a);) {
        struct value_text t = {0};
        const char *quote = a.value.type == VALUE_STRING ? "'" : "";
        struct bytes text = value_text(&a.value, &t);
        buffer_printf(out, "%s%.*s=%s%.*s%s", out->len > begin ? " " : what, (int)a.key.len,
                      (const char *)a.key.data, quote, (int)text.len, (const char *)text.data,
                      quote);
        value_text_free(&t);
    }
    if (out->len > begin)
        buffer_append_string(out, ")");
}

static inline const char *text_of_span(const struct batch *b, uint32_t span)
{
    static char text[4000];
    const struct span_view *s = &b->spans[span];
    struct buffer out = {0};
    struct span_cursor cursor;
    struct event_view event;
    struct link_view link;
    print_list(&out, "resource(", span_resource(b, s)->message, RESOURCE_ATTRIBUTES);
    print_list(&out, "scope(", span_scope(b, s)->message, SCOPE_ATTRIBUTES);
    print_list(&out, "span(", span_bytes(s), SPAN_ATTRIBUTES);
    for (span_events_begin(&cursor, span_bytes(s)); event_next(&cursor, &event);) {
        buffer_printf(&out, "<%.*s>", (int)event.name.len, (const char *)event.name.data);
        print_list(&out, "event(", event.message, EVENT_ATTRIBUTES);
    }
    for (span_links_begin(&cursor, span_bytes(s)); link_next(&cursor, &link);)
        print_list(&out, "link(", link.message, LINK_ATTRIBUTES);
    buffer_append_byte(&out, 0);
    snprintf(text, sizeof text, "%s", (const char *)out.data);
    buffer_free(&out);
    return text;
}

#endif
