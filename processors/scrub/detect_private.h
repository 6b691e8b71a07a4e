/* What the detectors share: the detector set, and the state of one look at one value.
 *
 * A value is looked at once, from left to right. detect_scan.c stops at the bytes that could mean
 * something (triggers) and calls the family that knows; a family reports with scan_add() and may
 * look back, never before `floor`, and ahead, never past `end`. So findings are in order and do not
 * overlap by construction, and what one family took no other sees again.
 *
 * Linear time is a rule for each family: look back a bounded way or only over bytes that no other
 * trigger looks back over, look ahead a bounded way or move `next` past what was read. `steps`
 * counts the bytes looked at, for the tests that hold them to it. */
#ifndef TAILSPAN_PROCESSORS_SCRUB_DETECT_PRIVATE_H
#define TAILSPAN_PROCESSORS_SCRUB_DETECT_PRIVATE_H

#include "processors/scrub/arguments.h"
#include "processors/scrub/detect.h"
#include "processors/scrub/keys.h"

/* detector_glance() by what a machine can do; what they say of a value is the same. */
typedef bool glance_function(const struct detector *d, struct bytes value, size_t before,
                             bool numbers);
glance_function glance_narrow;
glance_function glance_wide; /* with HAVE_WIDE_VECTORS, where wide_vectors() */

struct detector {
    bool wide; /* wide_vectors(), when it was made */
    glance_function *glance;
    bool on[SCRUB_CLASSES];
    bool strict;
    bool numbers;  /* any class that begins with a digit, or capitals and digits */
    bool national; /* any of the national numbers */
    char **url_keys;
    size_t url_key_count;
};

struct scan {
    const struct detector *d;
    const uint8_t *s;                /* the value, from its first byte */
    uint32_t end;                    /* nothing is looked at from here on */
    uint32_t floor;                  /* nothing is reported that begins before this */
    uint32_t next;                   /* triggers before this are over */
    uint32_t run_end;                /* long words before this have been looked at */
    uint32_t token_start, token_end; /* a word of token bytes whose end is known */
    uint32_t port;                   /* a colon before a port or row's number; 0: none */
    uint32_t version_end;            /* of the last number, when it was a version; or 0 */
    uint32_t secret_end;             /* an object under a sensitive name goes as far */
    unsigned secret_traits;          /* of that name */
    unsigned traits;                 /* of the key and the top key */
    bool numbers;                    /* digits are looked at */

    struct arguments arguments; /* of the command that the text has named last */
    uint32_t words_read;        /* names before this have been looked at */

    struct finding *findings;
    size_t count;
    bool overflow; /* more than FINDINGS_MAX */
    enum scrub_class overflow_class;

    uint64_t steps;
};

/* Reports [start, end), which becomes the new floor. Empty ones and those of classes that are off
 * are passed over. */
void scan_add(struct scan *s, uint32_t start, uint32_t end, enum scrub_class class);

/* All triggers within [from, to). */
void scan_range(struct scan *s, uint32_t from, uint32_t to);

/* Bytes looked at by this thread since it was last asked; for tests. */
uint64_t detect_steps_taken(void);

static inline bool byte_is_digit(uint8_t c)
{
    return (uint8_t)(c - '0') <= 9;
}

static inline bool byte_is_upper(uint8_t c)
{
    return (uint8_t)(c - 'A') <= 25;
}

static inline bool byte_is_letter(uint8_t c)
{
    return (uint8_t)((c | 0x20) - 'a') <= 25;
}

static inline bool byte_is_alnum(uint8_t c)
{
    return byte_is_digit(c) || byte_is_letter(c);
}

static inline bool byte_is_hex(uint8_t c)
{
    return byte_is_digit(c) || (uint8_t)((c | 0x20) - 'a') <= 5;
}

static inline bool byte_is_space(uint8_t c)
{
    return c == ' ' || (uint8_t)(c - '\t') <= 4;
}

static inline uint8_t byte_lower(uint8_t c)
{
    return byte_is_upper(c) ? c | 0x20 : c;
}

static inline unsigned byte_hex_value(uint8_t c)
{
    return byte_is_digit(c) ? c - '0' + 0u : (c | 0x20) - 'a' + 10u;
}

