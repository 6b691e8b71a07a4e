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

/* A single blank, dash or dot between two groups, in whatever encoding: its length, and a letter
 * for what it is; 0: none. */
uint32_t separator_at(const struct scan *s, uint32_t at, char *kind);

/* Reads the row that begins at `at`, a digit: separators are single and alike. A row that is longer
 * than this holds is cut; then digits_bounded() fails. */
void digits_read(const struct scan *s, uint32_t at, struct digits *d);

/* Whether the first groups have these lengths: "4444". */
bool digits_grouped(const struct digits *d, const char *lengths);

/* Whether the kind and the country of a number stand before it, as in certificates (ETSI EN 319
 * 412-1): IDCES-12345678Z, PNOPL-44051401359. */
bool is_identity_before(const struct scan *s, uint32_t at);

/* Whether [start, end) is no part of a word, a longer number or an identifier. */
bool digits_bounded(const struct scan *s, uint32_t start, uint32_t end);

/* The first digits as a number. */
unsigned digits_leading(const uint8_t *digit, unsigned count);

/* Whether the name of the value, or the word before, says that it is an order, a time, an offset:
 * what has digits of its own. */
bool digits_are_things(const struct scan *s, uint32_t at);
/* The same, and counts and accounts. */
bool digits_numbered(const struct scan *s, uint32_t at);
/* 1234 ns; 1234ms would be one word. */
bool digits_measured(const struct scan *s, uint32_t end);

/* Whether the last word before, as in "order 4111…", "id=4111…", is one of these. */
bool word_before_is(const struct scan *s, uint32_t at, const char *const *words);
/* Where the word begins that is one of these and stands before; else `at`. */
uint32_t before_word(const struct scan *s, uint32_t at, const char *const *words);
/* "number", which may be a card's, an order's, a person's: where the word begins, else `at`. */
uint32_t before_number(const struct scan *s, uint32_t at);

/* True: it is one, and was reported. */
bool card_at(struct scan *s, const struct digits *d);
bool ssn_at(struct scan *s, const struct digits *d);
/* A number without country, because the name of the value says what it is. */
bool national_phone_at(struct scan *s, uint32_t start, uint32_t end);
/* A MAC in a form that others have as well, because the name of the value says what it is. */
bool named_mac_at(struct scan *s, uint32_t start, uint32_t end);
/* In strict: (555) 123-4567 and 555-123-4567 without anything that says so. */
bool loose_phone_at(struct scan *s, const struct digits *d);

/* The national numbers that are asked for by name. */
void national_at(struct scan *s, const struct digits *d);

#endif
