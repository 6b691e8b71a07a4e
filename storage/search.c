/* Search: newest traces first, truly.
 *
 * A trace's start is that of its earliest span in any part, so it is never later than the start of
 * the part that matched, and that is never later than the latest start of the part's block. So the
 * blocks of all slots are visited in the order of their latest start, each match is merged with the
 * other parts of its trace before it is ranked, and the walk may end once there are `limit` traces
 * that all began later than anything in the blocks that are left.
 *
 * A block is passed over by its times and longest duration, then by its filter, then part by part
 * by its records. What none of them rules out is decompressed and decided on the spans. */
#define XXH_INLINE_ALL
#include "component/clock.h"
#include "component/hash_seed.h"
#include "storage/match.h"
#include "storage/sql.h"
#include "storage/summary.h"

#include <stdlib.h>
#include <xxhash.h>

#define MAX_LIMIT 100000

struct found {
    uint8_t trace_id[16];
    uint64_t start_ns;
};

struct block_place {
    uint64_t max_start;
    uint32_t slot;
    uint32_t header;
};

struct candidate {
    struct record record;
    uint32_t index; /* within the block */
    bool certain;
};

/* Trace ids that have been ranked already. */
struct seen {
    uint8_t (*ids)[16]; /* open addressing; all zero: free, and no trace has that id */
    uint32_t capacity;
    uint32_t count;
};

struct search {
    struct store_reader *reader;
    struct matcher matcher;
    struct match_codes *codes; /* by slot */
    struct block_place *places;
    size_t place_count;
    struct found *found; /* newest first */
    size_t found_count;
    size_t limit;
    struct seen seen;
    uint64_t deadline_ns;
    bool late;
    bool failed; /* out of memory */
};

static bool is_over(struct search *s)
{
    s->late = s->late || monotonic_ns() > s->deadline_ns;
    return s->late || s->failed;
}

static uint8_t *seen_slot(const struct seen *s, const uint8_t id[16])
{
    static const uint8_t none[16];
    uint32_t mask = s->capacity - 1;
    uint32_t at = (uint32_t)XXH3_64bits_withSeed(id, 16, hash_seed()) & mask;
    while (memcmp(s->ids[at], none, 16) != 0 && memcmp(s->ids[at], id, 16) != 0)
        at = (at + 1) & mask;
    return s->ids[at];
}

static bool seen_grow(struct seen *s)
{
    static const uint8_t none[16];
    struct seen larger = {.capacity = s->capacity ? s->capacity * 2 : 256, .count = s->count};
    larger.ids = calloc(larger.capacity, sizeof *larger.ids);
    if (!larger.ids)
        return false;
    for (uint32_t i = 0; i < s->capacity; i++) {
        if (memcmp(s->ids[i], none, 16) != 0)
            memcpy(seen_slot(&larger, s->ids[i]), s->ids[i], 16);
    }
    free(s->ids);
    *s = larger;
    return true;
}

/* Whether the id was there; it is from now on. */
static bool seen_before(struct search *s, const uint8_t id[16])
{
    if (s->seen.count >= s->seen.capacity / 2 && !seen_grow(&s->seen)) {
        s->failed = true;
        return true;
    }
    uint8_t *slot = seen_slot(&s->seen, id);
    if (memcmp(slot, id, 16) == 0)
        return true;
    memcpy(slot, id, 16);
    s->seen.count++;
    return false;
}

static bool comes_before(uint64_t start, const uint8_t id[16], const struct found *f)
{
    return start != f->start_ns ? start > f->start_ns : memcmp(id, f->trace_id, 16) < 0;
}

static void rank(struct search *s, const uint8_t id[16], uint64_t start)
{
    if (s->found_count == s->limit && !comes_before(start, id, &s->found[s->limit - 1]))
        return;
    size_t low = 0;
    for (size_t high = s->found_count; low < high;) {
        size_t middle = (low + high) / 2;
        if (comes_before(start, id, &s->found[middle]))
            high = middle;
        else
            low = middle + 1;
    }
    if (s->found_count < s->limit)
        s->found_count++;
    memmove(&s->found[low + 1], &s->found[low], (s->found_count - 1 - low) * sizeof *s->found);
    memcpy(s->found[low].trace_id, id, 16);
    s->found[low].start_ns = start;
}

