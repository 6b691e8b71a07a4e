/* Parts are read in the order in which they were written; at the first of a trace, all of it is.
 * Traces that were seen are remembered by 64 bits of their id's hash: among ten million, two are
 * taken for one with a chance of three in a million. */
#define XXH_INLINE_ALL
#include "storage/replay.h"

#include "component/hash_seed.h"
#include "component/log.h"
#include "storage/reader.h"
#include "storage/sql.h"

#include <dirent.h>
#include <stdlib.h>
#include <xxhash.h>

static int compare_slots(const void *a, const void *b)
{
    const struct slot *x = *(struct slot *const *)a, *y = *(struct slot *const *)b;
    return (x->id > y->id) - (x->id < y->id);
}

/* A slot that nobody has open is read as one that nobody will change: SQLite would want to make
 * files beside it. */
static bool examine(struct slot *slot)
{
    const char *why;
    if (slot_check(slot, &why) != SLOT_USABLE) {
        log_warn(NULL, "a slot of the store cannot be read and is left out",
                 LOG_S("path", slot->path));
        return false;
    }
    if (atomic_load(&slot->older)) {
        log_warn(NULL, "a slot of an older version is left out, until the collector migrates it",
                 LOG_S("path", slot->path));
        return false;
    }
    slot->unattended = !slot_in_use(slot);
    return true;
}

static void scan(struct store *s, DIR *directory)
{
    for (struct dirent *entry; (entry = readdir(directory));) {
        uint64_t id;
        enum slot_state state;
        if (!slot_parse_name(entry->d_name, &id, &state) || state == SLOT_BROKEN)
            continue;
        struct slot *slot = slot_create(s->options.directory, id, state);
        if (!slot || !examine(slot) || !slots_add(s, slot))
            slot_release(slot);
    }
    if (s->slots.count)
        qsort(s->slots.items, s->slots.count, sizeof s->slots.items[0], compare_slots);
}

struct store *store_open_to_read(const char *path, struct error *e)
{
    DIR *directory = opendir(path);
    if (!directory) {
        error_set(e, "there is no store at %s", path);
        return NULL;
    }
    struct store *s = store_create_to_read(path);
    if (s)
        scan(s, directory);
    else
        error_set(e, "out of memory");
    closedir(directory);
    return s;
}

/* ---- traces that were seen ---- */

struct seen {
    uint64_t *table; /* 0: free */
    size_t size;
    size_t count;
};

static bool grow(struct seen *s)
{
    struct seen larger = {.size = s->size ? s->size * 2 : 4096, .count = s->count};
    larger.table = calloc(larger.size, sizeof *larger.table);
    if (!larger.table)
        return false;
    for (size_t i = 0; i < s->size; i++) {
        size_t at = s->table[i] & (larger.size - 1);
        while (s->table[i] && larger.table[at])
            at = (at + 1) & (larger.size - 1);
        if (s->table[i])
            larger.table[at] = s->table[i];
    }
    free(s->table);
    *s = larger;
    return true;
}

/* Whether it is new; it is not any more then. */
static bool is_new(struct seen *s, const uint8_t id[16], bool *no_memory)
{
    uint64_t hash = XXH3_64bits_withSeed(id, 16, hash_seed()) | 1;
    if (s->count * 2 >= s->size && !grow(s)) {
        *no_memory = true;
        return false;
    }
    size_t at = hash & (s->size - 1);
    while (s->table[at] && s->table[at] != hash)
        at = (at + 1) & (s->size - 1);
    if (s->table[at])
        return false;
    s->table[at] = hash;
    s->count++;
    return true;
}

/* ---- the walk ---- */

struct replay {
    struct store_reader *reader;
    bool (*each)(void *context, struct batch *trace, double done);
    void *context;
    struct seen seen;
    double parts; /* in all slots */
    double parts_done;
    bool no_memory;
};

static bool show(void *context, struct batch *part)
{
    struct replay *w = context;
    w->parts_done++;
    if (part->span_count == 0 || !is_new(&w->seen, part->spans[0].trace_id, &w->no_memory))
        return !w->no_memory;
    struct batch *trace = reader_merge_trace(w->reader, part->spans[0].trace_id);
    bool go_on = !trace || w->each(w->context, trace, w->parts_done / w->parts);
    batch_release(trace);
    return go_on;
}

static double count_parts(struct reader_slot *s)
{
    return s->db ? (double)sql_integer(s->db, "SELECT count(*) FROM part", 0) : 0;
}

static bool walk(struct replay *w, struct error *e)
{
    uint64_t damaged = 0;
    for (size_t i = 0; i < w->reader->slot_count; i++)
        w->parts += count_parts(&w->reader->slots[i]);
    for (size_t i = w->reader->slot_count; i-- > 0;) {
        if (!w->reader->slots[i].db)
            return error_set(e, "%s cannot be read", w->reader->slots[i].slot->path);
        if (!reader_walk(w->reader, (uint32_t)i, show, w, &damaged))
            return error_set(e, w->no_memory ? "out of memory" : "stopped");
    }
    return true;
}

bool store_each_trace(struct store_reader *r,
                      bool (*each)(void *context, struct batch *trace, double done), void *context,
                      struct error *e)
{
    struct replay w = {.reader = r, .each = each, .context = context};
    bool done = reader_begin(r) ? walk(&w, e) : error_set(e, "out of memory");
    reader_end(r);
    free(w.seen.table);
    return done;
}
