/* The parts that stay go through a slot writer like spans that have just come, so the new file has
 * names, filters, index and dictionary of its own. A transaction takes some hundred parts at a
 * time. */
#include "storage/erase_rewrite.h"

#include "storage/hop_record.h"
#include "storage/slot_writer.h"
#include "storage/sql.h"

#include <stdlib.h>

enum { PARTS_A_COMMIT = 1024 };

struct rewrite {
    struct slot_writer *writer;
    const struct erase_judge *judge;
    struct rewritten *out;
    struct span_ref *refs;
    uint32_t capacity;
    unsigned parts; /* since the last commit */
    int code;
};

static bool reserve(struct rewrite *w, uint32_t spans)
{
    if (spans <= w->capacity)
        return true;
    struct span_ref *refs = reallocarray(w->refs, spans, sizeof *refs);
    if (!refs)
        return false;
    w->refs = refs;
    w->capacity = spans;
    return true;
}

static int add(struct rewrite *w, struct batch *b, uint32_t count)
{
    struct source source;
    if (!source_init(&source, b))
        return SQLITE_NOMEM;
    int code = w->parts == 0 ? slot_writer_begin(w->writer) : SQLITE_OK;
    if (code == SQLITE_OK)
        code = slot_writer_add(w->writer, &source, w->refs, count);
    if (code == SQLITE_OK && ++w->parts == PARTS_A_COMMIT) {
        code = slot_writer_commit(w->writer);
        w->parts = 0;
    }
    source_free(&source);
    return code;
}

static bool keep(void *context, struct batch *b)
{
    struct rewrite *w = context;
    uint32_t count = 0;
    if (!reserve(w, b->span_count)) {
        w->code = SQLITE_NOMEM;
        return false;
    }
    for (uint32_t i = 0; i < b->span_count; i++) {
        if (!w->judge->goes(w->judge->context, b, i))
            w->refs[count++] = (struct span_ref){0, i};
    }
    w->out->spans_gone += b->span_count - count;
    w->out->spans_kept += count;
    w->code = count ? add(w, b, count) : SQLITE_OK;
    return w->code == SQLITE_OK;
}

static int keep_hops(struct rewrite *w, struct bytes records)
{
    struct store_hop hop;
    struct buffer kept = {0};
    while (hop_record_next(&records, &hop)) {
        if (w->judge->hop_goes(w->judge->context, &hop))
            continue;
        hop_record_write(&kept, &hop);
        w->out->hops_kept++;
    }
    int code = kept.failed ? SQLITE_NOMEM : slot_writer_add_hops(w->writer, buffer_bytes(&kept));
    buffer_free(&kept);
    return code;
}

static int copy_hops(struct rewrite *w, struct store_reader *r, uint32_t slot)
{
    struct reader_slot *s = &r->slots[slot];
    sqlite3_stmt *q = reader_statement(s, READ_HOPS);
    int code = slot_writer_begin(w->writer);
    while (code == SQLITE_OK && reader_step(r, s, q)) {
        struct buffer row = {0};
        if (hop_row_unpack(&row, sql_blob(q, 1)))
            code = keep_hops(w, buffer_bytes(&row));
        buffer_free(&row);
    }
    return code == SQLITE_OK ? slot_writer_commit(w->writer) : code;
}

static int write_draft(struct store_reader *r, uint32_t slot, const struct erase_judge *judge,
                       struct slot *draft, struct blob_writer *blobs, struct rewritten *out)
{
    struct rewrite w = {.judge = judge, .out = out};
    w.writer = slot_writer_open(draft, blobs, &w.code);
    if (!w.writer)
        return w.code;
    if (!reader_walk(r, slot, keep, &w, &out->parts_damaged) && w.code == SQLITE_OK)
        w.code = SQLITE_IOERR;
    if (w.code == SQLITE_OK && w.parts > 0)
        w.code = slot_writer_commit(w.writer);
    if (w.code == SQLITE_OK)
        w.code = copy_hops(&w, r, slot);
    if (w.code == SQLITE_OK)
        w.code = slot_writer_seal(w.writer);
    slot_writer_close(w.writer);
    free(w.refs);
    return w.code;
}

struct slot *erase_rewrite(struct store_reader *r, uint32_t slot, const struct erase_judge *judge,
                           struct blob_writer *blobs, struct rewritten *out, struct error *e)
{
    const struct slot *old = r->slots[slot].slot;
    struct slot *draft = slot_draft(r->store->options.directory, old);
    int code = SQLITE_NOMEM;
    *out = (struct rewritten){0};
    if (draft) {
        slot_unlink(draft);
        code = write_draft(r, slot, judge, draft, blobs, out);
    }
    if (code == SQLITE_OK)
        return draft;
    error_set(e, "cannot write %s anew: %s", old->path, sqlite3_errstr(code));
    if (draft)
        slot_unlink(draft);
    slot_release(draft);
    return NULL;
}
