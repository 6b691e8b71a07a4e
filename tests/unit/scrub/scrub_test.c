/* The processor in its place: what it counts, what it does without memory, and on many threads. */
#include "processors/scrub/scrub.h"

#include "component/pseudonym.h"
#include "processors/scrub/detect.h"
#include "tests/unit/processors/pipe.h"

#include <pthread.h>

static const char spans[] =
    "{'resourceSpans':[{'scopeSpans':[{'spans':[{'traceId':'0102030405060708090a0b0c0d0e0f10',"
    "'spanId':'0102030405060708','name':'mail a@b.com','attributes':["
    "{'key':'note','value':{'stringValue':'mail c@d.com, key AKIAIOSFODNN7EXAMPLE'}},"
    "{'key':'a@b.com','value':{'arrayValue':{'values':[{'stringValue':'c@d.com'}]}}}]}]}]}]}";

static struct batch *batch(void)
{
    return batch_of(spans);
}

static struct bytes note_of(const struct batch *b)
{
    struct attribute a;
    assert_true(
        attribute_find(span_bytes(&b->spans[0]), SPAN_ATTRIBUTES, bytes_of_string("note"), &a));
    return a.value.bytes;
}

static void it_counts_by_rule_and_place(void **state)
{
    (void)state;
    struct pipe *p = pipe_open(&scrub_processor, "{'profiles':['secrets','pii']}");
    assert_int_equal(pipe_send(p, batch()), VERDICT_ACCEPTED);
    assert_string_equal(names_of(p->received), "mail [email]");
    assert_true(bytes_equal_string(note_of(p->received), "mail [email], key [aws_key_id]"));
    assert_counted(p, "tailspan_processor_scrub_findings{processor=\"x\",rule=\"aws_key_id\",place="
                      "\"span_attribute\"} 1");
    assert_counted(p, "tailspan_processor_scrub_findings{processor=\"x\",rule=\"email\",place="
                      "\"span_attribute\"} 3");
    assert_counted(p, "tailspan_processor_scrub_findings{processor=\"x\",rule=\"email\",place="
                      "\"span_name\"} 1");
    assert_counted(p, "otelcol_processor_outgoing_items{processor=\"x\",otel_signal=\"traces\"} 1");
    pipe_close(p);
}

/* Whoever else holds the batch sees it as it came. */
static void others_keep_what_they_hold(void **state)
{
    (void)state;
    struct pipe *p = pipe_open(&scrub_processor, "{}");
    struct batch *b = batch();
    assert_int_equal(pipe_send(p, batch_retain(b)), VERDICT_ACCEPTED);
    assert_true(bytes_equal_string(note_of(b), "mail c@d.com, key AKIAIOSFODNN7EXAMPLE"));
    assert_true(bytes_equal_string(note_of(p->received), "mail c@d.com, key [aws_key_id]"));
    batch_release(b);
    pipe_close(p);
}

static void without_memory_it_is_busy(void **state)
{
    (void)state;
    struct pipe *p = pipe_open(&scrub_processor, "{'profiles':['secrets','pii'],'summary':'debug',"
                                                 "'patterns':[{'name':'p','regex':'ma.l'}]}");
    pipe_send_short_of_memory(p, batch());
    assert_true(bytes_equal_string(note_of(p->received), "[p] [email], key [aws_key_id]"));
    pipe_close(p);
    assert_int_equal(batch_live_bytes(), 0);
}

static void see(void *context, struct bytes form)
{
    struct buffer *seen = context;
    buffer_append(seen, form.data, form.len);
}

static void its_hashes_can_be_asked_for(void **state)
{
    (void)state;
    struct buffer seen = {0};
    struct pipe *p = pipe_open(&scrub_processor, "{'classes':{'email':{'action':'hash'}},"
                                                 "'hash':{'key':'0123456789abcdef','key_id':'k'}}");
    assert_int_equal(pipe_send(p, batch()), VERDICT_ACCEPTED);
    pseudonym_each(bytes_of_string("C@D.com"), see, &seen);
    struct bytes note = note_of(p->received);
    assert_int_equal(seen.len, strlen("[email:k:]") + 32);
    assert_non_null(memmem(note.data, note.len, seen.data, seen.len));
    pipe_close(p);
    seen.len = 0;
    pseudonym_each(bytes_of_string("C@D.com"), see, &seen);
    assert_int_equal(seen.len, 0);
    buffer_free(&seen);
}

static void count(void *context, struct bytes form)
{
    (void)form;
    ++*(size_t *)context;
}

/* Each of two, with one form for each class that is looked for, and pattern. */
static void only_what_is_found_is_hashed(void **state)
{
    (void)state;
    size_t strict = 0, both = 0;
    struct pipe *first =
        pipe_open(&scrub_processor, "{'action':'hash','profiles':['strict'],"
                                    "'hash':{'key':'0123456789abcdef','key_id':'k'}}");
    pseudonym_each(bytes_of_string("c@d.com"), count, &strict);
    assert_true(strict > 1 && strict < SCRUB_CLASSES); /* national numbers are off */
    struct pipe *second =
        pipe_open(&scrub_processor,
                  "{'action':'hash','profiles':[],'classes':{'email':{},'phone':{'action':'mask'}},"
                  "'blocked_keys':['x'],'patterns':[{'name':'p','regex':'q'}],"
                  "'hash':{'key':'0123456789abcdef','key_id':'k'}}");
    pseudonym_each(bytes_of_string("c@d.com"), count, &both);
    assert_int_equal(both, strict + 3);
    pipe_close(second);
    pipe_close(first);
}

/* Lanes share the processor; each takes its turns with its own batches. */
static void *send_many(void *context)
{
    struct component *c = context;
    for (int i = 0; i < 200; i++) {
        struct outcome o = component_consume(c, batch(), NULL);
        if (o.verdict != VERDICT_ACCEPTED)
            return NULL;
    }
    return c;
}

static struct outcome drop(struct component *c, struct batch *b, struct receipt *r)
{
    (void)c;
    (void)r;
    batch_release(b);
    return outcome_accepted();
}

static void lanes_share_it(void **state)
{
    (void)state;
    static const struct component_ops ops = {.consume = drop};
    struct component end = {.ops = &ops};
    struct pipe *p = pipe_open(&scrub_processor, "{'profiles':['secrets','pii']}");
    pthread_t lanes[4];
    p->processor->next = &end;
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&lanes[i], NULL, send_many, p->processor), 0);
    for (int i = 0; i < 4; i++) {
        void *done = NULL;
        pthread_join(lanes[i], &done);
        assert_non_null(done);
    }
    assert_counted(p, "tailspan_processor_scrub_findings{processor=\"x\",rule=\"email\",place="
                      "\"span_name\"} 800");
    pipe_close(p);
    assert_int_equal(batch_live_bytes(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_counts_by_rule_and_place),
        cmocka_unit_test(others_keep_what_they_hold),
        cmocka_unit_test(without_memory_it_is_busy),
        cmocka_unit_test(its_hashes_can_be_asked_for),
        cmocka_unit_test(only_what_is_found_is_hashed),
        cmocka_unit_test(lanes_share_it),
    };
    return cmocka_run_group_tests(tests, NULL, pipe_teardown);
}
