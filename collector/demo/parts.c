/* Current semantic conventions throughout, except where real instrumentations have not followed
 * yet: a consumer that lost its context writes Kafka's older attribute names, offset as a string.
 */
#include "collector/demo/parts.h"

#include <inttypes.h>
#include <stdio.h>

enum { NETWORK_US = 300 }; /* one way, usually */

static const int ports[SERVICES] = {
    [FRONTEND] = 8080, [CHECKOUT] = 8081, [CART] = 8082, [PAYMENT] = 8083, [INVENTORY] = 8084,
};

/* ---- HTTP ---- */

static void describe_server(struct story *s, struct span *span, enum service service,
                            const char *method, const char *route, const char *path)
{
    span_text(span, "http.request.method", "%s", method);
    span_text(span, "http.route", "%s", route);
    span_text(span, "url.path", "%s", path);
    span_text(span, "url.scheme", "http");
    span_text(span, "server.address", "%s", shop_service_name(service));
    span_number(span, "server.port", ports[service]);
    span_text(span, "network.protocol.version", "1.1");
    span_number(span, "network.peer.port", 32768 + story_chance(s, 28000));
}

struct span *shop_visit(struct story *s, uint64_t at_us, const char *method, const char *route,
                        const char *path)
{
    static const char *const browsers[] = {
        "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/126.0.0.0 Safari/537.36",
        "ShopApp/7.3.1 (iPhone; iOS 17.5)",
    };
    struct span *span = story_begin_trace(s, FRONTEND, SERVER, at_us, "%s %s", method, route);
    describe_server(s, span, FRONTEND, method, route, path);
    span_text(span, "user_agent.original", "%s", browsers[story_chance(s, 3)]);
    span_text(span, "client.address", "203.0.113.%u", 1 + story_chance(s, 254));
    return span;
}

struct shop_call shop_call(struct story *s, struct span *parent, enum service from, enum service to,
                           uint64_t at_us, const char *method, const char *route, const char *path)
{
    struct shop_call c = {.client = story_begin(s, parent, from, CLIENT, at_us, "%s", method)};
    span_text(c.client, "http.request.method", "%s", method);
    span_text(c.client, "url.full", "http://%s:%d%s", shop_service_name(to), ports[to], path);
    span_text(c.client, "server.address", "%s", shop_service_name(to));
    span_number(c.client, "server.port", ports[to]);
    c.server_us = at_us + story_took(s, NETWORK_US);
    c.server = story_begin(s, c.client, to, SERVER, c.server_us, "%s %s", method, route);
    describe_server(s, c.server, to, method, route, path);
    return c;
}

uint64_t shop_served(struct span *span, uint64_t at_us, int status)
{
    span_number(span, "http.response.status_code", status);
    if (status >= 500) {
        span_text(span, "error.type", "%d", status);
        span_error(span, "");
    }
    return span_end(span, at_us);
}

uint64_t shop_answer(struct story *s, struct shop_call *c, uint64_t at_us, int status)
{
    shop_served(c->server, at_us, status);
    return shop_served(c->client, at_us + story_took(s, NETWORK_US), status);
}

uint64_t shop_call_outside(struct story *s, struct span *parent, enum service from, uint64_t at_us,
                           uint64_t usual_us, const char *method, const char *host,
                           const char *path)
{
    struct span *client = story_begin(s, parent, from, CLIENT, at_us, "%s", method);
    span_text(client, "http.request.method", "%s", method);
    span_text(client, "url.full", "https://%s%s", host, path);
    span_text(client, "server.address", "%s", host);
    span_number(client, "server.port", 443);
    return shop_served(client, at_us + story_took(s, usual_us), 200);
}

/* ---- data ---- */

