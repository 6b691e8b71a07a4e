/* Log lines: built in one buffer on the stack, written with one write(2). */
#include "component/log.h"

#include "proto/json_writer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
    REPEATS_A_SECOND = 10,
    SITES = 256, /* slots of the repeat table; a collision only shares the allowance */
};

static struct {
    enum log_level level;
    enum log_format format;
} settings = {.level = LOG_INFO};

struct site {
    uint64_t hash;
    time_t second;
    unsigned count;
    unsigned held_back;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards sites */
static struct site sites[SITES];

void log_configure(enum log_level level, enum log_format format)
{
    settings.level = level;
    settings.format = format;
}

static uint64_t hash_text(uint64_t h, const char *s)
{
    for (; s && *s; s++)
        h = (h ^ (uint8_t)*s) * 0x100000001b3u; /* FNV-1a */
    return h;
}

/* Whether the line may be written; *held_back gets how many like it were not before. */
static bool admit(const char *id, const char *message, time_t second, unsigned *held_back)
{
    uint64_t hash = hash_text(hash_text(0xcbf29ce484222325u, id), message);
    struct site *s = &sites[hash % SITES];
    bool admitted = true;
    pthread_mutex_lock(&lock);
    if (s->hash != hash)
        *s = (struct site){.hash = hash, .second = second};
    if (s->second != second) {
        s->second = second;
        s->count = 0;
    }
    if (s->count++ < REPEATS_A_SECOND) {
        *held_back = s->held_back;
        s->held_back = 0;
    } else {
        s->held_back++;
        admitted = false;
    }
    pthread_mutex_unlock(&lock);
    return admitted;
}

static const char *const level_names[] = {"debug", "info", "warn", "error"};

static void format_time(char out[40], const struct timespec *now)
{
    struct tm tm;
    gmtime_r(&now->tv_sec, &tm);
    size_t len = strftime(out, 40, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out + len, 40 - len, ".%03ldZ", now->tv_nsec / 1000000);
}

static void write_json(struct buffer *line, const char *time, enum log_level level, const char *id,
                       const char *message, const struct log_field *fields, unsigned held_back)
{
    struct json_writer w;
    json_begin(&w, line, false);
    json_object_begin(&w);
    json_key(&w, "ts");
    json_text(&w, time);
    json_key(&w, "level");
    json_text(&w, level_names[level]);
    if (id) {
        json_key(&w, "component");
        json_text(&w, id);
    }
    json_key(&w, "msg");
    json_text(&w, message);
    for (const struct log_field *f = fields; f->key; f++) {
        json_key(&w, f->key);
        if (f->type == LOG_FIELD_STRING)
            json_text(&w, f->string ? f->string : "");
        else if (f->type == LOG_FIELD_INT)
            json_int(&w, f->integer);
        else
            json_double(&w, f->real);
    }
    if (held_back) {
        json_key(&w, "held_back");
        json_uint(&w, held_back);
    }
    json_object_end(&w);
    buffer_append_byte(line, '\n');
}

/* Text may come from a peer (an error message): keep it from steering the terminal. */
static void append_printable(struct buffer *line, const char *s)
{
    for (; *s; s++)
        buffer_append_byte(line, (uint8_t)*s < 0x20 || *s == 0x7f ? ' ' : (uint8_t)*s);
}

static void write_text(struct buffer *line, const char *time, enum log_level level, const char *id,
                       const char *message, const struct log_field *fields, unsigned held_back)
{
    buffer_printf(line, "%.12s %-5s ", time + 11, level_names[level]);
    if (id)
        buffer_printf(line, "%s: ", id);
    append_printable(line, message);
    for (const struct log_field *f = fields; f->key; f++) {
        buffer_printf(line, "  %s=", f->key);
        if (f->type == LOG_FIELD_STRING)
            append_printable(line, f->string ? f->string : "");
        else if (f->type == LOG_FIELD_INT)
            buffer_printf(line, "%lld", (long long)f->integer);
        else
            buffer_printf(line, "%g", f->real);
    }
    if (held_back)
        buffer_printf(line, "  held_back=%u", held_back);
    buffer_append_byte(line, '\n');
}

void log_write(enum log_level level, const char *id, const char *message,
               const struct log_field *fields)
{
    if (level < settings.level)
        return;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    unsigned held_back = 0;
    if (!admit(id, message, now.tv_sec, &held_back))
        return;
    char time[40];
    format_time(time, &now);
    struct buffer line = {0};
    bool text = settings.format == LOG_FORMAT_TEXT ||
                (settings.format == LOG_FORMAT_AUTO && isatty(STDERR_FILENO));
    (text ? write_text : write_json)(&line, time, level, id, message, fields, held_back);
    if (!line.failed && write(STDERR_FILENO, line.data, line.len) < 0) {
        /* Nowhere is left to complain to. */
    }
    buffer_free(&line);
}
