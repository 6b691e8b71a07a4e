/* Scenes in which all goes well: browsing, the cart, and orders on their way through Kafka. */
#include "collector/demo/parts.h"
#include "collector/demo/shop.h"

#include <stdio.h>

static const char *const products[] = {"teapot", "kettle", "saucer", "strainer", "caddy"};

void scene_browse(struct shop *shop, struct story *s)
{
    char path[64], statement[160];
    (void)shop;
    unsigned id = 100 + story_chance(s, 900);
    snprintf(path, sizeof path, "/products/%u", id);
    struct span *page = shop_visit(s, 0, "GET", "/products/{id}", path);
    uint64_t at = shop_cache(s, page, FRONTEND, story_took(s, 500), "GET", path + 1);
    if (story_chance(s, 3) == 0) {
        span_flag(page, "shop.cache.hit", true);
        shop_served(page, at + story_took(s, 800), 200);
        return;
    }
    struct shop_call stock =
        shop_call(s, page, FRONTEND, INVENTORY, at, "GET", "/stock/{id}", path);
    snprintf(statement, sizeof statement,
             "SELECT id, name, price, stock FROM products WHERE id = %u AND name LIKE '%s%%'", id,
             products[id % 5]);
    at = shop_sql(s, stock.server, INVENTORY, stock.server_us + story_took(s, 300), 1800, "SELECT",
                  "products", statement);
    at = shop_answer(s, &stock, at + story_took(s, 400), 200);
    shop_served(page, at + story_took(s, 1200), 200);
}

void scene_add_to_cart(struct shop *shop, struct story *s)
{
    char key[64];
    (void)shop;
    struct span *page = shop_visit(s, 0, "POST", "/cart", "/cart");
    struct shop_call add = shop_call(s, page, FRONTEND, CART, story_took(s, 600), "POST",
                                     "/carts/{id}/items", "/carts/77/items");
    snprintf(key, sizeof key, "cart:%u %s 1", story_chance(s, 5000), products[story_chance(s, 5)]);
    uint64_t at = shop_cache(s, add.server, CART, add.server_us + story_took(s, 300), "HSET", key);
    at = shop_answer(s, &add, at + story_took(s, 300), 201);
    shop_served(page, at + story_took(s, 700), 200);
}

/* Reserves, charges, records: what every order does before its message is sent. */
static uint64_t take_order(struct story *s, struct span *order, uint64_t at, unsigned number)
{
    char statement[200];
    struct shop_call cart =
        shop_call(s, order, CHECKOUT, CART, at, "GET", "/carts/{id}", "/carts/77");
    at =
        shop_cache(s, cart.server, CART, cart.server_us + story_took(s, 200), "HGETALL", "cart:77");
    at = shop_answer(s, &cart, at + story_took(s, 200), 200);
    struct shop_call stock =
        shop_call(s, order, CHECKOUT, INVENTORY, at, "POST", "/reservations", "/reservations");
    snprintf(statement, sizeof statement,
             "UPDATE products SET stock = stock - 1 WHERE id = %u AND stock >= 1",
             100 + story_chance(s, 900));
    at = shop_sql(s, stock.server, INVENTORY, stock.server_us + story_took(s, 300), 3000, "UPDATE",
                  "products", statement);
    at = shop_answer(s, &stock, at + story_took(s, 300), 201);
    struct shop_call charge =
        shop_call(s, order, CHECKOUT, PAYMENT, at, "POST", "/charges", "/charges");
    at = shop_call_outside(s, charge.server, PAYMENT, charge.server_us + story_took(s, 500), 90000,
                           "POST", "psp.example.com", "/v2/authorizations");
    at = shop_answer(s, &charge, at + story_took(s, 500), 201);
    snprintf(statement, sizeof statement,
             "INSERT INTO orders (number, customer, total, currency) VALUES (%u, %u, 49.90, 'EUR')",
             number, story_chance(s, 90000));
    return shop_sql(s, order, CHECKOUT, at, 4000, "INSERT", "orders", statement);
}

