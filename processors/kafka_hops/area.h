/* Address space for as much as may ever be needed, of which only what is touched is memory: an
 * array in it grows without moving. It reads as zeros.
 *
 * Where there is much of it, memory comes in pages of 2 MiB when the kernel allows that: what lies
 * anywhere in a large array is found sooner. */
#ifndef TAILSPAN_PROCESSORS_KAFKA_HOPS_AREA_H
#define TAILSPAN_PROCESSORS_KAFKA_HOPS_AREA_H

#include <stddef.h>
#include <stdint.h>

enum { AREA_PIECE = 2 << 20 };

/* `bytes` of it, a whole number of small pages, that begin `lead` bytes before the border of a
 * piece. NULL: there is not so much. */
void *area_reserve(size_t bytes, size_t lead);
void area_free(void *area, size_t bytes);

/* Asks for large pages; both ends at the borders of pieces. */
void area_use_large_pages(void *piece, size_t bytes);
/* Gives memory back; what is touched again reads as zeros. */
void area_give_back(void *piece, size_t bytes);

#endif
