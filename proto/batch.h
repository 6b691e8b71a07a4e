/* The batch: spans as they came, with an index over them.
 *
 * A batch is one received OTLP request (or spans chosen from several) that stays wire bytes. The
 * index says where each resource, scope and span lies and holds the fields that every stage reads;
 * everything else is visited in place (attribute.h). Spans are written anew only by an edit
 * (edit.h), into memory of the batch, and only the edited ones.
 *
 * Sharing. A batch is reference-counted. With more than one holder nobody may change it: whoever
 * wants to edit asks batch_writable() first, which copies the index, never the spans. So fan-out is
 * a retain, and no consumer sees another's change.
 *
 * Trust. Whatever batch_index() accepted is well-formed down to the last attribute: lengths lie
 * inside their parents, nesting is at most BATCH_MAX_DEPTH. Later readers walk without re-checking,
 * and still cannot leave the bytes they were given.
 *
 * Memory. One allocation holds the batch, its payload and, as a rule, its index: about 96 bytes a
 * span. All live bytes are counted (batch_live_bytes), which is what memory_limiter looks at.
 *
 * Field numbers: opentelemetry/proto/trace/v1/trace.proto, OTLP 1.x. */
#ifndef TAILSPAN_PROTO_BATCH_H
#define TAILSPAN_PROTO_BATCH_H

#include "proto/bytes.h"

#define BATCH_MAX_DEPTH 100 /* nested messages, counted from the request */

/* One span. Ids are binary. `data` is the Span message's body, without tag and length. */
struct span_view {
    uint8_t trace_id[16];
    uint8_t span_id[8];
    uint8_t parent_span_id[8]; /* all zero: a root span */
    uint64_t start_ns;         /* since the Unix epoch */
    uint64_t end_ns;
    const uint8_t *data;
    uint32_t len;
    uint32_t name_offset; /* of the name within data */
    uint32_t name_len;
    uint32_t scope; /* index into batch.scopes */
    uint32_t flags;
    uint8_t kind;        /* 0 unspecified .. 5 consumer; an unknown value is kept as 0 here */
    uint8_t status_code; /* 0 unset, 1 ok, 2 error */
    uint8_t frame_len;   /* tag and length bytes directly before data, which frame it as field 2 of
                            a ScopeSpans; edits write them too */
    bool trace_state;    /* false: it has none, nobody need look */
};

/* One ScopeSpans. `head` and `tail` are its fields but for the spans, complete with tags, ready to
 * be written before and after any choice of spans; `message` is the InstrumentationScope's body. */
struct scope_view {
    struct bytes message;
    struct bytes head;
    struct bytes tail;
    uint32_t resource; /* index into batch.resources */
};

/* One ResourceSpans, likewise; `message` is the Resource's body. */
struct resource_view {
    struct bytes message;
    struct bytes head;
    struct bytes tail;
};

struct batch_private;

struct batch {
    struct span_view *spans; /* in wire order; spans of one scope lie together */
    struct scope_view *scopes;
    struct resource_view *resources;
    uint32_t span_count;
    uint32_t scope_count;
    uint32_t resource_count;
    size_t span_bytes;    /* sum of the spans' lengths */
    struct bytes request; /* the whole ExportTraceServiceRequest, when it lies in one piece and says
                             exactly what the index says; empty once spans were refused, chosen or
                             edited */
    const struct bytes *parts; /* the same for a request that came in parts, one behind the other */
    uint32_t part_count;
    struct bytes request_gzip; /* the request compressed, when it came so and says the same */
    uint64_t received_ns;      /* CLOCK_REALTIME at batch_index() */
    struct batch_private *private;
};

/* What batch_index() found. `where` names the place in the protocol's words, e.g.
 * "resource_spans[0].scope_spans[2].spans[17].attributes[3]: length 90 runs past the end". */
struct batch_report {
    bool malformed;          /* nothing was indexed; answer 400 / INVALID_ARGUMENT */
    bool no_memory;          /* and that only for want of memory, which `where` says too */
    uint32_t rejected_spans; /* zero or wrong-length ids; answer through partial success */
    char where[256];         /* of the malformation, or of the first rejected span */
};

