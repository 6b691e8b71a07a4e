/* What is done 64 bytes at a time comes to the same as what is done with the vectors of every
 * machine: looks at single values, and whole batches. */
#include "processors/scrub/byte_class.h"
#include "processors/scrub/detect.h"
#include "processors/scrub/walk.h"
#include "proto/frame.h"
#include "proto/message_writer.h"
#include "tests/bench/random.h"
#include "tests/unit/scrub/config_tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct random dice = {.state = 7};

/* What values are made of: harmless pieces, pieces of what is looked for, and findings. */
static const char *const pieces[] = {
    "a",
    "GET",
    "orders",
    "-",
    "--",
    "_",
    ".",
    "/",
    " ",
    ":",
    "://",
    "http",
    "=",
    "@",
    "7",
    "12",
    "4711",
    "2024",
    "deadbeef",
    "c0ffee",
    "10.",
    "127.",
    "8.8",
    ".4.4",
    "192.168.",
    "Bearer",
    "basic",
    "r",
    "%40",
    "AB12",
    "ZZ",
    "\xc3\xa9",
    "(",
    "?",
    "alice@example.com",
    "10.1.2.3",
    "8.8.4.4",
    "aa-bb-cc-dd-ee-0f",
    "4111111111111111",
    "checkoutservice",
    "ghp_0123456789abcdefghijABCDEFGHIJ012345",
    "eyJhbGciOi",
    "DE89370400440532013000",
};

static const char *const keys[] = {
    "n",
    "note",
    "http.method",
    "url.full",
    "http.route",
    "peer.ip",
    "net.peer.ip",
    "db.system",
    "db.query.text",
    "user_agent.original",
    "password",
    "thread.id",
    "messaging.kafka.message.key",
    "enduser.id",
    "a.key.that.is.longer.than.any.that.would.be.remembered.by.the.table",
    "eight4.8",
    "mail=a@b.com",
};

enum { PIECES = sizeof pieces / sizeof pieces[0], KEYS = sizeof keys / sizeof keys[0] };

static struct scrub_rules *make_rules(bool wide, const char *profile)
{
    struct error e = {{0}};
    struct config_value *config = node(NULL, CONFIG_MAP, "scrub", NULL);
    struct config_value *profiles = node(config, CONFIG_LIST, "profiles", NULL);
    node(profiles, CONFIG_SCALAR, NULL, "secrets");
    node(profiles, CONFIG_SCALAR, NULL, profile);
    wide_vectors_want(wide);
    struct scrub_rules *r = scrub_rules_create(config, &e);
    wide_vectors_want(true);
    assert_non_null(r);
    assert_int_equal(detector_is_wide(r->detector), wide);
    return r;
}

static struct bytes make_value(char *text, size_t most)
{
    size_t len = 0;
    for (uint32_t n = random_below(&dice, 7); n > 0; n--) {
        const char *piece = pieces[random_below(&dice, PIECES)];
        if (len + strlen(piece) <= most) {
            memcpy(text + len, piece, strlen(piece));
            len += strlen(piece);
        }
    }
    return bytes_of(text, len);
}

static void looks_agree(void **state)
{
    (void)state;
    static const char *const profiles[] = {"pii", "strict"};
    char text[160];
    if (!wide_vectors())
        skip();
    for (unsigned p = 0; p < 2; p++) {
        struct scrub_rules *wide = make_rules(true, profiles[p]);
        struct scrub_rules *narrow = make_rules(false, profiles[p]);
        const struct detect_context where = {.key = bytes_of_string("note")};
        unsigned clean = 0;
        for (unsigned i = 0; i < 100000; i++) {
            struct bytes value = make_value(text, sizeof text);
            bool numbers = random_below(&dice, 4) > 0;
            struct scrub_hits hits;
            bool says = detector_glance(wide->detector, value, 0, numbers);
            assert_int_equal(says, detector_glance(narrow->detector, value, 0, numbers));
            if (says && numbers)
                assert_false(scrub_find(wide, &where, value, &hits));
            clean += says;
        }
        assert_in_range(clean, 10000, 90000);
        scrub_rules_destroy(wide);
        scrub_rules_destroy(narrow);
    }
}

/* ---- batches ---- */

static void add_value(struct buffer *any)
{
    char text[100];
    switch (random_below(&dice, 8)) {
    case 0:
        message_integer(any, 3, random_next(&dice) >> random_below(&dice, 64));
        return;
    case 1:
        message_integer(any, 2, 1);
        return;
    case 2:
        message_bytes(any, 7, make_value(text, sizeof text));
        return;
    default:
        message_bytes(any, 1, make_value(text, random_below(&dice, 2) ? 20 : sizeof text));
    }
}