/* Shipping packs it and tells email, which writes to the customer. */
static void ship(struct shop *shop, struct story *s, const struct message *ordered)
{
    uint64_t at = ordered->sent_us + story_took(s, 15000);
    struct span *packing = shop_process_message(s, SHIPPING_WORKER, ordered, at, "shipping");
    at = shop_sql(s, packing, SHIPPING_WORKER, at + story_took(s, 700), 5000, "INSERT", "parcels",
                  "INSERT INTO parcels (order_number, carrier) VALUES (4711, 'Post')");
    struct message shipped = shop_send_message(s, packing, SHIPPING_WORKER, at, "shipments",
                                               ordered->key, shop->next_offset++, ordered->context);
    span_end(packing, shipped.sent_us + story_took(s, 500));
    at = shipped.sent_us + story_took(s, 30000);
    struct span *mail = shop_process_message(s, EMAIL_WORKER, &shipped, at, "email");
    at = shop_call_outside(s, mail, EMAIL_WORKER, at + story_took(s, 900), 60000, "POST",
                           "mail.example.com", "/v1/send");
    span_end(mail, at + story_took(s, 400));
}

static void order(struct shop *shop, struct story *s, enum context context)
{
    unsigned number = 100000 + story_chance(s, 900000);
    static const char *const keys[] = {"order-a", "order-b", "order-c", "order-d"};
    struct span *page = shop_visit(s, 0, "POST", "/checkout", "/checkout");
    struct shop_call c =
        shop_call(s, page, FRONTEND, CHECKOUT, story_took(s, 900), "POST", "/orders", "/orders");
    span_number(c.server, "shop.order.number", number);
    uint64_t at = take_order(s, c.server, c.server_us + story_took(s, 400), number);
    struct message ordered = shop_send_message(s, c.server, CHECKOUT, at, "orders",
                                               keys[number % 4], shop->next_offset++, context);
    at = shop_answer(s, &c, ordered.sent_us + story_took(s, 300), 201);
    shop_served(page, at + story_took(s, 900), 200);
    ship(shop, s, &ordered);
}

void scene_order(struct shop *shop, struct story *s)
{
    order(shop, s, KEPT_AS_PARENT);
}

void scene_order_linked(struct shop *shop, struct story *s)
{
    order(shop, s, KEPT_AS_LINK);
}

void scene_order_context_lost(struct shop *shop, struct story *s)
{
    order(shop, s, LOST);
}

void scene_order_offset_unknown(struct shop *shop, struct story *s)
{
    order(shop, s, LOST_WITHOUT_OFFSET);
}

/* Three orders of three visitors; one span of shipping's links to all of them. */
void scene_batch_shipping(struct shop *shop, struct story *s)
{
    struct message messages[3];
    uint64_t at = 0;
    for (int i = 0; i < 3; i++) {
        struct span *page = shop_visit(s, at, "POST", "/checkout/express", "/checkout/express");
        messages[i] = shop_send_message(s, page, FRONTEND, at + story_took(s, 2000), "orders",
                                        "express", shop->next_offset++, KEPT_AS_LINK);
        at = shop_served(page, messages[i].sent_us + story_took(s, 600), 202);
    }
    at += story_took(s, 20000);
    struct span *batch = story_begin_trace(s, SHIPPING_WORKER, CONSUMER, at, "process orders");
    span_text(batch, "messaging.system", "kafka");
    span_text(batch, "messaging.operation.name", "process");
    span_text(batch, "messaging.operation.type", "process");
    span_text(batch, "messaging.destination.name", "orders");
    span_text(batch, "messaging.consumer.group.name", "shipping");
    span_number(batch, "messaging.batch.message_count", 3);
    for (int i = 0; i < 3; i++)
        span_link(batch, messages[i].producer, messages[i].offset);
    at =
        shop_sql(s, batch, SHIPPING_WORKER, at + story_took(s, 600), 9000, "INSERT", "parcels",
                 "INSERT INTO parcels (order_number, carrier) VALUES (1, 'Post'), (2, 'Post'), (3, "
                 "'Courier')");
    span_end(batch, at + story_took(s, 500));
}
