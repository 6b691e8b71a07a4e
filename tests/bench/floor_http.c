/* The HTTP floor: a libmicrohttpd server that copies each body into one buffer and discards it.
 *
 * glibc is told to keep the memory of large buffers, or a quarter of the floor would be page faults
 * for memory that it had just given back. */
#include "tests/bench/http_body.h"

#include <malloc.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s HOST:PORT\n", argv[0]);
        return 2;
    }
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, 256 << 20);
    http_body_serve(argv[1], NULL, NULL);
    return 0;
}
