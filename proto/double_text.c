#include "proto/double_text.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DIGITS = 17 };

/* The fewest digits, as "d.ddde±xx". Fifteen always survive, so trailing zeros may go; beyond that,
 * and for the subnormals that have fewer, one tries. */
static void shortest(double d, char *out, size_t len)
{
    for (int digits = d < DBL_MIN ? 0 : 14; digits < MAX_DIGITS; digits++) {
        snprintf(out, len, "%.*e", digits, d);
        if (strtod(out, NULL) == d)
            return;
    }
}

/* From "d.ddde±xx" to digits without trailing zeros and the decimal exponent. */
static int take_apart(const char *scientific, char digits[MAX_DIGITS + 1])
{
    int n = 0;
    const char *p = scientific;
    for (; *p && *p != 'e'; p++) {
        if (*p >= '0' && *p <= '9' && n < MAX_DIGITS)
            digits[n++] = *p;
    }
    while (n > 1 && digits[n - 1] == '0')
        n--;
    digits[n] = '\0';
    return *p ? atoi(p + 1) : 0;
}

static int print(const char *sign, const char *digits, int exponent, char *out, size_t len)
{
    int n = (int)strlen(digits);
    if (exponent < -6 || exponent >= 21)
        return snprintf(out, len, "%s%c%s%se%+d", sign, digits[0], n > 1 ? "." : "", digits + 1,
                        exponent);
    if (exponent < 0)
        return snprintf(out, len, "%s0.%.*s%s", sign, -exponent - 1, "000000", digits);
    if (n <= exponent + 1)
        return snprintf(out, len, "%s%s%.*s", sign, digits, exponent + 1 - n,
                        "000000000000000000000");
    return snprintf(out, len, "%s%.*s.%s", sign, exponent + 1, digits, digits + exponent + 1);
}

size_t double_text(double d, char out[DOUBLE_TEXT_MAX])
{
    char scientific[40];
    char digits[MAX_DIGITS + 1] = "0";
    int exponent = 0;
    if (d != 0) {
        shortest(fabs(d), scientific, sizeof scientific);
        exponent = take_apart(scientific, digits);
    }
    return (size_t)print(signbit(d) ? "-" : "", digits, exponent, out, DOUBLE_TEXT_MAX);
}
