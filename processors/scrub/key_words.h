/* The words that names are made of, each with what it means. */
#ifndef TAILSPAN_PROCESSORS_SCRUB_KEY_WORDS_H
#define TAILSPAN_PROCESSORS_SCRUB_KEY_WORDS_H

#include <stddef.h>

/* What a word is, for the rules of keys.c. */
enum word_kind {
    SECRET = 1 << 0,   /* says it alone */
    TOKEN = 1 << 1,    /* says it as the last word */
    KEY = 1 << 2,      /* behind an OF_KEY */
    OF_KEY = 1 << 3,   /* api, private, … key */
    CODE = 1 << 4,     /* behind an OF_CODE */
    OF_CODE = 1 << 5,  /* verification, sms, … code */
    ABOUT = 1 << 6,    /* behind a secret: it is about it, and not it */
    COUNTED = 1 << 7,  /* before a token: a number, or a place in a list */
    QUESTION = 1 << 8, /* before anything: has_password is a boolean */
    ID = 1 << 9,       /* id, and what else ends the name of an identifier */
    SESSION = 1 << 10, /* behind it, id makes a session id */
    COOKIE = 1 << 11,
    SESSION_ID = 1 << 12, /* a session cookie's name */
    PHONE = 1 << 13,
    SSN = 1 << 14,
    CARD = 1 << 15,
    VERSION = 1 << 16,
    NUMBER = 1 << 17, /* order, offset, time: digits of their own */
    PASS = 1 << 18,   /* pass, pw, pin: alone, or behind whose it is */
    OWNER = 1 << 19,  /* db, user, … pass */
    AUTH = 1 << 20,   /* authorization */
    AWS = 1 << 21,
    MAC = 1 << 22,
    URL_ONLY = 1 << 23, /* sig, signature, ticket, … */
    MAYBE = 1 << 24,
    PROGRAM = 1 << 25,
    TAIL = 1 << 26, /* may stand behind a secret, which stays one */
    NATIONAL = 1 << 27,
    ORDER = 1 << 28,     /* numbers in groups like those of people */
    DESCRIBES = 1 << 29, /* within a secret: what is told of it; behind one, nothing */
    MATTERS = SECRET | TOKEN | KEY | CODE | ID | COOKIE | SESSION_ID | PHONE | SSN | CARD | PASS |
              AUTH | MAC | URL_ONLY | MAYBE,
};

struct word {
    const char *text;
    unsigned kind;
};

extern const struct word key_words[]; /* sorted by strcmp */
extern const size_t key_word_count;

#endif
