/* Regular expressions from a configuration, matched against what strangers send.
 *
 * PCRE2 with its JIT, held to the habits of RE2, which the OpenTelemetry Collector uses: `.` does
 * not match a newline, `$` only the very end, \d and \w are ASCII, and a match may lie anywhere in
 * the subject. What RE2 refuses to know (back references, look-around) works here; in return a
 * match can run into a limit of effort, which RE2's cannot: then the answer is REGEX_GAVE_UP.
 *
 * Effort is bounded by the subject's length: besides PCRE2's limit for each place where a match may
 * start, a subject of more than 512 bytes has 0.2 ms of the thread's time and 50 ns for each of its
 * bytes, looked at between every 64 such places.
 *
 * A compiled expression is never changed by matching: any number of threads may use it. */
#ifndef TAILSPAN_SAMPLING_REGEX_H
#define TAILSPAN_SAMPLING_REGEX_H

#include "component/error.h"
#include "proto/bytes.h"

struct regex;

enum regex_result {
    REGEX_NO,
    REGEX_YES,
    REGEX_GAVE_UP, /* limits, or out of memory */
};

/* NULL with `e` set: what is wrong, and at which column of the pattern. */
struct regex *regex_compile(struct bytes pattern, struct error *e);
void regex_destroy(struct regex *r);

/* A byte that is not UTF-8 is matched as a control character is: by `.`, as in Go. */
enum regex_result regex_match(const struct regex *r, struct bytes subject);

enum { REGEX_GROUPS_MAX = 63 };

/* Keeps named groups, and refuses a pattern that has none, one without a name or more than
 * REGEX_GROUPS_MAX. */
struct regex *regex_compile_groups(struct bytes pattern, struct error *e);
unsigned regex_groups(const struct regex *r);
struct bytes regex_group_name(const struct regex *r, unsigned group); /* from 0; lives with `r` */

/* Which bytes a subject has. Taken once, it tells at little cost that an expression cannot match:
 * most cannot, as a rule, for want of a digit or an @. */
struct regex_glance {
    uint64_t low, high; /* of the bytes below 64, and below 128 */
    size_t len;
    bool ascii;
};
struct regex_glance regex_glance(struct bytes subject);
bool regex_may_match(const struct regex *r, const struct regex_glance *g);

struct regex_span {
    size_t start, end; /* within the subject */
};

/* As regex_match(), and the first match's groups, regex_groups() of them, into `groups`; one that
 * took no part is empty. */
enum regex_result regex_match_groups(const struct regex *r, struct bytes subject,
                                     struct regex_span *groups);

/* One match after another, those that Go's regexp would replace: an empty one never lies directly
 * behind another. The subject is UTF-8 (utf8_readable() makes it so). What effort there is is for
 * all matches together; when it is spent, REGEX_GAVE_UP ends them. */
struct regex_search {
    const struct regex *regex;
    struct bytes subject;
    size_t at;     /* where to look next */
    size_t behind; /* end of the last match */
    uint64_t matches;
    uint64_t deadline_ns; /* of this thread's processor time; 0: not set yet */
    uint64_t look_ns;     /* CLOCK_MONOTONIC: when that time is looked at next */
};
void regex_search_begin(struct regex_search *s, const struct regex *r, struct bytes subject);
enum regex_result regex_search_next(struct regex_search *s, struct regex_span *found);

#endif
