#include "processors/scrub/byte_class.h"

#ifdef HAVE_WIDE_VECTORS
#include <stdatomic.h>

_Alignas(64) uint8_t byte_rows[256][64];

static atomic_bool unwanted;

__attribute__((constructor)) static void fill_byte_rows(void)
{
    for (int byte = 0; byte < 256; byte++)
        memset(byte_rows[byte], byte, sizeof byte_rows[byte]);
}

bool wide_vectors(void)
{
    return !atomic_load_explicit(&unwanted, memory_order_relaxed) &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
}

void wide_vectors_want(bool wanted)
{
    atomic_store_explicit(&unwanted, !wanted, memory_order_relaxed);
}
#else
bool wide_vectors(void)
{
    return false;
}

void wide_vectors_want(bool wanted)
{
    (void)wanted;
}
#endif
