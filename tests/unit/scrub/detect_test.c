/* What is found, and what only looks like it. In a wanted text the findings stand in « ». */
#include "tests/unit/scrub/marked.h"

static const struct {
    const char *key;
    const char *text;
    int class;
} found_cases[] = {
    {"msg", "mail from «alice@example.com»", SCRUB_EMAIL},
    {"msg", "<«a.b+c@mail.example.co.uk»>, «x_y@ex-ample.org».", SCRUB_EMAIL},
    {"url.full", "https://shop/?email=«alice%40example.com»&x=1", SCRUB_EMAIL},
    {"msg", "user=«bob@example.io»;", SCRUB_EMAIL},
    {"msg", "{\"mail\":\"«jörg@bücher.de»\"}", SCRUB_EMAIL},
    {"msg", "card «4111 1111 1111 1111» was declined", SCRUB_PAYMENT_CARD},
    {"msg", "pan=«5555555555554444»,", SCRUB_PAYMENT_CARD},
    {"msg", "amex «3782-822463-10005»", SCRUB_PAYMENT_CARD},
    {"msg", "to «DE89 3704 0044 0532 0130 00»", SCRUB_IBAN},
    {"msg", "iban: «GB82WEST12345698765432»", SCRUB_IBAN},
    {"msg", "ssn «078-05-1121» given", SCRUB_US_SSN},
    {"customer.id", "«123-45-6789»", SCRUB_US_SSN},
    {"msg", "«AKIAIOSFODNN7EXAMPLE»:«wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY»", -1},
    {"msg", "«sk-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUV»", SCRUB_OPENAI_KEY},
    {"msg",
     "the token that was given, «1//0uFSUsARxP3pCNHlOvWughoF25rKyBEUaxfspTzzZLwn3ocUqyJZ» was "
     "revoked",
     SCRUB_GOOGLE_KEY},
    {"url.full", "https://shop/a;jsessionid=«ABCDEF0123456789»?x=1", SCRUB_URL_CREDENTIALS},
    {"msg", "password          = «hunter2»", SCRUB_SENSITIVE_KEY},
    {"msg", "password\t:        «hunter2»", SCRUB_SENSITIVE_KEY},
    {"msg", "java -Dtoken=«abcdef» -jar x", SCRUB_SENSITIVE_KEY},
    {"msg", "PGPASSWORD=«zz81» psql", SCRUB_SENSITIVE_KEY},
    {"msg", "[{\"name\":\"DB_PASSWORD\",\"value\":\"«hunter2»\"}]", SCRUB_SENSITIVE_KEY},
    {"msg", "{ \"Key\": \"apiSecret\", \"Value\": \"«hunter2»\" }", SCRUB_SENSITIVE_KEY},
    {"msg", "Authorization: Digest «username=\"Mufasa\", response=\"6629\"»\nHost: x",
     SCRUB_BEARER},
    {"db.query.parameter.0", "«42»", SCRUB_SQL_LITERAL},
    {"db.operation.parameter.name", "«alice»", SCRUB_SQL_LITERAL},
    {"msg", "call «+1 415 555 2671» or «+49-30-901820»", SCRUB_PHONE},
    {"user.phone", "«(030) 901820»", SCRUB_PHONE},
    {"contact.phone_number", "«0171 2345678»", SCRUB_PHONE},
    {"client.address", "«203.0.113.7»", SCRUB_IPV4},
    {"msg", "from «8.8.8.8»:53, ok", SCRUB_IPV4},
    {"client.address", "«2001:db8::ff00:42:8329»", SCRUB_IPV6},
    {"msg", "peer [«2001:db8:0:0:1:0:0:1»]:443", SCRUB_IPV6},
    {"msg", "mac «00:1B:44:11:3A:B7» and «00-1b-44-11-3a-b7»", SCRUB_MAC},
    {"msg", "token «eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcDEF123_-x» end", SCRUB_JWT},
    {"msg", "Authorization: Bearer «abcdef0123456789ABC»", -1},
    {"msg", "sent Basic «dXNlcjpwYXNzd29yZA==»", SCRUB_BEARER},
    {"url.full", "https://«user:pa55@»host/x", -2},
    {"url.full", "https://s3/x?X-Amz-Signature=«abcdef»&y=2", SCRUB_URL_CREDENTIALS},
    {"http.target", "/cb?code=«xyz123»&lang=de", SCRUB_URL_CREDENTIALS},
    {"url.query", "token=«abc»&page=3", SCRUB_URL_CREDENTIALS},
    {"msg", "key «AKIAIOSFODNN7EXAMPLE» used", SCRUB_AWS_KEY_ID},
    {"msg", "aws_secret_access_key=«wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY»",
     SCRUB_AWS_SECRET_KEY},
    {"msg", "«ghp_0123456789abcdefghijABCDEFGHIJ012345»", SCRUB_GITHUB_TOKEN},
    {"msg",
     "«github_pat_11ABCDEFG0123456789abc_"
     "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVW»",
     SCRUB_GITHUB_TOKEN},
    {"msg", "x=«glpat-ABCdef0123456789_-xy»", SCRUB_GITLAB_TOKEN},
    {"msg", "«xoxb-123456789012-abcdefABCDEF»", SCRUB_SLACK_TOKEN},
    {"msg", "«sk_live_4eC39HqLyjWDarjtT1zdp7dc»", SCRUB_STRIPE_KEY},
    {"msg", "«AIzaSyA-0123456789abcdefghijklmnopqrstu»", SCRUB_GOOGLE_KEY},
    {"msg", "«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»",
     SCRUB_SENDGRID_KEY},
    {"msg", "«npm_0123456789abcdefghijABCDEFGHIJ012345»", SCRUB_NPM_TOKEN},
    {"msg", "«pypi-AgEIcHlwaS5vcmcCJDAwMDAwMDAwLTAwMDAtMDAwMC0wMDAwLTAwMDAwMDAwMDAwMA»",
     SCRUB_PYPI_TOKEN},
    {"msg", "«sk-proj-abcdefghijklmnopqrstuvwxyz012345»", SCRUB_OPENAI_KEY},
    {"msg", "«sk-ant-api03-abcdefghijklmnopqrstuvwxyz-0123456789»", SCRUB_ANTHROPIC_KEY},
    {"msg", "«-----BEGIN RSA PRIVATE KEY-----\\nMIIE\\n-----END RSA PRIVATE KEY-----» after",
     SCRUB_PRIVATE_KEY},
    {"msg", "«-----BEGIN PRIVATE KEY-----MIIEvQ»", SCRUB_PRIVATE_KEY},
    {"http.request.header.cookie", "«session=abc; lang=de»", SCRUB_COOKIE},
    {"http.response.header.set-cookie", "«id=1»", SCRUB_COOKIE},
    {"db.password", "«hunter2»", SCRUB_SENSITIVE_KEY},
    {"userPassword", "«x»", SCRUB_SENSITIVE_KEY},
    {"X-API-Key", "«k»", SCRUB_SENSITIVE_KEY},
    {"http.request.header.authorization", "Bearer «x»", SCRUB_BEARER},
    {"client_secret", "«s»", SCRUB_SENSITIVE_KEY},
    {"refreshToken", "«t»", SCRUB_SENSITIVE_KEY},
    {"msg", "login failed: password=«hunter2» for bob", SCRUB_SENSITIVE_KEY},
    {"msg", "{\"user\":\"bob\",\"password\":\"«hun ter2»\"}", SCRUB_SENSITIVE_KEY},
    {"msg", "{\\\"api_key\\\":\\\"«abc»\\\"}", SCRUB_SENSITIVE_KEY},
    {"msg", "secret: «abc123», next", SCRUB_SENSITIVE_KEY},
    {"msg", "postgres://«app:s3cret@»db:5432/shop", -2},
    {"msg", "curl -u «admin:s3cret» https://x", SCRUB_URL_CREDENTIALS},
    {"msg", "curl --user '«admin:s3cret»' https://x", SCRUB_URL_CREDENTIALS},
    {"msg", "jdbc:oracle:thin:«scott/tiger»@//db:1521/svc", SCRUB_URL_CREDENTIALS},
    {"msg", "«root:pw»@tcp(10.0.0.1:3306)/x", SCRUB_URL_CREDENTIALS},
    {"msg", "Server=x;User Id=sa;Password=«P@ss w0rd»;Encrypt=true", SCRUB_SENSITIVE_KEY},
    {"msg", "tool --password «hunter2» --host db", SCRUB_SENSITIVE_KEY},
    {"msg", "<ns:password>«hunter2»</ns:password>", SCRUB_SENSITIVE_KEY},
    {"msg", "%22password%22%3A%22«hunter2»%22", SCRUB_SENSITIVE_KEY},
    {"msg", "user[password]=«hunter2»", SCRUB_SENSITIVE_KEY},
    {"msg", "api key: «abc123»", SCRUB_SENSITIVE_KEY},
    {"msg", "Cookie: «a=b; c=d»\nHost: x", SCRUB_COOKIE},
    {"msg", "Connection refused: api.example.com/«93.184.216.34»:443", SCRUB_IPV4},
    {"msg", "token=«ghp_0123456789abcdefghijABCDEFGHIJ012345»", SCRUB_GITHUB_TOKEN},
    {"msg", "联系«alice@example.com»获取", SCRUB_EMAIL},
    {"msg", "«glpat-ABCdef0123456789_-xyABCdef0123456789_-xy.01.0a1b2c3d4»", SCRUB_GITLAB_TOKEN},
    {"net.peer.mac", "«aabb.ccdd.eeff»", SCRUB_MAC},
    {"form.pan", "«4111+1111+1111+1111»", SCRUB_PAYMENT_CARD},
    {"msg", "phone: «(030) 901820», mail", SCRUB_PHONE},
    {"url.full", "https://a.example/x?q=pay%20«4111111111111111»%20now", SCRUB_PAYMENT_CARD},
    {"url.full", "https://a.example/x?q=pay%2520«4111111111111111»", SCRUB_PAYMENT_CARD},
    {"msg", "%7B%22ssn%22%3A%22«212-09-4711»%22%7D", SCRUB_US_SSN},
    {"url.query", "filter=ssn%3D«212-09-4711»", SCRUB_US_SSN},
    {"msg", "xff=10.0.0.1%2C«81.2.69.142»", SCRUB_IPV4},
    {"msg", "redirect=https%3A%2F%2Fx.de%2F%3Fip%3D«81.2.69.142»&n=1", SCRUB_IPV4},
    {"msg", "q=iban%20«DE89370400440532013000»", SCRUB_IBAN},
    {"msg", "q=call%20«%2B491711234567»", SCRUB_PHONE},
    {"msg", "{\"msg\":\"card:\\t«4111111111111111»\"}", SCRUB_PAYMENT_CARD},
    {"msg", "{\"msg\":\"card:\\\\n«4111111111111111»\"}", SCRUB_PAYMENT_CARD},
    {"msg", "a\\n«81.2.69.142»\\nb", SCRUB_IPV4},
    {"msg", "{\"a\":\"\\u003c«81.2.69.142»\\u003e\"}", SCRUB_IPV4},
    {"msg", "\\u0022«4111111111111111»\\u0022 \\x3c«4111111111111111»\\x3e", SCRUB_PAYMENT_CARD},
    {"msg", "\x1b[31m«81.2.69.142»\x1b[0m, \\u001b[1;32m«81.2.69.142»\\u001b[0m", SCRUB_IPV4},
    {"msg", "\\n«a4-5e-60-c1-2b-3d» mac%20«a4-5e-60-c1-2b-3d»", SCRUB_MAC},
    {"msg", "来自«2600:1f18::1»的请求, „«2a02:8109::1»“", SCRUB_IPV6},
    {"msg", "来自«2409:8a00::81.2.69.142»的请求", SCRUB_IPV6},
    {"msg", "设备«a4:5e:60:c1:2b:3d»离线", SCRUB_MAC},
    {"msg", "ip=«2a02%3A8109%3A%3A1», %5B«2a02:8109::1»%5D:443", SCRUB_IPV6},
    {"msg", "mac=«a4%3A5e%3A60%3Ac1%3A2b%3A3d»&x", SCRUB_MAC},
    {"msg", "ip:«2600:1f18::1» {Addr:«2600:1f18::1» N:3} node:«2600:1f18::1»", SCRUB_IPV6},
    {"msg", "ipv6:%5B«2a02:8109::1»%5D:443", SCRUB_IPV6},
    {"msg", "iban «de89 3704 0044 0532 0130 00», «De89370400440532013000»", SCRUB_IBAN},
    {"iban", "«gb82west12345698765432»", SCRUB_IBAN},
    {"msg", "mac address «a45e.60c1.2b3d» seen on Gi0/1, «A45E.60C1.2B3D»", SCRUB_MAC},
    {"msg", "无效的输入:«2600:1f18:3ad:3152:18fd:5c29:6462:e2e7»。", SCRUB_IPV6},
    {"msg", "Mir «2204639710321154», «2200 3464 1952 6026»", SCRUB_PAYMENT_CARD},
    {"msg", "«4818623326655969464» and «6759-4321-9639-0116-96»", SCRUB_PAYMENT_CARD},
    {"msg", "«622126 7622051901184», «6761 1956 4810 6072 91»", SCRUB_PAYMENT_CARD},
    {"msg", "«3714 4963 5398 431» «3056 9309 0259 04» «213112345678904»", SCRUB_PAYMENT_CARD},
    {"msg", "«8123 4567 8901 2340», card «8123456789012340»", SCRUB_PAYMENT_CARD},
    {"event", "order 17 paid with card «4111111111111111»", SCRUB_PAYMENT_CARD},
    {"process.command_line", "/usr/bin/notify --to «4123092779781740» --retries 3",
     SCRUB_PAYMENT_CARD},
    {"log_line", "tool «2409:8a00::11cc»", SCRUB_IPV6},
    {"msg", "from «81.2.69.142» to «4.18.90.58», «81.2.69.142» -> «4.18.90.58»", SCRUB_IPV4},
    {"msg", "ip == «81.2.69.142», (,«81.2.69.142»), ip > «81.2.69.142»", SCRUB_IPV4},
    {"msg", "version 1.2.3.4, «81.2.69.142» and \\\\«81.2.69.142»\\share", SCRUB_IPV4},
    {"msg", "https://«81.2.69.142»/lib /proxy/«81.2.69.142»/x /hosts/«81.2.69.142»", SCRUB_IPV4},
    {"msg", "<v>«81.2.69.142»</v> user@«81.2.69.142» a\\t«81.2.69.142»\\nb", SCRUB_IPV4},
    {"driver.ip", "«81.2.69.142»", SCRUB_IPV4},
    {"msg", "Anna\\u003c«anna@web.de»\\u003e, a\\n«anna@web.de»\\nb", SCRUB_EMAIL},
    {"msg", "C:\\Users\\«nina@web.de»\\AppData", SCRUB_EMAIL},
    {"msg", "{\"email\":\"«joe\\u0040example.com»\"}", SCRUB_EMAIL},
    {"msg", "{\"to\": [\"«joe\\u0040example.com»\"]}", SCRUB_EMAIL},
    {"msg", "{\\\"email\\\":\\\"«joe\\u0040example.com»\\\"}", SCRUB_EMAIL},
    {"msg", "from «\"john doe\"@example.com», «%22a%20b%22%40example.com»", SCRUB_EMAIL},
    {"msg", "user=«anna%40m%C3%BCnchen.de»&x=«%E7%94%A8%40%E4%BE%8B.%E4%B8%AD%E5%9B%BD»&y=1",
     SCRUB_EMAIL},
    {"msg", "/accounts/«o%27brien%40example.org»", SCRUB_EMAIL},
    {"msg", "{\"a\":\"«\\\"john doe\\\"@example.com»\"}", SCRUB_EMAIL},
    {"msg", "«+491711234567» 2024-01-15 10:30:00 sent", SCRUB_PHONE},
    {"msg", "SMS «+491711234567» 200 12ms, «+14155552671» 1705314600000", SCRUB_PHONE},
    {"msg", "SMS «+491711234567» 5 retries, «+33 6 12 34 56 78» 2024-01-15", SCRUB_PHONE},
    {"msg", "«+491711234567» «+491711234567»/«+491711234567»", SCRUB_PHONE},
    {"msg", "«+49 (0) 171 1234567», «%2B49%20%280%29%20171%201234567»", SCRUB_PHONE},
    {"telefon", "«0171 1234567»", SCRUB_PHONE},
    {"teléfono", "«912 345 678»", SCRUB_PHONE},
    {"numer_telefonu", "«601 234 567»", SCRUB_PHONE},
    {"телефон", "«8 (916) 915-01-43»", SCRUB_PHONE},
    {"手机号", "«13812345678»", SCRUB_PHONE},
    {"callerNumber", "«0171 1234567»", SCRUB_PHONE},
    {"dialed_number", "«415-555-2671»", SCRUB_PHONE},
    {"sms.to", "«0171 1234567»", SCRUB_PHONE},
    {"msg", "{\"telefon\":\"«0171 1234567»\"} <phone>«0171 1234567»</phone>", SCRUB_PHONE},
    {"msg", "Telefon: «089 123456», Tel.: «0171 1234567», 电话：«13812345678»", SCRUB_PHONE},
    {"msg", "phone=«%28030%29%20393302»&mobil=«0171%2F1234567»", SCRUB_PHONE},
    {"msg", "客户«DE89370400440532013000»已提交 –«DE89370400440532013000»–", SCRUB_IBAN},
};

