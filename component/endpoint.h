/* Endpoints: "host:port" as the Collector writes them.
 *
 * Host may be a name, an IPv4 address, an IPv6 address in brackets, or empty (all interfaces, both
 * families). Port 0 lets the system choose. */
#ifndef TAILSPAN_COMPONENT_ENDPOINT_H
#define TAILSPAN_COMPONENT_ENDPOINT_H

#include "component/error.h"

#include <stddef.h>
#include <stdint.h>

struct endpoint {
    char host[256];
    uint16_t port;
};

bool endpoint_parse(const char *text, struct endpoint *out, struct error *e);

/* A listening, non-blocking TCP socket with SO_REUSEADDR; IPv6 any-address listens for both
 * families. The port that was bound is in *port. -1 with `e` set, which says so when somebody else
 * listens there, or this process itself. */
int endpoint_listen(const char *text, uint16_t *port, struct error *e);

/* "host:port" for gRPC's server and channel, with the empty host spelt "[::]". */
void endpoint_format(const struct endpoint *ep, char *out, size_t len);

#endif