/* The start of the trace that this part belongs to. */
static uint64_t trace_start(struct search *s, const struct record *record)
{
    struct part_list places = {0};
    struct trace_parts parts = {0};
    uint64_t start = record->start_ns;
    s->failed = !reader_find_parts(s->reader, record->trace_id, &places) ||
                (places.count > 1 && !reader_load_trace(s->reader, record->trace_id, &parts));
    for (size_t i = 0; i < parts.count; i++) {
        for (uint32_t n = 0; n < parts.items[i]->span_count; n++) {
            if (parts.items[i]->spans[n].start_ns < start)
                start = parts.items[i]->spans[n].start_ns;
        }
    }
    trace_parts_free(&parts);
    free(places.items);
    return start;
}

static bool spans_match(struct search *s, const struct part_location *where,
                        const struct record *record)
{
    struct batch *b = reader_load_part(s->reader, where);
    bool match = false;
    for (uint32_t i = 0; b && i < b->span_count && !match; i++)
        match = memcmp(b->spans[i].trace_id, record->trace_id, 16) == 0 &&
                match_span(&s->matcher, b, i);
    if (b)
        batch_release(b);
    return match;
}

static int compare_candidates(const void *a, const void *b)
{
    const struct candidate *x = a;
    const struct candidate *y = b;
    return (x->record.start_ns < y->record.start_ns) - (x->record.start_ns > y->record.start_ns);
}

static bool cannot_rank(const struct search *s, uint64_t start)
{
    return s->found_count == s->limit && start < s->found[s->limit - 1].start_ns;
}

static void visit_candidates(struct search *s, const struct block_place *place,
                             struct candidate *candidates, size_t count)
{
    int64_t block = s->reader->slots[place->slot].headers[place->header].id;
    qsort(candidates, count, sizeof *candidates, compare_candidates);
    for (size_t i = 0; i < count && !is_over(s); i++) {
        const struct record *record = &candidates[i].record;
        struct part_location where = {place->slot, block + candidates[i].index};
        if (cannot_rank(s, record->start_ns))
            return;
        if (s->seen.count &&
            memcmp(seen_slot(&s->seen, record->trace_id), record->trace_id, 16) == 0)
            continue;
        if (!candidates[i].certain && !spans_match(s, &where, record))
            continue;
        if (!seen_before(s, record->trace_id))
            rank(s, record->trace_id, trace_start(s, record));
    }
}

static void visit_block(struct search *s, const struct block_place *place)
{
    struct candidate candidates[BLOCK_MAX_PARTS];
    struct reader_slot *slot = &s->reader->slots[place->slot];
    sqlite3_stmt *q = reader_statement(slot, READ_DETAIL);
    size_t count = 0;
    if (!q)
        return;
    sqlite3_bind_int64(q, 1, slot->headers[place->header].id);
    if (!reader_step(s->reader, slot, q))
        return;
    struct filter filter = filter_of(sql_blob(q, 0));
    if (!match_filter(&s->matcher, &s->codes[place->slot], &filter)) {
        sqlite3_reset(q);
        return;
    }
    struct record_reader records = record_reader(sql_blob(q, 1));
    struct record record;
    for (uint32_t i = 0; i < BLOCK_MAX_PARTS && record_next(&records, &record); i++) {
        enum record_match match =
            match_record(&s->matcher, &s->codes[place->slot], &filter, &record);
        if (match != RECORD_NO)
            candidates[count++] = (struct candidate){record, i, match == RECORD_YES};
    }
    sqlite3_reset(q); /* the entries of the records go with it: they are not looked at again */
    visit_candidates(s, place, candidates, count);
}

static bool block_is_out(const struct store_query *q, const struct block_header *h)
{
    return h->max_last_start < q->start_min_ns || h->min_start > q->start_max_ns ||
           h->max_duration < q->duration_min_ns;
}

