/* Writing a span of a batch anew, into memory of the batch and with its frame in front, so that
 * spans that are written in order lie together and leave as one slice. For the files of this room
 * that change spans; the batch's only holder. */
#ifndef TAILSPAN_PROTO_SPAN_WRITER_H
#define TAILSPAN_PROTO_SPAN_WRITER_H

#include "proto/batch_private.h"
#include "proto/otlp_fields.h"
#include "proto/wire.h"

#include <assert.h>

struct span_writer {
    struct wire_writer out; /* takes the body, all of it */
    const uint8_t *framed;
    const uint8_t *body;
};

/* Makes room for a body of `len` bytes. False: out of memory, or it is too long for a message. */
static inline bool span_write_begin(struct batch *b, size_t len, struct span_writer *w)
{
    size_t size = wire_framed_size(SCOPE_SPANS_SPANS, len);
    uint8_t *memory = len <= INT32_MAX ? batch_memory(b, size) : NULL;
    if (!memory)
        return false;
    w->out = wire_writer(memory, size);
    wire_put_frame(&w->out, SCOPE_SPANS_SPANS, len);
    w->framed = memory;
    w->body = w->out.at;
    return true;
}

/* Points the view at what was written; where its name lies there stays for the caller to say. */
static inline void span_write_end(struct batch *b, struct span_view *s, const struct span_writer *w)
{
    assert(!w->out.overflow && w->out.at == w->out.end);
    uint32_t len = (uint32_t)(w->out.end - w->body);
    b->span_bytes += (size_t)len - s->len;
    batch_forget_request(b);
    s->data = w->body;
    s->len = len;
    s->frame_len = (uint8_t)(w->body - w->framed);
}

#endif
