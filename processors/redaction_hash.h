/* Hashes of values as lower-case hexadecimal text, as the Collector's processors write them. */
#ifndef TAILSPAN_PROCESSORS_REDACTION_HASH_H
#define TAILSPAN_PROCESSORS_REDACTION_HASH_H

#include "proto/bytes.h"

enum hash_function {
    HASH_NONE,
    HASH_MD5,
    HASH_SHA1,
    HASH_SHA256,
    HASH_SHA3, /* of 256 bits */
    HASH_HMAC_SHA256,
    HASH_HMAC_SHA512,
};

enum { HASH_HEX_MAX = 128 };

/* The name in configurations, in any case; "" is HASH_NONE. False: unknown. HASH_SHA256 has no name
 * there. */
bool hash_function_parse(const char *name, enum hash_function *function);

/* How long a key has to be at least; 0: it takes none. */
size_t hash_key_min(enum hash_function function);

/* Writes the hash of `data` and returns its length; 0 when the library refuses. Any thread. */
size_t hash_hex(enum hash_function function, struct bytes key, struct bytes data,
                char out[HASH_HEX_MAX]);

#endif
