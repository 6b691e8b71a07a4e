#include "query/params.h"

#include "proto/binary_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SECOND 1000000000LL

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool param_int(const char *text, const char *function, int64_t *out, struct error *e)
{
    const char *digits = text + (text[0] == '-' || text[0] == '+');
    bool good = is_digit(digits[0]);
    for (const char *p = digits; *p; p++)
        good &= is_digit(*p);
    if (!good)
        return error_set(e, "strconv.%s: parsing \"%.200s\": invalid syntax", function, text);
    errno = 0;
    *out = strtoll(text, NULL, 10);
    if (errno == ERANGE)
        return error_set(e, "strconv.%s: parsing \"%.200s\": value out of range", function, text);
    return true;
}

bool param_bool(const char *text, bool *out, struct error *e)
{
    static const char *const yes[] = {"1", "t", "T", "TRUE", "true", "True"};
    static const char *const no[] = {"0", "f", "F", "FALSE", "false", "False"};
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
        if (strcmp(text, yes[i]) == 0)
            return *out = true, true;
        if (strcmp(text, no[i]) == 0)
            return *out = false, true;
    }
    return error_set(e, "strconv.ParseBool: parsing \"%.200s\": invalid syntax", text);
}

bool param_double(const char *text, double *out, struct error *e)
{
    char *end;
    *out = strtod(text, &end);
    if (end == text || *end || text[0] == ' ')
        return error_set(e, "strconv.ParseFloat: parsing \"%.200s\": invalid syntax", text);
    return true;
}

/* Go's duration: [-+]?(number unit)+, or a lone "0". */

static const struct unit {
    const char *name;
    int64_t ns;
} units[] = {
    {"ns", 1},         {"us", 1000},  {"\u00b5s", 1000}, /* micro sign */
    {"\u03bcs", 1000},                                   /* Greek letter mu */
    {"ms", 1000000},   {"s", SECOND}, {"m", 60 * SECOND}, {"h", 3600 * SECOND},
};

static const struct unit *find_unit(const char *text, size_t len)
{
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strlen(units[i].name) == len && memcmp(units[i].name, text, len) == 0)
            return &units[i];
    return NULL;
}

/* "12.5" as a whole part and a fraction in 1e-18. False when it is no number or too large. */
static bool scan_number(const char **at, int64_t *whole, int64_t *fraction)
{
    const char *p = *at;
    unsigned digits = 0;
    *whole = *fraction = 0;
    for (; is_digit(*p); p++, digits++)
        if (__builtin_mul_overflow(*whole, 10, whole) ||
            __builtin_add_overflow(*whole, *p - '0', whole))
            return false;
    if (*p == '.') {
        int64_t place = SECOND * SECOND / 10;
        for (p++; is_digit(*p); p++, digits++, place /= 10)
            *fraction += (*p - '0') * place;
    }
    *at = p;
    return digits > 0;
}

bool param_duration(const char *text, int64_t *ns, struct error *e)
{
    const char *p = text + (text[0] == '-' || text[0] == '+');
    if (strcmp(p, "0") == 0)
        return *ns = 0, true;
    int64_t sum = 0;
    bool good = *p != 0;
    while (good && *p) {
        int64_t whole;
        int64_t fraction;
        if (!scan_number(&p, &whole, &fraction))
            return error_set(e, "time: invalid duration \"%.200s\"", text);
        size_t len = strcspn(p, ".0123456789");
        if (len == 0)
            return error_set(e, "time: missing unit in duration \"%.200s\"", text);
        const struct unit *u = find_unit(p, len);
        if (!u)
            return error_set(e, "time: unknown unit \"%.*s\" in duration \"%.200s\"",
                             (int)(len < 40 ? len : 40), p, text);
        p += len;
        int64_t part = (int64_t)((__int128)fraction * u->ns / ((__int128)SECOND * SECOND));
        good = !__builtin_mul_overflow(whole, u->ns, &whole) &&
               !__builtin_add_overflow(sum, whole, &sum) &&
               !__builtin_add_overflow(sum, part, &sum);
    }
    if (!good)
        return error_set(e, "time: invalid duration \"%.200s\"", text);
    *ns = text[0] == '-' ? -sum : sum;
    return true;
}

/* RFC 3339. The error tells what stands where which part was expected. */

