#include "fixture.h"

#include "component/clock.h"
#include "exporters/queue_account.h"
#include "exporters/sending_queue.h"
#include "tests/unit/captured_stderr.h"

/* The transport is scripted: it holds attempts until the test answers them, or answers at once with
 * what `reply` says. */

enum { HELD_MAX = 4096 };

static struct surroundings around;
static struct component component;
static struct sending_queue *queue;
static struct tally tally = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct {
    pthread_mutex_t lock;
    struct send_attempt *held[HELD_MAX];
    uint32_t held_count;
    uint32_t attempts;
    bool hold;
    bool cancelled;
    struct send_answer (*reply)(uint32_t attempt);
} script = {.lock = PTHREAD_MUTEX_INITIALIZER};

static const struct send_answer good = {.result = SEND_OK};

static struct send_answer retryable(void)
{
    return (struct send_answer){
        .result = SEND_RETRY, .grpc_status = 14, .message = "UNAVAILABLE: down"};
}

static struct send_answer permanent(void)
{
    return (struct send_answer){
        .result = SEND_PERMANENT, .grpc_status = 16, .message = "UNAUTHENTICATED: who?"};
}

static struct send_answer always_good(uint32_t attempt)
{
    (void)attempt;
    return good;
}

static void answer(struct send_attempt *a, struct send_answer with)
{
    if (with.result == SEND_OK)
        tally_frame(&tally, a->frame);
    sending_queue_answer(a, &with);
}

static void scripted_send(void *transport, struct send_attempt *attempt)
{
    assert_ptr_equal(transport, &script);
    pthread_mutex_lock(&script.lock);
    uint32_t number = script.attempts++;
    bool held = script.hold && !script.cancelled;
    bool cancelled = script.cancelled;
    if (held)
        script.held[script.held_count++] = attempt;
    pthread_mutex_unlock(&script.lock);
    if (!held)
        answer(attempt, cancelled ? retryable() : script.reply(number));
}

static uint32_t held(void)
{
    pthread_mutex_lock(&script.lock);
    uint32_t n = script.held_count;
    pthread_mutex_unlock(&script.lock);
    return n;
}

/* Answers the oldest attempt that is held. */
static void answer_one(struct send_answer with)
{
    pthread_mutex_lock(&script.lock);
    assert_true(script.held_count > 0);
    struct send_attempt *a = script.held[0];
    script.held_count--;
    for (uint32_t i = 0; i < script.held_count; i++)
        script.held[i] = script.held[i + 1];
    pthread_mutex_unlock(&script.lock);
    answer(a, with);
}

static void scripted_cancel(void *transport)
{
    (void)transport;
    pthread_mutex_lock(&script.lock);
    script.cancelled = true;
    pthread_mutex_unlock(&script.lock);
    while (held() > 0)
        answer_one(retryable());
}

static const struct component_kind kind = {.type = "scripted", .class = COMPONENT_EXPORTER};
static const struct component_ops ops;

static int open_around(void **state)
{
    (void)state;
    surroundings_open(&around, &kind, "otlp_grpc/test");
    component_init(&component, &around.spec, &ops);
    component_set_ok(&component);
    memset(tally.times, 0, sizeof tally.times);
    tally.requests = tally.spans = 0;
    script.held_count = script.attempts = 0;
    script.hold = true;
    script.cancelled = false;
    script.reply = always_good;
    queue = NULL;
    return 0;
}

static int close_around(void **state)
{
    (void)state;
    sending_queue_destroy(queue);
    surroundings_close(&around);
    assert_int_equal(batch_live_bytes(), 0);
    return 0;
}

struct both {
    struct queue_settings queue;
    struct retry_settings retry;
};
static const struct config_field both_fields[] = {
    {.key = "sending_queue",
     .type = FIELD_SECTION,
     .offset = offsetof(struct both, queue),
     .section = queue_fields},
    {.key = "retry_on_failure",
     .type = FIELD_SECTION,
     .offset = offsetof(struct both, retry),
     .section = retry_fields},
    CONFIG_END,
};

