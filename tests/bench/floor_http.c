/* The HTTP floor: a libmicrohttpd server that copies each body into one buffer and discards it. */
#include "tests/bench/http_body.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s HOST:PORT\n", argv[0]);
        return 2;
    }
    http_body_serve(argv[1], NULL, NULL);
    return 0;
}