/* A batch with room for a request of `capacity` bytes, held once. NULL: out of memory. */
struct batch *batch_create(size_t capacity);

/* Where to write the request, `capacity` bytes, before batch_index(). */
uint8_t *batch_payload(struct batch *b);

/* Notes that the request came as these gzip bytes, before batch_index(): they are copied, and serve
 * exporters that would have to compress the request again. Without memory nothing is noted. */
void batch_attach_gzip(struct batch *b, struct bytes gzip);

/* Indexes the first `len` payload bytes. False when malformed (or out of memory, which `where`
 * says); the batch then has no spans and is only good for release. Called once. */
bool batch_index(struct batch *b, size_t len, struct batch_report *report);

/* batch_create + copy + batch_index. NULL when malformed. */
struct batch *batch_from_request(struct bytes request, struct batch_report *report);

/* The same from a request that came in parts, which stay where they are: only what lies across two
 * of them is copied. Takes over `owner`, whose memory the parts are: release(owner) is called when
 * the batch is freed, on any thread, or before NULL is returned. Every part stays pinned for as
 * long as one span is needed, so a caller copies small or scattered requests instead. */
struct batch *batch_from_parts(const struct bytes *parts, uint32_t count,
                               void (*release)(void *owner), void *owner,
                               struct batch_report *report);

/* References. Any thread. */
struct batch *batch_retain(struct batch *b);
void batch_release(struct batch *b);

/* Turns the caller's reference into the only one to a batch with the same spans: `b` itself when
 * nobody else holds it, else a copy of its index that keeps `b` alive. NULL: out of memory, the
 * reference is released. */
struct batch *batch_writable(struct batch *b);

/* A batch of `count` of the spans of `b`, by ascending index. Keeps `b` alive; takes no reference
 * of the caller's. NULL: out of memory. */
struct batch *batch_select(struct batch *b, const uint32_t *indices, uint32_t count);

/* Gathers spans of many batches into one, as a sampler does for the traces that it keeps. Resources
 * and scopes are taken over as they come; neighbours from the same scope share one. */
struct batch_builder;
struct batch_builder *batch_builder_create(void);
bool batch_builder_add(struct batch_builder *w, struct batch *from, uint32_t span);
uint32_t batch_builder_count(const struct batch_builder *w);
/* The batch, held once, NULL when empty or out of memory. Frees the builder. */
struct batch *batch_builder_finish(struct batch_builder *w);

/* `len` bytes that live as long as `b` and count as its memory; NULL: out of memory. Only while the
 * caller may write to `b`. */
uint8_t *batch_memory(struct batch *b, size_t len);

/* Bytes allocated for this batch (not for those that it keeps alive), and for all live batches of
 * the process. Any thread. */
size_t batch_bytes(const struct batch *b);
size_t batch_live_bytes(void);

/* Once there are this many live bytes, batch_index() finds no more memory for an index that
 * outgrows its first guess, as that of a request of the smallest spans does, by ten times what
 * came. 0, as at first: no limit. Any thread. */
void batch_limit_live_bytes(size_t most);

static inline struct bytes span_name(const struct span_view *s)
{
    return bytes_of(s->data + s->name_offset, s->name_len);
}

static inline struct bytes span_bytes(const struct span_view *s)
{
    return bytes_of(s->data, s->len);
}

static inline const struct scope_view *span_scope(const struct batch *b, const struct span_view *s)
{
    return &b->scopes[s->scope];
}

static inline const struct resource_view *span_resource(const struct batch *b,
                                                        const struct span_view *s)
{
    return &b->resources[b->scopes[s->scope].resource];
}

static inline bool span_is_root(const struct span_view *s)
{
    static const uint8_t zero[8];
    return memcmp(s->parent_span_id, zero, sizeof zero) == 0;
}

/* The resource's service.name; empty when it has none or it is not a string. */
struct bytes resource_service_name(const struct resource_view *r);

#endif
