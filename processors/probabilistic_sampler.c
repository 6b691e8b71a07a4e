/* `processors: probabilistic_sampler`: a percentage of all spans, whole traces at a time.
 *
 * The Collector's, decision for decision. A trace has 56 bits of randomness and is kept when they
 * reach the threshold; the modes differ in where the two come from:
 *   hash_seed      randomness: 14 bits of a hash of seed and trace id, told downstream as `rv`;
 *                  a span that already has a randomness or threshold of its own is an error
 *   equalizing     randomness: rv, else the trace id; the threshold, or the span's own if higher
 *   proportional   likewise; the probability multiplies the span's own
 * The threshold that a kept span passed is told as `th` in its tracestate (consistent.h).
 *
 * A tracestate that cannot be read, and a threshold that the span's randomness does not reach, are
 * errors: fail_closed says what becomes of the span. Where the Collector keeps such a span with
 * `th:0`, which claims that it stands for one, here its `th` is erased: nobody knows. */
#include "component/config.h"
#include "component/processor_metrics.h"
#include "component/telemetry.h"
#include "processors/processors.h"
#include "proto/consistent.h"
#include "proto/edit.h"
#include "sampling/chance.h"
#include "sampling/trace_state.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { RETRY_AFTER_MS = 1000, HASH_BITS = 14, RV_LEN = 18 /* "rv:0123456789abcd;" */ };

enum mode { MODE_HASH_SEED, MODE_EQUALIZING, MODE_PROPORTIONAL, MODE_NEVER };

static const char *const modes[] = {"hash_seed", "equalizing", "proportional", NULL};

/* What a decision was made by: the counter's label. */
enum policy {
    BY_PRIORITY,
    BY_HASH,
    BY_RANDOMNESS,
    BY_TRACE_ID,
    BY_NOTHING,
    POLICIES,
};

static const char *const policies[POLICIES] = {"sampling_priority", "trace_id_hash",
                                               "sampling_randomness", "trace_id_w3c",
                                               "missing_randomness"};

struct sampler {
    struct component component;
    enum mode mode;
    uint32_t seed;
    double ratio;
    int digits;
    uint64_t threshold; /* of equalizing and hash_seed */
    bool fail_closed;
    struct counter *decided[POLICIES][2];
    struct processor_items items;
};

/* ---- configuration ---- */

struct settings {
    double percentage;
    int64_t seed;
    int mode;
    bool fail_closed;
    int64_t precision;
    int attribute_source;
    const char *from_attribute;
    const char *sampling_priority;
};

static const char *const sources[] = {"traceID", NULL};

#define FIELD(key_, type_, member_, ...)                                                           \
    {                                                                                              \
        .key = key_, .type = type_, .offset = offsetof(struct settings, member_), __VA_ARGS__      \
    }
/* The last two are about log records, in the Collector too. */
static const struct config_field fields[] = {
    FIELD("sampling_percentage", FIELD_DOUBLE, percentage),
    FIELD("hash_seed", FIELD_INT, seed, .min = 0, .max = UINT32_MAX),
    FIELD("mode", FIELD_CHOICE, mode, .choices = modes),
    FIELD("fail_closed", FIELD_BOOL, fail_closed, .fallback = "true"),
    FIELD("sampling_precision", FIELD_INT, precision, .fallback = "4", .min = 1, .max = 14),
    FIELD("attribute_source", FIELD_CHOICE, attribute_source, .choices = sources),
    FIELD("from_attribute", FIELD_STRING, from_attribute),
    FIELD("sampling_priority", FIELD_STRING, sampling_priority),
    CONFIG_END,
};

/* The Collector computes in floats of 32 bits here, and which traces are kept depends on it. */
static bool configure(struct sampler *s, const struct settings *settings,
                      const struct config_value *config, struct error *e)
{
    float percentage = (float)settings->percentage;
    s->ratio = (double)percentage / 100;
    s->mode = (enum mode)settings->mode;
    s->seed = (uint32_t)settings->seed;
    s->digits = (int)settings->precision;
    s->fail_closed = settings->fail_closed;
    if (!isfinite(percentage) || percentage < 0 ||
        (percentage > 0 && chance_threshold_of_digits(s->ratio, 1) == THRESHOLD_LIMIT))
        return config_error(config, e, "sampling_percentage must be 0, or at least 2^-56 of 100");
    if (percentage > 100) {
        percentage = 100;
        s->ratio = 1;
    }
    uint64_t kept = (uint64_t)(percentage * ((1 << HASH_BITS) / 100.0f));
    if (percentage == 0 || (s->mode == MODE_HASH_SEED && kept == 0))
        s->mode = MODE_NEVER;
    if (s->mode == MODE_HASH_SEED)
        s->threshold = ((1 << HASH_BITS) - kept) << (RANDOMNESS_BITS - HASH_BITS);
    else
        s->threshold = chance_threshold_of_digits(s->ratio, s->digits);
    return true;
}

