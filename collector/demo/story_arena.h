/* Memory that is given out piece by piece and freed all at once: a story's messages point into it
 * and into each other, and nobody has to take them apart again. */
#ifndef TAILSPAN_COLLECTOR_DEMO_STORY_ARENA_H
#define TAILSPAN_COLLECTOR_DEMO_STORY_ARENA_H

#include <stddef.h>

struct story_arena_block;

struct story_arena {
    struct story_arena_block *blocks;
    size_t used; /* of the first block */
};

/* Zeroed and aligned for any type. Ends the process when out of memory: the demonstration has
 * nothing to lose. */
void *story_arena_take(struct story_arena *a, size_t size);
char *story_arena_print(struct story_arena *a, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void story_arena_free(struct story_arena *a);

#endif