/* Whether the text is the word, whatever their case. Most are told apart by their first byte. */
static inline bool bytes_are(const uint8_t *text, size_t len, const char *word)
{
    for (size_t i = 0; i < len; i++) {
        if (!word[i] || byte_lower(text[i]) != byte_lower((uint8_t)word[i]))
            return false;
    }
    return !word[len];
}

enum { UUID_LEN = 36 };

/* Whether what stands at `at` has the form of a UUID. */
static inline bool has_uuid(const struct scan *s, uint32_t at)
{
    const uint8_t *t = s->s + at;
    if (s->end - at < UUID_LEN || t[8] != '-' || t[13] != '-' || t[18] != '-' || t[23] != '-')
        return false;
    for (unsigned i = 0; i < 8; i++) {
        if (!byte_is_hex(t[i]))
            return false;
    }
    return true;
}

/* What base64url and most issuers' tokens are made of. */
static inline bool byte_is_token(uint8_t c)
{
    return byte_is_alnum(c) || c == '-' || c == '_';
}

/* Whether `text` (lower case) stands at `at`, whatever its case there. */
bool scan_has(const struct scan *s, uint32_t at, const char *text);
/* The same, case and all. */
bool scan_has_exactly(const struct scan *s, uint32_t at, const char *text);

/* The length of the escape that ends before `at`, and the byte that it stands for (0x80 for any
 * that is not ASCII); 0: there is none. */
uint32_t escape_before(const struct scan *s, uint32_t at, uint8_t *byte);
/* The length of the escape that begins at `at`, a % or backslash; 0: it is none. */
uint32_t escape_at(const struct scan *s, uint32_t at);
/* Where the colour ends whose first digit is at `at`; 0: it is none. */
uint32_t colour_at(const struct scan *s, uint32_t at);

/* The byte before `at`, or that which an escape there stands for; a blank before the first. */
static inline uint8_t scan_before(const struct scan *s, uint32_t at)
{
    uint8_t byte, before = at ? s->s[at - 1] : ' ';
    return byte_is_alnum(before) && escape_before(s, at, &byte) ? byte : before;
}

/* Whether a word (letter, digit, byte of another script) reaches into `at` from the left. */
static inline bool scan_in_word(const struct scan *s, uint32_t at)
{
    uint8_t before = scan_before(s, at);
    return byte_is_alnum(before) || before >= 0x80;
}

enum { MAC_LEN = 17 }; /* at least, with two digits a pair */

/* The families. Each is called with the place of its trigger. */
void email_at(struct scan *s, uint32_t at, uint32_t sign_len); /* `@`, `%40`, `%2540`, `\u0040` */
void phone_at(struct scan *s, uint32_t at, uint32_t plus_len); /* `+`, `%2B` */
void track_at(struct scan *s, uint32_t at);                    /* `%` of %B4111…^DOE/JOHN^ */
void number_at(struct scan *s, uint32_t at);                   /* a digit that begins a word */
void letter_at(struct scan *s, uint32_t at);                   /* AA00 of an IBAN, X0 of an NIE */
bool address_v4_at(struct scan *s, uint32_t at);               /* a digit */
bool is_version(const struct scan *s, uint32_t at, uint32_t end); /* four numbers, no address */
void address_colon_at(struct scan *s, uint32_t at); /* the first colon of an IPv6 or MAC, or %3A */
uint32_t colon_length(const struct scan *s, uint32_t at);     /* 0: none there */
void mac_at(struct scan *s, uint32_t at);                     /* its first byte */
bool short_mac_at(struct scan *s, uint32_t at, uint32_t end); /* a row with five colons */
void dotted_mac_at(struct scan *s, uint32_t dot);             /* the first dot of a45e.60c1.2b3d */
void token_run_at(struct scan *s, uint32_t at);               /* a word of 16 bytes and more */
void aws_secret_behind(struct scan *s, uint32_t at);          /* the end of an id of AWS's */
void aws_secret_around(struct scan *s, uint32_t at); /* a long word that may be a part of one */
void pem_at(struct scan *s, uint32_t at);            /* `--` */
void option_at(struct scan *s, uint32_t at);         /* `--password …`, `-p…` */
void bearer_at(struct scan *s, uint32_t at, uint32_t blank_len); /* behind Bearer, Basic */
bool listed_value_at(struct scan *s, uint32_t at);               /* a quote: ["api-key", "…"] */
void pair_at(struct scan *s, uint32_t at, uint32_t sign_len);    /* `=`, `:`, `%3D`, `%3A`, `：` */
bool is_statement(struct scan *s);                  /* all of the value, in which literals may be */
void statement_at(struct scan *s, uint32_t at);     /* the colon of `SQL: SELECT …` */
void quote_in_text_at(struct scan *s, uint32_t at); /* a quote behind a word */
void row_at(struct scan *s, uint32_t at);           /* the sign of `Key (a)=(b)` */
void element_at(struct scan *s, uint32_t at);       /* `<` of XML */
void escaped_element_at(struct scan *s, uint32_t at);        /* `&lt;` */
void url_at(struct scan *s, uint32_t at, uint32_t sign_len); /* the colon of `://`, `:\/\/` */
void encoded_url_at(struct scan *s, uint32_t at, uint32_t colon_len); /* of `%3A%2F%2F` */

