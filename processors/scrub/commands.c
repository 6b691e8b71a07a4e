/* Commands of stores that are no SQL: what stands behind the command's own words is somebody's.
 *
 * Redis, Valkey and Memcached: the command and its key stay, all further arguments go; AUTH keeps
 * nothing. MongoDB and Elasticsearch: values of the JSON go, its names stay. What cannot be read so
 * goes whole. */
#include "processors/scrub/detect_private.h"

#include <strings.h>

static size_t behind_argument(const struct scan *s, size_t at)
{
    uint8_t quote = byte_at(s, at);
    if (quote == '"' || quote == '\'') {
        for (at++; at < s->len && s->text[at] != quote; at++)
            at += s->text[at] == '\\';
        return at < s->len ? at + 1 : s->len;
    }
    while (at < s->len && s->text[at] != ' ' && s->text[at] != '\n' && s->text[at] != '\r')
        at++;
    return at;
}

static bool is_command(const struct scan *s, size_t begin, size_t end, const char *name)
{
    return end - begin == strlen(name) &&
           strncasecmp((const char *)s->text + begin, name, end - begin) == 0;
}

/* One line: command, key, arguments. */
static size_t redis_line(struct scan *s, size_t at)
{
    size_t argument = 0, keep = 2;
    while (at < s->len && s->text[at] != '\n' && !s->full) {
        if (s->text[at] == ' ' || s->text[at] == '\r') {
            at++;
            continue;
        }
        size_t end = behind_argument(s, at);
        if (argument == 0 && (is_command(s, at, end, "AUTH") || is_command(s, at, end, "HELLO") ||
                              is_command(s, at, end, "EVAL") || is_command(s, at, end, "CONFIG") ||
                              is_command(s, at, end, "ACL") || is_command(s, at, end, "ECHO") ||
                              is_command(s, at, end, "MIGRATE")))
            keep = 1;
        bool parameter = end - at == 1 && s->text[at] == '?';
        if (argument++ >= keep && !parameter)
            scan_found(s, at, end, SCRUB_COMMAND_ARGUMENT);
        at = end;
    }
    return at + 1;
}

static size_t behind_string(const struct scan *s, size_t at)
{
    for (at++; at < s->len && s->text[at] != '"'; at++)
        at += s->text[at] == '\\';
    return at < s->len ? at + 1 : s->len + 1;
}

/* Values of JSON: strings and numbers that no colon follows. Names behind $ and `?` stay. False: it
 * is none. */
static bool json_values(struct scan *s)
{
    size_t at = 0;
    while (at < s->len && s->text[at] != '{' && s->text[at] != '[')
        at++;
    if (at == s->len)
        return false;
    while (at < s->len && !s->full) {
        uint8_t c = s->text[at];
        if (c == '"') {
            size_t end = behind_string(s, at), colon = end;
            if (end > s->len)
                return false;
            while (colon < s->len && (s->text[colon] == ' ' || s->text[colon] == '\n'))
                colon++;
            bool parameter = end - at == 3 && s->text[at + 1] == '?';
            if (byte_at(s, colon) != ':' && !parameter)
                scan_found(s, at + 1, end - 1, SCRUB_COMMAND_ARGUMENT);
            at = end;
        } else if (is_digit(c) || (c == '-' && is_digit(byte_at(s, at + 1)))) {
            size_t end = at + 1;
            while (end < s->len && (is_alnum(s->text[end]) || s->text[end] == '.' ||
                                    s->text[end] == '+' || s->text[end] == '-'))
                end++;
            scan_found(s, at, end, SCRUB_COMMAND_ARGUMENT);
            at = end;
        } else {
            at++;
        }
    }
    return true;
}

void find_command(struct scan *s, struct bytes system)
{
    bool lines = bytes_equal_string(system, "redis") || bytes_equal_string(system, "valkey") ||
                 bytes_equal_string(system, "memcached");
    for (size_t at = 0; lines && at < s->len && !s->full;)
        at = redis_line(s, at);
    if (lines || s->len == 0)
        return;
    bool plain = !memchr(s->text, '{', s->len) && !memchr(s->text, '[', s->len) &&
                 !memchr(s->text, '"', s->len) && s->len < 100;
    if (!plain && !json_values(s)) {
        s->count = 0;
        s->done = 0;
        scan_found(s, 0, s->len, SCRUB_COMMAND_ARGUMENT);
    }
}