static bool add_places(struct search *s, uint32_t slot)
{
    const struct reader_slot *r = &s->reader->slots[slot];
    struct block_place *places =
        reallocarray(s->places, s->place_count + r->header_count + 1, sizeof *places);
    if (!places)
        return false;
    s->places = places;
    for (size_t i = 0; i < r->header_count; i++) {
        if (!block_is_out(s->matcher.query, &r->headers[i]))
            places[s->place_count++] =
                (struct block_place){r->headers[i].max_start, slot, (uint32_t)i};
    }
    return true;
}

static int compare_places(const void *a, const void *b)
{
    const struct block_place *x = a;
    const struct block_place *y = b;
    if (x->max_start != y->max_start)
        return x->max_start < y->max_start ? 1 : -1;
    return (x->slot > y->slot) - (x->slot < y->slot);
}

static bool prepare(struct search *s)
{
    struct store_reader *r = s->reader;
    s->codes = calloc(r->slot_count + 1, sizeof *s->codes);
    s->found = calloc(s->limit + 1, sizeof *s->found);
    if (!s->codes || !s->found)
        return false;
    for (uint32_t i = 0; i < r->slot_count; i++) {
        bool nothing;
        if (!match_codes_load(&s->codes[i], &s->matcher, r, &r->slots[i], &nothing))
            return false;
        if (!nothing && (!reader_load_headers(r, &r->slots[i]) || !add_places(s, i)))
            return false;
    }
    if (s->place_count)
        qsort(s->places, s->place_count, sizeof *s->places, compare_places);
    return true;
}

static void walk(struct search *s)
{
    for (size_t i = 0; i < s->place_count && !is_over(s); i++) {
        if (cannot_rank(s, s->places[i].max_start))
            return;
        visit_block(s, &s->places[i]);
    }
}

static void summarise(struct search *s, struct store_results *out)
{
    out->items = calloc(s->found_count + 1, sizeof *out->items);
    s->failed = s->failed || !out->items;
    for (size_t i = 0; i < s->found_count && !is_over(s); i++) {
        struct trace_parts parts;
        bool done = reader_load_trace(s->reader, s->found[i].trace_id, &parts);
        if (done && parts.count > 0) {
            done = summary_make(&parts, &out->items[out->count]);
            out->count += done;
        }
        s->failed = !done;
        trace_parts_free(&parts);
    }
}

static void search_free(struct search *s)
{
    for (size_t i = 0; s->codes && i < s->reader->slot_count; i++)
        match_codes_free(&s->codes[i]);
    free(s->codes);
    free(s->places);
    free(s->found);
    free(s->seen.ids);
    matcher_free(&s->matcher);
}

bool store_search(struct store_reader *r, const struct store_query *q, uint64_t timeout_ns,
                  struct store_results *out, struct error *e)
{
    struct search s = {.reader = r, .limit = q->limit < MAX_LIMIT ? q->limit : MAX_LIMIT};
    *out = (struct store_results){0};
    s.deadline_ns = monotonic_ns() + timeout_ns;
    if (s.deadline_ns < timeout_ns)
        s.deadline_ns = UINT64_MAX;
    s.failed = !matcher_init(&s.matcher, q) || !reader_begin(r);
    if (!s.failed && s.limit > 0 && !s.matcher.impossible) {
        s.failed = !prepare(&s);
        if (!s.failed) {
            walk(&s);
            summarise(&s, out);
        }
    }
    search_free(&s);
    reader_end(r);
    if (!s.failed && !s.late)
        return true;
    store_results_free(out);
    return s.failed ? error_set(e, "out of memory while searching")
                    : error_set(e, "the search took longer than its time limit of %llu ms",
                                (unsigned long long)(timeout_ns / 1000000));
}

void store_results_free(struct store_results *r)
{
    for (size_t i = 0; i < r->count; i++)
        summary_free(&r->items[i]);
    free(r->items);
    *r = (struct store_results){0};
}
