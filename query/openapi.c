/* The assembler reads the file into the program; CMake knows that this file depends on it. */
#include "query/openapi.h"

__asm__(".section .rodata\n"
        "openapi_text:\n"
        ".incbin \"" OPENAPI_FILE "\"\n"
        "openapi_end:\n"
        ".balign 8\n"
        "openapi_len:\n"
        ".quad openapi_end - openapi_text\n"
        ".previous\n");

extern const uint8_t openapi_text[] __asm__("openapi_text");
extern const uint64_t openapi_len __asm__("openapi_len");

struct bytes openapi_document(void)
{
    return bytes_of(openapi_text, openapi_len);
}