static void open_queue(const struct config_value *config)
{
    struct both s = {0};
    struct error e;
    if (!config_read(config, both_fields, &s, &e) || !queue_settings_check(&s.queue, config, &e) ||
        !retry_settings_check(&s.retry, config, &e))
        fail_msg("%s", e.text);
    queue = sending_queue_create(&(struct sending_queue_options){.component = &component,
                                                                 .spec = &around.spec,
                                                                 .queue = s.queue,
                                                                 .retry = s.retry,
                                                                 .lane = around.lane,
                                                                 .send = scripted_send,
                                                                 .cancel = scripted_cancel,
                                                                 .transport = &script},
                                 &e);
    assert_non_null(queue);
}

static enum verdict push(uint64_t first, uint32_t count)
{
    return sending_queue_push(queue, spans_from(first, count), NULL).verdict;
}

static enum component_state state_now(void)
{
    return component_report(&component).state;
}

#define QUICK_RETRY                                                                                \
    "retry_on_failure.initial_interval=1ms", "retry_on_failure.max_interval=2ms",                  \
        "retry_on_failure.max_elapsed_time=0s"

/* ---- capacity ---- */

static void a_push_is_sent_before_it_returns(void **state)
{
    (void)state;
    open_queue(CONFIG());
    assert_int_equal(push(0, 5), VERDICT_ACCEPTED);
    assert_int_equal(held(), 1);
    answer_one(good);
    assert_each_once(&tally, 0, 5);
    assert_int_equal(count_of(&around, "otelcol_exporter_sent_spans"), 5);
    assert_int_equal(push(5, 0), VERDICT_ACCEPTED);
    assert_int_equal(held(), 0);
}

static void no_more_than_the_consumers_are_under_way(void **state)
{
    (void)state;
    open_queue(CONFIG("sending_queue.num_consumers=3"));
    for (uint32_t i = 0; i < 10; i++)
        assert_int_equal(push(i, 1), VERDICT_ACCEPTED);
    assert_int_equal(held(), 3);
    answer_one(good);
    assert_int_equal(held(), 3);
    while (held() > 0)
        answer_one(good);
    assert_each_once(&tally, 0, 10);
    assert_int_equal(tally.requests, 10);
}

static void a_full_queue_answers_busy_until_there_is_room(void **state)
{
    (void)state;
    open_queue(CONFIG("sending_queue.num_consumers=1", "sending_queue.queue_size=2"));
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(push(i, 1), VERDICT_ACCEPTED);
    assert_int_equal(push(3, 1), VERDICT_BUSY);
    assert_int_equal(count_of(&around, "tailspan_exporter_refused_spans"), 1);
    assert_int_equal(state_now(), STATE_DEGRADED);

    struct outcome why;
    struct batch *b = spans_from(3, 1);
    assert_false(sending_queue_has_room(queue, b, &why));
    assert_int_equal(why.verdict, VERDICT_BUSY);
    answer_one(good);
    assert_true(sending_queue_has_room(queue, b, &why));
    assert_int_equal(sending_queue_push(queue, b, NULL).verdict, VERDICT_ACCEPTED);
    while (held() > 0)
        answer_one(good);
    assert_each_once(&tally, 0, 4);
    assert_int_equal(state_now(), STATE_OK);
    assert_int_equal(count_of(&around, "otelcol_exporter_sent_spans"), 4);
}

static void capacity_can_be_in_spans(void **state)
{
    (void)state;
    open_queue(CONFIG("sending_queue.num_consumers=1", "sending_queue.queue_size=10",
                      "sending_queue.sizer=items"));
    assert_int_equal(push(0, 100), VERDICT_ACCEPTED); /* never waited */
    assert_int_equal(push(100, 10), VERDICT_ACCEPTED);
    assert_int_equal(push(110, 1), VERDICT_BUSY);
    answer_one(good);
    assert_int_equal(push(110, 1), VERDICT_ACCEPTED);
    while (held() > 0)
        answer_one(good);
    assert_each_once(&tally, 0, 111);
}

