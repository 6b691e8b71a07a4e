/* One step of ISA-L's streaming gzip into a growing buffer. */
#ifndef TAILSPAN_EXPORTERS_GZIP_STREAM_H
#define TAILSPAN_EXPORTERS_GZIP_STREAM_H

#include "proto/buffer.h"

#include <isa-l/igzip_lib.h>

/* Compresses the input that the stream has been given, all of it, `step` bytes of output at a time;
 * at the end of the stream also what it held back. False: out of memory, or over the buffer's
 * limit. */
static inline bool gzip_stream_run(struct isal_zstream *z, uint32_t step, struct buffer *out)
{
    do {
        uint8_t *room = buffer_reserve(out, step);
        if (!room)
            return false;
        z->next_out = room;
        z->avail_out = step;
        if (isal_deflate(z) != COMP_OK)
            return false;
        out->len += step - z->avail_out;
    } while (z->avail_in > 0 ||
             (z->end_of_stream ? z->internal_state.state != ZSTATE_END : z->avail_out == 0));
    return true;
}

#endif
