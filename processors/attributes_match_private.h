/* What include and exclude were read into: for the files that read and that ask. */
#ifndef TAILSPAN_PROCESSORS_ATTRIBUTES_MATCH_PRIVATE_H
#define TAILSPAN_PROCESSORS_ATTRIBUTES_MATCH_PRIVATE_H

#include "processors/attributes_match.h"
#include "proto/attribute.h"
#include "sampling/regex.h"

enum match_type { MATCH_MISSING, MATCH_STRICT, MATCH_REGEXP };

/* One text to match, exactly or by an expression. */
struct wanted {
    struct bytes text;
    struct regex *regex; /* NULL: the text itself */
};

struct wanted_list {
    struct wanted *items;
    size_t count; /* 0: anything goes */
};

struct wanted_attribute {
    struct bytes key;
    enum { ANY_VALUE, SAME_VALUE, MATCHING_VALUE } how;
    struct value value;
    struct wanted pattern;
};

struct wanted_attributes {
    struct wanted_attribute *items;
    size_t count;
};

struct wanted_library {
    struct wanted name;
    struct wanted version;
    bool has_version;
};

/* include or exclude. */
struct side {
    bool given;
    enum match_type type;
    struct wanted_list services;
    struct wanted_list names;
    struct wanted_list kinds;
    struct wanted_attributes attributes;
    struct wanted_attributes resources;
    struct wanted_library *libraries;
    size_t library_count;
};

enum { INCLUDE, EXCLUDE, SIDES };

struct span_match {
    struct side sides[SIDES];
};

#endif
