/* What keys say of their values, however their words are joined. */
#include "processors/scrub/keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static unsigned count_wrong(const char *const *keys, unsigned trait, bool wanted)
{
    unsigned wrong = 0;
    for (; *keys; keys++) {
        bool has = key_traits(bytes_of_string(*keys)) & trait;
        if (has != wanted) {
            print_message("%s\n", *keys);
            wrong++;
        }
    }
    return wrong;
}

static void secrets_are_told_by_their_words(void **state)
{
    (void)state;
    static const char *const keys[] = {"password",
                                       "db.password",
                                       "userPassword",
                                       "USER_PASSWORD",
                                       "user-password",
                                       "password2",
                                       "new_password_confirmation",
                                       "passwd",
                                       "mysql.pwd",
                                       "DB_PASS",
                                       "pass",
                                       "secret",
                                       "client_secret",
                                       "clientSecret",
                                       "AWS_SECRET_ACCESS_KEY",
                                       "secretAccessKey",
                                       "secret_id",
                                       "token",
                                       "access_token",
                                       "accessToken",
                                       "X-Auth-Token",
                                       "x-amz-security-token",
                                       "csrf_token",
                                       "XSRF-TOKEN",
                                       "refreshToken",
                                       "token_value",
                                       "reset_password_token",
                                       "api_key",
                                       "apiKey",
                                       "apikey",
                                       "API-KEY",
                                       "http.request.header.x-api-key",
                                       "http.request.header.x-hub-signature-256",
                                       "x_api_key",
                                       "private_key",
                                       "ssh.privateKey",
                                       "encryption-key",
                                       "AccountKey",
                                       "credentials",
                                       "aws.credential",
                                       "http.request.header.authorization",
                                       "proxy-authorization",
                                       "session_id",
                                       "sessionId",
                                       "otp",
                                       "login.otp_code",
                                       "two_factor.verification_code",
                                       "card.cvv",
                                       "passphrase",
                                       "userpassword",
                                       "PGPASSWORD",
                                       "keystorepassword",
                                       "DBPASS",
                                       "logintoken",
                                       "Dtoken",
                                       "accountkey",
                                       "last_password",
                                       "lastPassword",
                                       "public_api_secret",
                                       "security_answer",
                                       "http.request.header.x-auth",
                                       "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.password",
                                       "jwt",
                                       "Passwort",
                                       "contraseña",
                                       "senha",
                                       "пароль",
                                       "密码",
                                       NULL};
    assert_int_equal(count_wrong(keys, KEY_SENSITIVE, true), 0);
}

static void what_is_about_secrets_is_none(void **state)
{
    (void)state;
    static const char *const keys[] = {"author",
                                       "authority",
                                       "http.request.header.:authority",
                                       "authored_by",
                                       "tokenizer",
                                       "token_count",
                                       "tokenCount",
                                       "gen_ai.usage.input_tokens",
                                       "gen_ai.usage.output_tokens",
                                       "max_tokens",
                                       "gen_ai.request.max_tokens",
                                       "oauth.token_type",
                                       "token.type",
                                       "token_ttl",
                                       "secretary",
                                       "passwordless",
                                       "password_policy",
                                       "password.length",
                                       "has_password",
                                       "is_token_valid",
                                       "secret.name",
                                       "k8s.secret.name",
                                       "aws.secretsmanager.secret.arn",
                                       "access_key_id",
                                       "aws.access_key_id",
                                       "public_key",
                                       "primary_key",
                                       "cache_key",
                                       "messaging.kafka.message.key",
                                       "partition_key",
                                       "idempotency_key",
                                       "next_page_token",
                                       "continuation_token",
                                       "session.id",
                                       "session.previous_id",
                                       "status_code",
                                       "compass",
                                       "bypass",
                                       "test.pass",
                                       "opinion",
                                       "spinner",
                                       "http.route",
                                       "PublicKeyToken",
                                       "haspassword",
                                       "nexttoken",
                                       "maxtoken",
                                       "monkey",
                                       "publickey",
                                       "primarykey",
                                       "OLDPWD",
                                       "last_password_change",
                                       "public_api_key",
                                       "last_login",
                                       NULL};
    assert_int_equal(count_wrong(keys, KEY_SENSITIVE | KEY_COOKIE | KEY_SESSION, false), 0);
}

