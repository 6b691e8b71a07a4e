/* Traces and configurations for tests of tail sampling. */
#ifndef TAILSPAN_TESTS_SAMPLING_SHOP_H
#define TAILSPAN_TESTS_SAMPLING_SHOP_H

#include "component/config.h"
#include "tests/unit/proto/request.h"

#include <stdlib.h>

/* ---- configuration ---- */

static inline struct config_value *config_node(struct config_value *parent, enum config_type type,
                                               const char *key, const char *text)
{
    struct config_value *v = config_keep(1, sizeof *v);
    *v = (struct config_value){
        .type = type, .key = key, .text = text, .file = "t", .line = 1, .parent = parent};
    struct config_value **end = &parent->children;
    while (*end)
        end = &(*end)->next;
    *end = v;
    return v;
}

static inline void config_set(struct config_value *map, const char *key, const char *text)
{
    config_node(map, CONFIG_SCALAR, key, text);
}

static inline struct config_value *config_root(void)
{
    struct config_value *v = config_keep(1, sizeof *v);
    *v = (struct config_value){.type = CONFIG_MAP, .file = "t", .line = 1};
    return v;
}

/* A policy in `policies`; its section when it has one. */
static inline struct config_value *config_policy(struct config_value *policies, const char *name,
                                                 const char *type)
{
    struct config_value *p = config_node(policies, CONFIG_MAP, NULL, NULL);
    config_set(p, "name", name);
    config_set(p, "type", type);
    return config_node(p, CONFIG_MAP, type, NULL);
}

/* ---- spans ---- */

struct span_wish {
    uint64_t trace; /* spread over all of the id */
    uint64_t span;  /* number; 0: one of its own */
    bool child;     /* has a parent */
    bool error;
    const char *trace_state;
    const char *padding; /* an attribute's value */
};

static inline void wish_trace_id(uint64_t trace, uint8_t id[16])
{
    uint64_t high = (trace + 1) * 0x9e3779b97f4a7c15U;
    uint64_t low = (high ^ (high >> 30)) * 0xbf58476d1ce4e5b9U;
    low = (low ^ (low >> 27)) * 0x94d049bb133111ebU;
    low ^= low >> 31;
    memcpy(id, &high, 8);
    memcpy(id + 8, &low, 8);
}

static inline struct buffer wish_span(const struct span_wish *s)
{
    static uint64_t own = 1ULL << 40;
    struct buffer out = {0};
    uint8_t id[16];
    uint64_t number = s->span ? s->span : own++;
    wish_trace_id(s->trace, id);
    bytes(&out, 1, bytes_of(id, 16));
    bytes(&out, 2, bytes_of((const uint8_t *)&number, 8));
    if (s->trace_state)
        text(&out, 3, s->trace_state);
    if (s->child)
        bytes(&out, 4, bytes_of((const uint8_t *)"12345678", 8));
    text(&out, 5, "work");
    integer(&out, 6, 2);
    fixed64(&out, 7, 1000000000);
    fixed64(&out, 8, 1001000000);
    if (s->padding)
        attribute(&out, SPAN_ATTRIBUTES, "padding", string_value(s->padding));
    if (s->error) {
        struct buffer status = {0};
        integer(&status, 3, 2);
        message(&out, 15, &status);
    }
    return out;
}

/* One resource, one scope. */
static inline struct batch *wish_batch(const struct span_wish *spans, uint32_t count)
{
    struct buffer resource = {0}, scope = {0}, scope_spans = {0}, resource_spans = {0};
    struct buffer request = {0};
    attribute(&resource, RESOURCE_ATTRIBUTES, "service.name", string_value("shop"));
    text(&scope, 1, "lib");
    message(&scope_spans, 1, &scope);
    for (uint32_t i = 0; i < count; i++) {
        struct buffer s = wish_span(&spans[i]);
        message(&scope_spans, 2, &s);
    }
    message(&resource_spans, 1, &resource);
    message(&resource_spans, 2, &scope_spans);
    message(&request, 1, &resource_spans);
    struct batch_report report;
    struct batch *b = batch_from_request(buffer_bytes(&request), &report);
    buffer_free(&request);
    return b;
}

#endif