/* ---- deciding ---- */

struct fate {
    uint64_t randomness;
    uint64_t threshold;
    enum policy policy;
    bool told; /* in the tracestate */
};

/* FNV-1a of 32 bits over the seed, lowest byte first, and the id. Its low 14 bits decide, turned
 * round because a low hash is kept and a high randomness; the others fill up. */
static uint64_t hash_randomness(uint32_t seed, const uint8_t id[16])
{
    const uint32_t prime = 0x01000193, buckets = 1 << HASH_BITS;
    uint32_t h = 0x811c9dc5;
    for (unsigned i = 0; i < 4; i++)
        h = (h ^ (seed >> 8 * i & 0xff)) * prime;
    for (unsigned i = 0; i < 16; i++)
        h = (h ^ id[i]) * prime;
    uint64_t bucket = h & (buckets - 1), rest = h >> (32 - HASH_BITS);
    return (buckets - 1 - bucket) << 42 | (rest ^ rest << 10) << 14 | bucket;
}

/* The priority that OpenTracing's attribute gives: 1 keep, 0 drop, -1 none. */
static int priority_of(double v)
{
    return v == 0 ? 0 : v > 0 ? 1 : -1;
}

static int text_priority(struct bytes text)
{
    char copy[64], *end;
    if (text.len == 0 || text.len >= sizeof copy || text.data[0] <= ' ')
        return -1;
    memcpy(copy, text.data, text.len);
    copy[text.len] = 0;
    double v = strtod(copy, &end);
    return *end || end != copy + text.len ? -1 : priority_of(v);
}

static int span_priority(const struct span_view *span)
{
    struct attribute a;
    if (!attribute_find(span_bytes(span), SPAN_ATTRIBUTES, bytes_of_string("sampling.priority"),
                        &a))
        return -1;
    switch (a.value.type) {
    case VALUE_INT:
        return priority_of((double)a.value.integer);
    case VALUE_DOUBLE:
        return priority_of(a.value.real);
    case VALUE_STRING:
        return text_priority(a.value.bytes);
    default:
        return -1;
    }
}

static uint64_t proportional_threshold(const struct sampler *s, const struct ot_state *came)
{
    uint64_t kept = THRESHOLD_LIMIT - (came->has_threshold ? came->threshold : 0);
    return chance_threshold_of_digits(ldexp((double)kept, -RANDOMNESS_BITS) * s->ratio, s->digits);
}

/* Where the randomness comes from. False: an error. */
static bool find_randomness(const struct sampler *s, const struct span_view *span,
                            const struct ot_state *came, bool valid, struct fate *f)
{
    f->told = valid;
    f->randomness = THRESHOLD_LIMIT - 1;
    f->policy = s->mode == MODE_NEVER ? BY_PRIORITY : BY_NOTHING;
    if (s->mode == MODE_HASH_SEED) {
        f->policy = BY_HASH;
        f->randomness = hash_randomness(s->seed, span->trace_id);
        f->told = valid && !came->has_randomness && !came->has_threshold;
        return f->told;
    }
    if (!valid || s->mode == MODE_NEVER)
        return valid;
    f->policy = came->has_randomness ? BY_RANDOMNESS : BY_TRACE_ID;
    f->randomness = came->has_randomness ? came->randomness : trace_id_randomness(span->trace_id);
    return !came->has_threshold || f->randomness >= came->threshold;
}

static uint64_t find_threshold(const struct sampler *s, const struct ot_state *came)
{
    switch (s->mode) {
    case MODE_HASH_SEED:
        return s->threshold;
    case MODE_EQUALIZING:
        return came->has_threshold && came->threshold > s->threshold ? came->threshold
                                                                     : s->threshold;
    case MODE_PROPORTIONAL:
        return proportional_threshold(s, came);
    case MODE_NEVER:
        break;
    }
    return THRESHOLD_LIMIT;
}

static bool is_sampled(const struct sampler *s, const struct span_view *span, struct fate *f)
{
    struct bytes state = span_trace_state(span_bytes(span));
    bool valid = trace_state_is_valid(state);
    struct ot_state came = ot_parse(state);
    if (find_randomness(s, span, &came, valid, f))
        f->threshold = find_threshold(s, &came);
    else
        f->threshold = s->fail_closed ? THRESHOLD_LIMIT : 0;
    int priority = span_priority(span);
    if (priority >= 0) {
        f->policy = BY_PRIORITY;
        f->threshold = priority > 0 ? 0 : THRESHOLD_LIMIT;
    }
    return f->randomness >= f->threshold;
}

/* ---- telling ---- */

