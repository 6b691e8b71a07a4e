/* Who hears of hops: one list for the process, since the store, the samplers and the processors
 * that find hops are built by different pipelines and know nothing of each other. Telling holds it
 * shared, so several lanes tell at once, and unsubscribing waits until nobody does. */
#include "processors/kafka_hops/listeners.h"

#include <pthread.h>

static pthread_rwlock_t lock = PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP;
static struct hop_listener *first; /* guarded by lock */
static atomic_uint count;

void hops_subscribe(struct hop_listener *l)
{
    pthread_rwlock_wrlock(&lock);
    l->next = first;
    first = l;
    atomic_fetch_add(&count, 1);
    pthread_rwlock_unlock(&lock);
}

void hops_unsubscribe(struct hop_listener *l)
{
    pthread_rwlock_wrlock(&lock);
    for (struct hop_listener **at = &first; *at; at = &(*at)->next) {
        if (*at == l) {
            *at = l->next;
            atomic_fetch_sub(&count, 1);
            break;
        }
    }
    pthread_rwlock_unlock(&lock);
}

bool listeners_enter(void)
{
    if (atomic_load_explicit(&count, memory_order_relaxed) == 0)
        return false;
    pthread_rwlock_rdlock(&lock);
    return true;
}

void listeners_leave(void)
{
    pthread_rwlock_unlock(&lock);
}

void listeners_hop(const struct hop *hop)
{
    for (struct hop_listener *l = first; l; l = l->next) {
        if (l->hop)
            l->hop(l, hop);
    }
}

void listeners_open(const uint8_t trace_id[16])
{
    for (struct hop_listener *l = first; l; l = l->next) {
        if (l->open)
            l->open(l, trace_id);
    }
}

const char *hop_match_name(enum hop_match m)
{
    static const char *const names[HOP_MATCHES] = {"link", "parent", "offset", "original", "key"};
    return names[m];
}