#define LAYOUT "2006-01-02T15:04:05.999999999Z07:00"

static bool bad_time(const char *text, const char *rest, const char *part, struct error *e)
{
    return error_set(e,
                     "parsing time \"%.200s\" as \"" LAYOUT "\": cannot parse \"%.200s\" as \"%s\"",
                     text, rest, part);
}

static bool scan_digits(const char **at, int count, int *out)
{
    int n = 0;
    for (int i = 0; i < count; i++) {
        if (!is_digit((*at)[i]))
            return false;
        n = n * 10 + ((*at)[i] - '0');
    }
    *at += count;
    *out = n;
    return true;
}

/* "+02:00" or "Z", in seconds. */
static bool scan_zone(const char **at, int *offset)
{
    const char *p = *at;
    *offset = 0;
    if (*p == 'Z') {
        *at = p + 1;
        return true;
    }
    if (*p != '+' && *p != '-')
        return false;
    int sign = *p++ == '-' ? -1 : 1;
    int hours;
    int minutes;
    if (!scan_digits(&p, 2, &hours) || *p != ':')
        return false;
    p++;
    if (!scan_digits(&p, 2, &minutes) || hours > 24 || minutes > 60)
        return false;
    *offset = sign * (hours * 3600 + minutes * 60);
    *at = p;
    return true;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

static bool check_ranges(const char *text, const struct tm *tm, struct error *e)
{
    const char *wrong = NULL;
    if (tm->tm_mon < 1 || tm->tm_mon > 12)
        wrong = "month";
    else if (tm->tm_mday < 1 || tm->tm_mday > days_in_month(tm->tm_year, tm->tm_mon))
        wrong = "day";
    else if (tm->tm_hour > 23)
        wrong = "hour";
    else if (tm->tm_min > 59)
        wrong = "minute";
    else if (tm->tm_sec > 59)
        wrong = "second";
    if (wrong)
        return error_set(e, "parsing time \"%.200s\": %s out of range", text, wrong);
    return true;
}

static int64_t saturate(__int128 n)
{
    if (n > INT64_MAX)
        return INT64_MAX;
    return n < INT64_MIN ? INT64_MIN : (int64_t)n;
}

bool param_rfc3339(const char *text, int64_t *ns, struct error *e)
{
    struct tm tm = {0};
    const struct {
        char before;
        int digits;
        int *out;
        const char *name;
    } parts[] = {
        {0, 4, &tm.tm_year, "2006"}, {'-', 2, &tm.tm_mon, "01"}, {'-', 2, &tm.tm_mday, "02"},
        {'T', 2, &tm.tm_hour, "15"}, {':', 2, &tm.tm_min, "04"}, {':', 2, &tm.tm_sec, "05"},
    };
    const char *p = text;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (parts[i].before && *p != parts[i].before)
            return bad_time(text, p, (char[]){parts[i].before, 0}, e);
        p += parts[i].before != 0;
        if (!scan_digits(&p, parts[i].digits, parts[i].out))
            return bad_time(text, p, parts[i].name, e);
    }
    int64_t nanos = 0;
    if ((*p == '.' || *p == ',') && is_digit(p[1])) {
        int64_t place = SECOND / 10;
        for (p++; is_digit(*p); p++, place /= 10)
            nanos += (*p - '0') * place;
    }
    int offset;
    if (!scan_zone(&p, &offset))
        return bad_time(text, p, "Z07:00", e);
    if (*p)
        return error_set(e, "parsing time \"%.200s\": extra text: \"%.200s\"", text, p);
    if (!check_ranges(text, &tm, e))
        return false;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    *ns = saturate(((__int128)timegm(&tm) - offset) * SECOND + nanos);
    return true;
}

bool param_time(const char *text, uint64_t *ns, struct error *e)
{
    int64_t n = 0;
    if (text[0] && strspn(text, "0123456789") == strlen(text)) {
        if (!param_int(text, "ParseInt", &n, e))
            return false;
        static const struct {
            int64_t below;
            int64_t unit;
        } scales[] = {{100000000000LL, SECOND},
                      {100000000000000LL, 1000000},
                      {100000000000000000LL, 1000},
                      {INT64_MAX, 1}};
        size_t i = 0;
        while (n >= scales[i].below && scales[i].unit > 1)
            i++;
        *ns = (uint64_t)saturate((__int128)n * scales[i].unit);
        return true;
    }
    if (!param_rfc3339(text, &n, e))
        return false;
    *ns = n < 0 ? 0 : (uint64_t)n;
    return true;
}

