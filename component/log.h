/* Structured logs on standard error: JSON lines, or text when it is a terminal.
 *
 *     log_info(c->id, "listening", LOG_S("endpoint", endpoint), LOG_I("lanes", n));
 *
 * Never logs a span's content. Any thread; a line is written in one piece. A repeated line (same
 * component and message) is held to ten a second, and the next one tells how many were left out. */
#ifndef TAILSPAN_COMPONENT_LOG_H
#define TAILSPAN_COMPONENT_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level {
    LOG_DEBUG,
    LOG_INFO,
    LOG_WARN,
    LOG_ERROR,
};

struct log_field {
    const char *key; /* NULL ends the list */
    enum {
        LOG_FIELD_STRING,
        LOG_FIELD_INT,
        LOG_FIELD_DOUBLE,
    } type;
    union {
        const char *string;
        int64_t integer;
        double real;
    };
};

#define LOG_S(k, v) ((struct log_field){.key = (k), .type = LOG_FIELD_STRING, .string = (v)})
#define LOG_I(k, v) ((struct log_field){.key = (k), .type = LOG_FIELD_INT, .integer = (int64_t)(v)})
#define LOG_D(k, v) ((struct log_field){.key = (k), .type = LOG_FIELD_DOUBLE, .real = (v)})

#define log_debug(id, message, ...) log_at(LOG_DEBUG, id, message, ##__VA_ARGS__)
#define log_info(id, message, ...)  log_at(LOG_INFO, id, message, ##__VA_ARGS__)
#define log_warn(id, message, ...)  log_at(LOG_WARN, id, message, ##__VA_ARGS__)
#define log_error(id, message, ...) log_at(LOG_ERROR, id, message, ##__VA_ARGS__)
#define log_at(level, id, message, ...)                                                            \
    log_write(level, id, message, (const struct log_field[]){LOG_NONE, ##__VA_ARGS__, LOG_NONE} + 1)
#define LOG_NONE ((struct log_field){.key = 0})

/* `id` is the component's, or NULL for the process. */
void log_write(enum log_level level, const char *id, const char *message,
               const struct log_field *fields);

enum log_format {
    LOG_FORMAT_AUTO, /* text on a terminal, else JSON */
    LOG_FORMAT_JSON,
    LOG_FORMAT_TEXT,
};

/* Before threads are started; the default is LOG_INFO and auto. */
void log_configure(enum log_level level, enum log_format format);

#endif