static const struct {
    const char *key;
    const char *text;
} clean_cases[] = {
    {"trace.id", "4bf92f3577b34da6a3ce929d0e0e4736"},
    {"msg", "trace 0af7651916cd43dd8448eb211c80319c span b7ad6b7169203331"},
    {"request.id", "550e8400-e29b-41d4-a716-446655440000"},
    {"k8s.pod.name", "shop-6d4cf56db6-4b7xv"},
    {"time", "1700000000123456789"},
    {"time", "1700000000123"},
    {"time", "1700000000"},
    {"order", "4111111111111112"},
    {"order.id", "ORD-2023-000123456"},
    {"order.id", "123-45-6789"},
    {"msg", "took 1234567890123456 ns"},
    {"service.version", "1.2.3.4"},
    {"user_agent.original", "Mozilla/5.0 (X11) Chrome/126.0.0.0 Safari/537.36"},
    {"msg", "Chrome/126.0.0.0"},
    {"msg", "pkg@1.2.3 and @scope/pkg@1.2.3"},
    {"msg", "git@github.com:owner/repo.git"},
    {"container.image",
     "registry/app@sha256:9b7d1c0e0f6cbbd0a1b2c3d4e5f60718293a4b5c6d7e8f9012345678901234ab"},
    {"git.commit", "9b7d1c0e0f6cbbd0a1b2c3d4e5f60718293a4b5c"},
    {"msg", "std::vector<int>::push_back at 12:30:45"},
    {"code.namespace", "a::b::c"},
    {"msg", "ratio 3:4:5"},
    {"author", "bob"},
    {"msg", "[{\"name\":\"DB_HOST\",\"value\":\"hunter2\"}]"},
    {"msg", "{\"password_policy\":\"strict\",\"value\":\"strong\"}"},
    {"url.full", "http://auth-token:8080/x"},
    {"http.request.header.authority", "shop"},
    {"gen_ai.usage.input_tokens", "123"},
    {"max_tokens", "100"},
    {"token_type", "Bearer"},
    {"token.count", "5"},
    {"secretary", "ann"},
    {"password_policy", "strong"},
    {"msg", "password is required"},
    {"msg", "token: null"},
    {"msg", "Bearer of bad news"},
    {"msg", "the basic authentication failed"},
    {"url.full", "https://shop.example/cart?page=2&sort=asc"},
    {"url.full", "https://REDACTED:REDACTED@shop/"},
    {"http.target", "/items?id=42&q=shoes"},
    {"msg", "user@localhost"},
    {"msg", "ssn 000-12-3456 and 666-12-3456 and 123-00-4567"},
    {"msg", "sum 12.34 + 56.78, 100%, a=b"},
    {"msg", "eyJub3QiOiJhIGp3dCJ9"},
    {"msg", "key-value sk-1 npm_config ghp_ short"},
    {"host.ip", "1.2.3.4.5"},
    {"msg", "v1.20.300.4"},
    {"msg", "lib==1.2.3.4"},
    {"msg", "2023-11-14T22:13:20.123456789Z"},
    {"msg", "0x4111111111111111"},
    {"msg", "XX89370400440532013000"},
    {"msg", "DE89370400440532013001"},
    {"msg", "password: must be longer"},
    {"msg", "token: expired"},
    {"msg", "if (token == null) return"},
    {"msg", "password=${DB_PASSWORD} secret=$SECRET api_key=[REDACTED]"},
    {"msg", "PublicKeyToken=b77a5c561934e089"},
    {"msg", "celery@worker-1.example.com and icon@2x.png"},
    {"url.full", "https://shop.example/?code=SUMMER20&key=price"},
    {"session.id", "550e8400-e29b-41d4-a716-446655440000"},
    {"twilio.account_sid", "AC0123456789"},
    {"k8s.secret.name", "db-credentials"},
    {"msg", "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----"},
    {"msg", "risk-assessment-of-orders-2024-01-pipeline"},
    {"msg", "00:00:00:00:00:00 ff:ff:ff:ff:ff:ff"},
    {"msg", "from 24-01-15-10-30-59 on"},
    {"msg", "orders-22%4091115829/x 100%411111111111111"},
    {"msg", "\\u41114111111111111 x4111111111111111"},
    {"msg", "aa:bb:a4:5e:60:c1:2b:3d aa%3Abb%3Aa4%3A5e%3A60%3Ac1%3A2b%3A3d"},
    {"msg", "face:2600:1f18::1:x 2600:1f18::1:x"},
    {"msg", "de89370400440532013001 a4b2c1d0 be12"},
    {"msg", "1234.5678.9012, face.cafe.dead, a45e.60c1.2b3d.example.org, v1.a45e.60c1.2b3d"},
    {"msg", "8123456789012340"},
    {"msg", "a+4222222222222="},
    {"msg", "upgraded to 4.18.90.58"},
    {"msg", "msisdn 4222222222222, ean 4222222222222"},
    {"created_at", "4184252239992982"},
    {"bytes_sent", "4042993287845018"},
    {"memory.used", "4475887928406410"},
    {"event_time_us", "4016468021047397"},
    {"request.id", "4111111111111111"},
    {"offset", "[4111111111111111, 4111111111111111]"},
    {"msg", "+60.8186-115.8140/"},
    {"mobile_app.build", "20240115"},
    {"mobile.timestamp", "1700000000000"},
    {"contact", "20240115"},
    {"msg", "99:7c:67:20:b4:de:b7:dd"},
    {"firmware", "8.19.35.20"},
    {"container.image.tags", "8.19.35.20"},
    {"msg", "user@1000.service, getty@tty1.service, postgresql@14-main.service"},
    {"msg", "\"a\"@b, grant to \"root\"@\"%\", \"@example.com"},
    {"msg", "upgrade from 12.1.57.158 to 4.18.90.58, version >= 1.2.3.4 but found 1.2.3.1"},
    {"msg", "{\"versions\":[\"1.2.3.4\",\"1.2.3.5\"]} <version>7.19.41.11</version>"},
    {"msg", "~> 13.12.84.10, AssemblyVersion(\"13.15.31.31\"), Version%3D11.10.45.33%2C"},
    {"msg", "OpenJDK 11.0.20.1, Chrome 126.0.64.12, SDK 8.8.6.160, 3.1.20.104+build7"},
    {"msg", "版本1.2.3.4已发布, バージョン10.1.61.10, versión 1.18.88.101, версия 12.13.72.68"},
    {"msg", "RFC 5280 section 4.2.1.3, § 4.3.2.1, Kapitel 1.2.3.4, 2.5.4.3, 1.3.6.1"},
    {"msg", "https://cdn.example.com/vue/16.9.81.34/vue.min.js /app/releases/18.9.7.103/x"},
    {"msg",
     "/opt/java/11.0.20.1/bin C:\\App\\7.2.4.130\\app.exe C:\\\\App\\\\7.2.4.130\\\\app.exe"},
};

