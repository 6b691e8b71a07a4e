/* Reading query parameters in the notations that Jaeger's clients write them in.
 *
 * Jaeger is written in Go, and its HTTP API shows it: durations are Go's ("1.5s", "100ms"), numbers
 * and booleans are what strconv reads, v3's times are RFC 3339 with nanoseconds. What is wrong with
 * a value is said in the words that Go's library uses, because clients show and match them.
 *
 * All return false with `e` set when the text is not one. Any thread. */
#ifndef TAILSPAN_QUERY_PARAMS_H
#define TAILSPAN_QUERY_PARAMS_H

#include "component/error.h"

#include <stdint.h>

/* Decimal, with an optional sign. `function` is the reader that the error names: "ParseInt". */
bool param_int(const char *text, const char *function, int64_t *out, struct error *e);

/* 1, t, T, TRUE, true, True and their opposites. */
bool param_bool(const char *text, bool *out, struct error *e);

bool param_double(const char *text, double *out, struct error *e);

/* Go's duration, in nanoseconds; may be negative. */
bool param_duration(const char *text, int64_t *ns, struct error *e);

/* RFC 3339 with up to nanoseconds, as nanoseconds since the epoch. Times outside of what an
 * int64_t holds (1678 to 2262) become its ends. */
bool param_rfc3339(const char *text, int64_t *ns, struct error *e);

/* RFC 3339, or a whole number since the epoch whose unit its size tells: below 1e11 seconds, 1e14
 * milliseconds, 1e17 microseconds, else nanoseconds. So seconds reach to the year 5138, and
 * milliseconds begin in 1973. */
bool param_time(const char *text, uint64_t *ns, struct error *e);

/* A trace id in hex, of which leading zeros may be missing, or in base64 (standard or URL-safe,
 * padded or not) of 16 or 8 bytes. */
bool param_trace_id(const char *text, uint8_t id[16], struct error *e);

/* Nanoseconds since the epoch as "2026-11-27T22:54:00.000000001Z". */
void format_rfc3339(uint64_t ns, char out[40]);

/* Nanoseconds as Go prints a duration: "52.501499ms", "1m0.5s", "-3µs". */
void format_duration(int64_t ns, char out[40]);

/* Nanoseconds since the epoch as Go prints a time in UTC: "2023-11-14 22:13:20.01 +0000 UTC". */
void format_go_time(uint64_t ns, char out[64]);

#endif
