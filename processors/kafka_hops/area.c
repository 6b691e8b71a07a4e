#include "processors/kafka_hops/area.h"

#include <sys/mman.h>

/* Whatever was reserved beyond an aligned piece is given up again at once. */
void *area_reserve(size_t bytes, size_t lead)
{
    size_t more = bytes + AREA_PIECE;
    uint8_t *all = mmap(NULL, more, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (all == MAP_FAILED)
        return NULL;
    size_t before = -((uintptr_t)all + lead) % AREA_PIECE;
    if (before > 0)
        munmap(all, before);
    if (before < AREA_PIECE)
        munmap(all + before + bytes, AREA_PIECE - before);
    return all + before;
}

void area_free(void *area, size_t bytes)
{
    munmap(area, bytes);
}

void area_use_large_pages(void *piece, size_t bytes)
{
    (void)madvise(piece, bytes, MADV_HUGEPAGE); /* without, it is slower */
}

void area_give_back(void *piece, size_t bytes)
{
    (void)madvise(piece, bytes, MADV_DONTNEED);
}