static void things_are_found(void **state)
{
    (void)state;
    struct detector *d = marked_detector(false, false);
    failures = 0;
    for (size_t i = 0; i < sizeof found_cases / sizeof found_cases[0]; i++) {
        /* user info is noted without its @ */
        char text[1024];
        snprintf(text, sizeof text, "%s", found_cases[i].text);
        char *at = found_cases[i].class == -2 ? strstr(text, "@»") : NULL;
        if (at)
            memcpy(at, "»@", 3); /* » is two bytes */
        check_with(d, found_cases[i].key, "", text,
                   found_cases[i].class < 0 ? -1 : found_cases[i].class);
    }
    detector_destroy(d);
    assert_int_equal(failures, 0);
}

static void what_only_looks_like_it_is_left(void **state)
{
    (void)state;
    struct detector *d = marked_detector(false, false);
    failures = 0;
    for (size_t i = 0; i < sizeof clean_cases / sizeof clean_cases[0]; i++)
        check_with(d, clean_cases[i].key, "", clean_cases[i].text, -1);
    detector_destroy(d);
    assert_int_equal(failures, 0);
}

static void queries_lose_their_literals(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"postgresql", "SELECT * FROM t WHERE a = «'x''y'» AND b = «42» AND c = $1", NULL},
        {"postgresql", "INSERT INTO \"T\" VALUES («$$it's$$», «$q$ a $q$», «E'a\\'b'», «-»1.5)",
         "no"},
        {"postgresql", "SELECT «E'a\\'b'», «$q$ $1 $q$», t.col1 FROM s.t2", NULL},
        {"mysql", "SELECT «\"x\"», `col`, «'a\\'b'» FROM t -- note", NULL},
        {"mysql", "UPDATE t SET a=«0x1F», b=«1e-5» WHERE c IN («1», «2») /* hint */", NULL},
        {"", "SELECT a FROM b WHERE c = ? AND d = :name AND e = @p1 AND f = %s", NULL},
        {"mssql", "SELECT [col] FROM t WHERE n = «N'x'» AND d = «.5»", NULL},
        {"", "SELECT «'never ends", NULL},
        {"redis", "SET user:1 «alice» EX 60", NULL},
        {"redis", "GET user:1", NULL},
        {"redis", "AUTH user «pw»", NULL},
        {"mongodb", "{\"find\":\"users\",\"filter\":{\"mail\":\"«a»\",\"age\":«5»}}", NULL},
    };
    struct detector *d = marked_detector(false, false);
    failures = 0;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[512];
        if (cases[i][2])
            continue;
        snprintf(text, sizeof text, "%s", cases[i][1]);
        if (strstr(text, "never ends"))
            strcat(text, "»");
        check_with(d, "db.query.text", cases[i][0], text, -1);
    }
    detector_destroy(d);
    assert_int_equal(failures, 0);
}