/* The value of a pair whose name says that it is a phone number, an SSN, …: written in ways that
 * would not be looked at elsewhere. */
void named_number(struct scan *s, unsigned traits, uint32_t start, uint32_t end);
/* The same of the whole value, which may be a list of JSON. */
void named_value(struct scan *s);
/* The same of what stands in the quote at `at`, behind a name and a blank. False: nothing. */
bool quoted_number_at(struct scan *s, uint32_t at);

/* The token (of whichever class that is on) that begins at `start`: its end and class. False: none.
 * Used where something is known to be a secret, to give it its more telling name. */
bool token_at(struct scan *s, uint32_t start, uint32_t *end, enum scrub_class *class);
void tokens_prepare(void); /* once before; any thread, any number of times */
bool jwt_at(struct scan *s, uint32_t start, uint32_t *end);

/* Reports a credential as the class that its own form says, else as `class`. */
void secret_add(struct scan *s, uint32_t start, uint32_t end, enum scrub_class class,
                unsigned traits);
/* Whether the text is one of the words, whatever its case; the last of these is NULL. */
bool is_word_of(const uint8_t *text, uint32_t len, const char *const *words);
/* Nobody's secret: ***, [REDACTED], ${VAR}, null, ? … */
bool is_placeholder(const uint8_t *text, uint32_t len);
/* The same, of a value that is known to be somebody's: a word that may be a password is
 * none. */
bool is_hidden(const uint8_t *text, uint32_t len);
/* Whether user:password has a password that is no placeholder. */
bool has_password(const uint8_t *login, uint32_t len);
/* Whether it is where something is: a working directory under PWD, /etc/ssl/key.pem. */
bool is_place(struct bytes name, struct bytes text);
/* Whether the text looks made by a machine, and not written. */
bool is_likely_secret(const uint8_t *text, uint32_t len);

/* The value of an Authorization header: everything but the scheme. */
void authorization_value(struct scan *s, uint32_t start, uint32_t end);

/* Texts with a grammar of their own. They report all literals of the value, and have the rest
 * scanned. */
enum sql_dialect {
    SQL_UNKNOWN,
    SQL_STANDARD, /* "x" is a name, \ is nothing special */
    SQL_BRACKETS, /* the standard, and [x] is a name */
    SQL_POSTGRESQL,
    SQL_MYSQL, /* "x" is text, \ escapes, # comments */
};

void sql_find(struct scan *s, enum sql_dialect dialect);
/* A statement of nobody knows which dialect that is a part of the value. */
void sql_range(struct scan *s, uint32_t start, uint32_t end);

/* JSON, and what Mongo's shell makes of it. */
void json_find(struct scan *s);

/* Lines of commands. */
void redis_find(struct scan *s);
bool redis_knows(const uint8_t *name, uint32_t len); /* whether it is a command */

/* The first byte from `at` on that is no blank. */
uint32_t behind_blanks(const struct scan *s, uint32_t at);

/* What stays of a text is text like any: a key may be somebody's address. */
void scan_kept(struct scan *s, uint32_t start, uint32_t end);

/* Reads the text as what the system's name says, or what it looks like. */
void database_find(struct scan *s, struct bytes system);

#endif
