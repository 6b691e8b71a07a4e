/* Writing JSON as it comes, without a tree: replies, log lines, exported spans.
 *
 * Calls follow the document's order; commas, quoting and indentation are the writer's. The output
 * is always valid JSON: invalid UTF-8 becomes U+FFFD, control characters are escaped, doubles that
 * JSON cannot say become strings ("NaN", "Infinity"). Nesting is at most JSON_MAX_DEPTH deep
 * (asserted); a message nested as deep as a batch may be (100) takes up to twice as many levels, an
 * array and an object each. */
#ifndef TAILSPAN_PROTO_JSON_WRITER_H
#define TAILSPAN_PROTO_JSON_WRITER_H

#include "proto/buffer.h"

#define JSON_MAX_DEPTH 255

struct json_writer {
    struct buffer *out;
    uint8_t depth;
    bool indent;
    bool after_key;
    bool filled[JSON_MAX_DEPTH + 1]; /* whether the level has an element already */
};

void json_begin(struct json_writer *w, struct buffer *out, bool indent);

void json_object_begin(struct json_writer *w);
void json_object_end(struct json_writer *w);
void json_array_begin(struct json_writer *w);
void json_array_end(struct json_writer *w);

void json_key(struct json_writer *w, const char *key);
void json_key_bytes(struct json_writer *w, struct bytes key);

void json_text(struct json_writer *w, const char *s);
void json_bytes(struct json_writer *w, struct bytes s); /* as a string */
void json_hex(struct json_writer *w, struct bytes s);
void json_base64(struct json_writer *w, struct bytes s);
void json_int(struct json_writer *w, int64_t n);
void json_uint(struct json_writer *w, uint64_t n);
void json_int_string(struct json_writer *w, int64_t n); /* "123" */
void json_uint_string(struct json_writer *w, uint64_t n);
void json_double(struct json_writer *w, double d);
void json_number(struct json_writer *w, struct bytes text); /* which is one already */
void json_bool(struct json_writer *w, bool b);
void json_nil(struct json_writer *w);

#endif
