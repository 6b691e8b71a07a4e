/* A search being put together from a request's parameters. */
#ifndef TAILSPAN_QUERY_SEARCH_H
#define TAILSPAN_QUERY_SEARCH_H

#include "query/call.h"

struct search {
    struct store_query query; /* strings are the request's or the arena's */
    struct store_tag tags[CALL_TAGS_MAX];
};

/* Any service, any time, any duration. */
void search_begin(struct search *s);

/* A tag to match; a later one with the same key counts. Keys and values are borrowed. False with
 * `e` set when there are too many. */
bool search_tag(struct search *s, const char *key, const char *value, struct error *e);

/* "key:value", split at the first colon. False with `e` set when there is none. */
bool search_tag_text(struct search *s, struct arena *a, const char *text, struct error *e);

/* A JSON object of strings. False with `e` set when it is something else. */
bool search_tags_json(struct search *s, struct arena *a, const char *json, struct error *e);

/* Runs it within the call's time. False with `e` set; otherwise to be freed with
 * store_results_free(). */
bool search_run(struct call *c, const struct search *s, struct store_results *out, struct error *e);

/* Time in nanoseconds since the epoch, as the store wants it. */
static inline uint64_t search_time(int64_t ns)
{
    return ns < 0 ? 0 : (uint64_t)ns;
}

#endif