static bool hex_id(const char *text, size_t len, uint8_t id[16])
{
    memset(id, 0, 16);
    for (size_t i = 0; i < len; i++) {
        int digit = hex_digit((uint8_t)text[len - 1 - i]);
        if (digit < 0)
            return false;
        id[15 - i / 2] |= (uint8_t)(digit << (4 * (i % 2)));
    }
    return true;
}

/* The decoded length, 0 when it is not base64. */
static size_t base64_id(const char *text, size_t len, uint8_t out[24])
{
    memcpy(out, text, len);
    return base64_decode(out, &len) ? 0 : len;
}

bool param_trace_id(const char *text, uint8_t id[16], struct error *e)
{
    size_t len = strlen(text);
    if (len > 32)
        return error_set(e, "TraceID cannot be longer than 32 hex characters: %.200s", text);
    if (len > 0 && hex_id(text, len, id))
        return true;
    uint8_t bytes[24];
    size_t n = len <= sizeof bytes ? base64_id(text, len, bytes) : 0;
    if (n == 0 && len > 0 && (len > 24 || len % 4 == 1))
        return error_set(e, "strconv.ParseUint: parsing \"%s\": invalid syntax", text);
    if (n != 16 && n != 8)
        return error_set(e, "invalid length for TraceID");
    memset(id, 0, 16);
    memcpy(id + 16 - n, bytes, n);
    return true;
}

static void split_time(uint64_t ns, struct tm *tm)
{
    time_t seconds = (time_t)(ns / SECOND);
    gmtime_r(&seconds, tm);
}

void format_rfc3339(uint64_t ns, char out[40])
{
    struct tm tm;
    split_time(ns, &tm);
    size_t len = strftime(out, 40, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out + len, 40 - len, ".%09uZ", (unsigned)(ns % SECOND));
}

/* Appends ".5" for `value` 5 of 10^1, ".05" for 5 of 10^2, nothing for 0, without trailing zeros;
 * and then `behind`. */
static void append_fraction(char *out, size_t room, uint64_t value, int places, const char *behind)
{
    size_t len = strlen(out);
    if (value > 0) {
        snprintf(out + len, room - len, ".%0*llu", places, (unsigned long long)value);
        len = strlen(out);
        while (out[len - 1] == '0')
            len--;
    }
    snprintf(out + len, room - len, "%s", behind);
}

void format_go_time(uint64_t ns, char out[64])
{
    struct tm tm;
    split_time(ns, &tm);
    strftime(out, 64, "%Y-%m-%d %H:%M:%S", &tm);
    append_fraction(out, 64, ns % SECOND, 9, " +0000 UTC");
}

void format_duration(int64_t ns, char out[40])
{
    uint64_t n = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
    const char *sign = ns < 0 ? "-" : "";
    if (n == 0) {
        snprintf(out, 40, "0s");
        return;
    }
    if (n < SECOND) {
        static const struct {
            uint64_t ns;
            int places;
            const char *name;
        } small[] = {{1, 0, "ns"}, {1000, 3, "\u00b5s"}, {1000000, 6, "ms"}};
        int i = n < 1000 ? 0 : n < 1000000 ? 1 : 2;
        snprintf(out, 40, "%s%llu", sign, (unsigned long long)(n / small[i].ns));
        append_fraction(out, 40, n % small[i].ns, small[i].places, small[i].name);
        return;
    }
    uint64_t seconds = n / SECOND;
    if (seconds >= 3600)
        snprintf(out, 40, "%s%lluh%llum%llu", sign, (unsigned long long)(seconds / 3600),
                 (unsigned long long)(seconds / 60 % 60), (unsigned long long)(seconds % 60));
    else if (seconds >= 60)
        snprintf(out, 40, "%s%llum%llu", sign, (unsigned long long)(seconds / 60),
                 (unsigned long long)(seconds % 60));
    else
        snprintf(out, 40, "%s%llu", sign, (unsigned long long)seconds);
    append_fraction(out, 40, n % SECOND, 9, "s");
}
