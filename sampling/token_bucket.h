/* A token bucket: refilled at a rate, never above its capacity, full at first. */
#ifndef TAILSPAN_SAMPLING_TOKEN_BUCKET_H
#define TAILSPAN_SAMPLING_TOKEN_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

struct token_bucket {
    double rate; /* tokens a second */
    double capacity;
    double tokens;
    uint64_t filled_ns;
};

static inline struct token_bucket token_bucket(double rate, double capacity)
{
    return (struct token_bucket){.rate = rate, .capacity = capacity, .tokens = capacity};
}

/* Brings the tokens up to date; `now_ns` never runs backwards, and if it does nothing is added. */
static inline double token_bucket_fill(struct token_bucket *b, uint64_t now_ns)
{
    if (b->filled_ns > 0 && now_ns > b->filled_ns)
        b->tokens += (double)(now_ns - b->filled_ns) * 1e-9 * b->rate;
    if (b->tokens > b->capacity)
        b->tokens = b->capacity;
    if (now_ns > b->filled_ns)
        b->filled_ns = now_ns;
    return b->tokens;
}

static inline bool token_bucket_take(struct token_bucket *b, double wanted, uint64_t now_ns)
{
    if (token_bucket_fill(b, now_ns) < wanted)
        return false;
    b->tokens -= wanted;
    return true;
}

#endif
