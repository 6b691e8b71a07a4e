#include "metrics/prometheus/number_text.h"

#include "proto/double_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void number_append_count(struct buffer *out, uint64_t n)
{
    char text[20];
    size_t at = sizeof text;
    do {
        text[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    buffer_append(out, text + at, sizeof text - at);
}

static bool append_special(struct buffer *out, double v)
{
    if (isfinite(v))
        return false;
    buffer_append_string(out, isnan(v) ? "NaN" : v > 0 ? "+Inf" : "-Inf");
    return true;
}

void number_append(struct buffer *out, double v)
{
    if (append_special(out, v))
        return;
    if (v >= 0 && v < 9007199254740992.0 && v == floor(v) && !signbit(v)) {
        number_append_count(out, (uint64_t)v);
        return;
    }
    char text[DOUBLE_TEXT_MAX];
    buffer_append(out, text, double_text(v, text));
}

/* The digits of a text without sign or exponent, without zeros at the ends, and where the point
 * stands: as 0.DIGITS times ten to the *point. */
static size_t take_digits(const char *text, char *digits, int *point)
{
    size_t n = 0;
    bool behind = false;
    *point = 0;
    for (; *text && *text != 'e'; text++) {
        if (*text == '.') {
            behind = true;
            continue;
        }
        if (*text == '0' && n == 0) {
            *point -= behind;
            continue;
        }
        digits[n++] = *text;
        *point += !behind;
    }
    if (*text == 'e')
        *point += atoi(text + 1);
    while (n > 0 && digits[n - 1] == '0')
        n--;
    digits[n] = 0;
    return n;
}

static void append_scientific(struct buffer *out, const char *digits, size_t n, int exponent)
{
    buffer_printf(out, "%c%s%se%c%02d", digits[0], n > 1 ? "." : "", digits + 1,
                  exponent < 0 ? '-' : '+', abs(exponent));
}

void number_append_bound(struct buffer *out, double v, bool open_metrics)
{
    enum { SCIENTIFIC_FROM = 6 };
    if (append_special(out, v))
        return;
    char text[DOUBLE_TEXT_MAX], digits[DOUBLE_TEXT_MAX];
    int point;
    double_text(fabs(v), text);
    size_t n = take_digits(text, digits, &point);
    if (signbit(v))
        buffer_append_byte(out, '-');
    bool scientific = n > 0 && (point - 1 < -4 || point - 1 >= SCIENTIFIC_FROM);
    if (scientific)
        append_scientific(out, digits, n, point - 1);
    else if (n == 0)
        buffer_append_byte(out, '0');
    else
        buffer_append_string(out, text);
    if (open_metrics && !scientific && !strchr(text, '.'))
        buffer_append_string(out, ".0");
}

void number_append_seconds(struct buffer *out, uint64_t ns)
{
    buffer_printf(out, "%llu.%03u", (unsigned long long)(ns / 1000000000),
                  (unsigned)(ns / 1000000 % 1000));
}
