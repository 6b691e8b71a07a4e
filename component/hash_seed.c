/* Drawn once. Where the kernel has no randomness yet, time and address are better than nothing. */
#include "component/hash_seed.h"

#include <pthread.h>
#include <sys/random.h>
#include <time.h>

static uint64_t seed;

static void draw(void)
{
    struct timespec now;
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) == (ssize_t)sizeof seed)
        return;
    clock_gettime(CLOCK_REALTIME, &now);
    seed = (uint64_t)now.tv_nsec * 0x9e3779b97f4a7c15u ^ (uint64_t)now.tv_sec ^
           (uint64_t)(uintptr_t)&now;
}

uint64_t hash_seed(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, draw);
    return seed;
}
