/* Names of all slots together. */
#ifndef TAILSPAN_STORAGE_LISTING_H
#define TAILSPAN_STORAGE_LISTING_H

#include "storage/reader.h"

/* The services, sorted and unique; with the empty name, of spans that have no service, if
 * `nameless`. Within reader_begin() and reader_end(). To be freed, whatever the result. */
bool listing_services(struct store_reader *r, bool nameless, struct store_names *out);

#endif
