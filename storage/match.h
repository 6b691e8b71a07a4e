/* Whether a span, or a whole block, answers a query.
 *
 * The filter and the records only rule out; what they leave is decided on the spans. */
#ifndef TAILSPAN_STORAGE_MATCH_H
#define TAILSPAN_STORAGE_MATCH_H

#include "proto/value_text.h"
#include "storage/filter.h"
#include "storage/reader.h"
#include "storage/record.h"

enum tag_kind {
    TAG_ATTRIBUTE, /* of the span, its events and links, its scope, its resource */
    TAG_RESOURCE,  /* resource.KEY: of the resource alone */
    TAG_STATUS_TEXT,
    TAG_SCOPE_NAME,
    TAG_SCOPE_VERSION,
};

struct tag {
    enum tag_kind kind;
    struct bytes key;
    struct bytes value;
    uint32_t pair; /* its hash in filters */
};

struct matcher {
    const struct store_query *query;
    struct tag *tags;
    size_t tag_count;
    int error;       /* 0 or 1: wanted; -1: whatever */
    int kind;        /* of span; -1: whatever */
    int status;      /* -1: whatever */
    bool impossible; /* nothing can match */
    uint32_t service_pair;
    uint32_t operation_pair;
    struct value_text text;
};

/* Reads the query, which has to stay. False: out of memory. */
bool matcher_init(struct matcher *m, const struct store_query *q);
void matcher_free(struct matcher *m);

bool match_span(struct matcher *m, const struct batch *b, uint32_t span);

/* The query's names in the codes of one slot. */
struct match_codes {
    int64_t service; /* 0: not coded there */
    int64_t *operations;
    size_t operation_count;
};

/* False: out of memory, or the slot has nothing for this query (`nothing`). */
bool match_codes_load(struct match_codes *c, const struct matcher *m, struct store_reader *r,
                      struct reader_slot *s, bool *nothing);
void match_codes_free(struct match_codes *c);

/* Whether the block may have an answer, by its filter. */
bool match_filter(const struct matcher *m, const struct match_codes *c,
                  const struct filter *filter);

enum record_match {
    RECORD_NO,
    RECORD_MAYBE, /* look at the spans */
    RECORD_YES,
};
enum record_match match_record(const struct matcher *m, const struct match_codes *c,
                               const struct filter *filter, const struct record *record);

#endif
