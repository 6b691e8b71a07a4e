/* Pacing: acknowledgements held back a little while a queue is congested.
 *
 * A sender that is faster than the backend would else fill the whole queue before it hears "busy",
 * and every byte then goes through cold memory: on a saturated relay that doubled the CPU a span
 * costs, and a fifth of the requests were received only to be refused. So while the backend works
 * and all consumers are busy, the receipt of what waits beyond a few requests is resolved when its
 * place in the line comes up, or after PACING_LONGEST_NS, whichever is sooner. The spans are the
 * queue's either way. While the backend fails nothing is held: that is what the queue is for. */
#ifndef TAILSPAN_EXPORTERS_PACING_H
#define TAILSPAN_EXPORTERS_PACING_H

#include "component/component.h"
#include "component/lane.h"

#define PACING_LONGEST_NS 200000000u

struct pacing {
    struct lane *lane;
    atomic_size_t held; /* read without the lock, to pass by quickly */

    pthread_mutex_t lock; /* guards below; a leaf */
    struct receipt **ring;
    size_t mask;
    size_t head;
    bool armed; /* the timer is set, or its task is posted */
    bool closed;

    struct lane_task task;
    struct lane_timer timer; /* the lane's */
};

void pacing_init(struct pacing *p, struct lane *lane);

/* Holds `r`; false when it cannot (out of memory, closed), and the sender is to be answered at
 * once. Any thread. */
bool pacing_hold(struct pacing *p, struct receipt *r);

/* Resolves the oldest until at most `keep` are held. Any thread, without locks: `done` runs here.
 */
void pacing_release(struct pacing *p, size_t keep);

/* Resolves all and ends the timer. Main thread, while the lane runs. */
void pacing_close(struct pacing *p);
void pacing_free(struct pacing *p);

#endif
