/* Each link says what its hop is, whatever the one before said. */
#include "processors/kafka_hops/hop_link.h"

#include "proto/attribute.h"
#include "tests/bench/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void expect(const struct link_view *l, const struct hop *hop)
{
    struct attribute_iterator it;
    struct attribute a;
    assert_memory_equal(l->trace_id.data, hop->producer_trace, 16);
    assert_memory_equal(l->span_id.data, hop->producer_span, 8);
    attribute_begin(&it, l->message, LINK_ATTRIBUTES);
    assert_true(attribute_next(&it, &a));
    assert_true(bytes_equal_string(a.key, HOP_ATTRIBUTE_MATCHED_BY));
    assert_true(bytes_equal_string(a.value.bytes, hop_match_name(hop->matched_by)));
    assert_true(attribute_next(&it, &a));
    assert_true(bytes_equal_string(a.key, HOP_ATTRIBUTE_CONFIDENCE));
    assert_int_equal((int)(a.value.real * 100 + 0.5), hop->confidence);
    assert_int_equal(attribute_next(&it, &a), hop->attempt > 1);
    if (hop->attempt > 1) {
        assert_true(bytes_equal_string(a.key, HOP_ATTRIBUTE_ATTEMPT));
        assert_int_equal(a.value.integer, hop->attempt);
        assert_false(attribute_next(&it, &a));
    }
}

static void links_say_what_hops_are(void **state)
{
    (void)state;
    static const uint32_t attempts[] = {0, 1, 2, 300, 4000000000};
    enum { HOPS = 500 };
    static struct hop hops[HOPS];
    struct random dice = {.state = 3};
    struct hop_link_writer w = {0};
    struct buffer out = {0};
    for (unsigned i = 0; i < HOPS; i++) {
        for (unsigned n = 0; n < 16; n++)
            hops[i].producer_trace[n] = (uint8_t)(1 + random_below(&dice, 255));
        for (unsigned n = 0; n < 8; n++)
            hops[i].producer_span[n] = (uint8_t)(1 + random_below(&dice, 255));
        hops[i].matched_by = (enum hop_match)random_below(&dice, HOP_MATCHES);
        hops[i].confidence = random_below(&dice, 2) ? 100 : (uint8_t)random_below(&dice, 100);
        hops[i].attempt = attempts[random_below(&dice, 5)];
        if (i > 0 && random_below(&dice, 2)) { /* as the one before, but for the ids */
            hops[i].matched_by = hops[i - 1].matched_by;
            hops[i].confidence = hops[i - 1].confidence;
            hops[i].attempt = hops[i - 1].attempt;
        }
        hop_link_write(&w, &hops[i], &out);
    }
    struct span_cursor links;
    struct link_view l;
    unsigned count = 0;
    span_links_begin(&links, buffer_bytes(&out));
    while (count < HOPS && link_next(&links, &l))
        expect(&l, &hops[count++]);
    assert_int_equal(count, HOPS);
    buffer_free(&out);
    hop_link_writer_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(links_say_what_hops_are)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
