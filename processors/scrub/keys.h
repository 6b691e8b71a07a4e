/* What a name says of its value: that nobody may see it, or as what it is to be read.
 *
 * Names are those of attributes, of pairs within maps, of URL parameters, and of what stands before
 * = or : in a message. They are taken apart into words, however these are joined (snake_case,
 * camelCase, kebab-case, dots), so that `author` is no `auth` and `max_tokens` no token. */
#ifndef TAILSPAN_PROCESSORS_SCRUB_KEYS_H
#define TAILSPAN_PROCESSORS_SCRUB_KEYS_H

#include "proto/bytes.h"

enum key_trait {
    KEY_SENSITIVE = 1 << 0,     /* a credential, whatever it looks like */
    KEY_COOKIE = 1 << 1,        /* a Cookie or Set-Cookie header */
    KEY_SESSION = 1 << 2,       /* a cookie that is a session */
    KEY_AUTHORIZATION = 1 << 3, /* a scheme and credentials */
    KEY_AWS_SECRET = 1 << 4,    /* 40 bytes of base64 would be an AWS secret key */
    KEY_PARAMETER = 1 << 5,     /* a credential as parameter of a URL, harmless elsewhere */
    KEY_MAYBE = 1 << 6,         /* so, where the value looks random: code, key */
    KEY_PHONE = 1 << 7,
    KEY_SSN = 1 << 8,
    KEY_CARD = 1 << 9,
    KEY_MAC = 1 << 10,
    KEY_NUMBER = 1 << 11,         /* an identifier, a time or a count: its digits are no card */
    KEY_VERSION = 1 << 12,        /* four numbers are no address */
    KEY_USER_AGENT = 1 << 13,     /* products with versions */
    KEY_DATABASE = 1 << 14,       /* text of a query or command */
    KEY_QUERY = 1 << 15,          /* begins with a parameter, without ? */
    KEY_CODE = 1 << 16,           /* names and lines of a program */
    KEY_NATIONAL = 1 << 17,       /* a number that a state gave to a person */
    KEY_ORDER = 1 << 18,          /* of orders, invoices, parcels */
    KEY_DATABASE_VALUE = 1 << 19, /* a literal of a query, handed over beside it */
    KEY_LIKELY = 1 << 20,         /* a credential, where the value looks like one: auth */
    KEY_ABOUT = 1 << 21,          /* within a secret: type, name, expiry, what is no secret of it */
    /* what tells a number that would be none by itself */
    KEY_NAMED_NUMBER = KEY_PHONE | KEY_SSN | KEY_CARD | KEY_MAC,
};

/* Enum key_trait, or'ed. Any thread; remembers what this thread asked lately. */
unsigned key_traits(struct bytes key);

/* A cheap answer for names before = and :, from their last two bytes. False: no trait that could
 * make a secret of the value. Needs keys_prepare(), which any thread may call at any time. */
bool key_may_matter(uint8_t before_last, uint8_t last);
void keys_prepare(void);

#endif
