#include "exporters/compress.h"

#include "exporters/gzip_stream.h"

#include <pthread.h>
#include <stdlib.h>
#include <zstd.h>

enum {
    GZIP_LEVEL_MAX = 3,
    ZSTD_LEVEL_MAX = 11,
    OUTPUT_STEP = 32 << 10,
};

struct state {
    struct state *next;
    ZSTD_CCtx *zstd;
    struct isal_zstream gzip;
    uint8_t *level_memory;
};

struct compressor {
    enum compression kind;
    int level;

    pthread_mutex_t lock; /* guards idle */
    struct state *idle;
};

const char *compression_name(enum compression kind)
{
    static const char *const names[] = {
        [COMPRESSION_NONE] = NULL, [COMPRESSION_GZIP] = "gzip", [COMPRESSION_ZSTD] = "zstd"};
    return names[kind];
}

struct compressor *compressor_create(enum compression kind, int level, struct error *e)
{
    int max = kind == COMPRESSION_GZIP ? GZIP_LEVEL_MAX : ZSTD_LEVEL_MAX;
    if (level < 0 || level > max) {
        error_set(e, "compression level %d is not supported for %s; supported: 1 to %d", level,
                  compression_name(kind), max);
        return NULL;
    }
    struct compressor *c = calloc(1, sizeof *c);
    if (!c) {
        error_set(e, "out of memory");
        return NULL;
    }
    c->kind = kind;
    c->level = level ? level : 1;
    pthread_mutex_init(&c->lock, NULL);
    return c;
}

/* ---- states ---- */

static void state_free(struct state *s)
{
    ZSTD_freeCCtx(s->zstd);
    free(s->level_memory);
    free(s);
}

static bool open_gzip(struct state *s, int level)
{
    static const uint32_t memory[] = {0, ISAL_DEF_LVL1_DEFAULT, ISAL_DEF_LVL2_DEFAULT,
                                      ISAL_DEF_LVL3_DEFAULT};
    s->level_memory = malloc(memory[level]);
    isal_deflate_init(&s->gzip);
    s->gzip.level = (uint32_t)level;
    s->gzip.level_buf = s->level_memory;
    s->gzip.level_buf_size = memory[level];
    return s->level_memory;
}

static bool open_zstd(struct state *s, int level)
{
    s->zstd = ZSTD_createCCtx();
    return s->zstd &&
           !ZSTD_isError(ZSTD_CCtx_setParameter(s->zstd, ZSTD_c_compressionLevel, level));
}

static struct state *state_take(struct compressor *c)
{
    pthread_mutex_lock(&c->lock);
    struct state *s = c->idle;
    if (s)
        c->idle = s->next;
    pthread_mutex_unlock(&c->lock);
    if (s)
        return s;
    s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    if (c->kind == COMPRESSION_GZIP ? open_gzip(s, c->level) : open_zstd(s, c->level))
        return s;
    state_free(s);
    return NULL;
}

static void state_give_back(struct compressor *c, struct state *s)
{
    pthread_mutex_lock(&c->lock);
    s->next = c->idle;
    c->idle = s;
    pthread_mutex_unlock(&c->lock);
}

void compressor_destroy(struct compressor *c)
{
    if (!c)
        return;
    while (c->idle) {
        struct state *s = c->idle;
        c->idle = s->next;
        state_free(s);
    }
    pthread_mutex_destroy(&c->lock);
    free(c);
}

/* ---- compressing ---- */

static bool gzip_run(struct isal_zstream *z, const struct bytes *slices, size_t count,
                     struct buffer *out)
{
    static uint8_t nothing[1];
    isal_deflate_reset(z);
    z->gzip_flag = IGZIP_GZIP; /* a finished stream has changed it to "header written" */
    z->end_of_stream = 0;
    for (size_t i = 0; i < count; i++) {
        struct bytes rest = slices[i];
        while (rest.len > 0) {
            uint32_t part = rest.len < UINT32_MAX / 2 ? (uint32_t)rest.len : UINT32_MAX / 2;
            z->next_in = (uint8_t *)rest.data;
            z->avail_in = part;
            z->end_of_stream = i + 1 == count && part == rest.len;
            if (!gzip_stream_run(z, OUTPUT_STEP, out))
                return false;
            rest = bytes_of(rest.data + part, rest.len - part);
        }
    }
    if (z->end_of_stream)
        return true;
    z->next_in = nothing;
    z->avail_in = 0;
    z->end_of_stream = 1;
    return gzip_stream_run(z, OUTPUT_STEP, out);
}

static bool zstd_step(ZSTD_CCtx *z, struct bytes slice, ZSTD_EndDirective directive,
                      struct buffer *out)
{
    ZSTD_inBuffer in = {slice.data, slice.len, 0};
    size_t left;
    do {
        uint8_t *room = buffer_reserve(out, OUTPUT_STEP);
        if (!room)
            return false;
        ZSTD_outBuffer to = {room, OUTPUT_STEP, 0};
        left = ZSTD_compressStream2(z, &to, &in, directive);
        if (ZSTD_isError(left))
            return false;
        out->len += to.pos;
    } while (in.pos < in.size || (directive == ZSTD_e_end && left > 0));
    return true;
}

static bool zstd_run(ZSTD_CCtx *z, const struct bytes *slices, size_t count, struct buffer *out)
{
    ZSTD_CCtx_reset(z, ZSTD_reset_session_only);
    for (size_t i = 0; i < count; i++) {
        if (!zstd_step(z, slices[i], ZSTD_e_continue, out))
            return false;
    }
    return zstd_step(z, bytes_of(NULL, 0), ZSTD_e_end, out);
}

bool compressor_run(struct compressor *c, const struct bytes *slices, size_t count,
                    struct buffer *out)
{
    struct state *s = state_take(c);
    if (!s)
        return false;
    bool done = c->kind == COMPRESSION_GZIP ? gzip_run(&s->gzip, slices, count, out)
                                            : zstd_run(s->zstd, slices, count, out);
    state_give_back(c, s);
    return done;
}
