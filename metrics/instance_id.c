#include "metrics/instance_id.h"

#include "component/hash_seed.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/random.h>

static char text[37];

static void draw(void)
{
    uint64_t r[2];
    if (getrandom(r, sizeof r, GRND_NONBLOCK) != (ssize_t)sizeof r) {
        r[0] = hash_seed() * 0x9e3779b97f4a7c15U;
        r[1] = r[0] * 0xd6e8feb86659fd93U;
    }
    unsigned version = 0x4000 | (unsigned)(r[0] & 0xfff);
    unsigned variant = 0x8000 | (unsigned)(r[1] >> 48 & 0x3fff);
    snprintf(text, sizeof text, "%08x-%04x-%04x-%04x-%012llx", (unsigned)(r[0] >> 32),
             (unsigned)(r[0] >> 16 & 0xffff), version, variant,
             (unsigned long long)(r[1] & 0xffffffffffffU));
}

struct bytes instance_id(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, draw);
    return bytes_of_string(text);
}
