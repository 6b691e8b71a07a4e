/* Memory that runs out at will. A test that includes this is linked with --wrap for the functions
 * below (tests/CMakeLists.txt). */
#ifndef TAILSPAN_TESTS_FAILING_MALLOC_H
#define TAILSPAN_TESTS_FAILING_MALLOC_H

#include <stdbool.h>
#include <stdlib.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__real_reallocarray(void *memory, size_t count, size_t size);

/* How many more allocations of this thread succeed; negative: all. Stays 0 once memory has run out.
 */
static _Thread_local long allocations_left = -1;

static bool may_allocate(void)
{
    if (allocations_left == 0)
        return false;
    allocations_left -= allocations_left > 0;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return may_allocate() ? __real_malloc(size) : NULL;
}

void *__wrap_calloc(size_t count, size_t size)
{
    return may_allocate() ? __real_calloc(count, size) : NULL;
}

void *__wrap_realloc(void *memory, size_t size)
{
    return may_allocate() ? __real_realloc(memory, size) : NULL;
}

void *__wrap_reallocarray(void *memory, size_t count, size_t size)
{
    return may_allocate() ? __real_reallocarray(memory, count, size) : NULL;
}

/* Runs `attempt` with 0, 1, 2 … allocations until it succeeds. Returns how often it failed. */
static inline long until_memory_suffices(bool (*attempt)(void *context), void *context)
{
    for (long left = 0;; left++) {
        allocations_left = left;
        bool done = attempt(context);
        allocations_left = -1;
        if (done)
            return left;
    }
}

#endif
