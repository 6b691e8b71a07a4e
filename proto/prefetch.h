/* Asking for memory before it is read. A function that does nothing else counts as one without
 * effect to GCC, which leaves out its calls; here the builtin stands beside something that it
 * keeps. */
#ifndef TAILSPAN_PROTO_PREFETCH_H
#define TAILSPAN_PROTO_PREFETCH_H

static inline void prefetch(const void *at)
{
    __builtin_prefetch(at);
    __asm__ volatile("");
}

static inline void prefetch_to_write(const void *at)
{
    __builtin_prefetch(at, 1);
    __asm__ volatile("");
}

#endif
