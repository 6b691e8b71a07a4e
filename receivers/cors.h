/* Cross-origin requests, for SDKs in browsers: which origins and headers are allowed.
 *
 * Off without allowed origins. A pattern is an origin, "*", or an origin with one "*" in it that
 * stands for any run of characters; case does not matter. Source: the Fetch standard's CORS
 * protocol; the keys and their meaning are the Collector's confighttp. */
#ifndef TAILSPAN_RECEIVERS_CORS_H
#define TAILSPAN_RECEIVERS_CORS_H

#include "component/config.h"

#include <stdbool.h>

/* Whether one of the patterns allows this origin. */
bool cors_origin_allowed(const struct config_strings *patterns, const char *origin);

/* Whether every header of a preflight's comma-separated list may be sent: those that OTLP needs
 * (Accept, Content-Type, Content-Encoding, X-Requested-With) and the configured ones; "*" is any.
 */
bool cors_headers_allowed(const struct config_strings *allowed, const char *list);

#endif
