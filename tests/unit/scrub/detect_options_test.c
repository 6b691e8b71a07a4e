/* Secrets among the arguments of commands. */
#include "tests/unit/scrub/marked.h"

static void options_of_known_programs(void **state)
{
    (void)state;
    static const struct marked_case cases[] = {
        {NULL, "mysql -u root -p«S3cretX9» db", SCRUB_SENSITIVE_KEY},
        {NULL, "Command failed: /usr/bin/mysqldump -p'«S3cretX9»' a | gzip", SCRUB_SENSITIVE_KEY},
        {NULL, "docker login -u bob -p «S3cretX9» registry.example.com", SCRUB_SENSITIVE_KEY},
        {NULL, "mongosh --host db -p «S3cretX9»", SCRUB_SENSITIVE_KEY},
        {NULL, "redis-cli -a «S3cretX9» PING", SCRUB_SENSITIVE_KEY},
        {NULL, "sshpass -p «S3cretX9» ssh -p 2222 bob@db", SCRUB_SENSITIVE_KEY},
        {NULL, "ldapsearch -x -w «S3cretX9» -b dc=x", SCRUB_SENSITIVE_KEY},
        {NULL, "sqlcmd -U sa -P «S3cretX9» -Q \"select 1\"", SCRUB_SENSITIVE_KEY},
        {NULL, "openssl rsa -passin pass:«S3cretX9» -in k.pem", SCRUB_SENSITIVE_KEY},
        {NULL, "keytool -list -storepass «S3cretX9»", SCRUB_SENSITIVE_KEY},
        {NULL, "redis-server --requirepass «S3cretX9»", SCRUB_SENSITIVE_KEY},
        {NULL, "curl -s -u '«bob:S3cretX9»' https://x", SCRUB_URL_CREDENTIALS},
        {NULL, "curl --user «bob:S3cretX9» https://x", SCRUB_URL_CREDENTIALS},
        {NULL, "curl -b '«auth=S3cretX9»' https://x", SCRUB_COOKIE},
        {NULL, "cd x && curl -u «bob:S3» x; ssh -p 22 x", SCRUB_URL_CREDENTIALS},
    };
    CHECK_CASES(cases);
}

static void options_say_it_themselves(void **state)
{
    (void)state;
    static const struct marked_case cases[] = {
        {NULL, "tool -token «S3cretX9» x", SCRUB_SENSITIVE_KEY},
        {NULL, "Connect-Tool -Password «S3cretX9» -Verbose", SCRUB_SENSITIVE_KEY},
        {NULL, "tool --password \"«S3 cret»\" x", SCRUB_SENSITIVE_KEY},
        {NULL, "[\"curl\",\"-u\",\"«bob:S3cretX9»\",\"https://x\"]", SCRUB_URL_CREDENTIALS},
        {NULL, "['mysql', '-u', 'root', '-p«S3cretX9»', 'db']", SCRUB_SENSITIVE_KEY},
        {NULL, "{\"cmd\": [\"sshpass\", \"-p\", \"«S3cretX9»\"]}", SCRUB_SENSITIVE_KEY},
    };
    CHECK_CASES(cases);
}

static void other_options_stay(void **state)
{
    (void)state;
    static const struct marked_case cases[] = {
        {NULL, "ssh -p 2222 host, nc -p 80, docker run -p 8080:80 nginx", -1},
        {NULL, "mysql -u root -p db", -1},
        {NULL, "mysql -P 3306 -p$PW db", -1},
        {NULL, "git log -p HEAD~3; a - b -c", -1},
        {NULL, "openssl rsa -passin env:PW -in x", -1},
        {NULL, "curl --cookie jar.txt -u bob x", -1},
        {NULL, "use --token to authenticate, or --password if there is none", -1},
        {NULL, "usage: login [--token TOKEN] [--password PASSWORD]", -1},
        {NULL, "Usage: app --password <password> --user <user>", -1},
        {NULL, "tool --token [REDACTED] --secret *** --password --force", -1},
    };
    CHECK_CASES(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_of_known_programs),
        cmocka_unit_test(options_say_it_themselves),
        cmocka_unit_test(other_options_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
