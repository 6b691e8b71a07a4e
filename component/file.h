/* Files of a few lines (configurations, certificates, what the kernel tells), and directories. */
#ifndef TAILSPAN_COMPONENT_FILE_H
#define TAILSPAN_COMPONENT_FILE_H

#include "component/error.h"

#include <sys/types.h>

/* The whole of a file of at most 1 MiB as a string, to be freed with free(); NULL with `e` set. */
char *file_read(const char *path, struct error *e);

/* Makes the directories above `path` that are missing. False with `e` set. */
bool file_make_parents(const char *path, mode_t mode, struct error *e);

#endif
