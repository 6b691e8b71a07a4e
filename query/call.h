/* One request on its way: what a handler is given, and how the three APIs answer.
 *
 * Each API has its own envelope and its own way to say what is wrong; a handler uses the one that
 * its route belongs to. */
#ifndef TAILSPAN_QUERY_CALL_H
#define TAILSPAN_QUERY_CALL_H

#include "component/http_server.h"
#include "query/arena.h"
#include "storage/store.h"

struct json_writer;

enum {
    CALL_PARAMETER_MAX = 1024, /* bytes of a parameter in the path */
    CALL_TAGS_MAX = 64,        /* tags in one search */
    CALL_IDS_MAX = 1500,       /* trace ids in one request */
};

enum erase_access {
    ERASE_LOCAL, /* asked for on this machine */
    ERASE_ALWAYS,
    ERASE_NEVER,
};

struct call_limits {
    uint32_t traces;     /* largest `limit` of a search */
    uint64_t timeout_ns; /* for one request's work in the store */
    size_t memory;       /* bytes for the model of one trace */
    size_t reply;        /* bytes of a reply */
    enum erase_access erase;
    struct store *store;     /* that the readers read */
    struct history *history; /* of calls, errors and durations; NULL: there is none */
};

struct call {
    const struct call_limits *limits;
    const struct http_request *http;
    struct http_reply *reply;
    struct store_reader *reader; /* the call's alone */
    struct arena arena;          /* freed behind the call */
    uint64_t deadline_ns;        /* CLOCK_MONOTONIC */
    bool show_hops;              /* one trace is asked for: with what the store knows of its hops */
    char parameter[CALL_PARAMETER_MAX];
};

/* A parameter's first value; NULL when it is absent or empty, which mean the same everywhere. */
const char *call_query(const struct call *c, const char *name);

/* Nanoseconds that are left of the call's time; 0 when it is over. */
uint64_t call_time_left(const struct call *c);

/* Begins a JSON reply with status 200; `pretty` as v1 clients ask for it. */
void call_json(struct call *c, struct json_writer *w, bool pretty);

/* Ends a JSON reply. When it grew over the limit it is replaced by `fail`'s answer. */
void call_finish(struct call *c, void (*fail)(struct call *c, unsigned status, const char *text));

/* Wipes what was written and begins anew, for an error found on the way. */
void call_restart(struct call *c, unsigned status, const char *content_type);

#endif