static void capacity_can_be_in_bytes(void **state)
{
    (void)state;
    open_queue(CONFIG("sending_queue.num_consumers=1", "sending_queue.queue_size=1000",
                      "sending_queue.sizer=bytes"));
    assert_int_equal(push(0, 100), VERDICT_ACCEPTED);
    assert_int_equal(push(100, 10), VERDICT_ACCEPTED);
    assert_int_equal(push(110, 10), VERDICT_BUSY);
    answer_one(good);
    answer_one(good);
    assert_each_once(&tally, 0, 110);
}

/* A transport that answers before it returns must not recurse once a request. */
static void instant_answers_empty_a_long_line(void **state)
{
    (void)state;
    open_queue(CONFIG("sending_queue.num_consumers=1", "sending_queue.queue_size=10000"));
    for (uint32_t i = 0; i < 10000; i++)
        assert_int_equal(push(i, 1), VERDICT_ACCEPTED);
    script.hold = false;
    answer_one(good);
    assert_each_once(&tally, 0, 10000);
    assert_int_equal(tally.requests, 10000);
}

/* ---- batching ---- */

static void three_thousand_spans_become_few_requests(void **state)
{
    (void)state;
    around.spec.batch =
        (struct batch_settings){.present = true, .timeout_ns = 3600000000000u, .min_spans = 8192};
    open_queue(CONFIG());
    for (uint32_t i = 0; i < 3000; i++)
        assert_int_equal(push(i, 1), VERDICT_ACCEPTED);
    script.hold = false;
    while (held() > 0)
        answer_one(good);
    sending_queue_drain(queue, seconds_from_now(60));
    assert_each_once(&tally, 0, 3000);
    assert_true(tally.requests <= 4);
}

static void batches_are_merged_and_split_to_size(void **state)
{
    (void)state;
    open_queue(CONFIG("sending_queue.batch.flush_timeout=1h", "sending_queue.batch.min_size=50",
                      "sending_queue.batch.max_size=60"));
    script.hold = false;
    for (uint32_t i = 0; i < 49; i++)
        push(i, 1);
    assert_int_equal(tally.requests, 0);
    push(49, 1);
    assert_int_equal(tally.requests, 1);
    push(50, 130);
    assert_int_equal(tally.requests, 3);
    assert_each_once(&tally, 0, 170);
    push(180, 40);
    assert_each_once(&tally, 0, 220);
    assert_int_equal(tally.requests, 4);
}

static void what_is_not_enough_goes_after_the_timeout(void **state)
{
    (void)state;
    open_queue(CONFIG("sending_queue.batch.flush_timeout=1s"));
    push(0, 3);
    push(3, 4);
    eventually(held() == 1);
    answer_one(good);
    assert_each_once(&tally, 0, 7);
    push(7, 1);
    eventually(held() == 1);
    answer_one(good);
    assert_each_once(&tally, 0, 8);
    assert_int_equal(tally.requests, 2);
}

static void a_full_line_goes_early_when_a_consumer_is_free(void **state)
{
    (void)state;
    open_queue(CONFIG("sending_queue.num_consumers=1", "sending_queue.queue_size=5",
                      "sending_queue.batch.flush_timeout=1h"));
    for (uint32_t i = 0; i < 6; i++)
        assert_int_equal(push(i, 1), VERDICT_ACCEPTED);
    assert_int_equal(held(), 1);
    for (uint32_t i = 6; i < 11; i++)
        assert_int_equal(push(i, 1), VERDICT_ACCEPTED);
    assert_int_equal(push(11, 1), VERDICT_BUSY);
    answer_one(good);
    script.hold = false;
    sending_queue_drain(queue, seconds_from_now(60));
    assert_each_once(&tally, 0, 11);
    assert_int_equal(tally.requests, 2);
}

