/* Whether a host is this one by its name: what proxies of the environment are not for, as in the
 * Collector. C core and libcurl would send even 127.0.0.1 through http_proxy. */
#ifndef TAILSPAN_EXPORTERS_LOOPBACK_H
#define TAILSPAN_EXPORTERS_LOOPBACK_H

#include <stdbool.h>
#include <string.h>
#include <strings.h>

/* `host` is a name or an address, IPv6 with or without brackets. */
static inline bool is_loopback(const char *host)
{
    return strcasecmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 ||
           strcmp(host, "::1") == 0 || strcmp(host, "[::1]") == 0;
}

#endif
