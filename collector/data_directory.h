/* Where Tailspan keeps its files. */
#ifndef TAILSPAN_COLLECTOR_DATA_DIRECTORY_H
#define TAILSPAN_COLLECTOR_DATA_DIRECTORY_H

#include <stddef.h>

/* The first that applies: $TAILSPAN_DATA_DIRECTORY; /var/lib/tailspan when it can be written or
 * made; $XDG_STATE_HOME/tailspan; $HOME/.local/state/tailspan; ./tailspan-data. Makes nothing. */
void data_directory_default(char *path, size_t len);

#endif
