/* What scrubbing costs, in nanoseconds a span: without anything to find, and with two findings
 * each; beside it what indexing the same spans costs.
 *
 *     scrub_bench [narrow]        narrow: as on machines without AVX-512
 *
 * Profiles secrets and pii. Spans have some fourteen attributes, whose ids, addresses and paths are
 * different ones in each of several thousand; what the generator's spans have that is to be
 * scrubbed (a literal in a statement) is taken out before anything is timed. Each line is the least
 * of several rounds. */
#include "component/config.h"
#include "processors/scrub/byte_class.h"
#include "processors/scrub/walk.h"
#include "proto/edit.h"
#include "proto/frame.h"
#include "tests/bench/measure.h"
#include "tests/bench/spans.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 20, SPANS = 512, REQUESTS = 16 };

static struct scrub_rules *make_rules(void)
{
    static struct config_value items[2], profiles, config;
    struct error e = {{0}};
    items[0] = (struct config_value){.type = CONFIG_SCALAR, .text = "secrets", .next = &items[1]};
    items[1] = (struct config_value){.type = CONFIG_SCALAR, .text = "pii"};
    profiles = (struct config_value){.type = CONFIG_LIST, .key = "profiles", .children = &items[0]};
    config = (struct config_value){.type = CONFIG_MAP, .children = &profiles};
    struct scrub_rules *r = scrub_rules_create(&config, &e);
    need(r != NULL, e.text);
    return r;
}

static struct batch *receive(const struct request *q)
{
    struct batch_report report;
    struct batch *b = batch_create(q->len);
    need(b != NULL, "batch_create");
    memcpy(batch_payload(b), q->data, q->len);
    need(batch_index(b, q->len, &report), "batch_index");
    return b;
}

/* The least of several rounds over all requests, of the part that is timed, a span. `prepare` (may
 * be NULL) comes before it. */
static double cost_of(const struct scrub_walk *walk, const struct request *requests,
                      void (*prepare)(struct batch *b))
{
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t took = 0;
        for (int n = 0; n < REQUESTS; n++) {
            struct batch *b = receive(&requests[n]);
            if (prepare)
                prepare(b);
            size_t bytes = batch_bytes(b);
            uint64_t began = monotonic_ns();
            need(scrub_batch(walk, b), "scrub_batch");
            took += monotonic_ns() - began;
            need(prepare || batch_bytes(b) == bytes, "leaving clean spans alone");
            batch_release(b);
        }
        least = took < least ? took : least;
    }
    return (double)least / (SPANS * REQUESTS);
}

static double index_cost(const struct request *requests)
{
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t began = monotonic_ns();
        for (int n = 0; n < REQUESTS; n++)
            batch_release(receive(&requests[n]));
        uint64_t took = monotonic_ns() - began;
        least = took < least ? took : least;
    }
    return (double)least / (SPANS * REQUESTS);
}

/* Literals in statements are findings: they make place for a parameter. */
static void take_out_literals(struct request *q, const struct scrub_walk *walk)
{
    struct batch *b = receive(q);
    struct buffer wire = {0};
    need(scrub_batch(walk, b) && frame_batch(b, &wire) && wire.len <= q->len, "a request");
    memcpy(q->data, wire.data, wire.len);
    q->len = wire.len;
    buffer_free(&wire);
    batch_release(b);
}

static void plant_two(struct batch *b)
{
    static const struct value mail = {.type = VALUE_STRING,
                                      .bytes = {(const uint8_t *)"order of alice@example.com", 26}};
    static const struct value token = {.type = VALUE_STRING,
                                       .bytes = {(const uint8_t *)"hunter2", 7}};
    for (uint32_t n = 0; n < b->span_count; n++) {
        need(span_set_attribute(b, n, bytes_of_string("note"), &mail), "edit");
        need(span_set_attribute(b, n, bytes_of_string("user.password"), &token), "edit");
    }
}

static void adversary(const struct scrub_rules *r, const char *name, const char *piece)
{
    size_t len = 1 << 20, part = strlen(piece), at = 0;
    char *text = malloc(len);
    struct scrub_hits hits;
    const struct detect_context where = {.place = PLACE_SPAN_ATTRIBUTE};
    need(text != NULL, "malloc");
    for (; at + part <= len; at += part)
        memcpy(text + at, piece, part);
    uint64_t began = monotonic_ns();
    (void)scrub_find(r, &where, bytes_of(text, at), &hits);
    double whole = (double)(monotonic_ns() - began) / (double)at;
    began = monotonic_ns();
    (void)scrub_find(r, &where, bytes_of(text, at / 8), &hits);
    double eighth = (double)(monotonic_ns() - began) / ((double)at / 8);
    printf("a megabyte of %-12s %8.2f ns a byte (%.2f for an eighth of it)\n", name, whole, eighth);
    free(text);
}

int main(int argc, char **argv)
{
    wide_vectors_want(argc < 2 || strcmp(argv[1], "narrow") != 0);
    struct scrub_rules *rules = make_rules();
    const struct scrub_walk walk = {.rules = rules};
    static struct request requests[REQUESTS];
    struct random r = {.state = 1};
    const struct request_shape shape = {.spans = SPANS, .spans_per_trace = 8};
    for (int i = 0; i < REQUESTS; i++) {
        request_build(&requests[i], &shape, &r);
        request_refresh(&requests[i], &r, 1700000000000000000u);
        take_out_literals(&requests[i], &walk);
    }
    double index = index_cost(requests);
    double clean = cost_of(&walk, requests, NULL);
    double hits = cost_of(&walk, requests, plant_two);
    printf("index                        %8.0f ns a span\n", index);
    printf("scrub, nothing to find       %8.0f ns a span (%.1f of it)\n", clean, clean / index);
    printf("scrub, two findings          %8.0f ns a span\n", hits);
    adversary(rules, "@", "@");
    adversary(rules, "a@", "a@");
    adversary(rules, "digits", "7");
    adversary(rules, "eyJ.", "eyJ.");
    adversary(rules, "://", "a://");
    adversary(rules, "=", "k=");
    adversary(rules, "'", "'");
    adversary(rules, ":", "a:");
    adversary(rules, "-", "-----BEGIN");
    for (int i = 0; i < REQUESTS; i++)
        request_free(&requests[i]);
    scrub_rules_destroy(rules);
    return 0;
}
