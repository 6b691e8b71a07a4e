/* Finds personal data and secrets in one value: what is where, nothing about what becomes of it.
 *
 * Detectors are anchored and validated: one cheap pass over the bytes finds triggers (`@`, runs of
 * digits, `eyJ`, `AKIA`, `://` …), a validator decides. Where a value has a grammar of its own
 * (URL, SQL, Redis and Mongo commands), it is read by that grammar instead of guessed at. Time is
 * linear in the length of the value, whatever it holds.
 *
 * A detector set is made once from the classes that are wanted, is immutable, and serves all
 * threads at once. */
#ifndef TAILSPAN_PROCESSORS_SCRUB_DETECT_H
#define TAILSPAN_PROCESSORS_SCRUB_DETECT_H

#include "proto/bytes.h"
#include "proto/rewrite.h"

#include <stdint.h>

/* The classes, each with the name that configurations, counters and replacements use. The list is
 * in classes.c; X(NAME, "name", …). */
enum scrub_class {
    SCRUB_EMAIL,
    SCRUB_PAYMENT_CARD,
    SCRUB_IBAN,
    SCRUB_US_SSN,
    SCRUB_PHONE,
    SCRUB_IPV4,
    SCRUB_IPV6,
    SCRUB_MAC,
    SCRUB_JWT,
    SCRUB_BEARER,          /* Authorization: Bearer …, Basic …, Digest … credentials */
    SCRUB_URL_CREDENTIALS, /* user info, and signatures and tokens in a query or fragment */
    SCRUB_AWS_KEY_ID,
    SCRUB_AWS_SECRET_KEY,
    SCRUB_GITHUB_TOKEN,
    SCRUB_GITLAB_TOKEN,
    SCRUB_SLACK_TOKEN,
    SCRUB_STRIPE_KEY,
    SCRUB_GOOGLE_KEY,
    SCRUB_SENDGRID_KEY,
    SCRUB_NPM_TOKEN,
    SCRUB_PYPI_TOKEN,
    SCRUB_OPENAI_KEY,
    SCRUB_ANTHROPIC_KEY,
    SCRUB_PRIVATE_KEY, /* PEM */
    SCRUB_COOKIE,
    SCRUB_SENSITIVE_KEY, /* the value of an attribute whose key says password, secret, token … */
    SCRUB_SQL_LITERAL,
    SCRUB_COMMAND_ARGUMENT, /* Redis, Memcached, Mongo */
    SCRUB_CPF,
    SCRUB_AADHAAR,
    SCRUB_PESEL,
    SCRUB_DNI,
    SCRUB_NHS,
    SCRUB_CLASSES,
};

const char *scrub_class_name(enum scrub_class class);              /* "payment_card" */
bool scrub_class_parse(const char *name, enum scrub_class *class); /* false: unknown */

enum scrub_profile {
    PROFILE_SECRETS, /* credentials, keys, cookies, sensitive key names, URL credentials, SQL and
                        command literals */
    PROFILE_PII,     /* email, card, IBAN, SSN, phone, public IP addresses, MAC */
    PROFILE_STRICT,  /* both, and private addresses, national phone numbers without context … */
    SCRUB_PROFILES,
};

/* Whether the class is on in this profile. National ids are in none: they are asked for by name. */
bool scrub_profile_has(enum scrub_profile profile, enum scrub_class class);

struct detector_options {
    bool classes[SCRUB_CLASSES];
    bool strict;
    /* URL query keys whose values are replaced, instead of the built-in list; NULL: built in. */
    const char *const *url_keys;
    size_t url_key_count;
};

struct detector;
struct detector *detector_create(const struct detector_options *o); /* NULL: out of memory */
void detector_destroy(struct detector *d);

/* Where the value stands: what detectors take as context. */
struct detect_context {
    enum rewrite_place place;
    struct bytes key; /* as in struct rewrite_item */
    struct bytes top_key;
    struct bytes db_system; /* value of db.system(.name) of the same span; empty: unknown */
};

struct finding {
    uint32_t start; /* within the value */
    uint32_t len;
    enum scrub_class class;
};

enum { FINDINGS_MAX = 64 };

enum detect_result {
    DETECT_OK,    /* `count` findings, by ascending start, not overlapping */
    DETECT_WHOLE, /* more than FINDINGS_MAX, or unparsable where that is dangerous: the whole value
                     goes; findings[0].class says as what */
};

/* What a finding spans: of a pair the value without quotes, of credentials all but their scheme, of
 * a URL's user info user:password in one, of SQL the literal with its quotes and what belongs to
 * them (N'x'), of JSON the string within them. What has a form of its own is told as that (a GitHub
 * token behind `password=`). The key is looked at, too: under `password` the whole value is a
 * finding. */
enum detect_result detector_find(const struct detector *d, const struct detect_context *where,
                                 struct bytes value, struct finding findings[FINDINGS_MAX],
                                 size_t *count);

/* What can be found under a key that says nothing has as many bytes: a@b.io; ::1 is nobody's. */
enum { DETECT_SHORTEST = 6 };

/* Whether a first look is enough to tell that there is nothing in a value under a key that says
 * nothing of it, as of most values. `before`: as many bytes that stand right before the value can
 * be read as well, and are not looked at; short values are read faster with some. `numbers`: digits
 * may be somebody's, and not versions. */
bool detector_glance(const struct detector *d, struct bytes value, size_t before, bool numbers);

/* Whether it is one for AVX-512; so it is where the machine has it. */
bool detector_is_wide(const struct detector *d);

bool detector_has(const struct detector *d, enum scrub_class class);

/* Whether the key alone says that nobody may see the value (password, secret, cookie, authorization
 * …), be it a number or a map. */
bool detector_key_is_sensitive(const struct detector *d, struct bytes key);

/* The stable form of what was found, so that one person's address hashes alike however it was
 * written: emails trimmed, decoded and in lower case, digits without separators, literals without
 * quotes … Appends to `out`. */
struct buffer;
void scrub_normalise(enum scrub_class class, struct bytes found, struct buffer *out);

#endif
