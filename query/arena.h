/* Memory of one request: handed out in order, given back all at once.
 *
 * A trace's model is thousands of small arrays with one life; freeing them one by one would cost
 * more than making them. One thread. */
#ifndef TAILSPAN_QUERY_ARENA_H
#define TAILSPAN_QUERY_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *block;
    size_t used;  /* of all blocks together, in bytes */
    size_t limit; /* 0: none */
    bool failed;  /* out of memory, or over the limit */
};

/* Zeroed memory, aligned for any type; NULL, with `failed` set, when there is none left. */
void *arena_alloc(struct arena *a, size_t len);
/* An array of `count` elements of `size` bytes. */
void *arena_array(struct arena *a, size_t count, size_t size);
char *arena_copy(struct arena *a, const void *text, size_t len); /* terminated by a NUL */
char *arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Frees everything and makes the arena empty again. */
void arena_free(struct arena *a);

#endif
