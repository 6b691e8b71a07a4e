#include "processors/redaction_hash.h"

#include <gnutls/crypto.h>
#include <strings.h>

static const struct function {
    const char *name; /* NULL: none in configurations */
    int algorithm;    /* gnutls_digest_algorithm_t, gnutls_mac_algorithm_t */
    size_t len;       /* bytes */
    size_t key_min;   /* bytes; 0: no key */
} functions[] = {
    [HASH_NONE] = {.name = ""},
    [HASH_MD5] = {"md5", GNUTLS_DIG_MD5, 16, 0},
    [HASH_SHA1] = {"sha1", GNUTLS_DIG_SHA1, 20, 0},
    [HASH_SHA256] = {NULL, GNUTLS_DIG_SHA256, 32, 0},
    [HASH_SHA3] = {"sha3", GNUTLS_DIG_SHA3_256, 32, 0},
    [HASH_HMAC_SHA256] = {"hmac-sha256", GNUTLS_MAC_SHA256, 32, 32},
    [HASH_HMAC_SHA512] = {"hmac-sha512", GNUTLS_MAC_SHA512, 64, 64},
};

bool hash_function_parse(const char *name, enum hash_function *function)
{
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        if (functions[i].name && strcasecmp(functions[i].name, name) == 0) {
            *function = (enum hash_function)i;
            return true;
        }
    }
    return false;
}

size_t hash_key_min(enum hash_function function)
{
    return functions[function].key_min;
}

size_t hash_hex(enum hash_function function, struct bytes key, struct bytes data,
                char out[HASH_HEX_MAX])
{
    static const char digits[] = "0123456789abcdef";
    const struct function *f = &functions[function];
    uint8_t sum[HASH_HEX_MAX / 2];
    const void *text = data.len ? (const void *)data.data : "";
    int error =
        f->key_min ? gnutls_hmac_fast((gnutls_mac_algorithm_t)f->algorithm, key.data, key.len, text,
                                      data.len, sum)
                   : gnutls_hash_fast((gnutls_digest_algorithm_t)f->algorithm, text, data.len, sum);
    if (error < 0)
        return 0;
    for (size_t i = 0; i < f->len; i++) {
        out[2 * i] = digits[sum[i] >> 4];
        out[2 * i + 1] = digits[sum[i] & 15];
    }
    return 2 * f->len;
}
