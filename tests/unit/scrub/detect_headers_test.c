/* Credentials in headers, and behind the names of their schemes. */
#include "tests/unit/scrub/marked.h"

/* A header within a text ends where its own grammar does. */
static void headers_end_where_they_do(void **state)
{
    (void)state;
    static const struct marked_case cases[] = {
        {NULL, "curl -H 'Authorization: Bearer «S3cretX9»' -H 'Accept: x' https://h/y",
         SCRUB_BEARER},
        {NULL, "curl -H \"Authorization: Bearer «S3cretX9»\" -H \"Accept: x\"", SCRUB_BEARER},
        {NULL, "curl -H \"Authorization: Digest «username=\\\"x\\\", response=\\\"y\\\"»\" -v",
         SCRUB_BEARER},
        {NULL, "{Authorization: Bearer «S3cretX9»} failed with status 500", SCRUB_BEARER},
        {NULL, "[authorization=Bearer «S3cretX9», accept=*/*]", SCRUB_BEARER},
        {NULL, "Metadata(authorization=Bearer «S3cretX9»,content-type=x)", SCRUB_BEARER},
        {NULL, "map[Authorization:[Bearer «S3cretX9»] Accept:[x/y]]", SCRUB_BEARER},
        {NULL, "authorization: «S3cretX9» failed for host db after 3 tries", SCRUB_BEARER},
        {NULL, "authorization: «Custom 81f3a0c9e1» and more", SCRUB_BEARER},
        {NULL, "Authorization: SSWS «81f3a0c9e1» and more", SCRUB_BEARER},
        {NULL, "Authorization: Token «token=\"S3\", email=\"x\"» failed", SCRUB_BEARER},
        {NULL, "Authorization: Digest «username=\"x\", nc=00000001, response=\"y\"» failed",
         SCRUB_BEARER},
        {NULL,
         "Authorization: AWS4-HMAC-SHA256 «Credential=x/y/aws4_request, SignedHeaders=host;date, "
         "Signature=abc» failed",
         SCRUB_BEARER},
        {NULL, "'authorization: Digest «a=\"b»' and \" c", SCRUB_BEARER},
        {NULL, "curl -H 'Cookie: «a=b; c=d»' -H 'Accept: x'", SCRUB_COOKIE},
        {NULL, "Cookie: «sid=S3cretX9; lang=de» status=401 rejected", SCRUB_COOKIE},
        {NULL, "Set-Cookie: «a=b; Expires=Wed, 21 Oct 2026 07:28:00 GMT; Path=/» was sent",
         SCRUB_COOKIE},
        {NULL, "cookies: {«'auth': 'S3cretX9', 'x': 'y'»} sent", SCRUB_COOKIE},
        {NULL, "headers: {cookie: '«a=b; c=d»', accept: 'x'}", SCRUB_COOKIE},
    };
    CHECK_CASES(cases);
}

static void headers_may_hold_no_credential(void **state)
{
    (void)state;
    static const struct marked_case cases[] = {
        {NULL, "Authorization: Bearer <token>", -1},
        {NULL, "Authorization: Bearer ***, accept: x", -1},
        {NULL, "Authorization: Bearer [REDACTED] was sent", -1},
        {NULL, "Authorization: Bearer $TOKEN", -1},
        {"http.request.header.authorization", "Bearer ***", -1},
        {NULL, "authorization: 403 Forbidden", -1},
        {NULL, "Authorization: passed", -1},
        {NULL, "cookies: 3, tabs: 4", -1},
        {NULL, "cookies: enabled", -1},
    };
    CHECK_CASES(cases);
}

static void schemes_are_found_in_any_text(void **state)
{
    (void)state;
    static const struct marked_case cases[] = {
        {NULL, "トークン「Bearer «S3cretX9»」", SCRUB_BEARER},
        {NULL, "„Bearer «S3cretX9»“ und （Bearer «S3cretX9»）", SCRUB_BEARER},
        {NULL, "密码Basic «dXNlcjpwYXNzd29yZA==»", SCRUB_BEARER},
        {NULL, "sent Bearer \"«S3cretX9»\"", SCRUB_BEARER},
        {NULL, "q=Bearer%20«S3cretX9»&x", SCRUB_BEARER},
        {NULL, "bearer token «S3cretX9» rejected", SCRUB_BEARER},
        {NULL, "Bearer «mytoken»", SCRUB_BEARER},
        {NULL, "Bearer «my-secret-token» was sent", SCRUB_BEARER},
        {NULL, "Bearer «tok_abc»", SCRUB_BEARER},
        {NULL, "Bearer «abcdefabcdef»", SCRUB_BEARER},
    };
    CHECK_CASES(cases);
}

static void prose_has_bearers_too(void **state)
{
    (void)state;
    static const struct marked_case cases[] = {
        {NULL, "bearer token is missing", -1},
        {NULL, "missing bearer token", -1},
        {NULL, "Bearer authentication is required", -1},
        {NULL, "Bearer scheme expected, Bearer token-based login", -1},
        {NULL, "WWW-Authenticate: Bearer realm=\"api1\", error=\"invalid_token\"", -1},
        {NULL, "the Bearer instrument and the bearer of bad news", -1},
        {NULL, "a basic understanding of authentication", -1},
    };
    CHECK_CASES(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_end_where_they_do),
        cmocka_unit_test(headers_may_hold_no_credential),
        cmocka_unit_test(schemes_are_found_in_any_text),
        cmocka_unit_test(prose_has_bearers_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
