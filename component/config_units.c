/* The notations of integers, durations and sizes. Integers are those of Go's YAML and durations
 * Go's (time.ParseDuration), because that is what the Collector's users write. */
#include "component/config.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct unit {
    const char *name;
    double factor;
};

static const struct unit durations[] = {
    {"ns", 1},  {"us", 1e3}, {"µs", 1e3},   {"μs", 1e3}, {"ms", 1e6},
    {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}, {0},
};

static const struct unit sizes[] = {
    {"B", 1},     {"KiB", 1024}, {"MiB", 1048576}, {"GiB", 1073741824}, {"TiB", 1099511627776.0},
    {"kB", 1000}, {"KB", 1000},  {"MB", 1e6},      {"GB", 1e9},         {"TB", 1e12},
    {"k", 1000},  {"K", 1024},   {"M", 1048576},   {"G", 1073741824},   {0},
};

/* A decimal number without sign or exponent; *end is behind it. */
static bool read_number(const char *text, const char **end, double *n)
{
    size_t len = strspn(text, "0123456789.");
    if (len == 0 || len > 30 || (len == 1 && *text == '.'))
        return false;
    char *stop;
    *n = strtod(text, &stop);
    *end = text + len;
    return stop == *end;
}

static const struct unit *read_unit(const char *text, const char **end, const struct unit *units)
{
    size_t len = 0;
    while (text[len] && !isdigit((unsigned char)text[len]) && text[len] != '.')
        len++;
    for (const struct unit *u = units; u->name; u++) {
        if (strlen(u->name) == len && memcmp(u->name, text, len) == 0) {
            *end = text + len;
            return u;
        }
    }
    return NULL;
}

bool config_plain_number(const char *text, char plain[CONFIG_NUMBER_MAX])
{
    size_t len = 0;
    for (; *text; text++) {
        if (*text == '_')
            continue;
        if (len == CONFIG_NUMBER_MAX - 1)
            return false;
        plain[len++] = *text;
    }
    plain[len] = 0;
    return true;
}

bool config_parse_integer(const char *text, bool *negative, uint64_t *magnitude)
{
    char plain[CONFIG_NUMBER_MAX];
    if (!config_plain_number(text, plain))
        return false;
    const char *digits = plain + (plain[0] == '-' || plain[0] == '+');
    int base = 10;
    if (digits[0] == '0' && digits[1]) {
        char mark = (char)tolower((unsigned char)digits[1]);
        base = mark == 'x' ? 16 : mark == 'b' ? 2 : 8;
        digits += mark == 'x' || mark == 'b' || mark == 'o' ? 2 : 1;
    }
    if (!isalnum((unsigned char)digits[0]))
        return false;
    char *end;
    errno = 0;
    *magnitude = strtoull(digits, &end, base);
    *negative = plain[0] == '-';
    return !*end && !errno;
}

bool config_parse_duration(const char *text, int64_t *ns)
{
    if (strcmp(text, "0") == 0) {
        *ns = 0;
        return true;
    }
    double total = 0;
    const char *at = text;
    while (*at) {
        double n;
        if (!read_number(at, &at, &n))
            return false;
        const struct unit *u = read_unit(at, &at, durations);
        if (!u)
            return false;
        total += n * u->factor;
    }
    if (at == text || total > 9.2e18)
        return false;
    *ns = (int64_t)llround(total);
    return true;
}

bool config_parse_size(const char *text, int64_t *bytes)
{
    const char *at = text;
    double n;
    bool negative;
    uint64_t whole;
    if (config_parse_integer(text, &negative, &whole)) {
        *bytes = (int64_t)whole;
        return !negative && whole <= INT64_MAX;
    }
    if (!read_number(at, &at, &n))
        return false;
    while (*at == ' ')
        at++;
    double factor = 1;
    if (*at) {
        const struct unit *u = read_unit(at, &at, sizes);
        if (!u || *at)
            return false;
        factor = u->factor;
    }
    if (n * factor > 9.2e18)
        return false;
    *bytes = (int64_t)llround(n * factor);
    return true;
}
