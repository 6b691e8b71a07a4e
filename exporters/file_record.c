/* Records of the file exporter. A batch that is still the request it came in is printed from there;
 * anything else is framed first, which costs a copy that this thread can afford. */
#include "exporters/file_record.h"

#include "proto/frame.h"
#include "proto/otlp_json.h"

#include <endian.h>
#include <zstd.h>

bool file_encoder_init(struct file_encoder *e, enum file_format format, bool compress, int level)
{
    *e = (struct file_encoder){.format = format, .level = level};
    if (compress)
        e->zstd = ZSTD_createCCtx();
    return !compress || e->zstd;
}

void file_encoder_free(struct file_encoder *e)
{
    ZSTD_freeCCtx(e->zstd);
    e->zstd = NULL;
}

/* The request in the encoder's format, bare. */
static bool append_content(struct file_encoder *e, struct batch *b, struct buffer *out)
{
    if (e->format == FILE_PROTO)
        return frame_batch(b, out);
    if (b->request.len > 0)
        return otlp_json_print(b->request, OTLP_TRACE_REQUEST, false, out);
    struct buffer request = {0};
    bool ok = frame_batch(b, &request) &&
              otlp_json_print(buffer_bytes(&request), OTLP_TRACE_REQUEST, false, out);
    buffer_free(&request);
    return ok;
}

static bool append_compressed(struct file_encoder *e, struct bytes content, struct buffer *out)
{
    size_t room = ZSTD_compressBound(content.len);
    uint8_t *to = buffer_reserve(out, room);
    if (!to)
        return false;
    size_t n = ZSTD_compressCCtx(e->zstd, to, room, content.data, content.len, e->level);
    if (ZSTD_isError(n))
        return false;
    out->len += n;
    return true;
}

static bool append_framed(struct file_encoder *e, struct batch *b, struct buffer *out)
{
    size_t start = out->len;
    uint32_t length = 0;
    buffer_append(out, &length, sizeof length);
    bool ok;
    if (e->zstd) {
        struct buffer content = {0};
        ok = append_content(e, b, &content) && append_compressed(e, buffer_bytes(&content), out);
        buffer_free(&content);
    } else {
        ok = append_content(e, b, out);
    }
    if (!ok || out->failed || out->len - start - sizeof length > UINT32_MAX)
        return false;
    length = htobe32((uint32_t)(out->len - start - sizeof length));
    memcpy(out->data + start, &length, sizeof length);
    return true;
}

bool file_record_append(struct file_encoder *e, struct batch *b, struct buffer *out)
{
    size_t before = out->len;
    bool ok;
    if (e->zstd || e->format == FILE_PROTO) {
        ok = append_framed(e, b, out);
    } else {
        ok = append_content(e, b, out);
        buffer_append_byte(out, '\n');
    }
    if (ok && !out->failed)
        return true;
    out->len = before;
    return false;
}
