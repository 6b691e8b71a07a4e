/* Erasing what is stored about somebody, for good.
 *
 * Every slot that holds it, and every later one, is written anew without it and takes the old one's
 * place: names, filters and the dictionaries that zstd was trained on earlier traces hold parts of
 * spans too, so taking rows out would leave some of it behind. The slot that is being written is
 * ended first, unless nothing is to be changed. What arrives while an erasure runs is not looked
 * at, nor files that were set aside as broken.
 *
 * A line about it (when, how it was asked, how much; never a value) goes to the log and to
 * `erasures.jsonl` in the store's directory. */
#ifndef TAILSPAN_STORAGE_ERASE_H
#define TAILSPAN_STORAGE_ERASE_H

#include "storage/erase_where.h"
#include "storage/store.h"

struct erase_options {
    struct erase_where *where;
    bool whole_traces; /* of which one span matches; else only the matching spans */
    bool dry_run;      /* count, change nothing */
    const char *asked; /* how: "command", "http" */
};

struct erase_result {
    uint64_t spans;
    uint64_t traces; /* that lost a span */
    uint64_t slots_searched;
    uint64_t slots_rewritten; /* or removed, when nothing was left in them */
    uint64_t slots_broken;    /* set aside: nobody can look into them */
};

/* Returns when it is done: seconds a gigabyte. One at a time; others wait. False with `e` set when
 * something is left, or the counts are not complete. Any thread but the writer's. */
bool store_erase(struct store *s, const struct erase_options *o, struct erase_result *out,
                 struct error *e);

#endif
