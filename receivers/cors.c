#include "receivers/cors.h"

#include <string.h>
#include <strings.h>

static bool matches(const char *pattern, const char *origin)
{
    const char *star = strchr(pattern, '*');
    if (!star)
        return strcasecmp(pattern, origin) == 0;
    size_t head = (size_t)(star - pattern);
    size_t tail = strlen(star + 1);
    size_t len = strlen(origin);
    return len >= head + tail && strncasecmp(pattern, origin, head) == 0 &&
           strcasecmp(star + 1, origin + len - tail) == 0;
}

bool cors_origin_allowed(const struct config_strings *patterns, const char *origin)
{
    for (size_t i = 0; i < patterns->count; i++)
        if (matches(patterns->items[i], origin))
            return true;
    return false;
}

static bool is_name(const char *name, const char *at, size_t len)
{
    return strlen(name) == len && strncasecmp(name, at, len) == 0;
}

static bool header_allowed(const struct config_strings *allowed, const char *at, size_t len)
{
    static const char *const always[] = {"accept", "content-type", "content-encoding",
                                         "x-requested-with"};
    for (size_t i = 0; i < sizeof always / sizeof always[0]; i++)
        if (is_name(always[i], at, len))
            return true;
    for (size_t i = 0; i < allowed->count; i++)
        if (strcmp(allowed->items[i], "*") == 0 || is_name(allowed->items[i], at, len))
            return true;
    return false;
}

bool cors_headers_allowed(const struct config_strings *allowed, const char *list)
{
    while (*list) {
        list += strspn(list, " \t,");
        size_t len = strcspn(list, ",");
        size_t next = len;
        while (len > 0 && (list[len - 1] == ' ' || list[len - 1] == '\t'))
            len--;
        if (len > 0 && !header_allowed(allowed, list, len))
            return false;
        list += next;
    }
    return true;
}
