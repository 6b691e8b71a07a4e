/* Keys and tokens that say by their beginning whose they are. */
#include "tests/unit/scrub/marked.h"

static void tokens_are_found(void **state)
{
    (void)state;
    static const struct marked_case cases[] = {
        {NULL, "jwt «eyJhbGciOiJIUzI1NiJ9%2EeyJzdWIiOiIxMjM0In0%2EabcDEF123_-x»&x", SCRUB_JWT},
        {NULL, "«ghs_eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcDEF123_-x» sent",
         SCRUB_GITHUB_TOKEN},
        {NULL, "«ya29.c.b0AXv0zTPQ4hF9kKq3Gm7aBcDeFg»", SCRUB_GOOGLE_KEY},
        {NULL, "vault «hvs.CAESIJ3kz0Yx9QmTq7LwVbNn4RtUvWxYz» ok", SCRUB_SENSITIVE_KEY},
        {NULL, "bot «123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw_» sent", SCRUB_SENSITIVE_KEY},
        {NULL, "x_«AKIAIOSFODNN7EXAMPLE»_y", SCRUB_AWS_KEY_ID},
        {NULL, "aws secret key «wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY» rejected",
         SCRUB_AWS_SECRET_KEY},
        {NULL, "aws secret key «g4M3ThYP0/54U2oFZpaF+TIHmdlN18n/LbabU59Q» rejected",
         SCRUB_AWS_SECRET_KEY},
        {NULL, "aws configure set aws_secret_access_key «wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY+/»",
         SCRUB_AWS_SECRET_KEY},
        {NULL, "«rk_prod_4eC39HqLyjWDarjtT1zdp7dc»", SCRUB_STRIPE_KEY},
    };
    CHECK_CASES(cases);
}

static void what_is_nobodys_secret_is_left(void **state)
{
    (void)state;
    static const struct marked_case cases[] = {
        {NULL, "pk_live_4eC39HqLyjWDarjtT1zdp7dc is publishable", -1},
        {NULL, "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", -1},
        {NULL, "REGION_ASIAPACIFICNORTHEAST_X", -1},
        {NULL, "etag wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY and 20 secrets", -1},
        {NULL, "12:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw_x", -1},
        {NULL, "AKIAXXXXXXXXXXXXXXXX, glpat-xxxxxxxxxxxxxxxxxxxx", -1},
    };
    CHECK_CASES(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_are_found),
        cmocka_unit_test(what_is_nobodys_secret_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
