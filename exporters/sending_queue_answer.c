/* What becomes of a request in the end. */
#include "component/log.h"
#include "exporters/sending_queue_state.h"

#include <stdio.h>

static struct outcome outcome_of(const struct send_answer *answer)
{
    if (answer->result == SEND_OK)
        return outcome_accepted();
    if (answer->result == SEND_PERMANENT)
        return outcome_rejected(answer->grpc_status, "%s", answer->message);
    uint64_t advice = answer->retry_after_ns < BACKOFF_ADVICE_MAX_NS ? answer->retry_after_ns
                                                                     : BACKOFF_ADVICE_MAX_NS;
    return outcome_busy((uint32_t)(advice / 1000000), "%s", answer->message);
}

static void succeed(struct sending_queue *q, struct request *rq, const struct send_answer *answer)
{
    uint64_t spans = rq->spans;
    uint64_t rejected = answer->rejected_spans < spans ? answer->rejected_spans : spans;
    counter_add(q->account.sent, spans - rejected);
    if (rejected) {
        counter_add(q->account.send_failed, rejected);
        queue_account_dropped(&q->account, DROP_PARTIAL, rejected, answer->message);
    } else if (answer->message[0]) {
        log_warn(q->component->id, "backend warns", LOG_S("message", answer->message));
    }
    queue_account_succeeded(&q->account);
}

/* Spans whose sender is told "try again" are not lost: it still has them. */
static void count_failed(struct sending_queue *q, uint64_t spans, uint64_t kept_by_sender,
                         enum drop_reason reason, const char *message)
{
    uint64_t lost = spans - kept_by_sender;
    if (kept_by_sender)
        counter_add(q->account.refused, kept_by_sender);
    if (lost == 0)
        return;
    queue_account_dropped(&q->account, reason, lost, message);
}

static void fail(struct sending_queue *q, struct request *rq, const struct send_answer *answer,
                 enum drop_reason reason)
{
    uint64_t spans = rq->spans;
    uint64_t kept = 0;
    for (size_t i = 0; answer->result == SEND_RETRY && i < rq->owners.count; i++)
        kept += owners_at(&rq->owners, i)->spans;
    counter_add(q->account.send_failed, spans);
    count_failed(q, spans, kept, reason, answer->message);
    queue_account_lost(&q->account, answer->message);
    pacing_release(&q->pacing, 0);
}

void queue_finish(struct request *rq, const struct send_answer *answer, enum drop_reason reason)
{
    struct sending_queue *q = rq->attempt.queue;
    if (answer->result == SEND_OK)
        succeed(q, rq, answer);
    else
        fail(q, rq, answer, reason);
    if (rq->owners.count) {
        struct outcome outcome = outcome_of(answer);
        for (size_t i = 0; i < rq->owners.count; i++)
            receipt_resolve(owners_at(&rq->owners, i)->receipt, &outcome);
    }
    queue_return_request(q, rq);
}

void queue_drop_waiting(struct sending_queue *q, struct waiting *w, enum drop_reason reason)
{
    uint64_t spans = w->batch->span_count - w->first;
    if (!w->receipt)
        counter_add(q->account.enqueue_failed, spans);
    count_failed(q, spans, w->receipt ? spans : 0, reason, "not sent");
    if (w->receipt) {
        struct outcome busy = outcome_busy(0, "%s: %s", q->component->id, drop_reason_name(reason));
        receipt_resolve(w->receipt, &busy);
    }
    batch_release(w->batch);
}

void sending_queue_answer(struct send_attempt *attempt, const struct send_answer *answer)
{
    struct request *rq = (struct request *)attempt;
    enum drop_reason reason = DROP_REFUSED;
    if (answer->result == SEND_RETRY) {
        log_debug(attempt->queue->component->id, "attempt failed", LOG_S("error", answer->message));
        if (queue_retry_later(rq, answer, &reason))
            return;
    }
    queue_finish(rq, answer, reason);
}

void sending_queue_answer_unsent(struct send_attempt *attempt, const char *why)
{
    struct send_answer answer = {.result = SEND_RETRY, .grpc_status = GRPC_STATUS_UNAVAILABLE};
    snprintf(answer.message, sizeof answer.message, "%s", why);
    sending_queue_answer(attempt, &answer);
}