struct span *shop_sql_begin(struct story *s, struct span *parent, enum service service,
                            uint64_t at_us, const char *operation, const char *table,
                            const char *statement)
{
    struct span *span =
        story_begin(s, parent, service, CLIENT, at_us, "%s shop.%s", operation, table);
    span_text(span, "db.system.name", "postgresql");
    span_text(span, "db.namespace", "shop");
    span_text(span, "db.operation.name", "%s", operation);
    span_text(span, "db.collection.name", "%s", table);
    span_text(span, "db.query.text", "%s", statement);
    span_text(span, "server.address", "postgres");
    span_number(span, "server.port", 5432);
    return span;
}

uint64_t shop_sql(struct story *s, struct span *parent, enum service service, uint64_t at_us,
                  uint64_t usual_us, const char *operation, const char *table,
                  const char *statement)
{
    struct span *span = shop_sql_begin(s, parent, service, at_us, operation, table, statement);
    return span_end(span, at_us + story_took(s, usual_us));
}

uint64_t shop_cache(struct story *s, struct span *parent, enum service service, uint64_t at_us,
                    const char *command, const char *key)
{
    struct span *span = story_begin(s, parent, service, CLIENT, at_us, "%s", command);
    span_text(span, "db.system.name", "redis");
    span_text(span, "db.operation.name", "%s", command);
    span_text(span, "db.query.text", "%s %s", command, key);
    span_text(span, "server.address", "redis");
    span_number(span, "server.port", 6379);
    return span_end(span, at_us + story_took(s, 400));
}

/* ---- Kafka ---- */

static void describe_message(struct span *span, const struct message *m, const char *operation)
{
    span_text(span, "messaging.system", "kafka");
    span_text(span, "messaging.operation.name", "%s", operation);
    span_text(span, "messaging.operation.type", "%s", operation);
    span_text(span, "messaging.destination.name", "%s", m->topic);
    span_text(span, "server.address", "kafka");
    span_number(span, "server.port", 9092);
}

struct message shop_send_message(struct story *s, struct span *parent, enum service from,
                                 uint64_t at_us, const char *topic, const char *key, int64_t offset,
                                 enum context context)
{
    struct message m = {.topic = topic,
                        .key = key,
                        .partition = (int)story_chance(s, 6),
                        .offset = offset,
                        .context = context,
                        .sent_us = at_us + story_took(s, 2500)};
    m.producer = story_begin(s, parent, from, PRODUCER, at_us, "send %s", topic);
    describe_message(m.producer, &m, "send");
    span_text(m.producer, "messaging.kafka.message.key", "%s", key);
    span_text(m.producer, "messaging.client.id", "%s-producer-1", shop_service_name(from));
    if (context != LOST_WITHOUT_OFFSET) {
        span_text(m.producer, "messaging.destination.partition.id", "%d", m.partition);
        span_number(m.producer, "messaging.kafka.offset", m.offset);
    }
    span_end(m.producer, m.sent_us);
    return m;
}

static void describe_old_style(struct span *span, const struct message *m, const char *group)
{
    span_text(span, "messaging.system", "kafka");
    span_text(span, "messaging.operation", "process");
    span_text(span, "messaging.destination", "%s", m->topic);
    span_number(span, "messaging.kafka.partition", m->partition);
    span_text(span, "messaging.kafka.message.offset", "%" PRId64, m->offset);
    span_text(span, "messaging.kafka.consumer.group", "%s", group);
}

struct span *shop_process_message(struct story *s, enum service service, const struct message *m,
                                  uint64_t at_us, const char *group)
{
    struct span *span =
        m->context == KEPT_AS_PARENT
            ? story_begin(s, m->producer, service, CONSUMER, at_us, "process %s", m->topic)
            : story_begin_trace(s, service, CONSUMER, at_us, "process %s", m->topic);
    if (m->context == LOST) {
        describe_old_style(span, m, group);
        return span;
    }
    describe_message(span, m, "process");
    span_text(span, "messaging.destination.partition.id", "%d", m->partition);
    span_number(span, "messaging.kafka.offset", m->offset);
    span_text(span, "messaging.kafka.message.key", "%s", m->key);
    span_text(span, "messaging.consumer.group.name", "%s", group);
    if (m->context == KEPT_AS_LINK)
        span_link(span, m->producer, -1);
    return span;
}
