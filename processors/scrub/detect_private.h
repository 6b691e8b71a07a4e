/* What detectors share: a value being looked through, and bytes by kind.
 *
 * A detector is called at a trigger, a byte that what it looks for must have, with the position of
 * that byte. It looks to both sides as far as a thing of its class may reach, so the whole stays
 * linear, and notes what it finds. Findings come in order of their ends; each begins at or behind
 * the end of the one before. */
#ifndef TAILSPAN_PROCESSORS_SCRUB_DETECT_PRIVATE_H
#define TAILSPAN_PROCESSORS_SCRUB_DETECT_PRIVATE_H

#include "processors/scrub/detect.h"

struct detector {
    bool on[SCRUB_CLASSES];
    bool strict;
    bool numbers; /* a class that begins with digits is on */
    const char *const *url_keys;
    size_t url_key_count;
    uint8_t triggers[256]; /* enum trigger */
};

enum trigger {
    NO_TRIGGER,
    AT_AT,      /* @ */
    AT_PERCENT, /* %40 */
    AT_COLON,
    AT_EQUALS,
    AT_UNDERSCORE,
    AT_DASH,
    AT_DOT,
    AT_PLUS,
    AT_SPACE,
    AT_CAPITAL, /* J, K, S, B, C, I, 3: the second or third byte of a key */
    AT_DIGIT,
    AT_LETTER, /* for what begins with two letters and digits: IBANs */
};

struct scan {
    const struct detector *detector;
    const struct detect_context *where;
    const uint8_t *text;
    size_t len;
    size_t done; /* behind the last finding: nothing before it is looked at */
    struct finding *findings;
    size_t count;
    bool full;
    bool versions;      /* the key says that numbers are versions, or the text is of a user agent */
    bool phones;        /* the key says that it is a phone number */
    bool target;        /* the value is a path with a query, or a query */
    size_t digits_done; /* behind the run of digits that was looked at */
};

/* Notes [begin, end). Returns where to go on, or 0 when it overlaps what was found, or its class is
 * off. */
size_t scan_found(struct scan *s, size_t begin, size_t end, enum scrub_class class);

static inline bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static inline bool is_letter(uint8_t c)
{
    return (uint8_t)((c | 0x20) - 'a') < 26;
}

static inline bool is_alnum(uint8_t c)
{
    return is_digit(c) || is_letter(c);
}

static inline bool is_hex(uint8_t c)
{
    return is_digit(c) || (uint8_t)((c | 0x20) - 'a') < 6;
}

/* Of base64url, which most tokens are. */
static inline bool is_token(uint8_t c)
{
    return is_alnum(c) || c == '_' || c == '-';
}

static inline bool has_at(const struct scan *s, size_t at, const char *text)
{
    size_t len = strlen(text);
    return at + len <= s->len && memcmp(s->text + at, text, len) == 0;
}

/* The byte there, 0 outside. */
static inline uint8_t byte_at(const struct scan *s, size_t at)
{
    return at < s->len ? s->text[at] : 0;
}

/* Whether a word begins there. */
static inline bool begins_at(const struct scan *s, size_t at)
{
    return at == 0 || !is_alnum(s->text[at - 1]);
}

/* Each returns where to go on behind what it found; 0: nothing. */
size_t find_email(struct scan *s, size_t at);       /* at @ or %40 */
size_t find_ipv6_or_mac(struct scan *s, size_t at); /* at : or - */
size_t find_number(struct scan *s, size_t at);      /* at the first digit of a run */
size_t find_phone(struct scan *s, size_t at);       /* at + */
size_t find_iban(struct scan *s, size_t at);        /* at its third byte, a digit */
size_t find_prefixed(struct scan *s, size_t at);    /* at _ - . or a capital */
size_t find_credentials(struct scan *s, size_t at); /* at a space behind Bearer, Basic, Digest */
size_t find_assignment(struct scan *s, size_t at);  /* at = or : behind a sensitive name */
size_t find_url(struct scan *s, size_t at);         /* at the : of :// */

/* Grammar of the whole value. */
void find_sql(struct scan *s, bool mysql, bool backslashes);
void find_command(struct scan *s, struct bytes system);

/* Validators. */
bool luhn_fits(const uint8_t *digits, size_t count);
bool iban_fits(const uint8_t *text, size_t len);

enum key_kind {
    KEY_PLAIN,
    KEY_SENSITIVE,
    KEY_COOKIE,
};

/* What a key says of its value. */
struct key_traits {
    uint8_t kind; /* enum key_kind */
    bool query;   /* text of a query or command of a database */
    bool version; /* numbers in it are versions */
    bool phone;
    bool target; /* a path with a query, or a query alone: `key=value` in it are parameters */
};

/* Remembered by thread: there are few keys, and many values. */
struct key_traits key_traits(struct bytes key);

#endif
