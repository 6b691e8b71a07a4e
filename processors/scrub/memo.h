/* What was lately found to have nothing in it.
 *
 * Spans repeat themselves: the same methods, routes, hosts, statements with every request. Each
 * thread remembers such attributes byte for byte, so that no rule has to look at them again. Only
 * what is clean is kept here, and what is remembered wrongly cannot be: hashes only say where to
 * compare.
 *
 * Half a megabyte a thread that scrubs. */
#ifndef TAILSPAN_PROCESSORS_SCRUB_MEMO_H
#define TAILSPAN_PROCESSORS_SCRUB_MEMO_H

#include "proto/bytes.h"

enum memo_kind {
    MEMO_ATTRIBUTE, /* the text is a KeyValue's body */
    MEMO_STATEMENT, /* so, of an attribute that is read as its context says: the database */
    MEMO_TEXT,      /* a name, a message, a state */
};

struct memo_key {
    uint64_t rules; /* whose answer it is; see scrub_rules.id */
    enum memo_kind kind;
    struct bytes context;
    struct bytes text;
};

/* This thread's; NULL: out of memory, nothing is remembered. */
struct memo *memo_of_thread(void);

/* Both do nothing without a memo. */
bool memo_has(struct memo *m, const struct memo_key *k);
void memo_add(struct memo *m, const struct memo_key *k);

#endif
