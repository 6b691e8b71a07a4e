#include "component/endpoint.h"

#include <dirent.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool parse_port(const char *text, uint16_t *port)
{
    if (*text == 0 || strspn(text, "0123456789") != strlen(text) || strlen(text) > 5)
        return false;
    unsigned long n = strtoul(text, NULL, 10);
    *port = (uint16_t)n;
    return n <= 65535;
}

bool endpoint_parse(const char *text, struct endpoint *out, struct error *e)
{
    const char *host = text;
    const char *colon = strrchr(text, ':');
    if (!colon || !parse_port(colon + 1, &out->port))
        return error_set(e, "endpoint \"%s\" is not host:port", text);
    size_t len = (size_t)(colon - text);
    if (len >= 2 && host[0] == '[' && host[len - 1] == ']') {
        host++;
        len -= 2;
    } else if (memchr(host, ':', len)) {
        return error_set(e, "endpoint \"%s\": an IPv6 address needs brackets, [::1]:4317", text);
    }
    if (len >= sizeof out->host)
        return error_set(e, "endpoint \"%.40s…\": the host name is too long", text);
    memcpy(out->host, host, len);
    out->host[len] = 0;
    return true;
}

void endpoint_format(const struct endpoint *ep, char *out, size_t len)
{
    const char *host = ep->host[0] ? ep->host : "::";
    snprintf(out, len, strchr(host, ':') ? "[%s]:%u" : "%s:%u", host, ep->port);
}

static int listen_on(const struct addrinfo *a)
{
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    int on = 1, off = 0;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (a->ai_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)a->ai_addr;
        if (IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr))
            setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    }
    if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, 1024) == 0)
        return fd;
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

static uint16_t bound_port(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address;
    memset(&address, 0, sizeof address);
    socklen_t len = sizeof address;
    if (getsockname(fd, &address.any, &len) != 0)
        return 0;
    return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

/* A name may stand for both families ("localhost"); like Go, IPv4 is preferred then. */
static int listen_on_first(const struct addrinfo *list)
{
    static const int families[] = {AF_INET, AF_INET6};
    for (size_t f = 0; f < 2; f++) {
        for (const struct addrinfo *a = list; a; a = a->ai_next) {
            if (a->ai_family != families[f])
                continue;
            int fd = listen_on(a);
            if (fd >= 0 || errno == EADDRINUSE || errno == EACCES)
                return fd;
        }
    }
    return -1;
}

/* Whether a socket of this process listens on a port. */
static bool is_ours(uint16_t port)
{
    DIR *files = opendir("/proc/self/fd");
    bool found = false;
    for (const struct dirent *d; files && !found && (d = readdir(files));) {
        int fd = (int)strtol(d->d_name, NULL, 10), listens = 0;
        socklen_t len = sizeof listens;
        found = getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 && listens &&
                bound_port(fd) == port;
    }
    if (files)
        closedir(files);
    return found;
}

static void explain(const char *text, int code, uint16_t port, struct error *e)
{
    const char *hint = "";
    if (code == EADDRINUSE)
        hint = is_ours(port) ? " (another component of this configuration listens there)"
                             : " (is another collector running there?)";
    error_set(e, "cannot listen on %s: %s%s", text, strerror(code), hint);
}

int endpoint_listen(const char *text, uint16_t *port, struct error *e)
{
    struct endpoint ep = {0};
    if (!endpoint_parse(text, &ep, e))
        return -1;
    char service[8];
    snprintf(service, sizeof service, "%u", ep.port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    const char *host = ep.host[0] ? ep.host : "::";
    int rc = getaddrinfo(host, service, &hints, &list);
    if (rc != 0) {
        error_set(e, "cannot listen on %s: %s", text, gai_strerror(rc));
        return -1;
    }
    errno = EADDRNOTAVAIL;
    int fd = listen_on_first(list);
    if (fd < 0 && !ep.host[0]) { /* no IPv6 on this machine */
        freeaddrinfo(list);
        list = NULL;
        if (getaddrinfo("0.0.0.0", service, &hints, &list) == 0)
            fd = listen_on_first(list);
    }
    if (fd < 0)
        explain(text, errno, ep.port, e);
    else
        *port = bound_port(fd);
    if (list)
        freeaddrinfo(list);
    return fd;
}