/* ---- retries ---- */

static struct send_answer good_at_the_third(uint32_t attempt)
{
    return attempt < 2 ? retryable() : good;
}

static void a_failed_request_is_tried_again(void **state)
{
    (void)state;
    open_queue(CONFIG(QUICK_RETRY));
    script.hold = false;
    script.reply = good_at_the_third;
    assert_int_equal(push(0, 5), VERDICT_ACCEPTED);
    assert_int_equal(state_now(), STATE_OK);
    assert_non_null(strstr(component_report(&component).error, "UNAVAILABLE: down"));
    eventually(count_of(&around, "otelcol_exporter_sent_spans") == 5);
    assert_each_once(&tally, 0, 5);
    assert_int_equal(script.attempts, 3);
    eventually(state_now() == STATE_OK);
    assert_int_equal(count_of(&around, "otelcol_exporter_send_failed_spans"), 0);
}

static void a_sleeping_request_occupies_its_consumer(void **state)
{
    (void)state;
    open_queue(CONFIG("sending_queue.num_consumers=1", "retry_on_failure.initial_interval=1h",
                      "retry_on_failure.max_interval=1h", "retry_on_failure.max_elapsed_time=0"));
    push(0, 1);
    push(1, 1);
    answer_one(retryable());
    assert_int_equal(held(), 0); /* the second waits behind it */
    script.hold = false;
    sending_queue_drain(queue, seconds_from_now(60)); /* which tries the sleeper at once */
    assert_each_once(&tally, 0, 2);
}

static void the_backends_advice_is_a_minimum(void **state)
{
    (void)state;
    open_queue(CONFIG(QUICK_RETRY));
    uint64_t begun = monotonic_ns();
    push(0, 1);
    struct send_answer slow = retryable();
    slow.retry_after_ns = 50000000;
    answer_one(slow);
    eventually(held() == 1);
    assert_true(monotonic_ns() - begun >= 50000000);
    answer_one(good);
    assert_each_once(&tally, 0, 1);
}

static void a_refusal_is_final_and_counted(void **state)
{
    (void)state;
    open_queue(CONFIG(QUICK_RETRY));
    push(0, 5);
    answer_one(permanent());
    assert_int_equal(script.attempts, 1);
    assert_int_equal(count_of(&around, "otelcol_exporter_send_failed_spans"), 5);
    assert_int_equal(dropped(&around, "refused"), 5);
    assert_int_equal(state_now(), STATE_DEGRADED);
    push(5, 1);
    answer_one(good);
    assert_int_equal(state_now(), STATE_OK);
}

/* How many lines about spans that were dropped are in the log since then, and the last one. */
static unsigned captured_losses(struct captured_stderr *since, char last[1024])
{
    char *text = captured_text(since);
    unsigned n = lines_with(text, "spans dropped", last);
    free(text);
    return n;
}

static void losses_are_told_once_a_minute(void **state)
{
    (void)state;
    char last[1024];
    open_queue(CONFIG(QUICK_RETRY));
    struct captured_stderr captured = capture_stderr();
    for (unsigned i = 0; i < 5; i++) {
        push((uint64_t)2 * i, 2);
        answer_one(permanent());
    }
    assert_int_equal(captured_losses(&captured, last), 1);
    assert_non_null(strstr(last, "\"reason\":\"refused\",\"requests\":1,\"spans\":2,"));
    captured = capture_stderr();
    sending_queue_refresh(queue, monotonic_ns());
    assert_int_equal(captured_losses(&captured, last), 0);
    captured = capture_stderr();
    sending_queue_refresh(queue, monotonic_ns() + LOSS_LOG_QUIET_NS);
    assert_int_equal(captured_losses(&captured, last), 1);
    assert_non_null(strstr(last, "\"reason\":\"refused\",\"requests\":4,\"spans\":8}"));
    push(10, 3);
    answer_one(permanent());
    captured = capture_stderr();
    sending_queue_destroy(queue);
    queue = NULL;
    assert_int_equal(captured_losses(&captured, last), 1);
    assert_non_null(strstr(last, "\"requests\":1,\"spans\":3}"));
}

