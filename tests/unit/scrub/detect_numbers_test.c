/* Numbers in groups, and what stands around numbers in records of others' making. */
#include "tests/unit/scrub/marked.h"

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

static void records_say_what_number_follows(void **state)
{
    (void)state;
    static const struct marked_case cases[] = {
        {NULL, "%B«4111111111111111»^DOE/JOHN^2605101000000000?", SCRUB_PAYMENT_CARD},
        {NULL, "x=%25B«5555555555554444»%5EDOE%2FJOHN%5E2605", SCRUB_PAYMENT_CARD},
        {NULL, ";«4111111111111111»=26051010000000000000?", SCRUB_PAYMENT_CARD},
        {NULL, "%B4111111111111112^X %B4111111111111111/X %b4111111111111111^X", -1},
        {NULL, "carte n°«4111111111111111», card number: «4111111111111111»", SCRUB_PAYMENT_CARD},
        {NULL, "commande n°4111111111111111, n° 4111111111111111", -1},
        {NULL, "\"Grace\" <sip:«+966508263129»@192.168.54.193:5060;user=phone>;tag=af75",
         SCRUB_PHONE},
        {NULL, "sips:«+44-7817-755736»@[fd00::1], tel:«+14155552671»;ext=1", SCRUB_PHONE},
        {NULL, "<sip:«+14155552671»@sip.example.com;user=phone>", SCRUB_PHONE},
        {NULL, "x:+966508263129@192.168.54.193, sip:alice@192.168.54.193", -1},
        {NULL, "serialNumber=IDCES-«73557422H», CN=x, IDCES-«Z0320948B»", SCRUB_DNI},
        {NULL, "serialNumber=PNOPL-«44051401359»", SCRUB_PESEL},
        {NULL, "TINBR-«52998224725»", SCRUB_CPF},
        {NULL, "XIDCES-12345678Z, ABCES-12345678Z, PNOpl-44051401359, NTRES-12345678Z", -1},
        {NULL, "NM1*IL*1*DOE*JANE****34*«110952046»~, REF*SY*«110952046»~", SCRUB_US_SSN},
        {NULL, "NM1*QC*1*DOE*JANE****SY*«110952046»~", SCRUB_US_SSN},
        {NULL, "N4*X*34*110952046~, NM1*IL*1*DOE****34~XX*34*110952046~, REF*EI*110952046~", -1},
    };
    CHECK_ALL(cases);
}

static void things_have_numbers_too(void **state)
{
    (void)state;
    static const struct marked_case cases[] = {
        {"book.isbn10", "0540804312", -1},
        {"isbn", "0540804312", -1},
        {"product.ean", "4222222222222", -1},
        {"product.sku", "4222222222222", -1},
        {"gtin14", "36000000000008", -1},
        {NULL, "isbn10: 0540804312, \"ISBN-10\":\"0540804312\", EAN 13: 4222222222222", -1},
        {"url.full", "https://sqs.eu-west-1.amazonaws.com/856649106519/orders", -1},
        {"url.full", "https://example.com/«856649106519»/orders", SCRUB_AADHAAR},
        {NULL, "nhs «9434765919», room 10: «9434765919»", SCRUB_NHS},
    };
    CHECK_ALL(cases);
}

static void names_stand_before_quotes_and_rows(void **state)
{
    (void)state;
    static const struct marked_case cases[] = {
        {NULL, "lookup by telephone '«21 94902-2002»' took 8400 ms", SCRUB_PHONE},
        {NULL, "lookup by wifi_mac '«50EBF670824E»', hwaddr '«50ebf670824e»' took 478 ms",
         SCRUB_MAC},
        {NULL, "desc = contact_phone \"«6177847306»\" already registered", SCRUB_PHONE},
        {NULL, "phone \"«617-784-7306»\", ssn '«212094711»', mobile '«(030) 901820»'", -1},
        {NULL, "Key (mac_address)=(«f01898cfd2fd») already exists.", SCRUB_MAC},
        {NULL, "phone number '«0171 1234567»', mac address '«50ebf670824e»'", -1},
        {NULL, "Duplicate entry '«0171 1234567»' for key 'users.phone'", SCRUB_PHONE},
        {NULL, "Duplicate entry '«50ebf670824e»' for key 'uq_mac'", SCRUB_MAC},
        {NULL, "Duplicate entry '0171 1234567' for key 'users.name'", -1},
        {NULL, "Key (email, phone)=(«a@b.example», «0171 1234567») already exists.", -1},
        {NULL, "Key (email, token, ip)=(«a@b.example», «x1», «81.2.69.142») already exists.", -1},
        {"http.request.header.x-customer-mac", "[\"«50EBF696C57A»\"]", SCRUB_MAC},
        {"http.request.header.x-customer-phone", "[\"«a@b.example»\", \"«0171 1234567»\"]", -1},
        {"phones", "['«0171 1234567»','«0171 7654321»', '«81.2.69.142»']", -1},
        {NULL, "lookup by name '50EBF670824E', phone 'none', phone \"x\", mac '50EBF670824'", -1},
        {NULL, "Key (id)=(6177847306) already exists, build \"6177847306\" phone \"61778473", -1},
        {NULL, "mobile '2024-01-15 10:30:00'", -1},
        {"mac.list", "[50EBF696C57A, \"50EBF696C57\"]", -1},
    };
    CHECK_ALL(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_are_joined_by_any_dash_or_blank),
        cmocka_unit_test(records_say_what_number_follows),
        cmocka_unit_test(things_have_numbers_too),
        cmocka_unit_test(names_stand_before_quotes_and_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
