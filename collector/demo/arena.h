/* Memory that is given out piece by piece and freed all at once: a story's messages point into it
 * and into each other, and nobody has to take them apart again. */
#ifndef TAILSPAN_COLLECTOR_DEMO_ARENA_H
#define TAILSPAN_COLLECTOR_DEMO_ARENA_H

#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *blocks;
    size_t used; /* of the first block */
};

/* Zeroed and aligned for any type. Ends the process when out of memory: the demonstration has
 * nothing to lose. */
void *arena_take(struct arena *a, size_t size);
char *arena_print(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
void arena_free(struct arena *a);

#endif
