/* However hostile a value is, what is done about it grows with its length and no faster. Nothing is
 * timed: detectors count the bytes that they look at. */
#include "processors/scrub/detect_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { SHORT_LEN = 1 << 14, LONG_LEN = 1 << 18, STEPS_A_BYTE = 64 };

static const char *const pieces[] = {
    "@",
    "a@",
    "a@b.",
    "%40",
    "%2540",
    "7",
    "1 ",
    "4111 ",
    "123-45-6789 x",
    "123456789 ",
    "1.1.1.1.",
    "+1 ",
    "+",
    "DE89 ",
    "eyJ.",
    "eyJ-",
    "eyJhbGciOiJub25lIn0.",
    "eyJhbGciOiJub25lIn0-",
    "a://",
    "x://a:b/",
    "://",
    "k=",
    "=",
    "a:",
    ":",
    "::",
    "'",
    "\"",
    "\\",
    "`",
    "$",
    "$a$",
    "(",
    "{",
    "[",
    "<",
    "<password>",
    "<password ",
    "--",
    "--password ",
    "mysql -p",
    "curl -u a:",
    " -token ",
    " -pass <",
    "['-p', ",
    "[SQL: ",
    "[SQL: 1]",
    "[parameters: '",
    "SQL: INSERT ",
    "token 'a",
    "'token', 'a b",
    "('token', '",
    "a+",
    "Key (a)=(",
    "(a)=(",
    "q'[",
    "alter identified by ",
    "-----BEGIN",
    "-----BEGIN PRIVATE KEY-----x",
    "-----BEGIN PRIVATE KEY----- x y ",
    "eyJhbGciOiJub25lIn0%2E",
    "ghs_eyJ.",
    "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "password=",
    "password: must ",
    "password",
    "\"password\":\"",
    "password=\\\"",
    "token=*&",
    "?key=a&",
    "cookie: ",
    "cookie: [",
    "cookie: a=b; ",
    "cookies: {",
    "'cookie: a",
    "\"authorization: a",
    "`cookie: a\\'authorization: a\\\"cookie: a",
    "authorization: Digest a=b, ",
    "Bearer token ",
    "Bearer%20",
    "authorization: ",
    "api key: ",
    "Bearer ",
    "Basic ",
    "sk-",
    "sk-ant-",
    "AIza-",
    "AKIA",
    "xoxb-",
    "ghp_",
    "glpat-aaaaaaaaaaaaa.",
    "hooks.slack.com/",
    "00:11:22:33:44:55:66:",
    "00-",
    "/*",
    "--\n",
    "#",
    "N'",
    "E'\\",
    "\xe4\xbb\xb6",
    "\xff",
    "\xe4\xbb\xb6@",
    "%22",
    "%3D",
    "password%3D",
    "SET a b\n",
    "{\"a\":1,",
    "1,",
    "user:pass@tcp(",
    "%20",
    "%3A",
    "a4%3A",
    "\\n4",
    "\\u003c",
    "\\u0040",
    "\x1b[31m",
    "\x1b[3;",
    "de89 ",
    "ip:2600:",
    "password: {",
    "\"password\":{\"a\":\"",
    "\"password\":[\"",
    "password: [a",
    "password=Some(",
    "password=a(",
    "token: [{'",
    "value: ",
    "name: password, value: ",
    "Content-Disposition: name=\"password\"\n\n",
    "Content-Disposition: ",
    "<a key=\"",
    "<a key=\"password\">",
    "<password><![CDATA[",
    "password: |\n  ",
    " password: |\n",
    "password: \xef\xbc\x9a",
    "unexpected token: ",
    "\\u0026token=",
    "&amp;token=",
    "password: is ",
    "pwd={a;",
    "('password', '",
    "&lt;password&gt;",
    "&lt;",
    "a:\\/\\/",
    "a%3A%2F%2Fb",
    "'authorization', 'a ",
    "4111\xe2\x80\x90",
    "DE89\xe2\x80\xaf",
    "%B4111111111111111",
    "%B4",
    "sip:+14155552671@1",
    "IDCES-1 ",
    "NM1*34*123456789",
    "*34*123456789*",
    "isbn10: ",
    "phone '0",
    "duplicate entry '0' for key 'phone'",
    "phone \"01711234567",
    "Key (a, phone)=(1, x",
    "Key (a, phone)=(mysql -p 'b, x",
    "['0171",
    "1.1.1.1.1 > ",
    "1.1.1.1.1 > 1.1.1.1.1: ",
    "a-1-1-1-1.nip.io",
    "a.1.1.1.1.",
    "2001:1:1:1:1:1:1:1:1.1",
    "a/1.1.1.1/",
    ", < 1.1.1.1",
    "version no is 1.1.1.1 ",
    "\xe7\x89\x88\xe6\x9c\xac 1.1.1.1",
    "01:00:11:22:33:44:55 ",
    "00:11:22:33:44:55:00:11:22:33:44:55:08:00 ",
    "at 8:0:20:a:b:c on ",
    "at 8:0:20:a:b:c:",
    "mac='001a2b4271b2",
};

