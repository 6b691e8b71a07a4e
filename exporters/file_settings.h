/* `exporters: file`: its keys, which are the Collector's, and `queue_bytes`, which is ours. */
#ifndef TAILSPAN_EXPORTERS_FILE_SETTINGS_H
#define TAILSPAN_EXPORTERS_FILE_SETTINGS_H

#include "component/config.h"
#include "exporters/file_output.h"
#include "exporters/file_record.h"

struct file_settings {
    struct file_output_options output;
    enum file_format format;
    bool compress;
    int level;
    uint64_t flush_interval_ns; /* 0: every record at once */
    size_t queue_bytes;
};

bool file_settings_read(const struct config_value *config, struct file_settings *out,
                        struct error *e);

#endif
