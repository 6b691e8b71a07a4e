/* Versions, which have the form of addresses, and what tells them. */
#include "tests/unit/scrub/marked.h"

static void versions_are_told_by_words(void **state)
{
    (void)state;
    static const struct marked_case cases[] = {
        {NULL, "Versionsnummer 1.22.149.210 installiert, Softwareversion: 1.22.149.210", -1},
        {NULL, "version number is 1.22.149.210, version no. 1.22.149.210, build nr 1.22.149.210",
         -1},
        {NULL, "versão 1.22.149.210, wersja 1.22.149.210, nowej wersji 1.22.149.210", -1},
        {NULL, "versione 1.22.149.210, versie 1.22.149.210, verzi 1.22.149.210", -1},
        {NULL, "Версия 1.22.149.210, версии 1.22.149.210, версія 1.22.149.210", -1},
        {NULL, "当前版本：1.22.149.210 版本号1.22.149.210 バージョン番号1.22.149.210", -1},
        {NULL, "requires X version >= 12.4.3.4, < 12.49.55.92", -1},
        {NULL, "needs >= 2.0, <= 12.49.55.92, != 12.49.55.90, ~> 12.49.55.1, <12.50.1.1", -1},
        {NULL, "version < 12.49.55.92, OpenSSL 3.0.13, zlib 1.2.13.1", -1},
        {NULL, "kernel 5.15.0.91, BIOS 1.2.3.4, Hotfix 1.2.3.4, figure 1.2.3.4, Annex 1.2.3.4", -1},
        {NULL, "Setting up foo (1.2.3.4-1ubuntu2), foo 1.2.3.4-1+deb11u1 foo 1.2.3.4-2.el8", -1},
        {NULL, "Installed: 1.2.3.4, Candidate: 1.2.3.5", -1},
        {NULL, "from x, <«81.2.69.142»>, y,=«81.2.69.142», «81.2.69.142»-«81.2.69.150»",
         SCRUB_IPV4},
        {"oid", "1.3.107.25", -1},
        {"x509.extension_oid", "1.3.107.25", -1},
        {NULL, "server is «81.2.69.142», number «81.2.69.142», Server：«81.2.69.142»", SCRUB_IPV4},
        {NULL, "ip < «81.2.69.142», «81.2.69.142»; conversation «81.2.69.142»", SCRUB_IPV4},
        {"oid.host", "«81.2.69.142»", SCRUB_IPV4},
    };
    CHECK_CASES(cases);
}

static void paths_have_addresses_and_versions(void **state)
{
    (void)state;
    static const struct marked_case cases[] = {
        {"mqtt.topic", "devices/«134.175.187.218»/status", SCRUB_IPV4},
        {"mqtt.topic", "telemetry/«134.175.187.218»/cpu/load", SCRUB_IPV4},
        {NULL, "hosts/«134.175.187.218» ip/«134.175.187.218»", SCRUB_IPV4},
        {NULL, "nginx/1.2.3.4, Chrome/120.0.6099.109", -1},
        {"aws.s3.key", "app/7.2.4.130/app.exe", -1},
        {NULL, "jdk/11.0.20.1/bin", -1},
    };
    CHECK_CASES(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions_are_told_by_words),
        cmocka_unit_test(paths_have_addresses_and_versions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