static void national_numbers_are_found_when_asked_for(void **state)
{
    (void)state;
    struct detector *all = marked_detector(true, false), *usual = marked_detector(false, false);
    failures = 0;
    check_with(all, "msg", "", "cpf «529.982.247-25» and «52998224725»", SCRUB_CPF);
    check_with(all, "msg", "", "pesel «44051401359»", SCRUB_PESEL);
    check_with(all, "msg", "", "nhs «943 476 5919»", SCRUB_NHS);
    check_with(all, "msg", "", "dni «12345678Z»", SCRUB_DNI);
    check_with(all, "msg", "", "aadhaar «2341 2341 2346»", SCRUB_AADHAAR);
    check_with(all, "msg", "", "cpf%20«111.444.777-35»", SCRUB_CPF);
    check_with(all, "msg", "", "q=%22«12345678Z»%22 «x1234567l» «X-1234567-L»", SCRUB_DNI);
    check_with(all, "msg", "", "orders-22%409434765919/x", -1);
    check_with(all, "msg", "", "«2341 2341 2346» 2024-01-15, aadhaar «2341 2341 2346» 9285",
               SCRUB_AADHAAR);
    check_with(all, "patient.id", "", "«9434765919»", SCRUB_NHS);
    check_with(all, "msg", "", "9284 2341 2341 2346, 2341 2341 2346 9285", -1);
    check_with(all, "msg", "", "arn%3Aaws%3Aiam%3A%3A234123412346%3Arole", -1);
    check_with(usual, "msg", "", "cpf 529.982.247-25, nhs 943 476 5919, dni 12345678Z", -1);
    detector_destroy(all);
    detector_destroy(usual);
    assert_int_equal(failures, 0);
}

