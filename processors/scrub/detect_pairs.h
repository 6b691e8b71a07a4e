/* What the files on pairs share: a pair as it is read, its name backwards from the sign and its
 * value onwards. */
#ifndef TAILSPAN_PROCESSORS_SCRUB_DETECT_PAIRS_H
#define TAILSPAN_PROCESSORS_SCRUB_DETECT_PAIRS_H

#include "processors/scrub/detect_private.h"

enum {
    NAME_MAX = 64,
    ALIGNED_MAX = 24, /* blanks around a sign, as lists are lined up */
};

struct name {
    uint32_t start, end;
    bool quoted;
    bool blank; /* there is one between the name and the sign */
};

struct pair {
    struct name name;
    unsigned traits;
    uint32_t value; /* where the value begins, quotes left out */
    uint32_t end;   /* where it ends */
    bool quoted;
    bool colon;
    bool parameter;
    bool inherits; /* it is a secret because it stands within one */
};

static inline bool is_name(uint8_t c)
{
    return byte_is_token(c) || c == '.' || c >= 0x80;
}

/* ---- detect_names.c ---- */

/* The name before the sign at `at`. False: none that could matter. */
bool read_name(struct scan *s, uint32_t at, struct name *n);
/* "api key: x": the word before makes the name. */
void take_word_before(const struct scan *s, struct name *n);
/* Whether it is `value`, of which another pair may tell the name, as {"name":"DB_PASSWORD"} does;
 * it is looked for before this pair, and behind its value. */
bool is_told(const struct scan *s, const struct name *n);
bool take_name_told_before(struct scan *s, struct name *n);
bool take_name_told_after(struct scan *s, uint32_t from, struct name *n);
/* Of pydantic's `input_value`: the name of the field is the line before. False: there is none. */
bool take_name_of_line(struct scan *s, struct name *n);
/* Whether the name that begins at `start` is that of a URL's parameter. */
bool is_parameter(const struct scan *s, uint32_t start);
/* Whether the parameter's value is a credential. */
bool is_url_secret(const struct scan *s, uint32_t start, uint32_t end, unsigned traits,
                   const uint8_t *value, uint32_t len);
/* The length of a quote, in whatever encoding, that ends or begins at `at`; 0: there is none. */
uint32_t quote_before(const struct scan *s, uint32_t at);
uint32_t quote_at(const struct scan *s, uint32_t at);

/* ---- detect_values.c ---- */

/* Where the value behind the sign begins and ends. */
void read_value(struct scan *s, uint32_t at, struct pair *p);
/* Whether it is a sentence's next word instead. */
bool is_sentence(const struct scan *s, const struct pair *p);
/* Whether name= or name: begins at `at`. */
bool begins_pair(const struct scan *s, uint32_t at);
/* The end of what stands at `at`, behind the quote of `quote_len` bytes at `quote`. */
uint32_t quoted_end(const struct scan *s, uint32_t at, uint32_t quote, uint32_t quote_len);
/* Of a bare value that begins at `at`. */
uint32_t bare_end(const struct scan *s, uint32_t at);
/* Whether the text is nobody's secret: a placeholder, a message, a path, an expression. */
bool is_nobodys(const struct scan *s, uint32_t start, uint32_t end, bool quoted);

/* ---- detect_headers.c ---- */

/* The value of a header in a text: Authorization, cookies. */
void header_value(struct scan *s, const struct pair *p);

/* ---- detect_nested.c ---- */

/* Where the string begins that a prefix or a constructor stands before; else `at`. */
uint32_t behind_prefix(const struct scan *s, uint32_t at);
/* Reads a value that stands on lines of its own. */
bool read_indented(struct scan *s, uint32_t at, struct pair *p);
/* Reports the strings of a list, and has the pairs of an object looked at. False: neither begins.
 */
bool enter_nested(struct scan *s, uint32_t at, const struct pair *p);

/* ---- detect_listed.c ---- */

enum { VALUE_MAX = 4096 }; /* bytes of a quoted value that a text holds */

/* Where the word begins that ends at `end`. */
uint32_t word_start(const struct scan *s, uint32_t end);
/* Made by a machine, or to be no word: "invalid token 'x'" names what it means as well. */
bool is_told_secret(const uint8_t *text, uint32_t len);

#endif
