/* What senders chose, and a command shows: none of it may tell a terminal what to do, nor look like
 * what it is not. */
#ifndef TAILSPAN_COLLECTOR_TERMINAL_TEXT_H
#define TAILSPAN_COLLECTOR_TERMINAL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Length of the character at the start of `s`, when it may be shown as it is; 0 when it is none of
 * UTF-8, a control character, or one that is not seen itself and changes how others are shown.
 * `len` >= 1. */
size_t terminal_character(const uint8_t *s, size_t len);

#endif
