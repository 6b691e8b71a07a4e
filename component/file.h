/* Small files: configurations, certificates, what the kernel tells. */
#ifndef TAILSPAN_COMPONENT_FILE_H
#define TAILSPAN_COMPONENT_FILE_H

#include "component/error.h"

/* The whole of a file of at most 1 MiB as a string, to be freed with free(); NULL with `e` set. */
char *file_read(const char *path, struct error *e);

#endif
