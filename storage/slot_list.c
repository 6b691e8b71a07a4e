/* The list of slots: made from the directory at start, then kept by the writer's thread; readers
 * take copies. */
#include "component/log.h"
#include "storage/store_private.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void slots_changed(struct store *s)
{
    atomic_fetch_add(&s->generation, 1);
}

static bool reserve(struct slot_list *l, size_t count)
{
    if (count <= l->capacity)
        return true;
    size_t capacity = count < 16 ? 16 : count * 2;
    struct slot **items = reallocarray(l->items, capacity, sizeof *items);
    if (!items)
        return false;
    l->items = items;
    l->capacity = capacity;
    return true;
}

bool slots_add(struct store *s, struct slot *slot)
{
    pthread_mutex_lock(&s->lock);
    bool added = reserve(&s->slots, s->slots.count + 1);
    if (added) {
        s->slots.items[s->slots.count++] = slot;
        slots_changed(s);
    }
    pthread_mutex_unlock(&s->lock);
    return added;
}

void slots_remove(struct store *s, struct slot *slot)
{
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < s->slots.count; i++) {
        if (s->slots.items[i] != slot)
            continue;
        s->slots.count--;
        memmove(&s->slots.items[i], &s->slots.items[i + 1],
                (s->slots.count - i) * sizeof s->slots.items[0]);
        slots_changed(s);
        slot_release(slot);
        break;
    }
    pthread_mutex_unlock(&s->lock);
}

bool slots_replace(struct store *s, struct slot *old, struct slot *by)
{
    bool replaced = false;
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < s->slots.count && !replaced; i++) {
        if (s->slots.items[i] != old)
            continue;
        s->slots.items[i] = by;
        slots_changed(s);
        slot_release(old);
        replaced = true;
    }
    pthread_mutex_unlock(&s->lock);
    return replaced;
}

struct slot *slots_newest(struct store *s)
{
    pthread_mutex_lock(&s->lock);
    struct slot *newest = s->slots.count ? slot_retain(s->slots.items[s->slots.count - 1]) : NULL;
    pthread_mutex_unlock(&s->lock);
    return newest;
}

bool slots_copy(struct store *s, struct slot_list *out)
{
    *out = (struct slot_list){0};
    pthread_mutex_lock(&s->lock);
    bool done = reserve(out, s->slots.count);
    for (size_t i = 0; done && i < s->slots.count; i++)
        out->items[out->count++] = slot_retain(s->slots.items[i]);
    pthread_mutex_unlock(&s->lock);
    return done;
}

void slot_list_free(struct slot_list *l)
{
    for (size_t i = 0; i < l->count; i++)
        slot_release(l->items[i]);
    free(l->items);
    *l = (struct slot_list){0};
}

/* A link may lead to somebody else's file, whose mode we would change, and opening a pipe waits for
 * ever. */
static bool is_regular(const struct slot *slot)
{
    struct stat st;
    return lstat(slot->path, &st) != 0 || S_ISREG(st.st_mode);
}

/* Whether the slot belongs into the list. */
static bool examine(struct slot *slot)
{
    const char *why = "";
    if (!is_regular(slot)) {
        log_warn(NULL, "a slot of the store is no regular file and is left alone",
                 LOG_S("path", slot->path));
        return false;
    }
    if (atomic_load(&slot->state) == SLOT_BROKEN)
        return slot_measure(slot);
    switch (slot_check(slot, &why)) {
    case SLOT_USABLE:
        break;
    case SLOT_UNREADABLE:
        slot_set_aside(slot, why);
        break;
    case SLOT_NEWER:
        log_warn(NULL, "a slot of the store is of a newer version and is left alone",
                 LOG_S("path", slot->path));
        return false;
    case SLOT_NO_ACCESS:
        log_error(NULL, "a slot of the store cannot be opened and is left out",
                  LOG_S("path", slot->path), LOG_S("error", why));
        return false;
    }
    return slot_measure(slot);
}

static int compare_slots(const void *a, const void *b)
{
    const struct slot *x = *(struct slot *const *)a;
    const struct slot *y = *(struct slot *const *)b;
    return (x->id > y->id) - (x->id < y->id);
}

bool slots_scan(struct store *s, struct error *e)
{
    DIR *directory = opendir(s->options.directory);
    if (!directory)
        return error_set(e, "cannot read the store's directory %s: %s", s->options.directory,
                         strerror(errno));
    uint64_t bytes = 0;
    for (struct dirent *entry; (entry = readdir(directory));) {
        uint64_t id;
        enum slot_state state;
        if (strncmp(entry->d_name, SLOT_DRAFT, sizeof SLOT_DRAFT - 1) == 0)
            unlinkat(dirfd(directory), entry->d_name, 0); /* an erasure that did not end */
        if (!slot_parse_name(entry->d_name, &id, &state))
            continue;
        struct slot *slot = slot_create(s->options.directory, id, state);
        if (!slot || !examine(slot) || !slots_add(s, slot)) {
            slot_release(slot);
            continue;
        }
        bytes += atomic_load(&slot->bytes);
    }
    closedir(directory);
    if (s->slots.count)
        qsort(s->slots.items, s->slots.count, sizeof s->slots.items[0], compare_slots);
    atomic_store(&s->bytes_on_disk, bytes);
    return true;
}
