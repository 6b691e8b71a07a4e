/* Patterns over attribute names, as the Collector's dimensions have them: * within a part between
 * dots, ** across them, ? one character but a dot, [abc] [a-z] [!abc], {this,that}, \ before a
 * character that means itself. */
#ifndef TAILSPAN_METRICS_GLOB_H
#define TAILSPAN_METRICS_GLOB_H

#include "proto/bytes.h"

/* Why a pattern is none; NULL when it is one. */
const char *glob_check(const char *pattern);

/* `pattern` was checked. Never true of a text that takes more than some thousand steps to tell. */
bool glob_match(const char *pattern, struct bytes text);

#endif
