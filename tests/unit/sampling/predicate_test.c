/* Random traces through the policies and through a plain model of them.
 *
 * Each round draws a set of policies and many traces. A trace's spans arrive in random order, in
 * one to three batches mixed with those of others. A million traces; a tenth under sanitizers.
 * POLICY_TRACES and POLICY_SEED change that. */
#include "policy_model.h"
#include "policy_support.h"

#include "proto/attribute_writer.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED
#endif
#endif

#ifdef SANITIZED
enum { TRACES = 100000 };
#else
enum { TRACES = 1000000 };
#endif
enum { GROUP = 16, GROUPS_A_ROUND = 32, POLICIES = 6 };

static uint64_t seed;

static uint64_t draw(uint64_t below)
{
    seed += 0x9e3779b97f4a7c15;
    uint64_t z = (seed ^ seed >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return (z ^ z >> 31) % below;
}

/* ---- what is drawn ---- */

static const char *const keys[] = {
    "k",          "key",        "kez",
    "http.route", "http.methd", "a.long.key.that.goes.on.and.on.past.sixty.four.bytes.of.text"};
static const char *const strings[] = {"a", "b", "ab", "abc", "beta", "alpha"};
static const char *const vendors[] = {"1", "2", "three", NULL};

static struct model_attribute draw_attribute(void)
{
    struct model_attribute a = {.key = keys[draw(6)], .type = draw(3)};
    if (a.type == MODEL_STRING)
        a.string = strings[draw(6)];
    else
        a.integer = a.type == MODEL_BOOL ? (int64_t)draw(2) : (int64_t)draw(20) - 5;
    return a;
}

static struct model_span draw_span(void)
{
    struct model_span s = {.resource = (unsigned)draw(MODEL_RESOURCES_MAX),
                           .start_ms = draw(10),
                           .status = (unsigned)draw(3),
                           .flags = (unsigned)draw(4),
                           .vendor = vendors[draw(4)],
                           .attribute_count = (unsigned)draw(MODEL_ATTRIBUTES_MAX + 1)};
    s.end_ms = s.start_ms + draw(10);
    for (unsigned i = 0; i < s.attribute_count; i++)
        s.attributes[i] = draw_attribute();
    return s;
}

static struct model_trace draw_trace(void)
{
    struct model_trace t = {.span_count = 1 + (unsigned)draw(MODEL_SPANS_MAX)};
    for (unsigned i = 0; i < 16; i++)
        t.id[i] = (uint8_t)(draw(255) + 1);
    for (unsigned i = 0; i < MODEL_RESOURCES_MAX; i++)
        t.resources[i] = draw_attribute();
    for (unsigned i = 0; i < t.span_count; i++)
        t.spans[i] = draw_span();
    return t;
}

static void draw_simple(struct model_policy *p)
{
    p->type = draw(MODEL_SIMPLE);
    p->key = keys[draw(6)];
    p->invert = draw(3) == 0;
    p->wanted = draw(2);
    p->prefix = p->type == MODEL_STRINGS && draw(2);
    p->values[0] = p->type == MODEL_TRACE_STATE ? vendors[draw(3)] : strings[draw(6)];
    p->values[1] = p->type == MODEL_TRACE_STATE ? vendors[draw(3)] : strings[draw(6)];
    p->low = p->type == MODEL_NUMERIC ? (int64_t)draw(20) - 5 : (int64_t)draw(8);
    p->high = p->low + (int64_t)draw(6) + 1;
    if (p->type != MODEL_NUMERIC && draw(2))
        p->high = 0;
    p->status = (unsigned)draw(3);
    p->percentage = (double)draw(101);
}

static struct model_policy *draw_policy(unsigned depth)
{
    struct model_policy *p = config_keep(1, sizeof *p);
    draw_simple(p);
    uint64_t kind = draw(8);
    if (kind > 2 || depth > 2 || (depth > 0 && kind == 2))
        return p;
    p->type = MODEL_AND + kind;
    p->sub_count = p->type == MODEL_NOT ? 1 : 1 + (unsigned)draw(3);
    for (unsigned i = 0; i < p->sub_count; i++)
        p->subs[i] = draw_policy(depth + 1);
    return p;
}

/* ---- as a configuration ---- */

static void write_policy(struct buffer *out, const struct model_policy *p, unsigned name);

static void write_subs(struct buffer *out, const struct model_policy *p)
{
    for (unsigned i = 0; i < p->sub_count; i++) {
        buffer_append_string(out, i ? "," : "");
        write_policy(out, p->subs[i], i);
    }
}

static void write_strings(struct buffer *out, const struct model_policy *p)
{
    buffer_printf(out, "'string_attribute','string_attribute':{'key':'%s','invert_match':%s,",
                  p->key, p->invert ? "true" : "false");
    if (p->prefix)
        buffer_printf(out, "'values':['^%s'],'enabled_regex_matching':true}", p->values[0]);
    else
        buffer_printf(out, "'values':['%s','%s']}", p->values[0], p->values[1]);
}

static void write_policy(struct buffer *out, const struct model_policy *p, unsigned name)
{
    static const char *const codes[] = {"UNSET", "OK", "ERROR"};
    const char *invert = p->invert ? "true" : "false";
    long long low = p->low, high = p->high;
    buffer_printf(out, "{'name':'p%u','type':", name);
    switch (p->type) {
    case MODEL_ALWAYS:
        buffer_printf(out, "'always_sample'");
        break;
    case MODEL_LATENCY:
        buffer_printf(out, "'latency','latency':{'threshold_ms':%lld,'upper_threshold_ms':%lld}",
                      low, high);
        break;
    case MODEL_NUMERIC:
        buffer_printf(out,
                      "'numeric_attribute','numeric_attribute':{'key':'%s','min_value':%lld,"
                      "'max_value':%lld,'invert_match':%s}",
                      p->key, low, high, invert);
        break;
    case MODEL_STRINGS:
        write_strings(out, p);
        break;
    case MODEL_BOOLEAN:
        buffer_printf(out,
                      "'boolean_attribute','boolean_attribute':{'key':'%s','value':%s,"
                      "'invert_match':%s}",
                      p->key, p->wanted ? "true" : "false", invert);
        break;
    case MODEL_STATUS:
        buffer_printf(out, "'status_code','status_code':{'status_codes':['%s']}", codes[p->status]);
        break;
    case MODEL_FLAGS:
        buffer_printf(out, "'trace_flags'");
        break;
    case MODEL_TRACE_STATE:
        buffer_printf(out, "'trace_state','trace_state':{'key':'vendor','values':['%s','%s']}",
                      p->values[0], p->values[1]);
        break;
    case MODEL_COUNT:
        buffer_printf(out, "'span_count','span_count':{'min_spans':%lld,'max_spans':%lld}", low,
                      high);
        break;
    case MODEL_PROBABILISTIC:
        buffer_printf(out, "'probabilistic','probabilistic':{'sampling_percentage':%g}",
                      p->percentage);
        break;
    case MODEL_AND:
        buffer_printf(out, "'and','and':{'and_sub_policy':[");
        write_subs(out, p);
        buffer_printf(out, "]}");
        break;
    case MODEL_NOT:
        buffer_printf(out, "'not','not':{'not_sub_policy':");
        write_subs(out, p);
        buffer_printf(out, "}");
        break;
    case MODEL_DROP:
        buffer_printf(out, "'drop','drop':{'drop_sub_policy':[");
        write_subs(out, p);
        buffer_printf(out, "]}");
        break;
    }
    buffer_append_byte(out, '}');
}

static char *configuration(struct model_policy *const *policies, unsigned count)
{
    struct buffer out = {0};
    size_t len;
    buffer_append_byte(&out, '[');
    for (unsigned i = 0; i < count; i++) {
        buffer_append_string(&out, i ? "," : "");
        write_policy(&out, policies[i], i);
    }
    buffer_append_byte(&out, ']');
    return buffer_take(&out, &len);
}

/* ---- as wire bytes ---- */

static void put_attribute(struct wire_writer *w, uint32_t field, const struct model_attribute *a)
{
    struct value v = {0};
    if (a->type == MODEL_STRING)
        v = (struct value){.type = VALUE_STRING, .bytes = bytes_of_string(a->string)};
    else if (a->type == MODEL_BOOL)
        v = (struct value){.type = VALUE_BOOL, .boolean = a->integer};
    else
        v = (struct value){.type = VALUE_INT, .integer = a->integer};
    struct bytes key = bytes_of_string(a->key);
    wire_put_frame(w, field, key_value_size(key, &v));
    key_value_put(w, key, &v);
}

static void put_span(struct wire_writer *out, const struct model_trace *t,
                     const struct model_span *s)
{
    uint8_t room[1024], status[2] = {WIRE_TAG(3, WIRE_VARINT), (uint8_t)s->status};
    char state[64];
    struct wire_writer w = wire_writer(room, sizeof room);
    wire_put_bytes(&w, 1, bytes_of(t->id, 16));
    wire_put_bytes(&w, 2, bytes_of("spanspan", 8));
    if (s->vendor) {
        snprintf(state, sizeof state, "x=1, vendor=%s", s->vendor);
        wire_put_bytes(&w, 3, bytes_of_string(state));
    }
    wire_put_fixed64(&w, 7, (1000 + s->start_ms) * MS);
    wire_put_fixed64(&w, 8, (1000 + s->end_ms) * MS);
    for (unsigned i = 0; i < s->attribute_count; i++)
        put_attribute(&w, SPAN_ATTRIBUTES, &s->attributes[i]);
    wire_put_bytes(&w, 15, bytes_of(status, 2));
    wire_put_fixed32(&w, 16, s->flags);
    assert_false(w.overflow);
    wire_put_bytes(out, 2, bytes_of(room, (size_t)(w.at - room)));
}

static void put_resource_spans(struct wire_writer *out, const struct model_trace *t,
                               const struct model_span *s)
{
    uint8_t scope[1200], resource[256], body[1600];
    struct wire_writer r = wire_writer(resource, sizeof resource);
    put_attribute(&r, RESOURCE_ATTRIBUTES, &t->resources[s->resource]);
    struct wire_writer c = wire_writer(scope, sizeof scope);
    put_span(&c, t, s);
    struct wire_writer w = wire_writer(body, sizeof body);
    wire_put_bytes(&w, 1, bytes_of(resource, (size_t)(r.at - resource)));
    wire_put_bytes(&w, 2, bytes_of(scope, (size_t)(c.at - scope)));
    assert_false(r.overflow || c.overflow || w.overflow);
    wire_put_bytes(out, 1, bytes_of(body, (size_t)(w.at - body)));
}

/* ---- both ways ---- */

struct arrival {
    unsigned trace;
    unsigned span;
};

/* The spans of all traces, shuffled. */
static unsigned draw_arrivals(const struct model_trace *traces, struct arrival *arrivals)
{
    unsigned count = 0;
    for (unsigned t = 0; t < GROUP; t++) {
        for (unsigned s = 0; s < traces[t].span_count; s++) {
            unsigned at = (unsigned)draw(count + 1);
            arrivals[count++] = arrivals[at];
            arrivals[at] = (struct arrival){t, s};
        }
    }
    return count;
}

static void observe(struct policy_set *set, const struct model_trace *traces,
                    const struct arrival *arrivals, unsigned count, struct trace_summary *summaries,
                    uint64_t (*bits)[64])
{
    static uint8_t room[GROUP * MODEL_SPANS_MAX * 1700];
    struct batch_report report;
    struct wire_writer w = wire_writer(room, sizeof room);
    for (unsigned i = 0; i < count; i++) {
        const struct model_trace *t = &traces[arrivals[i].trace];
        put_resource_spans(&w, t, &t->spans[arrivals[i].span]);
    }
    struct batch *b = batch_from_request(bytes_of(room, (size_t)(w.at - room)), &report);
    if (!b || b->span_count != count)
        fail_msg("%s", report.where);
    policy_set_begin(set, b);
    for (unsigned i = 0; i < count; i++) {
        struct trace_summary *t = &summaries[arrivals[i].trace];
        const struct span_view *s = &b->spans[i];
        policy_set_observe(set, i, bits[arrivals[i].trace]);
        t->start_ns = s->start_ns < t->start_ns ? s->start_ns : t->start_ns;
        t->end_ns = s->end_ns > t->end_ns ? s->end_ns : t->end_ns;
        t->spans++;
    }
    batch_release(b);
}

static void compare(struct policy_set *set, const struct model_policy *const *policies,
                    unsigned count, const struct model_trace *trace,
                    const struct trace_summary *summary, const char *text)
{
    static const enum sampling_verdict verdicts[] = {SAMPLING_NOT_SAMPLED, SAMPLING_SAMPLED,
                                                     SAMPLING_DROPPED};
    int decider;
    enum model_verdict expected = model_decide(policies, count, trace, &decider);
    struct sampling_decision d = policy_set_decide(set, summary, false, SEC, NULL);
    if (d.verdict != verdicts[expected] ||
        d.policy != (decider < 0 ? UINT16_MAX : (uint16_t)decider))
        fail_msg("%s: expected %d by %d, got %d by %d", text, expected, decider, d.verdict,
                 d.policy);
}

static void run_group(struct policy_set *set, struct model_policy *const *policies, unsigned count,
                      const char *text)
{
    static struct model_trace traces[GROUP];
    static uint64_t bits[GROUP][64];
    struct trace_summary summaries[GROUP];
    struct arrival arrivals[GROUP * MODEL_SPANS_MAX];
    memset(bits, 0, sizeof bits);
    for (unsigned i = 0; i < GROUP; i++) {
        traces[i] = draw_trace();
        summaries[i] = (struct trace_summary){.start_ns = UINT64_MAX, .bits = bits[i]};
        memcpy(summaries[i].trace_id, traces[i].id, 16);
    }
    unsigned total = draw_arrivals(traces, arrivals);
    unsigned first = (unsigned)draw(total), second = first + (unsigned)draw(total - first);
    unsigned ends[] = {first, second, total};
    for (unsigned i = 0, at = 0; i < 3; at = ends[i++]) {
        if (ends[i] > at)
            observe(set, traces, arrivals + at, ends[i] - at, summaries, bits);
    }
    for (unsigned i = 0; i < GROUP; i++)
        compare(set, (const struct model_policy *const *)policies, count, &traces[i], &summaries[i],
                text);
}

static void policies_agree_with_their_model(void **state)
{
    (void)state;
    const char *given = getenv("POLICY_SEED"), *many = getenv("POLICY_TRACES");
    uint64_t traces = many ? strtoull(many, NULL, 10) : TRACES;
    seed = given ? strtoull(given, NULL, 10) : 20260814;
    for (uint64_t done = 0; done < traces; done += GROUP * GROUPS_A_ROUND) {
        struct model_policy *policies[POLICIES];
        unsigned count = 1 + (unsigned)draw(POLICIES);
        for (unsigned i = 0; i < count; i++)
            policies[i] = draw_policy(0);
        char *text = configuration(policies, count);
        struct policy_set *set = set_of(text, false);
        for (unsigned i = 0; i < GROUPS_A_ROUND; i++)
            run_group(set, policies, count, text);
        policy_set_destroy(set);
        free(text);
        config_release();
    }
}

/* ---- encodings that few senders use ---- */

/* A request of one span whose fields begin with `before` and end with `after`. */
static struct batch *span_around(struct bytes before, struct bytes after)
{
    uint8_t span[1024], scope[1100], body[1200], request[1300];
    struct batch_report report;
    struct wire_writer s = wire_writer(span, sizeof span);
    wire_put_raw(&s, before);
    wire_put_bytes(&s, 1, bytes_of("0123456789abcdef", 16));
    wire_put_bytes(&s, 2, bytes_of("spanspan", 8));
    wire_put_bytes(&s, 5, bytes_of("name", 4));
    wire_put_raw(&s, after);
    struct wire_writer c = wire_writer(scope, sizeof scope);
    wire_put_bytes(&c, 2, bytes_of(span, (size_t)(s.at - span)));
    struct wire_writer r = wire_writer(body, sizeof body);
    wire_put_bytes(&r, 2, bytes_of(scope, (size_t)(c.at - scope)));
    struct wire_writer w = wire_writer(request, sizeof request);
    wire_put_bytes(&w, 1, bytes_of(body, (size_t)(r.at - body)));
    assert_false(s.overflow || c.overflow || r.overflow || w.overflow);
    struct batch *b = batch_from_request(bytes_of(request, (size_t)(w.at - request)), &report);
    if (!b)
        fail_msg("%s", report.where);
    return b;
}

static void assert_found(struct policy_set *set, struct bytes before, struct bytes after,
                         bool expected)
{
    struct batch *b = span_around(before, after);
    uint64_t bits[64];
    struct trace_summary t = observed(set, b, bits);
    assert_int_equal(policy_set_decide(set, &t, false, SEC, NULL).verdict == SAMPLING_SAMPLED,
                     expected);
    batch_release(b);
}

static void unusual_encodings_are_understood(void **state)
{
    (void)state;
    static const uint8_t plain[] = "J\x09\x0a\x01k\x12\x04\x0a\x02zz"
                                   "J\x08\x0a\x01k\x12\x03\x0a\x01v",
                         value_first[] = "J\x08\x12\x03\x0a\x01v\x0a\x01k",
                         two_keys[] = "J\x0b\x0a\x01x\x12\x03\x0a\x01v\x0a\x01k",
                         wide_lengths[] = "J\x89\x00\x0a\x81\x00k\x12\x03\x0a\x01v",
                         no_value[] = "J\x03\x0a\x01k", no_key[] = "J\x05\x12\x03\x0a\x01v",
                         empty[] = "J\x00";
#define TEXT(s) bytes_of(s, sizeof(s) - 1)
    const struct bytes none = {0};
    struct policy_set *set = set_of("[{'name':'p','type':'string_attribute',"
                                    "'string_attribute':{'key':'k','values':['v']}}]",
                                    false);
    assert_found(set, none, TEXT(plain), true);
    assert_found(set, TEXT(plain), none, true);
    assert_found(set, none, TEXT(value_first), true);
    assert_found(set, TEXT(empty), TEXT(value_first), true);
    assert_found(set, none, TEXT(two_keys), true);
    assert_found(set, TEXT(wide_lengths), none, true);
    assert_found(set, none, TEXT(no_value), false);
    assert_found(set, none, TEXT(no_key), false);
    uint8_t long_one[400];
    struct wire_writer w = wire_writer(long_one, sizeof long_one);
    char text[200] = "x";
    memset(text, 'x', sizeof text - 1);
    put_attribute(&w, SPAN_ATTRIBUTES,
                  &(struct model_attribute){.key = text, .type = MODEL_STRING, .string = "v"});
    wire_put_raw(&w, TEXT(plain));
    assert_found(set, none, bytes_of(long_one, (size_t)(w.at - long_one)), true);
    policy_set_destroy(set);
    char policies[400];
    snprintf(policies, sizeof policies,
             "[{'name':'p','type':'string_attribute','string_attribute':{'key':'%s',"
             "'values':['v']}}]",
             text);
    set = set_of(policies, false);
    assert_found(set, none, bytes_of(long_one, (size_t)(w.at - long_one)), true);
    policy_set_destroy(set);
    config_release();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unusual_encodings_are_understood),
        cmocka_unit_test(policies_agree_with_their_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
