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
