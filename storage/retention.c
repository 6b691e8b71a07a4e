/* Retention: whole slots are unlinked, oldest first, by age and by the size of all together.
 *
 * Deleting rows would take seconds, block the writer and free no space; unlinking takes a
 * millisecond, and a reader that has the file open keeps it until it is done. Sealed slots don't
 * change, so only the one being written is measured each time. What was set aside as broken counts
 * and ages like the rest. */
#include "component/log.h"
#include "storage/store_private.h"

/* Held back from max_bytes: what a commit and the -wal may add before the next look. */
#define RESERVE_BYTES (64 << 20)

static uint64_t limit_bytes(const struct store *s)
{
    uint64_t max = (uint64_t)s->options.max_bytes;
    uint64_t reserve = max / 8 < RESERVE_BYTES ? max / 8 : RESERVE_BYTES;
    return max - reserve;
}

static bool too_old(const struct store *s, struct slot *slot, uint64_t now_ns)
{
    uint64_t end = atomic_load(&slot->end_ns);
    return now_ns > end && now_ns - end > (uint64_t)s->options.max_age_ns;
}

void retention_apply(struct store *s, uint64_t now_ns)
{
    struct slot_list slots;
    struct slot *current = s->slot ? slot_writer_slot(s->slot) : NULL;
    uint64_t total = 0;
    if (!slots_copy(s, &slots))
        return;
    for (size_t i = 0; i < slots.count; i++) {
        struct slot *slot = slots.items[i];
        if (atomic_load(&slot->state) == SLOT_OPEN)
            slot_measure(slot);
        total += atomic_load(&slot->bytes);
    }
    for (size_t i = 0; i < slots.count; i++) {
        struct slot *slot = slots.items[i];
        bool old = too_old(s, slot, now_ns);
        if (slot == current || (!old && total <= limit_bytes(s)))
            continue;
        slot_unlink(slot);
        slots_remove(s, slot);
        total -= atomic_load(&slot->bytes);
        log_info(NULL, "the store let a slot go", LOG_S("path", slot->path),
                 LOG_S("reason", old ? "max_age" : "max_bytes"));
    }
    atomic_store(&s->bytes_on_disk, total);
    slot_list_free(&slots);
}
