/* Rotated files: their names and how long they are kept. */
#ifndef TAILSPAN_EXPORTERS_FILE_BACKUPS_H
#define TAILSPAN_EXPORTERS_FILE_BACKUPS_H

#include "exporters/file_output.h"

/* A name for a backup made at `now_ns` (CLOCK_REALTIME) that no file has yet: the path with the
 * time in front of its extension. False: it does not fit. */
bool file_backups_name(const struct file_output_options *o, uint64_t now_ns, char *name,
                       size_t len);

/* Unlinks backups that are too old or too many; what cannot be unlinked stays. */
void file_backups_prune(const struct file_output_options *o, uint64_t now_ns);

#endif
