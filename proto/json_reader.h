/* Reading JSON as it comes, strictly (RFC 8259), without a tree.
 *
 * The caller walks the document; each function reads one thing at the reader's position. Functions
 * return false when the document is malformed there: then `error` says what and `error_at` where,
 * and the reader is not to be used again. Never allocates, never reads outside of the document. */
#ifndef TAILSPAN_PROTO_JSON_READER_H
#define TAILSPAN_PROTO_JSON_READER_H

#include "proto/bytes.h"

struct json_reader {
    const uint8_t *begin;
    const uint8_t *at;
    const uint8_t *end;
    const char *error; /* static text */
    const uint8_t *error_at;
};

void json_read_begin(struct json_reader *r, struct bytes json);

/* Skips white space; the next byte, or 0 at the end (and for a NUL, which begins nothing). */
uint8_t json_peek(struct json_reader *r);

/* Skips white space and reads `c`. */
bool json_read_punctuation(struct json_reader *r, char c);

/* After an element of a list that ends with `close`: reads the comma before the next one, or
 * `close`, and then sets `*more` to false. */
bool json_read_more(struct json_reader *r, char close, bool *more);

/* A string, checked in full: its content as it stands, and whether json_unescape() is needed. */
bool json_read_string(struct json_reader *r, struct bytes *raw, bool *escaped);

/* Writes the content of a checked string to `out`, which has room for raw.len; returns the length.
 */
size_t json_unescape(struct bytes raw, uint8_t *out);

/* A number's text. At most JSON_NUMBER_MAX bytes (json_number.h). */
bool json_read_number(struct json_reader *r, struct bytes *text);

/* "true", "false" or "null". */
bool json_read_literal(struct json_reader *r, const char *literal);

/* Any value, with everything in it checked; arrays and objects nest at most `depth` deep. */
bool json_skip_value(struct json_reader *r, unsigned depth);

/* Sets the error and returns false. */
bool json_read_fail(struct json_reader *r, const uint8_t *at, const char *error);

/* Where `at` lies, both from 1; the column counts bytes. */
void json_position(const struct json_reader *r, const uint8_t *at, size_t *line, size_t *column);

#endif
