#include "receivers/otlp_intake.h"

static const char *const refusal_names[INTAKE_REFUSALS] = {
    [REFUSED_MALFORMED] = "malformed",     [REFUSED_TOO_LARGE] = "too_large",
    [REFUSED_NO_MEMORY] = "out_of_memory", [REFUSED_CROWDED] = "crowded",
    [REFUSED_TOO_SLOW] = "too_slow",       [REFUSED_UNSUPPORTED] = "unsupported",
    [REFUSED_DRAINING] = "shutting_down",
};

void intake_init(struct intake *in, struct component *c, const struct component_spec *spec,
                 const char *transport, size_t limit)
{
    struct telemetry *t = spec->telemetry;
    const struct label *labels =
        LABELS({.name = "receiver", .value = c->id}, {.name = "transport", .value = transport});
    in->component = c;
    in->limit = limit;
    in->accepted_spans =
        telemetry_counter(t, "otelcol_receiver_accepted_spans",
                          "Number of spans successfully pushed into the pipeline.", labels);
    in->refused_spans =
        telemetry_counter(t, "otelcol_receiver_refused_spans",
                          "Number of spans that could not be pushed into the pipeline.", labels);
    in->failed_spans =
        telemetry_counter(t, "otelcol_receiver_failed_spans",
                          "Number of spans that the receiver itself could not process.", labels);
    in->invalid_id_spans = telemetry_counter(
        t, "tailspan_receiver_rejected_spans", "Spans rejected through partial success, by reason.",
        LABELS({.name = "receiver", .value = c->id}, {.name = "transport", .value = transport},
               {.name = "reason", .value = "invalid_id"}));
    for (int i = 0; i < INTAKE_REFUSALS; i++)
        in->refused_requests[i] = telemetry_counter(
            t, "tailspan_receiver_refused_requests",
            "Requests refused before their spans could be counted, by reason.",
            LABELS({.name = "receiver", .value = c->id}, {.name = "transport", .value = transport},
                   {.name = "reason", .value = refusal_names[i]}));
}

static void on_outcome(struct receipt *r, const struct outcome *worst)
{
    struct intake_request *rq = (struct intake_request *)r;
    if (worst->verdict <= VERDICT_PENDING) {
        counter_add(rq->in->accepted_spans, rq->spans);
    } else {
        counter_add(rq->in->refused_spans, rq->spans);
        reply_from_outcome(&rq->reply, worst);
    }
    rq->answered(rq);
}

void intake_begin(struct intake *in, struct intake_request *rq,
                  void (*answered)(struct intake_request *rq))
{
    rq->in = in;
    rq->answered = answered;
    rq->spans = 0;
    rq->reply.status = GRPC_STATUS_OK;
    rq->reply.http_status = 0;
    rq->reply.retry_after_ms = 0;
    rq->reply.rejected_spans = 0;
    rq->reply.message[0] = 0;
}

void intake_refuse(struct intake_request *rq, enum intake_refusal why, const char *detail)
{
    struct reply *r = &rq->reply;
    counter_add(rq->in->refused_requests[why], 1);
    switch (why) {
    case REFUSED_MALFORMED:
        reply_set(r, GRPC_STATUS_INVALID_ARGUMENT, "%s", detail);
        break;
    case REFUSED_TOO_LARGE:
        reply_set(r, GRPC_STATUS_RESOURCE_EXHAUSTED,
                  "the request is larger than the limit of %zu bytes", rq->in->limit);
        r->http_status = 413;
        break;
    case REFUSED_NO_MEMORY:
        reply_set(r, GRPC_STATUS_UNAVAILABLE, "out of memory");
        r->retry_after_ms = 1000;
        break;
    case REFUSED_CROWDED:
        reply_set(r, GRPC_STATUS_UNAVAILABLE, "too many requests are being received at once");
        r->retry_after_ms = 1000;
        break;
    case REFUSED_DRAINING:
        reply_set(r, GRPC_STATUS_UNAVAILABLE, "shutting down");
        break;
    default:
        reply_set(r, GRPC_STATUS_UNIMPLEMENTED, "%s", detail);
        break;
    }
}

static void reject_spans(struct intake_request *rq, const struct batch_report *report)
{
    rq->reply.rejected_spans = report->rejected_spans;
    reply_set(&rq->reply, GRPC_STATUS_OK, "%u spans have invalid ids; the first: %s",
              report->rejected_spans, report->where);
    counter_add(rq->in->invalid_id_spans, report->rejected_spans);
    counter_add(rq->in->failed_spans, report->rejected_spans);
}

static void refuse_report(struct intake_request *rq, const struct batch_report *report)
{
    intake_refuse(rq, report->no_memory ? REFUSED_NO_MEMORY : REFUSED_MALFORMED, report->where);
    rq->answered(rq);
}

/* Hands on a batch that has been indexed. */
static void hand_on(struct intake_request *rq, struct batch *b, const struct batch_report *report)
{
    if (report->rejected_spans)
        reject_spans(rq, report);
    rq->spans = b->span_count;
    if (b->span_count == 0) {
        batch_release(b);
        rq->answered(rq);
        return;
    }
    receipt_begin(&rq->receipt, on_outcome);
    struct outcome answer = component_consume(rq->in->component->next, b, &rq->receipt);
    receipt_resolve(&rq->receipt, &answer);
}

void intake_submit(struct intake_request *rq, struct batch *b, size_t len)
{
    struct batch_report report;
    if (batch_index(b, len, &report)) {
        hand_on(rq, b, &report);
        return;
    }
    batch_release(b);
    refuse_report(rq, &report);
}

void intake_submit_parts(struct intake_request *rq, const struct bytes *parts, uint32_t count,
                         void (*release)(void *owner), void *owner)
{
    struct batch_report report;
    struct batch *b = batch_from_parts(parts, count, release, owner, &report);
    if (b)
        hand_on(rq, b, &report);
    else
        refuse_report(rq, &report);
}

void intake_submit_body(struct intake_request *rq, struct inflater *inflater,
                        struct body_format format, struct bytes body)
{
    struct batch *b;
    size_t len;
    char where[BODY_WHERE];
    switch (body_decode(inflater, format, body, rq->in->limit, &b, &len, where)) {
    case BODY_OK:
        intake_submit(rq, b, len);
        return;
    case BODY_MALFORMED:
        intake_refuse(rq, REFUSED_MALFORMED, where);
        break;
    case BODY_TOO_LARGE:
        intake_refuse(rq, REFUSED_TOO_LARGE, NULL);
        break;
    case BODY_NO_MEMORY:
        intake_refuse(rq, REFUSED_NO_MEMORY, NULL);
        break;
    }
    rq->answered(rq);
}