/* Now and then a value, or what is in it, is said twice, or something unknown stands behind it. */
static void add_attribute(struct buffer *span)
{
    struct buffer pair = {0}, any = {0};
    message_bytes(&pair, 1, bytes_of_string(keys[random_below(&dice, KEYS)]));
    add_value(&any);
    if (random_below(&dice, 20) == 0)
        add_value(&any);
    message_bytes(&pair, 2, buffer_bytes(&any));
    if (random_below(&dice, 20) == 0) {
        any.len = 0;
        add_value(&any);
        message_bytes(&pair, 2, buffer_bytes(&any));
    }
    if (random_below(&dice, 20) == 0)
        message_integer(&pair, 9, 1);
    message_bytes(span, 9, buffer_bytes(&pair));
    buffer_free(&pair);
    buffer_free(&any);
}

static struct buffer make_request_of(struct bytes resource_message)
{
    static const uint8_t id[16] = {1};
    struct buffer request = {0}, resource = {0}, scope = {0};
    for (unsigned n = 0; n < 16; n++) {
        struct buffer span = {0};
        message_bytes(&span, 1, bytes_of(id, 16));
        message_bytes(&span, 2, bytes_of(id, 8));
        for (uint32_t i = random_below(&dice, 12); i > 0; i--)
            add_attribute(&span);
        message_bytes(&scope, 2, buffer_bytes(&span));
        buffer_free(&span);
    }
    message_bytes(&resource, 1, resource_message);
    message_bytes(&resource, 2, buffer_bytes(&scope));
    message_bytes(&request, 1, buffer_bytes(&resource));
    buffer_free(&scope);
    buffer_free(&resource);
    return request;
}

static struct buffer make_request(void)
{
    return make_request_of(bytes_of(NULL, 0));
}

static struct buffer scrubbed(const struct scrub_rules *r, const struct buffer *request)
{
    const struct scrub_walk walk = {.rules = r};
    struct batch_report report;
    struct buffer wire = {0};
    struct batch *b = batch_from_request(buffer_bytes(request), &report);
    assert_non_null(b);
    assert_true(scrub_batch(&walk, b) && frame_batch(b, &wire));
    batch_release(b);
    return wire;
}

static void batches_agree(void **state)
{
    (void)state;
    if (!wide_vectors())
        skip();
    struct scrub_rules *wide = make_rules(true, "pii"), *narrow = make_rules(false, "pii");
    unsigned changed = 0;
    for (unsigned i = 0; i < 3000; i++) {
        struct buffer request = make_request();
        struct buffer a = scrubbed(wide, &request), b = scrubbed(narrow, &request);
        assert_true(bytes_equal(buffer_bytes(&a), buffer_bytes(&b)));
        changed += !bytes_equal(buffer_bytes(&a), buffer_bytes(&request));
        buffer_free(&a);
        buffer_free(&b);
        buffer_free(&request);
    }
    assert_true(changed > 1000);
    scrub_rules_destroy(wide);
    scrub_rules_destroy(narrow);
}

/* ---- odd encodings ---- */

/* Where fields are written as no SDK does. */
struct oddity {
    const char *what;
    const uint8_t *attribute; /* with its tag */
    size_t len;
    const char *secret;
};

#define ODDITY(what_, bytes_, secret_)                                                             \
    {                                                                                              \
        what_, (const uint8_t *)(bytes_), sizeof(bytes_) - 1, secret_                              \
    }

