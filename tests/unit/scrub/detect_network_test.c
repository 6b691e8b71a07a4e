/* Addresses of machines, and what others' tools write around them. */
#include "tests/unit/scrub/marked.h"

static void addresses_stand_before_their_ports(void **state)
{
    (void)state;
    static const struct marked_case cases[] = {
        {NULL, "14:36:36.467734 IP «192.0.2.72».8729 > «198.51.100.20».443: Flags [S], seq 21",
         SCRUB_IPV4},
        {NULL, "IP 10.0.0.1.22 > «192.0.2.72».8729: tcp 0", SCRUB_IPV4},
        {NULL, "    «192.0.2.72».53 > «198.51.100.20».4431: [udp sum ok] 1+ A? example.com. (29)",
         SCRUB_IPV4},
        {NULL, "IP «192.0.2.72» > «198.51.100.20»: ICMP echo request", SCRUB_IPV4},
        {NULL,
         "IP6 «2400:8901:6393::af73:1dfe».39125 > «2001:db8:0:37e0:e138:cc0f:d38f:b01e».443: x",
         SCRUB_IPV6},
        {NULL, "connect ETIMEDOUT «2400:8901:f0db:2f59:e6b1:86dd:20bb:c3a4»:443 - Local (:::0)",
         SCRUB_IPV6},
        {NULL, "connect ECONNREFUSED «240e:bafe:0:6642:e935:0:acf7:6fba»:8080", SCRUB_IPV6},
        {NULL, "dial tcp «240e:bafe:0:6642:e935:0:acf7:6fba»:443: refused", SCRUB_IPV6},
        {NULL, "peer=«240e:bafe:0:6642:e935:0:acf7:6fba»%3A443&x", SCRUB_IPV6},
        {NULL, "1.2.3.4.5 > 1.2.3.4.4, 1.3.6.1.4.1.311 > 1.3.6.1.4, x > 1.2.3.4.5", -1},
        {NULL, "240e:bafe:0:6642:e935:0:acf7:6fba:443a 240e:bafe:0:6642:e935:0:acf7:6fba:1:2", -1},
    };
    CHECK_CASES(cases);
}

static void names_hold_addresses(void **state)
{
    (void)state;
    static const struct marked_case cases[] = {
        {NULL, "app.«203.0.113.7».nip.io and «203.0.113.7».sslip.io:8443", SCRUB_IPV4},
        {NULL, "https://app-«203-0-113-7».sslip.io/x, «203-0-113-7».nip.io", SCRUB_IPV4},
        {NULL, "magic.«203.0.113.7».xip.io.", SCRUB_IPV4},
        {NULL, "app.10.0.0.7.nip.io, app.203.0.113.7.example.org, app-203-0-113-7.example.org", -1},
        {NULL, "app.203.0.113.7.nip.iota, app.203.0.113.700.nip.io, app-203-0-113.7.nip.io", -1},
    };
    CHECK_CASES(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_stand_before_their_ports),
        cmocka_unit_test(names_hold_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