/* A process that is out of service for a loss gets no spans, so no success could end it. */
static void a_loss_is_over_after_a_while_without_spans(void **state)
{
    (void)state;
    open_queue(CONFIG("sending_queue.num_consumers=1", QUICK_RETRY));
    push(0, 5);
    push(5, 1);
    answer_one(permanent());
    uint64_t later = monotonic_ns() + QUEUE_ACCOUNT_REST_NS;
    sending_queue_refresh(queue, later); /* one is under way: its answer will tell */
    assert_int_equal(state_now(), STATE_DEGRADED);
    answer_one(permanent());
    sending_queue_refresh(queue, monotonic_ns() - 1);
    assert_int_equal(state_now(), STATE_DEGRADED);
    sending_queue_refresh(queue, later); /* before the rest after the second loss is over */
    assert_int_equal(state_now(), STATE_DEGRADED);
    sending_queue_refresh(queue, monotonic_ns() + QUEUE_ACCOUNT_REST_NS);
    assert_int_equal(state_now(), STATE_OK);
    push(6, 1); /* and the next loss is one again */
    answer_one(permanent());
    assert_int_equal(state_now(), STATE_DEGRADED);
}

static struct send_answer down(const char *message)
{
    struct send_answer a = retryable();
    snprintf(a.message, sizeof a.message, "%s", message);
    return a;
}

static void expect_last_error(const char *part)
{
    const struct component_report report = component_report(&component);
    if (!strstr(report.error, part))
        fail_msg("\"%s\" lacks \"%s\"", report.error, part);
}

/* A name with two addresses: nobody listens at one, the other's certificate is not trusted. */
static void a_failed_handshake_is_told_rather_than_a_refused_connection(void **state)
{
    (void)state;
    static const char refused[] = "ipv6:[::1]:4317: Connection refused";
    static const char handshake[] = "ipv4:127.0.0.1:4317: Ssl handshake failed: why";
    open_queue(CONFIG("sending_queue.num_consumers=1", QUICK_RETRY));
    push(0, 5);
    answer_one(down(refused));
    expect_last_error("refused");
    eventually(held() == 1);
    answer_one(down(handshake));
    expect_last_error("why");
    eventually(held() == 1);
    answer_one(down(refused));
    expect_last_error("why");
    eventually(held() == 1);
    answer_one(good);
    push(5, 1);
    answer_one(down(refused)); /* a trouble of its own */
    expect_last_error("refused");
    eventually(held() == 1);
    answer_one(good);
}

static void elapsed_time_gives_up_and_counts(void **state)
{
    (void)state;
    open_queue(
        CONFIG("retry_on_failure.initial_interval=10s", "retry_on_failure.max_elapsed_time=1s"));
    push(0, 5);
    answer_one(retryable());
    assert_int_equal(count_of(&around, "otelcol_exporter_send_failed_spans"), 5);
    assert_int_equal(dropped(&around, "retries_exhausted"), 5);
}

static void without_retries_the_first_failure_is_final(void **state)
{
    (void)state;
    open_queue(CONFIG("retry_on_failure.enabled=false"));
    push(0, 5);
    answer_one(retryable());
    assert_int_equal(dropped(&around, "retries_exhausted"), 5);
    assert_int_equal(count_of(&around, "otelcol_exporter_send_failed_spans"), 5);
}