static const struct oddity oddities[] = {
    ODDITY("a second key, which counts",
           "\x4a\x1e\x0a\x04note\x12\x0c\x0a\x0ahunter2xyz\x0a\x08password", "hunter2xyz"),
    ODDITY("a second key behind one that is not looked at",
           "\x4a\x1d\x0a\x03now\x12\x0c\x0a\x0ahunter2xyz\x0a\x08password", "hunter2xyz"),
    ODDITY("the key behind the value", "\x4a\x18\x12\x0c\x0a\x0ahunter2xyz\x0a\x08password",
           "hunter2xyz"),
    ODDITY("a long tag", "\xca\x00\x18\x0a\x08password\x12\x0c\x0a\x0ahunter2xyz", "hunter2xyz"),
    ODDITY("a long length", "\x4a\x98\x00\x0a\x08password\x12\x0c\x0a\x0ahunter2xyz", "hunter2xyz"),
    ODDITY("a long tag in an attribute", "\x4a\x19\x8a\x00\x08password\x12\x0c\x0a\x0ahunter2xyz",
           "hunter2xyz"),
    ODDITY("a second value, which counts",
           "\x4a\x1a\x0a\x04note\x12\x03\x0a\x01x\x12\x0d\x0a\x0b"
           "a@b-c-d.com",
           "a@b-c-d.com"),
    ODDITY("a second string in a value",
           "\x4a\x18\x0a\x04note\x12\x10\x0a\x01x\x0a\x0b"
           "a@b-c-d.com",
           "a@b-c-d.com"),
    ODDITY("an array before another one, which some readers put together",
           "\x4a\x20\x0a\x04note\x12\x18\x2a\x0f\x0a\x0d\x0a\x0b"
           "a@b-c-d.com\x2a\x05\x0a\x03\x0a\x01x",
           "a@b-c-d.com"),
    ODDITY("a value with an array before another one",
           "\x4a\x22\x0a\x04note\x12\x11\x2a\x0f\x0a\x0d\x0a\x0b"
           "a@b-c-d.com\x12\x07\x2a\x05\x0a\x03\x0a\x01x",
           "a@b-c-d.com"),
    ODDITY("two arrays in an element",
           "\x4a\x24\x0a\x04note\x12\x1c\x2a\x1a\x0a\x18\x2a\x0f\x0a\x0d\x0a\x0b"
           "a@b-c-d.com\x2a\x05\x0a\x03\x0a\x01x",
           "a@b-c-d.com"),
};

static bool holds(const struct buffer *b, const char *text)
{
    return memmem(b->data, b->len, text, strlen(text)) != NULL;
}

/* Two plain attributes before it, so that it comes as the key that follows. */
static struct buffer odd_request(const struct oddity *o)
{
    static const uint8_t id[16] = {1};
    static const char plain[] = "\x4a\x0d\x0a\x04note\x12\x05\x0a\x03"
                                "abc"
                                "\x4a\x0c\x0a\x03now\x12\x05\x0a\x03"
                                "abc";
    struct buffer request = {0}, resource = {0}, scope = {0};
    for (unsigned n = 0; n < 3; n++) {
        struct buffer span = {0};
        message_bytes(&span, 1, bytes_of(id, 16));
        message_bytes(&span, 2, bytes_of(id, 8));
        buffer_append(&span, plain, sizeof plain - 1);
        buffer_append(&span, plain, sizeof plain - 1);
        buffer_append(&span, o->attribute, o->len);
        message_bytes(&scope, 2, buffer_bytes(&span));
        buffer_free(&span);
    }
    message_bytes(&resource, 2, buffer_bytes(&scope));
    message_bytes(&request, 1, buffer_bytes(&resource));
    buffer_free(&scope);
    buffer_free(&resource);
    return request;
}

static void odd_encodings_hide_nothing(void **state)
{
    (void)state;
    for (unsigned way = 0; way < 1U + wide_vectors(); way++) {
        struct scrub_rules *r = make_rules(way, "pii");
        for (size_t i = 0; i < sizeof oddities / sizeof oddities[0]; i++) {
            struct buffer request = odd_request(&oddities[i]);
            assert_true(holds(&request, oddities[i].secret));
            struct buffer after = scrubbed(r, &request);
            if (holds(&after, oddities[i].secret))
                fail_msg("%s", oddities[i].what);
            buffer_free(&after);
            buffer_free(&request);
        }
        scrub_rules_destroy(r);
    }
}

/* A resource's first attribute with a long tag comes before anything else was looked at; one behind
 * a finding is not remembered as what that was. */
static void long_tags_are_no_others(void **state)
{
    (void)state;
    static const char resource[] = "\x8a\x00\x0d\x0a\x04note\x12\x05\x0a\x03"
                                   "abc"
                                   "\x0a\x3c\x0a\x04note\x12\x34\x0a\x32"
                                   "written by somebody called alice.smith@example.com"
                                   "\x8a\x00\x0d\x0a\x04note\x12\x05\x0a\x03"
                                   "abc";
    for (unsigned way = 0; way < 1U + wide_vectors(); way++) {
        struct scrub_rules *r = make_rules(way, "pii");
        for (unsigned again = 0; again < 3; again++) {
            struct buffer request = make_request_of(bytes_of(resource, sizeof resource - 1));
            struct buffer after = scrubbed(r, &request);
            assert_true(holds(&request, "alice.smith"));
            assert_false(holds(&after, "alice.smith"));
            buffer_free(&after);
            buffer_free(&request);
        }
        scrub_rules_destroy(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(looks_agree),
        cmocka_unit_test(batches_agree),
        cmocka_unit_test(odd_encodings_hide_nothing),
        cmocka_unit_test(long_tags_are_no_others),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    config_release();
    return failed;
}
