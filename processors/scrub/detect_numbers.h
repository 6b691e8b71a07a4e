/* A row of digits in groups, as cards and national numbers are written. */
#ifndef TAILSPAN_PROCESSORS_SCRUB_DETECT_NUMBERS_H
#define TAILSPAN_PROCESSORS_SCRUB_DETECT_NUMBERS_H

#include "processors/scrub/detect_private.h"

enum { DIGITS_MAX = 24, GROUPS_MAX = 6 };

struct digits {
    uint8_t digit[DIGITS_MAX]; /* 0 to 9 */
    unsigned count;
    unsigned groups;
    uint8_t group[GROUPS_MAX]; /* their lengths */
    uint8_t total[GROUPS_MAX]; /* digits up to the end of each */
    uint32_t end[GROUPS_MAX];  /* where each ends */
    uint32_t start;
    char separator; /* ' ' - . between all of them; 0: one group */
};

/* Reads the row that begins at `at`, a digit: separators are single and alike. A row that is longer
 * than this holds is cut; then digits_bounded() fails. */
void digits_read(const struct scan *s, uint32_t at, struct digits *d);

/* Whether the first groups have these lengths: "4444". */
bool digits_grouped(const struct digits *d, const char *lengths);

/* Whether [start, end) is no part of a word, a longer number or an identifier. */
bool digits_bounded(const struct scan *s, uint32_t start, uint32_t end);

/* Whether the name of the value, or the word before, says that it is an order, a time, a count:
 * what has digits of its own. */
bool digits_numbered(const struct scan *s, uint32_t at);

/* The national numbers that are asked for by name. */
void national_at(struct scan *s, const struct digits *d);

#endif
