/* Waiting spans against a plain model: chains keep their order through every compaction, nothing is
 * held longer than it has to be, and no byte is lost. */
#include "sampling/waiting_spans.h"

#include "tests/unit/sampling/shop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define TRACES 40
#define SPANS  100000

static struct span_chain chains[TRACES];
static uint64_t model[TRACES][SPANS]; /* span numbers in order of arrival */
static uint32_t begins[TRACES], ends[TRACES];
static uint64_t next_span = 1;

static struct span_chain *chain_of(void *owner, uint32_t trace)
{
    (void)owner;
    return &chains[trace];
}

static void begin(void)
{
    for (unsigned i = 0; i < TRACES; i++) {
        chains[i] = SPAN_CHAIN_EMPTY;
        begins[i] = ends[i] = 0;
    }
}

static void add_batch(struct waiting_spans *w, uint32_t count, const char *padding)
{
    struct span_wish wishes[200];
    uint32_t traces[200];
    for (uint32_t i = 0; i < count; i++) {
        traces[i] = (uint32_t)rand() % TRACES;
        wishes[i] = (struct span_wish){.trace = traces[i], .span = next_span++, .padding = padding};
    }
    struct batch *b = wish_batch(wishes, count);
    assert_non_null(b);
    uint32_t held = waiting_spans_hold(w, b, count);
    for (uint32_t i = 0; i < count; i++) {
        bool root = rand() % 8 == 0;
        if (rand() % 10 == 0)
            continue; /* this one does not wait */
        waiting_spans_add(w, held, i, traces[i], root);
        model[traces[i]][ends[traces[i]]++] = wishes[i].span;
    }
    waiting_spans_held(w, held);
}

static uint64_t span_number(const struct batch *b, uint32_t i)
{
    uint64_t n;
    memcpy(&n, b->spans[i].span_id, 8);
    return n;
}

static void take(struct waiting_spans *w, uint32_t trace)
{
    struct batch *b;
    uint32_t span;
    bool some = waiting_spans_take(w, trace, true, &b, &span);
    assert_int_equal(some, begins[trace] < ends[trace]);
    if (!some)
        return;
    assert_int_equal(span_number(b, span), model[trace][begins[trace]++]);
    uint8_t id[16];
    wish_trace_id(trace, id);
    assert_memory_equal(b->spans[span].trace_id, id, 16);
    batch_release(b);
}

static void chains_stay_whole(void **state)
{
    (void)state;
    begin();
    srand(7);
    size_t before = batch_live_bytes();
    struct waiting_spans *w = waiting_spans_create(chain_of, NULL);
    static char padding[300];
    memset(padding, 'x', sizeof padding - 1);
    for (unsigned step = 0; step < 3000; step++) {
        if (rand() % 3 == 0)
            add_batch(w, 1 + (uint32_t)rand() % 199, padding);
        /* One trace in a few goes; some never do, so that batches get thin. */
        uint32_t trace = (uint32_t)rand() % (TRACES - 4);
        while (begins[trace] < ends[trace])
            take(w, trace);
        if (step % 5 == 0)
            (void)waiting_spans_compact(w, 3);
        uint32_t peek = (uint32_t)rand() % TRACES;
        if (chains[peek].root.held != SPAN_NONE) {
            uint32_t span;
            const struct batch *b = waiting_spans_at(w, chains[peek].root, &span);
            uint8_t id[16];
            wish_trace_id(peek, id);
            assert_memory_equal(b->spans[span].trace_id, id, 16);
        }
    }
    assert_true(waiting_spans_compact(w, UINT32_MAX));
    assert_true(waiting_spans_moved(w) > 1000);
    uint64_t left = 0;
    for (uint32_t t = 0; t < TRACES; t++)
        left += ends[t] - begins[t];
    assert_int_equal(waiting_spans_count(w), left);
    /* A span of these takes some 400 bytes with its index; thin batches hold four times that. */
    assert_true(batch_live_bytes() - before < left * 4 * 500 + (1 << 20));
    for (uint32_t t = 0; t < TRACES; t++) {
        while (begins[t] < ends[t])
            take(w, t);
    }
    assert_int_equal(waiting_spans_count(w), 0);
    assert_int_equal(batch_live_bytes(), before);
    waiting_spans_destroy(w);
}

static void what_waits_at_the_end_is_let_go(void **state)
{
    (void)state;
    begin();
    size_t before = batch_live_bytes();
    struct waiting_spans *w = waiting_spans_create(chain_of, NULL);
    for (unsigned i = 0; i < 10; i++)
        add_batch(w, 50, NULL);
    waiting_spans_destroy(w);
    assert_int_equal(batch_live_bytes(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chains_stay_whole),
        cmocka_unit_test(what_waits_at_the_end_is_let_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
