#include "receivers/inflight.h"

#include <assert.h>
#include <errno.h>
#include <time.h>

void inflight_init(struct inflight *f)
{
    pthread_condattr_t attr;
    atomic_init(&f->count, 0);
    atomic_init(&f->awaited, false);
    pthread_mutex_init(&f->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&f->none, &attr);
    pthread_condattr_destroy(&attr);
}

void inflight_destroy(struct inflight *f)
{
    pthread_cond_destroy(&f->none);
    pthread_mutex_destroy(&f->lock);
}

void inflight_enter(struct inflight *f)
{
    atomic_fetch_add(&f->count, 1);
}

void inflight_leave(struct inflight *f)
{
    unsigned before = atomic_fetch_sub(&f->count, 1);
    assert(before > 0);
    if (before == 1 && atomic_load(&f->awaited)) {
        pthread_mutex_lock(&f->lock);
        pthread_cond_broadcast(&f->none);
        pthread_mutex_unlock(&f->lock);
    }
}

bool inflight_wait(struct inflight *f, uint64_t deadline_ns)
{
    struct timespec deadline = {.tv_sec = (time_t)(deadline_ns / 1000000000u),
                                .tv_nsec = (long)(deadline_ns % 1000000000u)};
    atomic_store(&f->awaited, true);
    pthread_mutex_lock(&f->lock);
    while (atomic_load(&f->count) > 0 &&
           pthread_cond_timedwait(&f->none, &f->lock, &deadline) != ETIMEDOUT)
        ;
    pthread_mutex_unlock(&f->lock);
    return atomic_load(&f->count) == 0;
}
