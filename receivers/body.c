#include "receivers/body.h"

#include "proto/otlp_json.h"
#include "proto/wire.h"

#include <stdio.h>

static enum body_result from_bytes(struct bytes content, size_t limit, struct batch **out,
                                   size_t *len)
{
    if (content.len > limit)
        return BODY_TOO_LARGE;
    struct batch *b = batch_create(content.len);
    if (!b)
        return BODY_NO_MEMORY;
    if (content.len > 0)
        memcpy(batch_payload(b), content.data, content.len);
    *out = b;
    *len = content.len;
    return BODY_OK;
}

/* Where a guess left most of the payload unused, a smaller batch takes its place: batches live
 * longer than requests. */
static enum body_result fit(struct batch *b, size_t room, size_t limit, struct batch **out,
                            size_t *len)
{
    if (*len >= room / 2) {
        *out = b;
        return BODY_OK;
    }
    enum body_result r = from_bytes(bytes_of(batch_payload(b), *len), limit, out, len);
    batch_release(b);
    return r;
}

static enum body_result decompress(struct inflater *inflater, enum encoding encoding,
                                   struct bytes body, size_t limit, struct batch **out, size_t *len,
                                   char *where)
{
    size_t room = inflate_room(encoding, body, limit);
    if (room > limit)
        return BODY_TOO_LARGE; /* by its own account */
    for (;;) {
        struct batch *b = batch_create(room);
        if (!b)
            return BODY_NO_MEMORY;
        switch (inflate_body(inflater, encoding, body, batch_payload(b), room, len)) {
        case INFLATE_OK:
            return fit(b, room, limit, out, len);
        case INFLATE_NO_ROOM:
            break;
        case INFLATE_MALFORMED:
            batch_release(b);
            snprintf(where, BODY_WHERE, "the compressed body is damaged or incomplete");
            return BODY_MALFORMED;
        case INFLATE_NO_MEMORY:
            batch_release(b);
            return BODY_NO_MEMORY;
        }
        batch_release(b);
        if (room == limit)
            return BODY_TOO_LARGE;
        room = room < limit / 4 ? room * 4 + 64 : limit;
    }
}

static enum body_result from_json(struct bytes json, size_t limit, struct batch **out, size_t *len,
                                  char *where)
{
    struct buffer wire = {.limit = limit};
    where[0] = 0;
    bool parsed = otlp_json_parse(json, OTLP_TRACE_REQUEST, &wire, where, BODY_WHERE);
    enum body_result r = BODY_MALFORMED;
    if (wire.failed)
        r = wire.capped ? BODY_TOO_LARGE : BODY_NO_MEMORY; /* the latter is worth another try */
    else if (parsed)
        r = from_bytes(buffer_bytes(&wire), limit, out, len);
    buffer_free(&wire);
    return r;
}

/* Whether this gzip stream, which gave `len` bytes, is a single member, as every peer can read it.
 */
static bool is_one_member(struct bytes gzip, size_t len)
{
    return gzip.len >= 18 && wire_load32(gzip.data + gzip.len - 4) == (uint32_t)len;
}

enum body_result body_decode(struct inflater *inflater, struct body_format format,
                             struct bytes body, size_t limit, struct batch **out, size_t *len,
                             char where[BODY_WHERE])
{
    struct bytes content = body;
    struct batch *inflated = NULL;
    if (format.encoding != ENCODING_IDENTITY) {
        size_t n;
        enum body_result r =
            decompress(inflater, format.encoding, body, limit, &inflated, &n, where);
        if (r != BODY_OK)
            return r;
        if (!format.json) {
            if (format.encoding == ENCODING_GZIP && is_one_member(body, n))
                batch_attach_gzip(inflated, body);
            *out = inflated;
            *len = n;
            return BODY_OK;
        }
        content = bytes_of(batch_payload(inflated), n);
    }
    enum body_result r = BODY_TOO_LARGE;
    if (content.len <= limit)
        r = format.json ? from_json(content, limit, out, len, where)
                        : from_bytes(content, limit, out, len);
    if (inflated)
        batch_release(inflated);
    return r;
}