static void partial_success_counts_what_was_rejected(void **state)
{
    (void)state;
    open_queue(CONFIG());
    push(0, 5);
    answer_one((struct send_answer){.result = SEND_OK, .rejected_spans = 2, .message = "old"});
    assert_int_equal(count_of(&around, "otelcol_exporter_sent_spans"), 3);
    assert_int_equal(count_of(&around, "otelcol_exporter_send_failed_spans"), 2);
    assert_int_equal(dropped(&around, "partial_success"), 2);
    push(5, 5);
    answer_one((struct send_answer){.result = SEND_OK, .rejected_spans = 999});
    assert_int_equal(dropped(&around, "partial_success"), 7);
    assert_int_equal(count_of(&around, "otelcol_exporter_sent_spans"), 3);
    assert_int_equal(script.attempts, 2);
}

/* ---- receipts ---- */

static void without_a_queue_the_sender_hears_the_backend(void **state)
{
    (void)state;
    open_queue(CONFIG("sending_queue.enabled=false", "retry_on_failure.enabled=false"));
    struct waiting_sender senders[3];
    struct send_answer answers[3] = {good, retryable(), permanent()};
    for (uint32_t i = 0; i < 3; i++) {
        sender_begin(&senders[i]);
        struct outcome said = sending_queue_push(queue, spans_from(i, 1), &senders[i].receipt);
        assert_int_equal(said.verdict, VERDICT_PENDING);
        sender_close(&senders[i], said);
        assert_false(senders[i].answered);
    }
    for (uint32_t i = 0; i < 3; i++) {
        answer_one(answers[i]);
        assert_true(senders[i].answered);
    }
    assert_int_equal(senders[0].outcome.verdict, VERDICT_ACCEPTED);
    assert_int_equal(senders[1].outcome.verdict, VERDICT_BUSY);
    assert_int_equal(senders[2].outcome.verdict, VERDICT_REJECTED);
    assert_int_equal(senders[2].outcome.grpc_status, 16);
    assert_non_null(strstr(senders[2].outcome.message, "who?"));
    assert_int_equal(dropped(&around, "retries_exhausted"), 0); /* the sender still has it */
    assert_int_equal(count_of(&around, "tailspan_exporter_refused_spans"), 1);
    assert_int_equal(dropped(&around, "refused"), 1);
}

static void an_answer_before_send_returns_reaches_the_sender(void **state)
{
    (void)state;
    open_queue(CONFIG("sending_queue.enabled=false"));
    script.hold = false;
    struct waiting_sender sender;
    sender_begin(&sender);
    struct outcome said = sending_queue_push(queue, spans_from(0, 1), &sender.receipt);
    assert_int_equal(said.verdict, VERDICT_PENDING);
    assert_false(sender.answered);
    sender_close(&sender, said);
    assert_true(sender.answered);
    assert_int_equal(sender.outcome.verdict, VERDICT_ACCEPTED);
}

static void merged_senders_hear_one_answer_each(void **state)
{
    (void)state;
    open_queue(CONFIG("sending_queue.wait_for_result=true", "sending_queue.batch.flush_timeout=1h",
                      "sending_queue.batch.min_size=10", "sending_queue.batch.max_size=10"));
    struct waiting_sender senders[4];
    for (uint32_t i = 0; i < 4; i++) { /* requests of 10, 10 and 4 spans */
        sender_begin(&senders[i]);
        sender_close(&senders[i],
                     sending_queue_push(queue, spans_from(i * 6ull, 6), &senders[i].receipt));
    }
    assert_int_equal(held(), 2);
    answer_one(good);
    assert_true(senders[0].answered);
    assert_false(senders[1].answered); /* two spans of it are in the second request */
    answer_one(permanent());
    assert_true(senders[1].answered && senders[2].answered);
    assert_int_equal(senders[0].outcome.verdict, VERDICT_ACCEPTED);
    assert_int_equal(senders[1].outcome.verdict, VERDICT_REJECTED);
    assert_int_equal(senders[2].outcome.verdict, VERDICT_REJECTED);
    assert_false(senders[3].answered);
    script.hold = false;
    sending_queue_drain(queue, seconds_from_now(60));
    assert_true(senders[3].answered);
    assert_int_equal(senders[3].outcome.verdict, VERDICT_REJECTED); /* two spans of it were */
    assert_int_equal(dropped(&around, "refused"), 10);
    assert_int_equal(count_of(&around, "otelcol_exporter_sent_spans"), 14);
}

