#include "metrics/prometheus/spool.h"

#include "exporters/gzip_stream.h"

#include <stdlib.h>

enum {
    LEVEL = 1,
    STEP = 256 << 10,
    PLAIN_MAX = 4 << 20, /* of a body for who wants no gzip */
    OUTPUT_STEP = 64 << 10,
};

void spool_init(struct spool *s, bool wants_gzip, size_t limit)
{
    *s = (struct spool){.wants_gzip = wants_gzip, .packed.limit = limit};
    s->threshold = wants_gzip ? STEP : PLAIN_MAX;
}

static bool open_gzip(struct spool *s)
{
    s->gzip = malloc(sizeof *s->gzip);
    s->gzip_memory = malloc(ISAL_DEF_LVL1_DEFAULT);
    if (!s->gzip || !s->gzip_memory)
        return false;
    isal_deflate_init(s->gzip);
    s->gzip->level = LEVEL;
    s->gzip->level_buf = s->gzip_memory;
    s->gzip->level_buf_size = ISAL_DEF_LVL1_DEFAULT;
    s->gzip->gzip_flag = IGZIP_GZIP;
    return true;
}

static bool deflate_raw(struct spool *s, bool end)
{
    struct isal_zstream *z = s->gzip;
    static uint8_t nothing[1];
    z->next_in = s->raw.data ? s->raw.data : nothing;
    z->avail_in = (uint32_t)s->raw.len;
    z->end_of_stream = end;
    if (!gzip_stream_run(z, OUTPUT_STEP, &s->packed))
        return false;
    s->raw.len = 0;
    return true;
}

static bool pack(struct spool *s, bool end)
{
    s->failed = s->failed || s->raw.failed || s->raw.len > UINT32_MAX ||
                (!s->gzip && !open_gzip(s)) || !deflate_raw(s, end);
    return !s->failed;
}

bool spool_settle(struct spool *s)
{
    if (s->raw.failed)
        s->failed = true;
    if (s->failed || s->raw.len < s->threshold)
        return !s->failed;
    s->threshold = STEP;
    return pack(s, false);
}

/* ---- unpacking for who reads it plain ---- */

struct unpacking {
    struct inflate_state state;
    struct buffer packed;
};

static ssize_t unpack(void *context, uint8_t *out, size_t room)
{
    struct unpacking *u = context;
    u->state.next_out = out;
    u->state.avail_out = room < INT32_MAX ? (uint32_t)room : INT32_MAX;
    uint32_t wanted = u->state.avail_out;
    if (u->state.block_state == ISAL_BLOCK_FINISH)
        return 0;
    if (isal_inflate(&u->state) != ISAL_DECOMP_OK)
        return -1;
    return (ssize_t)(wanted - u->state.avail_out);
}

static void unpack_free(void *context)
{
    struct unpacking *u = context;
    buffer_free(&u->packed);
    free(u);
}

static bool stream(struct spool *s, struct http_reply *reply)
{
    struct unpacking *u = malloc(sizeof *u);
    if (!u)
        return false;
    isal_inflate_init(&u->state);
    u->state.crc_flag = ISAL_GZIP;
    u->state.next_in = s->packed.data;
    u->state.avail_in = (uint32_t)s->packed.len;
    u->packed = s->packed;
    s->packed = (struct buffer){0};
    reply->stream = unpack;
    reply->stream_free = unpack_free;
    reply->stream_context = u;
    reply->stream_held = u->packed.len;
    return true;
}

bool spool_finish(struct spool *s, struct http_reply *reply)
{
    bool packs = s->wants_gzip || s->gzip; /* which may hold back all that it was given */
    bool done = !s->failed && !s->raw.failed && (!packs || pack(s, true));
    if (done && packs && !s->wants_gzip) {
        done = stream(s, reply);
    } else if (done) {
        struct buffer *body = packs ? &s->packed : &s->raw;
        reply->body = *body;
        *body = (struct buffer){0};
        if (packs)
            http_reply_header(reply, "Content-Encoding", "gzip");
    }
    if (done)
        http_reply_header(reply, "Vary", "Accept, Accept-Encoding");
    spool_free(s);
    return done;
}

void spool_free(struct spool *s)
{
    buffer_free(&s->raw);
    buffer_free(&s->packed);
    free(s->gzip);
    free(s->gzip_memory);
    s->gzip = NULL;
    s->gzip_memory = NULL;
}
