/* Pairs of entries. One that was of use stays, the other one is written over: values that never
 * come again (ids, paths with numbers) pass through without driving out those that do. */
#include "processors/scrub/memo.h"

#include "component/hash_seed.h"
#include "proto/word.h"

#include <pthread.h>
#include <stdlib.h>

enum { PAIRS = 1024, TEXT_MAX = 240 };

struct entry {
    uint64_t rules;         /* 0: empty */
    uint64_t shape;         /* lengths, kind, and what is left of the hash */
    uint8_t text[TEXT_MAX]; /* the context, then the text */
};

struct memo {
    uint64_t seed;
    struct entry entries[PAIRS][2];
    uint8_t used[PAIRS]; /* the one that was of use last */
};

static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static pthread_key_t memo_key;
static bool have_key;

/* The main thread's is freed by nobody's exit, so at the process's. */
__attribute__((destructor)) static void free_own_memo(void)
{
    if (!have_key)
        return;
    free(pthread_getspecific(memo_key));
    pthread_setspecific(memo_key, NULL);
}

static void make_key(void)
{
    have_key = pthread_key_create(&memo_key, free) == 0;
}

struct memo *memo_of_thread(void)
{
    pthread_once(&key_once, make_key);
    if (!have_key)
        return NULL;
    struct memo *m = pthread_getspecific(memo_key);
    if (m)
        return m;
    m = calloc(1, sizeof *m);
    if (!m || pthread_setspecific(memo_key, m) != 0) {
        free(m);
        return NULL;
    }
    m->seed = hash_seed();
    return m;
}

static uint64_t mixed(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Texts differ anywhere, so all of them is hashed. Pairs of words are mixed apart from each other,
 * which a processor does at once; the seed that moves on tells their order. */
static uint64_t hash(struct bytes text, uint64_t seed)
{
    uint64_t h = text.len, first = 0, last = 0;
    const uint8_t *at = text.data;
    size_t left = text.len;
    for (; left > 16; at += 16, left -= 16) {
        h ^= mixed(word_at(at) ^ seed, word_at(at + 8) ^ UINT64_C(0x9e3779b97f4a7c15));
        seed += UINT64_C(0xc2b2ae3d27d4eb4f);
    }
    if (left >= 8) {
        first = word_at(at);
        last = word_at(at + left - 8);
    } else {
        memcpy(&first, at, left);
    }
    return h ^ mixed(first ^ seed, last ^ UINT64_C(0x9e3779b97f4a7c15));
}

struct place {
    unsigned pair;
    uint64_t shape;
};

static bool fits(const struct memo *m, const struct memo_key *k)
{
    return m && k->text.len > 0 && k->text.len + k->context.len <= TEXT_MAX;
}

static struct place place_of(const struct memo *m, const struct memo_key *k)
{
    uint64_t h = hash(k->text, m->seed);
    return (struct place){.pair = (unsigned)(h % PAIRS),
                          .shape = (h >> 32) << 32 | (uint64_t)k->kind << 16 |
                                   (uint64_t)k->context.len << 8 | k->text.len};
}

static bool is_it(const struct entry *e, const struct memo_key *k, uint64_t shape)
{
    return e->rules == k->rules && e->shape == shape &&
           (k->context.len == 0 || memcmp(e->text, k->context.data, k->context.len) == 0) &&
           memcmp(e->text + k->context.len, k->text.data, k->text.len) == 0;
}

bool memo_has(struct memo *m, const struct memo_key *k)
{
    if (!fits(m, k))
        return false;
    struct place p = place_of(m, k);
    for (unsigned i = 0; i < 2; i++) {
        if (is_it(&m->entries[p.pair][i], k, p.shape)) {
            m->used[p.pair] = (uint8_t)i;
            return true;
        }
    }
    return false;
}

void memo_add(struct memo *m, const struct memo_key *k)
{
    if (!fits(m, k))
        return;
    struct place p = place_of(m, k);
    struct entry *e = &m->entries[p.pair][1 - m->used[p.pair]];
    e->rules = k->rules;
    e->shape = p.shape;
    if (k->context.len)
        memcpy(e->text, k->context.data, k->context.len);
    memcpy(e->text + k->context.len, k->text.data, k->text.len);
}