static void with_a_queue_nobody_waits(void **state)
{
    (void)state;
    open_queue(CONFIG());
    struct waiting_sender sender;
    sender_begin(&sender);
    sender_close(&sender, sending_queue_push(queue, spans_from(0, 1), &sender.receipt));
    assert_true(sender.answered);
    assert_int_equal(sender.outcome.verdict, VERDICT_ACCEPTED);
    answer_one(good);
}

/* ---- the end ---- */

static void drain_delivers_what_waits_and_sleeps(void **state)
{
    (void)state;
    open_queue(CONFIG("sending_queue.num_consumers=2", "retry_on_failure.initial_interval=1h",
                      "retry_on_failure.max_interval=1h", "retry_on_failure.max_elapsed_time=0"));
    for (uint32_t i = 0; i < 20; i++)
        push(i, 1);
    answer_one(retryable());
    answer_one(retryable());
    script.hold = false;
    sending_queue_drain(queue, seconds_from_now(60));
    assert_each_once(&tally, 0, 20);
    assert_int_equal(count_of(&around, "otelcol_exporter_sent_spans"), 20);
    assert_int_equal(push(20, 1), VERDICT_BUSY);
}

static void at_the_deadline_everything_left_is_counted(void **state)
{
    (void)state;
    open_queue(CONFIG("sending_queue.num_consumers=2", "retry_on_failure.initial_interval=1h",
                      "retry_on_failure.max_interval=1h", "retry_on_failure.max_elapsed_time=0"));
    for (uint32_t i = 0; i < 20; i++)
        push(i, 1);
    struct send_answer slow = retryable();
    slow.retry_after_ns = 3600000000000u;
    answer_one(slow); /* one sleeps by advice, one is under way, 18 wait */
    sending_queue_drain(queue, 0);
    assert_int_equal(tally.spans, 0);
    assert_int_equal(dropped(&around, "shutdown"), 20);
    assert_int_equal(count_of(&around, "otelcol_exporter_send_failed_spans"), 2);
    assert_int_equal(count_of(&around, "otelcol_exporter_enqueue_failed_spans"), 18);
}

static void unsent_batches_are_counted_too(void **state)
{
    (void)state;
    open_queue(CONFIG("sending_queue.num_consumers=1", "sending_queue.batch.flush_timeout=1h",
                      "sending_queue.batch.min_size=10"));
    push(0, 10);
    push(10, 5);
    sending_queue_destroy(queue); /* as stop() does when nobody drained */
    queue = NULL;
    assert_int_equal(dropped(&around, "shutdown"), 15);
}

/* ---- threads ---- */

enum { PUSHERS = 3, PUSHES = 1500 };

static struct send_answer mostly_good(uint32_t attempt)
{
    return attempt % 7 == 3 ? retryable() : good;
}

static void *push_many(void *arg)
{
    uint64_t first = *(uint64_t *)arg;
    for (uint32_t i = 0; i < PUSHES; i++) {
        while (push(first + i, 1) == VERDICT_BUSY)
            usleep(100);
    }
    return NULL;
}

static void push_from_threads(const struct config_value *config)
{
    open_queue(config);
    script.hold = false;
    script.reply = mostly_good;
    pthread_t threads[PUSHERS];
    uint64_t firsts[PUSHERS];
    for (uint32_t i = 0; i < PUSHERS; i++) {
        firsts[i] = (uint64_t)i * PUSHES;
        pthread_create(&threads[i], NULL, push_many, &firsts[i]);
    }
    for (uint32_t i = 0; i < PUSHERS; i++)
        pthread_join(threads[i], NULL);
    sending_queue_drain(queue, seconds_from_now(60));
    assert_each_once(&tally, 0, PUSHERS * PUSHES);
    assert_int_equal(count_of(&around, "otelcol_exporter_sent_spans"), PUSHERS * PUSHES);
}

