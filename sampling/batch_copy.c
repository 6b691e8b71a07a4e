#include "sampling/batch_copy.h"

struct batch *batch_from_frame(struct frame *f, uint64_t received_ns)
{
    struct buffer wire = {0};
    struct batch *copy = NULL;
    struct batch_report report;
    if (frame_finish(f)) {
        frame_flatten(f, &wire);
        copy = wire.failed ? NULL : batch_from_request(buffer_bytes(&wire), &report);
    }
    if (copy && copy->span_count != frame_spans(f)) {
        batch_release(copy);
        copy = NULL;
    }
    if (copy)
        copy->received_ns = received_ns;
    buffer_free(&wire);
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
