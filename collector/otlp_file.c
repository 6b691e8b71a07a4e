#include "collector/otlp_file.h"

#include "proto/otlp_json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool add(struct otlp_batches *all, struct batch *b)
{
    if (all->count == all->capacity) {
        uint32_t capacity = all->capacity ? all->capacity * 2 : 64;
        struct batch **items = reallocarray(all->items, capacity, sizeof(struct batch *));
        if (!items)
            return false;
        all->items = items;
        all->capacity = capacity;
    }
    all->items[all->count++] = b;
    return true;
}

static bool add_request(struct otlp_batches *all, struct bytes json, struct error *e)
{
    char where[256];
    struct buffer wire = {0};
    struct batch_report report = {0};
    if (!otlp_json_parse(json, OTLP_TRACE_REQUEST, &wire, where, sizeof where)) {
        buffer_free(&wire);
        return error_set(e, "%s", where);
    }
    struct batch *b = batch_from_request(buffer_bytes(&wire), &report);
    buffer_free(&wire);
    if (!b)
        return error_set(e, "%s", report.where);
    if (b->span_count > 0 && add(all, b))
        return true;
    bool empty = b->span_count == 0;
    batch_release(b);
    return empty || error_set(e, "out of memory");
}

static bool is_blank(const char *line)
{
    return line[strspn(line, " \t\r\n")] == 0;
}

/* A request that is spread over lines is no line of its own: then the file is one request. */
static bool read_lines(FILE *f, struct otlp_batches *all, struct error *e)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t len;
    size_t number = 0;
    bool done = true;
    while (done && (len = getline(&line, &room, f)) >= 0) {
        struct error why;
        number++;
        if (is_blank(line))
            continue;
        done = add_request(all, bytes_of(line, (size_t)len), &why) ||
               error_set(e, "line %zu: %.900s", number, why.text);
    }
    free(line);
    return done;
}

static bool read_whole(FILE *f, struct otlp_batches *all, struct error *e)
{
    struct buffer text = {0};
    uint8_t *room;
    size_t len;
    rewind(f);
    while ((room = buffer_reserve(&text, 1 << 20)) && (len = fread(room, 1, 1 << 20, f)) > 0)
        text.len += len;
    bool done =
        text.failed ? error_set(e, "out of memory") : add_request(all, buffer_bytes(&text), e);
    buffer_free(&text);
    return done;
}

bool otlp_file_read(const char *path, struct otlp_batches *all, struct error *e)
{
    FILE *f = fopen(path, "r");
    if (!f)
        return error_set(e, "%s: %s", path, strerror(errno));
    struct error lines, whole;
    bool done = read_lines(f, all, &lines) || (all->count == 0 && read_whole(f, all, &whole)) ||
                error_set(e, "%s: %.900s", path, all->count ? lines.text : whole.text);
    fclose(f);
    return done;
}

void otlp_batches_free(struct otlp_batches *all)
{
    for (uint32_t i = 0; i < all->count; i++)
        batch_release(all->items[i]);
    free(all->items);
}
