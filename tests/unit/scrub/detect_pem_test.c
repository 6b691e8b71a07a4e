/* Private keys, and messages about them. */
#include "tests/unit/scrub/marked.h"

static void keys_go_with_their_lines(void **state)
{
    (void)state;
    static const struct marked_case cases[] = {
        {NULL, "«-----BEGIN RSA PRIVATE KEY-----\\nMIIE\\n-----END RSA PRIVATE KEY-----» after",
         SCRUB_PRIVATE_KEY},
        {NULL, "«-----BEGIN PRIVATE KEY-----\nMIIEvQ»", SCRUB_PRIVATE_KEY},
        {NULL, "key «-----BEGIN PRIVATE KEY----- MIIEvQIBADANBgkqhkiG9w0BAQEFAASC»",
         SCRUB_PRIVATE_KEY},
        {NULL,
         "«-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: "
         "DES-EDE3-CBC,01\n\nMII»",
         SCRUB_PRIVATE_KEY},
    };
    CHECK_CASES(cases);
}

static void lines_without_a_key_stay(void **state)
{
    (void)state;
    static const struct marked_case cases[] = {
        {NULL, "expected -----BEGIN PRIVATE KEY----- header", -1},
        {NULL, "-----BEGIN RSA PRIVATE KEY----- not found in file /etc/ssl/private/server.key", -1},
        {NULL,
         "must start with \"-----BEGIN RSA PRIVATE KEY-----\" and end with \"-----END RSA PRIVATE "
         "KEY-----\"",
         -1},
        {NULL, "no line '-----BEGIN EC PRIVATE KEY-----' in it", -1},
        {NULL, "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEF\n-----END PUBLIC KEY-----",
         -1},
    };
    CHECK_CASES(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_go_with_their_lines),
        cmocka_unit_test(lines_without_a_key_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
