/* Numbers that came as text: digits only. */
#ifndef TAILSPAN_PROCESSORS_KAFKA_HOPS_NUMBER_TEXT_H
#define TAILSPAN_PROCESSORS_KAFKA_HOPS_NUMBER_TEXT_H

#include "proto/bytes.h"

/* The number, or -1 when the text is anything but 1 to 18 digits. */
static inline int64_t number_text(struct bytes text)
{
    int64_t n = 0;
    if (text.len == 0 || text.len > 18)
        return -1;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return -1;
        n = n * 10 + (text.data[i] - '0');
    }
    return n;
}

#endif