static void many_threads_lose_nothing(void **state)
{
    (void)state;
    push_from_threads(
        CONFIG("sending_queue.num_consumers=2", "sending_queue.queue_size=20", QUICK_RETRY));
}

static void many_threads_with_batching_lose_nothing(void **state)
{
    (void)state;
    push_from_threads(CONFIG("sending_queue.num_consumers=2", "sending_queue.queue_size=20",
                             "sending_queue.batch.flush_timeout=1ms",
                             "sending_queue.batch.min_size=7", "sending_queue.batch.max_size=9",
                             QUICK_RETRY));
}

/* ---- configuration ---- */

static void impossible_settings_are_errors(void **state)
{
    (void)state;
    static const char *const wrong[][3] = {
        {"sending_queue.storage=file_storage", "storage", "not supported"},
        {"sending_queue.num_consumers=0", "num_consumers", "from 1"},
        {"sending_queue.batch.max_size=5", "batch", "less than min_size"},
        {"sending_queue.batch.flush_timeout=0s", "batch", "flush_timeout"},
        {"sending_queue.batch.partition={}", "partition", "supported: flush_timeout"},
        {"retry_on_failure.randomization_factor=1.5", "randomization_factor", "from 0 to 1"},
        {"retry_on_failure.multiplier=0.5", "multiplier", "from 1"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct both s = {0};
        struct error e = {""};
        const struct config_value *config = CONFIG(wrong[i][0]);
        assert_false(config_read(config, both_fields, &s, &e) &&
                     queue_settings_check(&s.queue, config, &e) &&
                     retry_settings_check(&s.retry, config, &e));
        assert_non_null(strstr(e.text, "test.yaml:"));
        assert_non_null(strstr(e.text, wrong[i][1]));
        assert_non_null(strstr(e.text, wrong[i][2]));
    }
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_around, close_around)
    const struct CMUnitTest tests[] = {
        CASE(a_push_is_sent_before_it_returns),
        CASE(no_more_than_the_consumers_are_under_way),
        CASE(a_full_queue_answers_busy_until_there_is_room),
        CASE(capacity_can_be_in_spans),
        CASE(capacity_can_be_in_bytes),
        CASE(instant_answers_empty_a_long_line),
        CASE(three_thousand_spans_become_few_requests),
        CASE(batches_are_merged_and_split_to_size),
        CASE(what_is_not_enough_goes_after_the_timeout),
        CASE(a_full_line_goes_early_when_a_consumer_is_free),
        CASE(a_failed_request_is_tried_again),
        CASE(a_sleeping_request_occupies_its_consumer),
        CASE(the_backends_advice_is_a_minimum),
        CASE(a_refusal_is_final_and_counted),
        CASE(losses_are_told_once_a_minute),
        CASE(a_loss_is_over_after_a_while_without_spans),
        CASE(a_failed_handshake_is_told_rather_than_a_refused_connection),
        CASE(elapsed_time_gives_up_and_counts),
        CASE(without_retries_the_first_failure_is_final),
        CASE(partial_success_counts_what_was_rejected),
        CASE(without_a_queue_the_sender_hears_the_backend),
        CASE(an_answer_before_send_returns_reaches_the_sender),
        CASE(merged_senders_hear_one_answer_each),
        CASE(with_a_queue_nobody_waits),
        CASE(drain_delivers_what_waits_and_sleeps),
        CASE(at_the_deadline_everything_left_is_counted),
        CASE(unsent_batches_are_counted_too),
        CASE(many_threads_lose_nothing),
        CASE(many_threads_with_batching_lose_nothing),
        CASE(impossible_settings_are_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
