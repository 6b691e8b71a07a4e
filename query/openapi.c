/* The assembler reads the file into the program; CMake knows that this file depends on it. */
#include "query/openapi.h"

__asm__(".section .rodata\n"
        "openapi_begin:\n"
        ".incbin \"" OPENAPI_FILE "\"\n"
        "openapi_end:\n"
        ".byte 0\n"
        ".previous\n");

extern const uint8_t openapi_begin[] __asm__("openapi_begin");
extern const uint8_t openapi_end[] __asm__("openapi_end");

struct bytes openapi_document(void)
{
    return bytes_of(openapi_begin, (size_t)(openapi_end - openapi_begin));
}
