/* Regular expressions from a configuration, matched against what strangers send.
 *
 * PCRE2 with its JIT, held to the habits of RE2, which the OpenTelemetry Collector uses: `.` does
 * not match a newline, `$` only the very end, \d and \w are ASCII, and a match may lie anywhere in
 * the subject. Bytes that are not UTF-8 match nothing but break nothing. What RE2 refuses to know
 * (back references, look-around) works here; in return a match can run into its limit of effort,
 * which RE2's cannot: then the answer is REGEX_GAVE_UP.
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

enum regex_result regex_match(const struct regex *r, struct bytes subject);

#endif