/* The tracestate of a span that was kept; its length, or -1 when it stays as it is. */
static int told_state(const struct sampler *s, struct bytes came, const struct fate *f,
                      char out[TRACE_STATE_MAX + OT_ENTRY_MAX + RV_LEN])
{
    static const char ot[] = "ot=";
    const size_t before = sizeof ot - 1;
    if (!f->told)
        return -1;
    int len = ot_rewrite(came, f->randomness, f->threshold, true, out);
    if (len < 0 || s->mode != MODE_HASH_SEED)
        return len;
    const char *comma = memchr(out, ',', (size_t)len);
    if ((size_t)(comma ? comma - out : len) - before + RV_LEN > OT_ENTRY_MAX)
        return -1;
    char rv[RV_LEN + 1];
    snprintf(rv, sizeof rv, "rv:%014llx;", (unsigned long long)f->randomness);
    memmove(out + before + RV_LEN, out + before, (size_t)len - before);
    memcpy(out + before, rv, RV_LEN);
    return len + RV_LEN;
}

/* Takes over the reference to `b`, whose spans have these fates. NULL: out of memory. */
static struct batch *tell(const struct sampler *s, struct batch *b, const struct fate *fates)
{
    char state[TRACE_STATE_MAX + OT_ENTRY_MAX + RV_LEN];
    bool writable = false;
    for (uint32_t i = 0; i < b->span_count; i++) {
        int len = told_state(s, span_trace_state(span_bytes(&b->spans[i])), &fates[i], state);
        if (len < 0)
            continue;
        if (!writable) {
            b = batch_writable(b);
            if (!b)
                return NULL;
            writable = true;
        }
        if (!span_set_trace_state(b, i, bytes_of(state, (size_t)len))) {
            batch_release(b);
            return NULL;
        }
    }
    return b;
}

/* ---- a batch ---- */

struct choice {
    uint32_t *kept;     /* indices */
    struct fate *fates; /* of those kept */
    uint32_t count;
};

static bool choose(struct sampler *s, const struct batch *b, struct choice *c)
{
    c->kept = malloc(b->span_count * sizeof *c->kept);
    c->fates = calloc(b->span_count, sizeof *c->fates);
    if (!c->kept || !c->fates)
        return false;
    for (uint32_t i = 0; i < b->span_count; i++) {
        struct fate *f = &c->fates[c->count];
        bool sampled = is_sampled(s, &b->spans[i], f);
        counter_add(s->decided[f->policy][sampled], 1);
        if (sampled)
            c->kept[c->count++] = i;
    }
    return true;
}

static struct batch *apply(const struct sampler *s, const struct choice *c, struct batch *b)
{
    if (c->count < b->span_count) {
        struct batch *selected = batch_select(b, c->kept, c->count);
        batch_release(b);
        b = selected;
    }
    return b ? tell(s, b, c->fates) : NULL;
}

static struct outcome sampler_consume(struct component *component, struct batch *b,
                                      struct receipt *r)
{
    struct sampler *s = (struct sampler *)component;
    struct choice c = {0};
    counter_add(s->items.incoming, b->span_count);
    if (b->span_count == 0)
        return component_consume(component->next, b, r);
    bool chosen = choose(s, b, &c);
    bool none = chosen && c.count == 0;
    if (chosen && !none) {
        b = apply(s, &c, b);
    } else {
        batch_release(b);
        b = NULL;
    }
    free(c.kept);
    free(c.fates);
    if (none)
        return outcome_accepted();
    if (!b)
        return outcome_busy(RETRY_AFTER_MS, "out of memory");
    counter_add(s->items.outgoing, b->span_count);
    return component_consume(component->next, b, r);
}

/* ---- its life ---- */

static void sampler_destroy(struct component *c)
{
    free(c);
}

static const struct component_ops ops = {
    .consume = sampler_consume,
    .has_room = component_next_has_room,
    .destroy = sampler_destroy,
};

static void register_counters(struct sampler *s, const struct component_spec *spec)
{
    struct telemetry *t = spec->telemetry;
    for (unsigned p = 0; p < POLICIES; p++) {
        for (unsigned sampled = 0; sampled < 2; sampled++)
            s->decided[p][sampled] = telemetry_counter(
                t, "otelcol_processor_probabilistic_sampler_count_traces_sampled",
                "Spans that were sampled or not, by what decided.",
                LABELS({"policy", policies[p]}, {"sampled", sampled ? "true" : "false"}));
    }
    s->items = processor_items(t, spec->id);
}

static struct component *sampler_create(const struct component_spec *spec, struct error *e)
{
    struct settings settings = {0};
    struct sampler configured = {0};
    if (!config_read(spec->config, fields, &settings, e) ||
        !configure(&configured, &settings, spec->config, e))
        return NULL;
    struct sampler *s = malloc(sizeof *s);
    if (!s) {
        error_set(e, "out of memory");
        return NULL;
    }
    *s = configured;
    component_init(&s->component, spec, &ops);
    register_counters(s, spec);
    return &s->component;
}

const struct component_kind probabilistic_sampler_processor = {
    .type = "probabilistic_sampler",
    .class = COMPONENT_PROCESSOR,
    .summary = "keeps a percentage of all spans, by trace",
    .create = sampler_create,
};
