/* Deadlines of waiting traces: a ring of lists, one for each tick.
 *
 * No deadline lies farther ahead than the decision wait, so one ring holds them all: setting,
 * moving and expiring cost the same however many traces wait. A bit for each list finds the next
 * deadline without walking empty lists.
 *
 * Items are numbers; their links belong to whoever made them and are reached through `links`. */
#ifndef TAILSPAN_SAMPLING_TIMING_WHEEL_H
#define TAILSPAN_SAMPLING_TIMING_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

#define WHEEL_NONE UINT32_MAX

struct wheel_links {
    uint32_t next;
    uint32_t previous;
    uint32_t list; /* WHEEL_NONE: not on the wheel */
};

struct timing_wheel {
    uint64_t tick_ns;
    uint64_t position; /* the tick whose list expires next */
    uint32_t size;     /* lists; a power of two */
    uint32_t *heads;
    uint64_t *filled; /* a bit for each list */
    struct wheel_links *(*links)(void *owner, uint32_t item);
    void *owner;
};

/* For deadlines at most `horizon_ns` ahead, to the tenth of a second (coarser beyond two hours).
 * False: out of memory. */
bool wheel_init(struct timing_wheel *w, uint64_t horizon_ns, uint64_t now_ns,
                struct wheel_links *(*links)(void *owner, uint32_t item), void *owner);
void wheel_free(struct timing_wheel *w);

/* Puts an item that is not on the wheel onto it, or takes it off. */
void wheel_set(struct timing_wheel *w, uint32_t item, uint64_t deadline_ns);
void wheel_remove(struct timing_wheel *w, uint32_t item);

/* Takes off and returns the next item whose deadline has passed; WHEEL_NONE: none has. */
uint32_t wheel_expire(struct timing_wheel *w, uint64_t now_ns);
/* Takes off and returns the item with the earliest deadline, passed or not. */
uint32_t wheel_first(struct timing_wheel *w);

/* When the list that an item lies on is due. */
uint64_t wheel_deadline(const struct timing_wheel *w, uint32_t item);

#endif
