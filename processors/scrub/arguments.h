/* The arguments of a command, one after the other, and which of them are secrets: by what an option
 * is called (--password), by whose it is (-p of sshpass, but not of ssh). For command lines in a
 * text and for lists of arguments alike. */
#ifndef TAILSPAN_PROCESSORS_SCRUB_ARGUMENTS_H
#define TAILSPAN_PROCESSORS_SCRUB_ARGUMENTS_H

#include "processors/scrub/detect.h"

struct program;

enum argument_kind {
    ARGUMENT_PLAIN,
    ARGUMENT_SECRET,
    ARGUMENT_LOGIN,   /* user:password */
    ARGUMENT_COOKIES, /* name=value; …, or a file */
    ARGUMENT_SOURCE,  /* pass:password, or where it is read from, as OpenSSL has it */
};

struct arguments {
    const struct program *program; /* whose they are; NULL: nobody's that is known */
    bool login;                    /* its `login` was called */
    enum argument_kind next;       /* what the next one is, by the option before it */
};

/* Takes the next one of a list. What it is, and from which byte on; a plain one may still hold
 * anything. */
enum argument_kind arguments_take(struct arguments *a, struct bytes argument, size_t *from);

/* A word that is no option: the name of a program, with its path or not, or its `login`. */
void arguments_note(struct arguments *a, struct bytes word);

/* What the argument of `option` is, with its dashes. *attached: where in it its argument begins;
 * 0: it is the next one. */
enum argument_kind option_argument(const struct arguments *a, struct bytes option,
                                   size_t *attached);

/* Whether `text` is what its kind says that it is; *from is moved to where the secret begins. */
bool argument_is(enum argument_kind kind, struct bytes text, size_t *from);

enum scrub_class argument_class(enum argument_kind kind);

#endif
