/* GET /api/v1/traces/{id}/decision: what the tail samplers of this process decided of a trace, and
 * why; also of traces that were not kept, which no store knows. */
#include "query/native.h"

#include "proto/json_writer.h"
#include "query/params.h"
#include "sampling/sampling.h"

#include <stdio.h>
#include <stdlib.h>

static const char *verdict_name(enum sampling_verdict v)
{
    switch (v) {
    case SAMPLING_SAMPLED:
        return "sampled";
    case SAMPLING_DROPPED:
        return "dropped";
    case SAMPLING_ERROR:
        return "error";
    default:
        return "not_sampled";
    }
}

static const char *reason_name(enum explanation_reason r)
{
    switch (r) {
    case REASON_EARLY:
        return "early: num_traces was reached";
    case REASON_TOO_LARGE:
        return "larger than maximum_trace_size_bytes";
    case REASON_JOURNEY:
        return "held until its journey was decided";
    case REASON_SHUTDOWN:
        return "early: the process ended";
    default:
        return "its wait was over";
    }
}

static void write_text(struct json_writer *w, const char *key, const char *text)
{
    json_key(w, key);
    json_text(w, text);
}

static void write_number(struct json_writer *w, const char *key, uint64_t n)
{
    json_key(w, key);
    json_uint(w, n);
}

static void write_nanoseconds(struct json_writer *w, const char *key, uint64_t ns)
{
    json_key(w, key);
    json_uint_string(w, ns);
}

static void write_figures(struct json_writer *w, const struct explanation *e)
{
    write_nanoseconds(w, "waitedNano", e->waited_ns);
    write_nanoseconds(w, "durationNano", e->duration_ns);
    write_number(w, "spanCount", e->spans);
    write_number(w, "lateSpanCount", e->late_spans);
    write_number(w, "bytes", e->bytes);
    json_key(w, "rootSeen");
    json_bool(w, e->rooted);
}

static void write_votes(struct json_writer *w, const struct explanation *e)
{
    json_key(w, "votes");
    json_array_begin(w);
    for (uint32_t i = 0; i < e->vote_count; i++) {
        json_object_begin(w);
        write_text(w, "policy", e->votes[i].policy);
        write_text(w, "verdict", verdict_name(e->votes[i].verdict));
        write_text(w, "why", e->votes[i].why);
        json_object_end(w);
    }
    json_array_end(w);
}

static void write_outcome(struct json_writer *w, const struct explanation *e)
{
    char at[40];
    format_rfc3339(e->decided_ns, at);
    write_text(w, "verdict", verdict_name(e->decision.verdict));
    write_text(w, "decidedAt", at);
    if (e->policy)
        write_text(w, "policy", e->policy);
    if (e->sub_policy)
        write_text(w, "compositePolicy", e->sub_policy);
    if (e->decision.threshold > 0) {
        char threshold[16];
        snprintf(threshold, sizeof threshold, "%014llx",
                 (unsigned long long)e->decision.threshold & 0xffffffffffffffU);
        write_text(w, "threshold", threshold);
    }
    if (!e->detailed)
        return;
    write_text(w, "reason", reason_name(e->reason));
    write_votes(w, e);
}

static void write_decision(void *context, const struct explanation *e)
{
    struct json_writer *w = context;
    json_object_begin(w);
    write_text(w, "sampler", e->component);
    write_text(w, "state", e->state == EXPLANATION_WAITING ? "waiting" : "decided");
    if (e->state == EXPLANATION_DECIDED)
        write_outcome(w, e);
    if (e->detailed)
        write_figures(w, e);
    json_object_end(w);
}

struct answer {
    struct json_writer w;
    bool any;
};

static void write_each(void *context, const struct explanation *e)
{
    struct answer *a = context;
    a->any = true;
    write_decision(&a->w, e);
}

void native_decision(struct call *c)
{
    struct error e;
    uint8_t id[16];
    struct answer a = {0};
    if (!native_has_no_parameters(c))
        return;
    if (!param_trace_id(c->parameter, id, &e)) {
        native_error(c, 400, "a trace id is up to 32 hex digits");
        return;
    }
    struct explanation *room = malloc(sizeof *room);
    if (!room) {
        native_error(c, 500, "out of memory");
        return;
    }
    call_json(c, &a.w, false);
    json_object_begin(&a.w);
    json_key(&a.w, "traceId");
    json_hex(&a.w, bytes_of(id, sizeof id));
    json_key(&a.w, "decisions");
    json_array_begin(&a.w);
    sampling_explain_all(id, room, write_each, &a);
    json_array_end(&a.w);
    json_object_end(&a.w);
    free(room);
    if (a.any)
        call_finish(c, native_error);
    else
        native_error(c, 404, "no tail sampler knows this trace, or it has forgotten it");
}
