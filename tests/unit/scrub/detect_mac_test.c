/* Hardware addresses in rows that have them within, and in forms that a word tells of. */
#include "tests/unit/scrub/marked.h"

static void rows_have_hardware_addresses_within(void **state)
{
    (void)state;
    static const struct marked_case cases[] = {
        {NULL, "IN=br0 MAC=«ec:08:6b:5a:52:22»:«e8:b1:fc:23:6c:4a»:08:00 SRC=10.0.0.1", SCRUB_MAC},
        {NULL, "MAC=ff:ff:ff:ff:ff:ff:«e8:b1:fc:23:6c:4a»:08:06", SCRUB_MAC},
        {NULL, "MAC=«33:33:00:00:00:01»:«e8:b1:fc:23:6c:4a»:86:dd SRC=x", SCRUB_MAC},
        {NULL, "/tftpboot/pxelinux.cfg/01-«50-eb-f6-4f-00-74»", SCRUB_MAC},
        {NULL, "client-id 01:«50:eb:f6:4f:00:74», 01%3A«50%3Aeb%3Af6%3A4f%3A00%3A74»&", SCRUB_MAC},
        {NULL, "ec:08:6b:5a:52:22:e8:b1:fc:23:6c:4a:08:01 ec:08:6b:5a:52:22:e8:b1:fc:23:6c:4a:08",
         -1},
        {NULL, "ec:08:6b:5a:52:22:e8:b1:fc:23:6c:4a:08:00:11 02:50:eb:f6:4f:00:74", -1},
        {NULL, "01-24-01-15-10-30-59 01-50-eb-f6-4f-00-74-22 01-50-eb-f6-4f-00-74x", -1},
    };
    CHECK_CASES(cases);
}

static void words_tell_hardware_addresses(void **state)
{
    (void)state;
    static const struct marked_case cases[] = {
        {NULL, "? (10.0.0.1) at «d8:bb:2c:91:8:e0» on en0 ifscope [ethernet]", SCRUB_MAC},
        {NULL, "? (10.0.0.1) at «8:0:20:a:b:c» on em0 expires in 1200 seconds", SCRUB_MAC},
        {"mac", "«8:0:20:a:b:c»", SCRUB_MAC},
        {NULL, "Customer { id: 7531, hwaddr: \"«001A2BBAD3C5»\", tier: Some(Gold) }", SCRUB_MAC},
        {NULL, "{'hwaddr': '«001a2b4271b2»', 'bssid': '«001a2b4271b2»'} lladdr=«001a2b4271b2»",
         SCRUB_MAC},
        {NULL, "at 8:0:20:a:b on x, at 8:0:20:a:b:c:1 on x, 8:0:20:a:b:c on x, at 1:2:3:4:5:6 ok",
         -1},
        {NULL, "addr: 001a2b4271b2, hash=001a2b4271b2", -1},
        {"mac", "8:0:20:a:b:c:d", -1},
        {"mac", "001a2b4271b23", -1},
    };
    CHECK_CASES(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_have_hardware_addresses_within),
        cmocka_unit_test(words_tell_hardware_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