static const char *const keys[] = {"message", "db.query.text", "url.query", "user.phone",
                                   "app.password"};
static const char *const systems[] = {"", "mysql", "postgresql", "redis", "mongodb", "memcached"};

static struct detector *make(int profile)
{
    struct detector_options o = {.strict = profile == PROFILE_STRICT};
    for (unsigned i = 0; i < SCRUB_CLASSES; i++)
        o.classes[i] =
            profile < 0 || scrub_profile_has((enum scrub_profile)profile, (enum scrub_class)i);
    return detector_create(&o);
}

static uint64_t steps_of(const struct detector *d, const struct detect_context *where,
                         const char *text, size_t len)
{
    struct finding found[FINDINGS_MAX];
    size_t count;
    (void)detect_steps_taken();
    (void)detector_find(d, where, bytes_of(text, len), found, &count);
    return detect_steps_taken();
}

/* Longer by sixteen: sixteen times the work, and some for how it begins. */
static bool grows_evenly(const struct detector *d, const struct detect_context *where,
                         const char *piece)
{
    static char text[LONG_LEN + 1];
    size_t part = strlen(piece);
    for (size_t at = 0; at + part <= LONG_LEN; at += part)
        memcpy(text + at, piece, part);
    uint64_t less = steps_of(d, where, text, SHORT_LEN),
             more = steps_of(d, where, text, LONG_LEN / part * part);
    if (more <= 20 * less + 65536 && more <= (uint64_t)STEPS_A_BYTE * LONG_LEN)
        return true;
    print_message("%s under %.*s: %llu steps, then %llu\n", piece, (int)where->key.len,
                  where->key.data, (unsigned long long)less, (unsigned long long)more);
    return false;
}

static void all_pieces_in(int profile)
{
    struct detector *d = make(profile);
    unsigned failed = 0;
    for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
        bool database = strcmp(keys[k], "db.query.text") == 0;
        for (size_t b = 0; b < (database ? sizeof systems / sizeof systems[0] : 1); b++) {
            struct detect_context where = {.key = bytes_of_string(keys[k]),
                                           .db_system = bytes_of_string(systems[b])};
            where.top_key = where.key;
            for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++)
                failed += !grows_evenly(d, &where, pieces[i]);
        }
    }
    detector_destroy(d);
    assert_int_equal(failed, 0);
}

static void with_all_classes(void **state)
{
    (void)state;
    all_pieces_in(-1);
}

/* What is found moves the pass on; where nothing may be found there must be no way back either. */
static void with_secrets_alone(void **state)
{
    (void)state;
    all_pieces_in(PROFILE_SECRETS);
}

static void with_personal_data_alone(void **state)
{
    (void)state;
    all_pieces_in(PROFILE_PII);
}

static void with_no_class(void **state)
{
    (void)state;
    struct detector_options o = {0};
    struct detector *d = detector_create(&o);
    const struct detect_context where = {.key = bytes_of_string("message")};
    unsigned failed = 0;
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++)
        failed += !grows_evenly(d, &where, pieces[i]);
    detector_destroy(d);
    assert_int_equal(failed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(with_all_classes),
        cmocka_unit_test(with_secrets_alone),
        cmocka_unit_test(with_personal_data_alone),
        cmocka_unit_test(with_no_class),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
