#include "exporters/file_settings.h"

#include <stdlib.h>

#define DAY_NS ((int64_t)24 * 3600 * 1000000000)

struct rotation_keys {
    int64_t max_megabytes;
    int64_t max_days;
    int64_t max_backups;
    bool localtime;
};

struct group_keys {
    bool enabled;
    const char *resource_attribute;
    int64_t max_open_files;
};

struct keys {
    const char *path;
    bool append;
    bool has_rotation;
    struct rotation_keys rotation;
    int format;
    int compression;
    struct {
        int64_t level;
    } compression_params;
    int64_t flush_interval_ns;
    bool create_directory;
    const char *directory_permissions;
    struct group_keys group_by;
    int64_t queue_bytes;
};

static const char *const formats[] = {[FILE_JSON] = "json", [FILE_PROTO] = "proto", NULL};

enum {
    COMPRESSION_ABSENT,
    COMPRESSION_NONE,
    COMPRESSION_ZSTD,
};
static const char *const compressions[] = {"", "none", "zstd", NULL};

static const struct config_field rotation_fields[] = {
    {.key = "max_megabytes",
     .type = FIELD_INT,
     .offset = offsetof(struct rotation_keys, max_megabytes),
     .fallback = "100",
     .min = 0,
     .max = INT32_MAX},
    {.key = "max_days",
     .type = FIELD_INT,
     .offset = offsetof(struct rotation_keys, max_days),
     .fallback = "0",
     .min = 0,
     .max = 36500},
    {.key = "max_backups",
     .type = FIELD_INT,
     .offset = offsetof(struct rotation_keys, max_backups),
     .fallback = "100",
     .min = 0,
     .max = INT32_MAX},
    {.key = "localtime",
     .type = FIELD_BOOL,
     .offset = offsetof(struct rotation_keys, localtime),
     .fallback = "false"},
    CONFIG_END,
};

static const struct config_field compression_fields[] = {
    {.key = "level", .type = FIELD_INT, .offset = 0, .fallback = "0", .min = 0, .max = 11},
    CONFIG_END,
};

/* Read so that a configuration that has it turned off runs unchanged. */
static const struct config_field group_fields[] = {
    {.key = "enabled",
     .type = FIELD_BOOL,
     .offset = offsetof(struct group_keys, enabled),
     .fallback = "false"},
    {.key = "resource_attribute",
     .type = FIELD_STRING,
     .offset = offsetof(struct group_keys, resource_attribute)},
    {.key = "max_open_files",
     .type = FIELD_INT,
     .offset = offsetof(struct group_keys, max_open_files),
     .fallback = "100"},
    CONFIG_END,
};

static const struct config_field fields[] = {
    {.key = "path", .type = FIELD_STRING, .offset = offsetof(struct keys, path)},
    {.key = "append",
     .type = FIELD_BOOL,
     .offset = offsetof(struct keys, append),
     .fallback = "false"},
    {.key = "rotation",
     .type = FIELD_SECTION,
     .offset = offsetof(struct keys, rotation),
     .section = rotation_fields,
     .present = offsetof(struct keys, has_rotation)},
    {.key = "format",
     .type = FIELD_CHOICE,
     .offset = offsetof(struct keys, format),
     .fallback = "json",
     .choices = formats},
    {.key = "compression",
     .type = FIELD_CHOICE,
     .offset = offsetof(struct keys, compression),
     .fallback = "",
     .choices = compressions},
    {.key = "compression_params",
     .type = FIELD_SECTION,
     .offset = offsetof(struct keys, compression_params),
     .section = compression_fields},
    {.key = "flush_interval",
     .type = FIELD_DURATION,
     .offset = offsetof(struct keys, flush_interval_ns),
     .fallback = "1s"},
    {.key = "create_directory",
     .type = FIELD_BOOL,
     .offset = offsetof(struct keys, create_directory),
     .fallback = "false"},
    {.key = "directory_permissions",
     .type = FIELD_STRING,
     .offset = offsetof(struct keys, directory_permissions)},
    {.key = "group_by",
     .type = FIELD_SECTION,
     .offset = offsetof(struct keys, group_by),
     .section = group_fields},
    {.key = "queue_bytes",
     .type = FIELD_SIZE,
     .offset = offsetof(struct keys, queue_bytes),
     .fallback = "64MiB"},
    CONFIG_END,
};

static bool check(const struct config_value *config, const struct keys *k, struct error *e)
{
    if (!k->path || !k->path[0])
        return config_error(config, e, "path is missing: name the file to write to");
    if (k->append && k->has_rotation)
        return config_error(config_child(config, "append"), e,
                            "append and rotation cannot be combined; a file that is rotated is "
                            "always appended to");
    if (k->group_by.enabled)
        return config_error(config_child(config, "group_by"), e,
                            "is not supported: all spans go to the one file in path");
    if (k->directory_permissions && !k->create_directory)
        return config_error(config_child(config, "directory_permissions"), e,
                            "needs create_directory: true");
    return true;
}

static bool read_mode(const struct config_value *config, const char *text, mode_t *mode,
                      struct error *e)
{
    if (!text || !text[0])
        return true;
    char *end;
    unsigned long value = strtoul(text, &end, 8);
    if (*end || text[0] < '0' || text[0] > '7' || value > 0777)
        return config_error(config_child(config, "directory_permissions"), e,
                            "\"%s\" is not an octal file mode, such as \"0755\"", text);
    *mode = (mode_t)value;
    return true;
}

bool file_settings_read(const struct config_value *config, struct file_settings *out,
                        struct error *e)
{
    struct keys k = {0};
    mode_t mode = 0755; /* unless the key says otherwise */
    if (!config_read(config, fields, &k, e) || !check(config, &k, e) ||
        !read_mode(config, k.directory_permissions, &mode, e))
        return false;
    int64_t megabytes = k.rotation.max_megabytes ? k.rotation.max_megabytes : 100;
    *out = (struct file_settings){
        .output =
            {
                .path = k.path,
                .append = k.append,
                .create_directory = k.create_directory,
                .directory_mode = mode,
                .rotate = k.has_rotation,
                .max_bytes = megabytes << 20,
                .max_age_ns = k.rotation.max_days * DAY_NS,
                .max_backups = k.rotation.max_backups,
                .local_time = k.rotation.localtime,
            },
        .format = (enum file_format)k.format,
        .compress = k.compression == COMPRESSION_ZSTD,
        .level = k.compression_params.level ? (int)k.compression_params.level : 3,
        /* as in the Collector, rotation writes every record at once */
        .flush_interval_ns = k.has_rotation ? 0 : (uint64_t)k.flush_interval_ns,
        .queue_bytes = (size_t)k.queue_bytes,
    };
    return true;
}
