/* Drawn once. Where the kernel has no randomness yet, time and address are better than nothing. */
#include "component/hash_seed.h"

#include <pthread.h>
#include <sys/random.h>
#include <time.h>

atomic_uint_least64_t hash_seed_drawn;

static void draw(void)
{
    struct timespec now;
    uint64_t seed;
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != (ssize_t)sizeof seed) {
        clock_gettime(CLOCK_REALTIME, &now);
        seed = (uint64_t)now.tv_nsec * 0x9e3779b97f4a7c15u ^ (uint64_t)now.tv_sec ^
               (uint64_t)(uintptr_t)&now;
    }
    atomic_store_explicit(&hash_seed_drawn, seed ? seed : 1, memory_order_relaxed);
}

uint64_t hash_seed_draw(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, draw);
    return atomic_load_explicit(&hash_seed_drawn, memory_order_relaxed);
}