static void private_addresses_are_of_strict(void **state)
{
    (void)state;
    struct detector *strict = marked_detector(false, true), *usual = marked_detector(false, false);
    failures = 0;
    check_with(strict, "client.address", "", "«10.0.0.7»", SCRUB_IPV4);
    check_with(strict, "client.address", "", "«fe80::1»", SCRUB_IPV6);
    check_with(strict, "msg", "", "order 415-555-1234, dialed «415-555-1234»", SCRUB_PHONE);
    check_with(strict, "msg", "", "x[::2] b[1::2] 12:30::45 [«::1»]:80 99:7c:67:20:b4:de:b7:dd",
               SCRUB_IPV6);
    check_with(usual, "client.address", "", "10.0.0.7", -1);
    check_with(usual, "client.address", "", "fe80::1", -1);
    check_with(usual, "client.address", "", "127.0.0.1", -1);
    detector_destroy(strict);
    detector_destroy(usual);
    assert_int_equal(failures, 0);
}

/* A byte of zero stands for nothing, and ends nothing. */
static void zeros_are_bytes_like_any(void **state)
{
    (void)state;
    static const char address[] = "x\0=198.51.100.7";
    static const char secret[] = "ghp_0123456789abcdefghijABCDEFGHIJ012345\0more of it";
    struct detector *d = marked_detector(false, false);
    struct finding found[FINDINGS_MAX];
    size_t count;
    struct detect_context where = {.key = bytes_of_string("msg"),
                                   .top_key = bytes_of_string("msg")};
    detector_find(d, &where, bytes_of(address, sizeof address - 1), found, &count);
    assert_int_equal(count, 1);
    assert_int_equal(found[0].class, SCRUB_IPV4);
    where.key = where.top_key = bytes_of_string("http.request.header.authorization");
    detector_find(d, &where, bytes_of(secret, sizeof secret - 1), found, &count);
    assert_int_equal(count, 1);
    assert_int_equal(found[0].len, sizeof secret - 1);
    detector_destroy(d);
}

static void too_many_go_as_a_whole(void **state)
{
    (void)state;
    struct detector *d = marked_detector(false, false);
    char text[4096] = "";
    for (int i = 0; i < FINDINGS_MAX + 1; i++)
        strcat(text, "a@example.com ");
    struct finding found[FINDINGS_MAX];
    size_t count;
    const struct detect_context where = {.place = PLACE_SPAN_NAME};
    assert_int_equal(detector_find(d, &where, bytes_of_string(text), found, &count), DETECT_WHOLE);
    assert_int_equal(count, 1);
    assert_int_equal(found[0].len, strlen(text));
    detector_destroy(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(things_are_found),
        cmocka_unit_test(what_only_looks_like_it_is_left),
        cmocka_unit_test(queries_lose_their_literals),
        cmocka_unit_test(national_numbers_are_found_when_asked_for),
        cmocka_unit_test(private_addresses_are_of_strict),
        cmocka_unit_test(zeros_are_bytes_like_any),
        cmocka_unit_test(too_many_go_as_a_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
