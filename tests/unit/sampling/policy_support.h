/* What the tests of policies share: a configuration and spans from short text.
 *
 * Text is JSON in which ' stands for " and ` for \" so that it reads well in C. Everything lives
 * until the end of the test. */
#ifndef TAILSPAN_TESTS_SAMPLING_POLICY_SUPPORT_H
#define TAILSPAN_TESTS_SAMPLING_POLICY_SUPPORT_H

#include "component/config.h"
#include "proto/otlp_json.h"
#include "sampling/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#define MS  UINT64_C(1000000)
#define SEC UINT64_C(1000000000)

static inline char *unquoted(const char *text)
{
    char *out = malloc(2 * strlen(text) + 1), *to = out;
    for (; *text; text++) {
        if (*text == '`')
            *to++ = '\\';
        *to++ = *text == '\'' || *text == '`' ? '"' : *text;
    }
    *to = 0;
    return out;
}

/* ---- configuration ---- */

static inline char *kept_text(const char *text)
{
    char *kept = config_keep(strlen(text) + 1, 1);
    return strcpy(kept, text);
}

static inline struct config_value *value_of(json_t *j, const char *key,
                                            const struct config_value *parent);

static inline void add_child(struct config_value *v, struct config_value **last,
                             struct config_value *child)
{
    if (*last)
        (*last)->next = child;
    else
        v->children = child;
    *last = child;
}

static inline char *scalar_text(json_t *j)
{
    char text[64] = "";
    if (json_is_string(j))
        return kept_text(json_string_value(j));
    if (json_is_boolean(j))
        return kept_text(json_is_true(j) ? "true" : "false");
    if (json_is_integer(j))
        snprintf(text, sizeof text, "%lld", (long long)json_integer_value(j));
    else
        snprintf(text, sizeof text, "%.17g", json_real_value(j));
    return kept_text(text);
}

static inline struct config_value *value_of(json_t *j, const char *key,
                                            const struct config_value *parent)
{
    struct config_value *v = config_keep(1, sizeof *v), *last = NULL;
    *v = (struct config_value){
        .key = key ? kept_text(key) : NULL, .file = "test.yaml", .line = 1, .parent = parent};
    if (json_is_object(j)) {
        v->type = CONFIG_MAP;
        for (void *it = json_object_iter(j); it; it = json_object_iter_next(j, it))
            add_child(v, &last, value_of(json_object_iter_value(it), json_object_iter_key(it), v));
    } else if (json_is_array(j)) {
        v->type = CONFIG_LIST;
        for (size_t i = 0; i < json_array_size(j); i++)
            add_child(v, &last, value_of(json_array_get(j, i), NULL, v));
    } else if (!json_is_null(j)) {
        v->type = CONFIG_SCALAR;
        v->text = scalar_text(j);
        v->quoted = json_is_string(j);
    }
    return v;
}

/* The value of the key "policies" of a tail_sampling processor. */
static inline const struct config_value *config_of(const char *text)
{
    static const struct config_value root = {.type = CONFIG_MAP};
    char *plain = unquoted(text);
    json_error_t why;
    json_t *j = json_loads(plain, 0, &why);
    if (!j)
        fail_msg("%s: %s", why.text, plain);
    struct config_value *v = value_of(j, "policies", &root);
    json_decref(j);
    free(plain);
    return v;
}

/* A set of one shard, or of these policies in consistent sampling. */
static inline struct policy_set *set_of(const char *policies, bool consistent)
{
    struct error e = {0};
    struct policy_set *s =
        policy_set_create(config_of(policies), "tail_sampling", 1, consistent, &e);
    if (!s)
        fail_msg("%s", e.text);
    return s;
}

/* ---- traces ---- */

static inline struct batch *batch_of(const char *request)
{
    char *plain = unquoted(request), where[256];
    struct buffer wire = {0};
    struct batch_report report;
    if (!otlp_json_parse(bytes_of_string(plain), OTLP_TRACE_REQUEST, &wire, where, sizeof where))
        fail_msg("%s", where);
    struct batch *b = batch_from_request(buffer_bytes(&wire), &report);
    assert_non_null(b);
    buffer_free(&wire);
    free(plain);
    return b;
}

/* A request of one resource and scope; `spans` is the list of spans, each without ids:
 * "{'name': 'a'}, {'name': 'b'}". All are of one trace. */
static inline struct batch *trace_of(const char *resource, const char *spans)
{
    static const char ids[] = "'traceId':'0123456789abcdef0123456789abcdef',"
                              "'spanId':'0123456789abcdef',";
    size_t len = strlen(spans);
    char *with_ids = malloc(strlen(resource) + len * (sizeof ids + 1) + 1000);
    char *to = with_ids + sprintf(with_ids,
                                  "{'resourceSpans':[{'resource':{'attributes':[%s]},"
                                  "'scopeSpans':[{'scope':{'name':'lib','version':'1.2'},"
                                  "'spans':[",
                                  resource);
    int depth = 0;
    for (size_t i = 0; i < len; i++) {
        depth -= spans[i] == '}';
        *to++ = spans[i];
        if (spans[i] == '{' && depth == 0)
            to += sprintf(to, "%s'kind':0%s", ids, spans[i + 1] == '}' ? "" : ",");
        depth += spans[i] == '{';
    }
    strcpy(to, "]}]}]}");
    struct batch *b = batch_of(with_ids);
    free(with_ids);
    return b;
}

/* All spans of `b` as one trace. `bits` has 64 words. */
static inline struct trace_summary observed(struct policy_set *s, const struct batch *b,
                                            uint64_t *bits)
{
    struct trace_summary t = {.start_ns = UINT64_MAX, .bits = bits, .spans = b->span_count};
    memset(bits, 0, 64 * sizeof *bits);
    assert_true(policy_set_words(s) <= 64);
    policy_set_begin(s, b);
    for (uint32_t i = 0; i < b->span_count; i++) {
        const struct span_view *v = &b->spans[i];
        policy_set_observe(s, i, bits);
        memcpy(t.trace_id, v->trace_id, sizeof t.trace_id);
        t.start_ns = v->start_ns < t.start_ns ? v->start_ns : t.start_ns;
        t.end_ns = v->end_ns > t.end_ns ? v->end_ns : t.end_ns;
        t.bytes += v->len;
        if (span_is_root(v)) {
            t.root_batch = b;
            t.root_span = i;
        }
    }
    return t;
}

#endif
