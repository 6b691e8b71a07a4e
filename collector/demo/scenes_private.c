/* Scenes whose spans carry what should never be in a trace: personal data and credentials, planted
 * where careless code leaves them. None of it is real: example domains, the card networks' test
 * numbers, the cloud's documentation key, a token whose signature says that it is none. */
#include "collector/demo/parts.h"
#include "collector/demo/shop.h"

static const char email[] = "ada.lovelace@example.com";
static const char token[] =
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhZGEiLCJkZW1vIjp0cnVlfQ."
    "bm90LWEtcmVhbC1zaWduYXR1cmU";

void scene_login(struct shop *shop, struct story *s)
{
    (void)shop;
    struct span *page = shop_visit(s, 0, "POST", "/login", "/login");
    span_text(page, "user.email", "%s", email);
    span_text(page, "user.full_name", "Ada Lovelace");
    span_text(page, "url.query", "email=ada.lovelace%%40example.com&password=hunter2");
    struct shop_call c =
        shop_call(s, page, FRONTEND, CHECKOUT, story_took(s, 800), "GET",
                  "/customers/by-email/{email}", "/customers/by-email/ada.lovelace@example.com");
    uint64_t at = shop_sql(
        s, c.server, CHECKOUT, c.server_us + story_took(s, 300), 2500, "SELECT", "customers",
        "SELECT * FROM customers WHERE email = 'ada.lovelace@example.com' AND phone = "
        "'+44 20 7946 0958'");
    span_event(c.server, at, "customer ada.lovelace@example.com found", "customer.phone",
               "+44 20 7946 0958");
    at = shop_answer(s, &c, at + story_took(s, 300), 200);
    shop_served(page, at + story_took(s, 900), 200);
}

void scene_leaky_payment(struct shop *shop, struct story *s)
{
    (void)shop;
    struct span *page = shop_visit(s, 0, "POST", "/checkout", "/checkout");
    struct shop_call c =
        shop_call(s, page, FRONTEND, PAYMENT, story_took(s, 900), "POST", "/charges", "/charges");
    span_header(c.client, "http.request.header.authorization",
                "Bearer eyJub3QiOiJyZWFsIn0.e30.bm8");
    span_text(c.server, "enduser.token", "%s", token);
    span_text(c.server, "payment.card", "4111 1111 1111 1111");
    span_nested(c.server, "payment.request", "iban", "GB82 WEST 1234 5698 7654 32");
    uint64_t at =
        shop_sql(s, c.server, PAYMENT, c.server_us + story_took(s, 400), 3000, "INSERT", "charges",
                 "INSERT INTO charges (card, cvv, holder) VALUES ('5555555555554444', '123', "
                 "'Ada Lovelace')");
    span_exception(c.server, at, "payment.GatewayError",
                   "gateway refused card 4111111111111111 of %s", email);
    at = shop_answer(s, &c, at + story_took(s, 400), 500);
    shop_served(page, at + story_took(s, 900), 502);
}

void scene_leaky_export(struct shop *shop, struct story *s)
{
    (void)shop;
    struct span *job =
        story_begin_trace(s, EMAIL_WORKER, INTERNAL, 0, "export newsletter for %s", email);
    span_text(job, "aws.access_key_id", "AKIAIOSFODNN7EXAMPLE");
    span_text(
        job, "process.command_line",
        "export --target https://ada:hunter2@files.example.com/out --key AKIAIOSFODNN7EXAMPLE");
    uint64_t at =
        shop_sql(s, job, EMAIL_WORKER, story_took(s, 500), 15000, "SELECT", "customers",
                 "SELECT email FROM customers WHERE newsletter = true AND ssn <> '078-05-1120'");
    at = shop_call_outside(s, job, EMAIL_WORKER, at, 200000, "PUT", "ada:hunter2@files.example.com",
                           "/out?X-Amz-Signature=0123456789abcdef&api_key=demo-not-a-key");
    span_end(job, at + story_took(s, 500));
}
