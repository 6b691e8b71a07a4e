/* Scenes in which something is slow or fails: what one would want to find. */
#include "collector/demo/parts.h"
#include "collector/demo/shop.h"

#include <stdio.h>

void scene_slow_search(struct shop *shop, struct story *s)
{
    (void)shop;
    struct span *page = shop_visit(s, 0, "GET", "/search", "/search");
    span_text(page, "url.query", "q=porcelain&sort=price");
    struct shop_call find = shop_call(s, page, FRONTEND, INVENTORY, story_took(s, 700), "GET",
                                      "/search", "/search?q=porcelain");
    uint64_t at = shop_sql(s, find.server, INVENTORY, find.server_us + story_took(s, 300), 1900000,
                           "SELECT", "products",
                           "SELECT id, name, price FROM products WHERE lower(description) LIKE "
                           "'%porcelain%' ORDER BY price LIMIT 50 OFFSET 12000");
    struct span *rank = story_begin(s, find.server, INVENTORY, INTERNAL, at, "rank results");
    span_number(rank, "shop.results", 50);
    at = span_end(rank, at + story_took(s, 120000));
    at = shop_answer(s, &find, at + story_took(s, 500), 200);
    shop_served(page, at + story_took(s, 2000), 200);
}

void scene_payment_declined(struct shop *shop, struct story *s)
{
    (void)shop;
    struct span *page = shop_visit(s, 0, "POST", "/checkout", "/checkout");
    struct shop_call c =
        shop_call(s, page, FRONTEND, CHECKOUT, story_took(s, 900), "POST", "/orders", "/orders");
    uint64_t at = c.server_us + story_took(s, 700);
    struct shop_call charge =
        shop_call(s, c.server, CHECKOUT, PAYMENT, at, "POST", "/charges", "/charges");
    at = shop_call_outside(s, charge.server, PAYMENT, charge.server_us + story_took(s, 500), 140000,
                           "POST", "psp.example.com", "/v2/authorizations");
    span_exception(charge.server, at, "payment.DeclinedError",
                   "authorization refused: insufficient funds (code 51)");
    at = shop_answer(s, &charge, at + story_took(s, 400), 500);
    span_exception(c.server, at, "com.shop.checkout.PaymentFailedException",
                   "payment answered 500 for POST /charges");
    at = shop_answer(s, &c, at + story_took(s, 600), 502);
    shop_served(page, at + story_took(s, 900), 502);
}

void scene_deadlock(struct shop *shop, struct story *s)
{
    static const char statement[] = "UPDATE products SET stock = stock - 2 WHERE id IN (311, 205)";
    (void)shop;
    struct span *page = shop_visit(s, 0, "POST", "/checkout", "/checkout");
    struct shop_call stock = shop_call(s, page, FRONTEND, INVENTORY, story_took(s, 900), "POST",
                                       "/reservations", "/reservations");
    uint64_t at = stock.server_us + story_took(s, 300);
    struct span *first =
        shop_sql_begin(s, stock.server, INVENTORY, at, "UPDATE", "products", statement);
    at += 1000000 + story_took(s, 40000); /* PostgreSQL looks for deadlocks after a second */
    span_text(first, "db.response.status_code", "40P01");
    span_exception(
        first, at, "org.postgresql.util.PSQLException",
        "ERROR: deadlock detected; process 2311 waits for ShareLock on transaction 9120");
    span_end(first, at);
    span_event(stock.server, at, "retry", "shop.retry.reason", "deadlock");
    at = shop_sql(s, stock.server, INVENTORY, at + story_took(s, 20000), 4000, "UPDATE", "products",
                  statement);
    at = shop_answer(s, &stock, at + story_took(s, 300), 201);
    shop_served(page, at + story_took(s, 800), 200);
}

/* Three attempts and then the dead-letter topic. */
void scene_poison_message(struct shop *shop, struct story *s)
{
    struct span *page = shop_visit(s, 0, "POST", "/returns", "/returns");
    struct message m = shop_send_message(s, page, FRONTEND, story_took(s, 1500), "returns",
                                         "order-x", shop->next_offset++, KEPT_AS_PARENT);
    shop_served(page, m.sent_us + story_took(s, 500), 202);
    uint64_t at = m.sent_us;
    for (int attempt = 1; attempt <= 3; attempt++) {
        at += story_took(s, 50000);
        struct span *consumer = shop_process_message(s, SHIPPING_WORKER, &m, at, "shipping");
        span_number(consumer, "shop.attempt", attempt);
        at += story_took(s, 3000);
        span_exception(consumer, at, "json.decoder.JSONDecodeError",
                       "Expecting value: line 1 column 1 (char 0)");
        if (attempt == 3) {
            struct message dead = shop_send_message(s, consumer, SHIPPING_WORKER, at, "returns.dlt",
                                                    "order-x", shop->next_offset++, KEPT_AS_PARENT);
            at = dead.sent_us;
        }
        span_end(consumer, at);
    }
}