static void phones_and_versions_are_told_in_many_words(void **state)
{
    (void)state;
    static const char *const phones[] = {
        "telefon",          "user.telefonnummer", "teléfono",      "celular",
        "handynummer",      "numer_telefonu",     "телефон",       "手机号",
        "電話番号",         "callerNumber",       "dialed_number", "contact_number",
        "recipient.number", "landline",           "sms.to",        NULL};
    static const char *const about_phones[] = {
        "mobile_app.build", "mobile.timestamp", "phone.type", "caller", "contact", "to", NULL};
    assert_int_equal(count_wrong(phones, KEY_PHONE, true), 0);
    assert_int_equal(count_wrong(about_phones, KEY_PHONE, false), 0);
    static const char *const versions[] = {"firmware", "helm.chart", "container.image.tags",
                                           "browser.brands", NULL};
    static const char *const addresses[] = {"driver.ip", "browser.address", NULL};
    assert_int_equal(count_wrong(versions, KEY_VERSION, true), 0);
    assert_int_equal(count_wrong(addresses, KEY_VERSION, false), 0);
    static const char *const lines[] = {"process.command_line", "csv.line", "log_line", NULL};
    assert_int_equal(count_wrong(lines, KEY_CODE | KEY_NUMBER, false), 0);
}

static void other_traits(void **state)
{
    (void)state;
    static const char *const cookies[] = {"http.request.header.cookie",
                                          "Cookie",
                                          "http.request.cookies.lang",
                                          "http.request.cookie.sid",
                                          "http.response.header.set-cookie",
                                          "set_cookie",
                                          NULL};
    static const char *const sessions[] = {"JSESSIONID", "phpsessid", "connect.sid", "sid", NULL};
    static const char *const others[] = {"twilio.account_sid", "cookie.consent", "windows.sid",
                                         NULL};
    static const char *const phones[] = {"user.phone", "phoneNumber", "contact.mobile", "fax",
                                         NULL};
    static const char *const numbers[] = {
        "order.id",        "orderId",         "messaging.kafka.offset",
        "event.timestamp", "tracking_number", NULL};
    static const char *const people[] = {"card_number", "phone_number", "ssn_number", NULL};
    static const char *const texts[] = {"db.query.text", "db.statement", NULL};
    static const char *const agents[] = {"user_agent.original", "http.user_agent",
                                         "http.request.header.user-agent", NULL};
    static const char *const signatures[] = {
        "sig", "Signature", "X-Amz-Signature", "AWSAccessKeyId", "SAMLResponse", NULL};
    assert_int_equal(count_wrong(cookies, KEY_COOKIE, true), 0);
    assert_int_equal(count_wrong(sessions, KEY_SESSION, true), 0);
    assert_int_equal(count_wrong(others, KEY_SESSION | KEY_COOKIE, false), 0);
    assert_int_equal(count_wrong(phones, KEY_PHONE, true), 0);
    assert_int_equal(count_wrong(numbers, KEY_NUMBER, true), 0);
    assert_int_equal(count_wrong(people, KEY_NUMBER, false), 0);
    assert_int_equal(count_wrong(texts, KEY_DATABASE, true), 0);
    assert_int_equal(count_wrong(agents, KEY_USER_AGENT, true), 0);
    assert_int_equal(count_wrong(signatures, KEY_PARAMETER, true), 0);
}

/* More keys than are remembered, asked for in turn; and keys of all lengths. */
static void what_is_remembered_is_what_was_worked_out(void **state)
{
    (void)state;
    char key[256];
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 3000; i++) {
            bool secret = i % 3 == 0;
            int len = snprintf(
                key, sizeof key, "%s%d.%.*s", secret ? "password." : "colour.", i, i % 90,
                "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                "xxxxxxxxxx");
            bool has = key_traits(bytes_of(key, (size_t)len)) & KEY_SENSITIVE;
            assert_int_equal(has, secret);
        }
    }
    assert_int_equal(key_traits(bytes_of("", 0)), 0);
}

/* The quick answer may say yes in vain, but no only when it is no. */
static void the_quick_answer_misses_nothing(void **state)
{
    (void)state;
    static const char *const names[] = {"password",
                                        "passwd",
                                        "pwd",
                                        "secret",
                                        "api_key",
                                        "token",
                                        "authorization",
                                        "cookie",
                                        "JSESSIONID",
                                        "sessionId",
                                        "phone",
                                        "ssn",
                                        "card_number",
                                        "otp",
                                        "password2",
                                        "client_secret",
                                        "verification_code",
                                        "credentials",
                                        "mdp",
                                        "senha",
                                        "cvv",
                                        NULL};
    keys_prepare();
    for (size_t i = 0; names[i]; i++) {
        size_t len = strlen(names[i]);
        assert_true(key_may_matter((uint8_t)names[i][len - 2], (uint8_t)names[i][len - 1]));
    }
    assert_false(key_may_matter('u', 'x'));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secrets_are_told_by_their_words),
        cmocka_unit_test(what_is_about_secrets_is_none),
        cmocka_unit_test(phones_and_versions_are_told_in_many_words),
        cmocka_unit_test(other_traits),
        cmocka_unit_test(what_is_remembered_is_what_was_worked_out),
        cmocka_unit_test(the_quick_answer_misses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
