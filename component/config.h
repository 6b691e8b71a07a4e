/* Configuration values, and how components read theirs.
 *
 * The YAML is parsed once (collector/yaml.c) into a tree that remembers file and line. A component
 * describes its keys in a table; config_read() fills a struct from the tree, with defaults, ranges
 * and units, and refuses unknown keys with the place and the list of what is supported. So every
 * component's errors sound the same and nothing is ignored silently.
 *
 * Everything that config_read() hands out lives as long as the tree, which outlives the components:
 * nothing has to be freed. Main thread only. */
#ifndef TAILSPAN_COMPONENT_CONFIG_H
#define TAILSPAN_COMPONENT_CONFIG_H

#include "component/error.h"

#include <stddef.h>
#include <stdint.h>

enum config_type {
    CONFIG_NULL,
    CONFIG_SCALAR,
    CONFIG_LIST,
    CONFIG_MAP,
};

struct config_value {
    enum config_type type;
    const char *key;  /* within its parent map, else NULL */
    const char *text; /* of a scalar, environment expanded */
    bool quoted;      /* a scalar that was quoted is a string, whatever it looks like */
    const char *file;
    int line; /* from 1 */
    const struct config_value *parent;
    struct config_value *children; /* first child of a list or map */
    struct config_value *next;     /* sibling */
};

struct config_strings {
    const char *const *items;
    size_t count;
};

struct config_pair {
    const char *key;
    const char *value;
};

struct config_pairs {
    const struct config_pair *items;
    size_t count;
};

enum config_field_type {
    FIELD_BOOL,     /* bool */
    FIELD_INT,      /* int64_t, within [min, max]; also 100_000, 0x1f, 0o17, 0b1 */
    FIELD_DOUBLE,   /* double */
    FIELD_STRING,   /* const char *, NULL when absent and without default */
    FIELD_FILE,     /* const char *, a file that has to be readable; NULL when absent or empty */
    FIELD_DURATION, /* int64_t nanoseconds; Go's notation, "1.5s", "200ms", "1h30m", "0"; 0 <= x */
    FIELD_SIZE,     /* int64_t bytes; "2GiB", "64MiB", "10MB", plain bytes */
    FIELD_CHOICE,   /* int, index into choices */
    FIELD_STRINGS,  /* struct config_strings; a single scalar counts as a list of one */
    FIELD_PAIRS,    /* struct config_pairs: a map of scalars */
    FIELD_SECTION,  /* nested table; its struct lies at offset */
    FIELD_VALUE, /* const struct config_value *, NULL when absent: the component reads it itself */
};

struct config_field {
    const char *key;
    enum config_field_type type;
    size_t offset;
    const char *fallback;               /* default, as it would be written; NULL: zero */
    int64_t min, max;                   /* FIELD_INT; both 0: no bounds */
    const char *const *choices;         /* FIELD_CHOICE; ends with NULL */
    const struct config_field *section; /* FIELD_SECTION; ends with a NULL key */
    size_t present;                     /* offset of a bool that tells whether the key was written;
                                           0: not wanted (so never put that bool first) */
};

#define CONFIG_END                                                                                 \
    {                                                                                              \
        .key = NULL                                                                                \
    }

/* For a look at a configuration that is to run elsewhere: from now on a FIELD_FILE that cannot be
 * read is no error, but told, with its place. NULL: an error again. The main thread's. */
void config_let_files_miss(void (*tell)(const char *why));

/* Fills `out` from `v` (a map, or null for nothing but defaults). `out` is zeroed by the caller.
 * Sections that are absent are filled with their defaults. */
bool config_read(const struct config_value *v, const struct config_field *fields, void *out,
                 struct error *e);

/* An error at `v`: "FILE:LINE: receivers::otlp::protocols: TEXT". Returns false. */
bool config_error(const struct config_value *v, struct error *e, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

const struct config_value *config_child(const struct config_value *map, const char *key);

size_t config_count(const struct config_value *v); /* children; of NULL: none */

/* "receivers::otlp::protocols::grpc" into `path`. */
void config_path(const struct config_value *v, char *path, size_t len);

/* Zeroed memory that lives until config_release(): for trees, and for lists read from them. Aborts
 * when out of memory, which only start-up can meet. */
void *config_keep(size_t count, size_t size);
void config_release(void);

/* The notations on their own. False when `text` is not one.
 *
 * An integer is decimal, or with 0x, 0o or 0b; as in Go's YAML a leading 0 alone means octal, too,
 * and underscores may stand anywhere. Its range is the caller's business. */
bool config_parse_integer(const char *text, bool *negative, uint64_t *magnitude);
bool config_parse_duration(const char *text, int64_t *ns);
bool config_parse_size(const char *text, int64_t *bytes);

enum { CONFIG_NUMBER_MAX = 64 };
/* A number without its underscores; false when it is too long for one. */
bool config_plain_number(const char *text, char plain[CONFIG_NUMBER_MAX]);

#endif
