/* What scrubbing costs, in nanoseconds a span: without anything to find, and with two findings
 * each; beside it what indexing the same spans costs.
 *
 *     scrub_bench
 *
 * Profiles secrets and pii. Spans have some twelve attributes; what the generator's spans have that
 * is to be scrubbed (a literal in a statement) is taken out before anything is timed. Each line is
 * the least of several rounds. */
#include "component/config.h"
#include "processors/scrub/walk.h"
#include "proto/edit.h"
#include "tests/bench/spans.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 40, SPANS = 512 };

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

static void need(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "scrub_bench: %s failed\n", what);
    exit(1);
}

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

static double index_cost(const struct request *q)
{
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t began = now_ns();
        struct batch *b = receive(q);
        uint64_t took = now_ns() - began;
        least = took < least ? took : least;
        batch_release(b);
    }
    return (double)least / SPANS;
}

static double clean_cost(const struct scrub_walk *walk, const struct request *q)
{
    uint64_t least = UINT64_MAX;
    struct batch *b = receive(q);
    need(scrub_batch(walk, b), "scrub_batch");
    size_t bytes = batch_bytes(b);
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t began = now_ns();
        need(scrub_batch(walk, b), "scrub_batch");
        uint64_t took = now_ns() - began;
        least = took < least ? took : least;
    }
    need(batch_bytes(b) == bytes, "leaving clean spans alone");
    batch_release(b);
    return (double)least / SPANS;
}

static double hits_cost(const struct scrub_walk *walk, const struct request *q)
{
    static const struct value mail = {.type = VALUE_STRING,
                                      .bytes = {(const uint8_t *)"order of alice@example.com", 26}};
    static const struct value token = {.type = VALUE_STRING,
                                       .bytes = {(const uint8_t *)"hunter2", 7}};
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < ROUNDS; i++) {
        struct batch *b = receive(q);
        need(scrub_batch(walk, b), "scrub_batch");
        for (uint32_t n = 0; n < b->span_count; n++) {
            need(span_set_attribute(b, n, bytes_of_string("note"), &mail), "edit");
            need(span_set_attribute(b, n, bytes_of_string("user.password"), &token), "edit");
        }
        uint64_t began = now_ns();
        need(scrub_batch(walk, b), "scrub_batch");
        uint64_t took = now_ns() - began;
        least = took < least ? took : least;
        batch_release(b);
    }
    return (double)least / SPANS;
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
    uint64_t began = now_ns();
    (void)scrub_find(r, &where, bytes_of(text, at), &hits);
    double whole = (double)(now_ns() - began) / (double)at;
    began = now_ns();
    (void)scrub_find(r, &where, bytes_of(text, at / 8), &hits);
    double eighth = (double)(now_ns() - began) / ((double)at / 8);
    printf("a megabyte of %-12s %8.2f ns a byte (%.2f for an eighth of it)\n", name, whole, eighth);
    free(text);
}

int main(void)
{
    struct scrub_rules *rules = make_rules();
    const struct scrub_walk walk = {.rules = rules};
    struct request request;
    struct random r = {.state = 1};
    const struct request_shape shape = {.spans = SPANS, .spans_per_trace = 8};
    request_build(&request, &shape, &r);
    request_refresh(&request, &r, 1700000000000000000u);
    double index = index_cost(&request);
    double clean = clean_cost(&walk, &request);
    double hits = hits_cost(&walk, &request);
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
    request_free(&request);
    scrub_rules_destroy(rules);
    return 0;
}
