/* An error on its way to a person: one line of text that says what to do. */
#ifndef TAILSPAN_COMPONENT_ERROR_H
#define TAILSPAN_COMPONENT_ERROR_H

#include <stdbool.h>

struct error {
    char text[1024];
};

/* Writes the text and returns false, so that a function can `return error_set(e, …)`. */
bool error_set(struct error *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts "WHERE: " before the text and returns false: the key that the error is about. */
bool error_at(struct error *e, const char *where);

#endif
