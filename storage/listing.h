/* Names of all slots together. */
#ifndef TAILSPAN_STORAGE_LISTING_H
#define TAILSPAN_STORAGE_LISTING_H

#include "storage/reader.h"

/* A name as a string, to be freed with free(). NULL: out of memory. */
char *name_copy(struct bytes b);

/* Compares two char *, for qsort() and bsearch(). */
int name_compare(const void *a, const void *b);

/* The services, sorted and unique; with the empty name, of spans that have no service, if
 * `nameless`. Within reader_begin() and reader_end(). To be freed, whatever the result. */
bool listing_services(struct store_reader *r, bool nameless, struct store_names *out);

#endif
