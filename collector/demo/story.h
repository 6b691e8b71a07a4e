/* A story: the spans of one thing that happened in the shop, told in the order in which it
 * happened.
 *
 * Times are microseconds after the story's beginning; story_request() lays them so that the last
 * span has just ended. Spans live in the story. A story is one request and holds one trace or, when
 * messages lost their context on the way, several. One thread.
 *
 *     struct span *order = story_begin_trace(s, CHECKOUT, SERVER, 0, "POST /orders");
 *     struct span *insert = story_begin(s, order, CHECKOUT, CLIENT, 200, "INSERT orders");
 *     span_text(insert, "db.system.name", "postgresql");
 *     span_end(insert, 4100);
 *     span_end(order, 4500); */
#ifndef TAILSPAN_COLLECTOR_DEMO_STORY_H
#define TAILSPAN_COLLECTOR_DEMO_STORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum service {
    FRONTEND,
    CHECKOUT,
    CART,
    PAYMENT,
    INVENTORY,
    SHIPPING_WORKER,
    EMAIL_WORKER,
    SERVICES,
};

/* OTLP's numbers. */
enum span_kind { INTERNAL = 1, SERVER, CLIENT, PRODUCER, CONSUMER };

struct story;
struct span;

const char *shop_service_name(enum service s);

/* Ids and choices follow from `seed` alone. */
struct story *story_create(uint64_t seed);
void story_free(struct story *s);

/* A span that begins a new trace, and a span below another. The name is a printf format. */
struct span *story_begin_trace(struct story *s, enum service service, enum span_kind kind,
                               uint64_t at_us, const char *name, ...)
    __attribute__((format(printf, 5, 6)));
struct span *story_begin(struct story *s, struct span *parent, enum service service,
                         enum span_kind kind, uint64_t at_us, const char *name, ...)
    __attribute__((format(printf, 6, 7)));

/* Ends the span and returns `at_us`. */
uint64_t span_end(struct span *s, uint64_t at_us);

void span_text(struct span *s, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void span_number(struct span *s, const char *key, int64_t value);
void span_flag(struct span *s, const char *key, bool value);
/* An array of one string, as captured HTTP headers have. */
void span_header(struct span *s, const char *key, const char *value);
/* A map with one text in it, to show that nested values are seen. */
void span_nested(struct span *s, const char *key, const char *inner_key, const char *value);

/* An event whose attributes are exception.type, .message and .stacktrace; the span becomes an
 * error with the message as its status. */
void span_exception(struct span *s, uint64_t at_us, const char *type, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void span_event(struct span *s, uint64_t at_us, const char *name, const char *key,
                const char *value);
void span_error(struct span *s, const char *message);
/* A link to another span, with the offset of the message that it stands for unless negative. */
void span_link(struct span *s, const struct span *to, int64_t offset);

/* From 0 to below - 1. */
uint32_t story_chance(struct story *s, uint32_t below);
/* How long something took whose usual time is `usual_us`: mostly near it, now and then much more.
 */
uint64_t story_took(struct story *s, uint64_t usual_us);

size_t story_spans(const struct story *s);
size_t story_traces(const struct story *s);
/* The first trace's id in hex. */
void story_trace_id(const struct story *s, char out[33]);

/* The ExportTraceServiceRequest, its last span ending at `now_ns`; to be freed with free(). Called
 * once. */
uint8_t *story_request(struct story *s, uint64_t now_ns, size_t *len);

#endif
