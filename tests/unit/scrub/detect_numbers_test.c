/* Numbers in groups, and what stands around numbers in records of others' making. */
#include "tests/unit/scrub/marked.h"

/* With every class, be it of a profile or not. */
static void check_all(const struct marked_case *cases, size_t count)
{
    struct detector *d = marked_detector(true, false);
    failures = 0;
    for (size_t i = 0; i < count; i++)
        check_with(d, cases[i].key ? cases[i].key : "msg", "", cases[i].text, cases[i].class);
    detector_destroy(d);
    assert_int_equal(failures, 0);
}

#define CHECK_ALL(cases) check_all(cases, sizeof cases / sizeof cases[0])

static void groups_are_joined_by_any_dash_or_blank(void **state)
{
    (void)state;
    static const struct marked_case cases[] = {
        {NULL, "Kreditkarte «5315‐8089‐9534‐8849» gültig bis 08/26", SCRUB_PAYMENT_CARD},
        {NULL, "«3714–496353–98431», «4111\u20091111\u20091111\u20091111»?", SCRUB_PAYMENT_CARD},
        {NULL, "Compte «PL61\u202f1090\u202f1014\u202f0000\u202f0712\u202f1981\u202f2874», BIC x",
         SCRUB_IBAN},
        {NULL, "«DE89‑3704‑0044‑0532‑0130‑00» «GB82 WEST\u20091234\u20095698\u20097654\u200932»",
         SCRUB_IBAN},
        {NULL, "CPF: «529.982.247‑25», «529.982.247–25», «529.982.247%2D25»", SCRUB_CPF},
        {NULL, "Mobile: «+1‐415‐544‐2666», «+49\u202f171\u202f1234567»", SCRUB_PHONE},
        {NULL, "ssn «212‑09‑4711», «212–09–4711»", SCRUB_US_SSN},
        {NULL, "«12345678‑Z» «12345678–Z» «X1234567‑L»", SCRUB_DNI},
        {NULL, "529.982.247—25, 5315—8089—9534—8849, 5315‐8089‐9534 8849", -1},
    };
    CHECK_ALL(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_are_joined_by_any_dash_or_blank),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
