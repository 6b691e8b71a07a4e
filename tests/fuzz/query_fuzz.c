/* Requests to the query API, at a store with a few spans: a line "METHOD PATH?PARAMETERS" as HTTP
 * has it, then the body. What is answered in JSON is JSON. The server itself is left out: what
 * handlers ask of it is answered here, and what they would find in a header is taken for a
 * parameter. Nothing is erased but on trial. */
#include "component/clock.h"
#include "component/http_server.h"
#include "component/log.h"
#include "proto/binary_text.h"
#include "proto/json_reader.h"
#include "proto/otlp_json.h"
#include "query/router.h"
#include "storage/store_hops.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PARAMETERS_MAX = 200, JSON_DEPTH = 200 };

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds)
        abort();
}

/* ---- the store ---- */

static char directory[] = "/tmp/tailspan-fuzz-XXXXXX";
static struct store *store;
static struct store_reader *reader;

static const char spans[] =
    "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":"
    "{\"stringValue\":\"shop\"}}]},\"scopeSpans\":[{\"spans\":["
    "{\"traceId\":\"00000000000000000000000000000001\",\"spanId\":\"0000000000000001\","
    "\"name\":\"GET /\",\"kind\":2,\"startTimeUnixNano\":\"1000000000\","
    "\"endTimeUnixNano\":\"2000000000\",\"attributes\":[{\"key\":\"k\",\"value\":"
    "{\"stringValue\":\"v\"}}]},"
    "{\"traceId\":\"00000000000000000000000000000001\",\"spanId\":\"0000000000000002\","
    "\"parentSpanId\":\"0000000000000001\",\"name\":\"q\",\"status\":{\"code\":2,\"message\":\"m\"}"
    ","
    "\"startTimeUnixNano\":\"1100000000\",\"endTimeUnixNano\":\"1000000000\"},"
    "{\"traceId\":\"00000000000000010000000000000002\",\"spanId\":\"0000000000000001\","
    "\"name\":\"\",\"startTimeUnixNano\":\"1500000000\"}]}]}]}";

static void fill_store(void)
{
    struct buffer wire = {0};
    struct batch_report report;
    char where[256];
    check(otlp_json_parse(bytes_of_string(spans), OTLP_TRACE_REQUEST, &wire, where, sizeof where));
    struct batch *b = batch_from_request(buffer_bytes(&wire), &report);
    const struct store_hop hop = {.producer_trace = {[15] = 1},
                                  .producer_span = {[7] = 1},
                                  .consumer_trace = {[7] = 1, [15] = 2},
                                  .consumer_span = {[7] = 1},
                                  .matched_by = bytes_of_string("link"),
                                  .topic = bytes_of_string("orders"),
                                  .confidence = 100};
    check(b && store_write_hop(store, &hop) && store_write(store, b));
    check(store_flush(store, monotonic_ns() + 10000000000u));
    buffer_free(&wire);
}

static void remove_store(void)
{
    store_reader_close(reader);
    store_close(store);
    DIR *d = opendir(directory);
    for (struct dirent *e; d && (e = readdir(d));)
        unlinkat(dirfd(d), e->d_name, 0);
    if (d)
        closedir(d);
    rmdir(directory);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    struct error e = {{0}};
    check(mkdtemp(directory) != NULL);
    const struct store_options o = {.directory = directory,
                                    .max_age_ns = INT64_MAX,
                                    .max_bytes = INT64_MAX,
                                    .slot_ns = INT64_MAX / 4,
                                    .queue_bytes = 1 << 20,
                                    .flush_ns = 1000000};
    log_configure(LOG_ERROR + 1, LOG_FORMAT_JSON);
    store = store_open(&o, &e);
    check(store != NULL);
    fill_store();
    reader = store_reader_open(store);
    check(reader != NULL);
    atexit(remove_store);
    return 0;
}

/* ---- the request ---- */

static struct {
    char *names[PARAMETERS_MAX];
    char *values[PARAMETERS_MAX];
    size_t count;
} query;

static void decode(char *text, bool plus)
{
    char *to = text;
    for (const char *at = text; *at; at++) {
        int high = *at == '%' ? hex_digit((uint8_t)at[1]) : -1;
        int low = high >= 0 ? hex_digit((uint8_t)at[2]) : -1;
        *to++ = low >= 0 ? (char)(high << 4 | low) : plus && *at == '+' ? ' ' : *at;
        at += low >= 0 ? 2 : 0;
    }
    *to = 0;
}

static void read_query(char *text)
{
    query.count = 0;
    for (char *next; text && query.count < PARAMETERS_MAX; text = next) {
        next = strchr(text, '&');
        if (next)
            *next++ = 0;
        char *value = strchr(text, '=');
        if (value)
            *value++ = 0;
        decode(text, true);
        if (value)
            decode(value, true);
        query.names[query.count] = text;
        query.values[query.count++] = value;
    }
}

const char *http_query(const struct http_request *rq, const char *name)
{
    (void)rq;
    for (size_t i = 0; i < query.count; i++) {
        if (strcmp(query.names[i], name) == 0)
            return strcmp(name, "dry_run") == 0 ? "true" : query.values[i];
    }
    return strcmp(name, "dry_run") == 0 ? "true" : NULL;
}

void http_query_each(const struct http_request *rq,
                     bool (*each)(void *context, const char *name, const char *value),
                     void *context)
{
    (void)rq;
    for (size_t i = 0; i < query.count; i++) {
        if (!each(context, query.names[i], query.values[i] ? query.values[i] : ""))
            return;
    }
}

const char *http_header(const struct http_request *rq, const char *name)
{
    return http_query(rq, name);
}

bool http_peer_is_local(const struct http_request *rq)
{
    (void)rq;
    return true;
}

void http_reply_header(struct http_reply *r, const char *name, const char *value)
{
    (void)r;
    check(name && value);
}

/* ---- asking ---- */

static void check_reply(const struct http_reply *r)
{
    struct json_reader in;
    bool json = !r->content_type || strstr(r->content_type, "json");
    if (!json || r->body.len == 0)
        return;
    json_read_begin(&in, buffer_bytes(&r->body));
    check(!r->body.failed && json_skip_value(&in, JSON_DEPTH));
    check(json_peek(&in) == 0 && in.at == in.end);
}

static void ask(const char *method, const char *path, struct bytes body)
{
    const struct call_limits limits = {.traces = 1500,
                                       .timeout_ns = 1000000000,
                                       .memory = 1 << 24,
                                       .reply = 1 << 24,
                                       .erase = ERASE_ALWAYS,
                                       .store = store};
    const struct http_request rq = {.method = method, .path = path, .body = body};
    struct http_reply reply = {0};
    struct call c = {.limits = &limits,
                     .http = &rq,
                     .reply = &reply,
                     .reader = reader,
                     .arena = {.limit = 4 << 20},
                     .deadline_ns = monotonic_ns() + limits.timeout_ns};
    const char *allowed;
    const struct route *route = router_find(routes, method, path, c.parameter, &allowed);
    if (route) {
        route->handle(&c);
        check_reply(&reply);
    }
    arena_free(&c.arena);
    buffer_free(&reply.body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *line = bytes_to_string(bytes_of(data, size));
    size_t len = strcspn(line, "\n");
    struct bytes body = bytes_of(data + len, size - len);
    line[len] = 0;
    char *path = strchr(line, ' ');
    if (path) {
        *path++ = 0;
        char *parameters = strchr(path, '?');
        if (parameters)
            *parameters++ = 0;
        decode(path, false);
        read_query(parameters);
        ask(line, path, body);
    }
    free(line);
    return 0;
}
