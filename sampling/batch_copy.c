#include "sampling/batch_copy.h"

#include <string.h>

static struct batch *copy_slices(const struct frame *f)
{
    size_t count, len = frame_bytes(f);
    const struct bytes *slices = frame_slices(f, &count);
    struct batch *b = batch_create(len);
    struct batch_report report = {0};
    if (!b)
        return NULL;
    uint8_t *at = batch_payload(b);
    for (size_t i = 0; i < count; i++) {
        memcpy(at, slices[i].data, slices[i].len);
        at += slices[i].len;
    }
    if (batch_index(b, len, &report) && b->span_count == frame_spans(f))
        return b;
    batch_release(b);
    return NULL;
}

struct batch *batch_from_frame(struct frame *f, uint64_t received_ns)
{
    struct batch *copy = frame_finish(f) ? copy_slices(f) : NULL;
    if (copy)
        copy->received_ns = received_ns;
    frame_release(f);
    return copy;
}

struct batch *batch_copy(struct batch *b)
{
    struct frame *f = frame_create();
    if (!f)
        return NULL;
    if (frame_add(f, b, 0, b->span_count))
        return batch_from_frame(f, b->received_ns);
    frame_release(f);
    return NULL;
}
