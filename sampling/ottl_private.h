/* What a condition compiles to: a small tree, in two arrays.
 *
 * `and` and `or` have any number of operands, linked as siblings, so a long chain is not a deep
 * tree: evaluation recurses only as far as the text nests. */
#ifndef TAILSPAN_SAMPLING_OTTL_PRIVATE_H
#define TAILSPAN_SAMPLING_OTTL_PRIVATE_H

#include "sampling/ottl.h"
#include "sampling/regex.h"

enum ottl_path {
    PATH_SPAN_ATTRIBUTE,
    PATH_SPAN_NAME,
    PATH_KIND,
    PATH_KIND_STRING,
    PATH_KIND_DEPRECATED_STRING,
    PATH_STATUS_CODE,
    PATH_STATUS_MESSAGE,
    PATH_TRACE_ID,
    PATH_SPAN_ID,
    PATH_PARENT_SPAN_ID,
    PATH_TRACE_STATE,
    PATH_START_TIME,
    PATH_END_TIME,
    PATH_FLAGS,
    PATH_RESOURCE_ATTRIBUTE,
    PATH_SCOPE_NAME,
    PATH_SCOPE_VERSION,
    PATH_SCOPE_ATTRIBUTE,
    PATH_EVENT_NAME,
    PATH_EVENT_ATTRIBUTE,
    PATH_EVENT_TIME,
};

enum ottl_type {
    OTTL_NIL,
    OTTL_BOOL,
    OTTL_INT,
    OTTL_FLOAT,
    OTTL_STRING,
    OTTL_BYTES,
    OTTL_OTHER, /* a list or a map */
};

struct ottl_value {
    enum ottl_type type;
    union {
        bool boolean;
        int64_t integer;
        double real;
        struct bytes bytes;
    };
};

enum ottl_operand_kind {
    OPERAND_LITERAL,
    OPERAND_PATH,
    OPERAND_CONDITION, /* a function's answer, compared with true or false */
};

struct ottl_operand {
    enum ottl_operand_kind kind;
    struct ottl_value literal; /* its bytes belong to the condition */
    enum ottl_path path;
    bool keyed;
    struct bytes key;
    uint32_t node; /* of a condition */
};

enum ottl_comparison {
    OTTL_EQ,
    OTTL_NE,
    OTTL_LT,
    OTTL_LE,
    OTTL_GT,
    OTTL_GE,
};

enum ottl_node_kind {
    NODE_AND,
    NODE_OR,
    NODE_NOT,
    NODE_CONSTANT,
    NODE_COMPARE,
    NODE_IS_MATCH,
    NODE_IS_ROOT,
};

#define OTTL_NONE UINT32_MAX

struct ottl_node {
    enum ottl_node_kind kind;
    enum ottl_comparison comparison;
    bool constant;
    uint32_t child; /* first operand of and, or, not */
    uint32_t next;  /* sibling */
    struct ottl_operand left;
    struct ottl_operand right;
    struct regex *regex;
};

struct ottl {
    struct ottl_node *nodes;
    uint32_t count;
    uint32_t capacity;
    uint32_t root;
    uint8_t *text; /* strings and keys, unquoted */
    size_t text_used;
};

/* A path by its name without the key, e.g. "resource.attributes". */
struct ottl_path_name {
    const char *name;
    enum ottl_path path;
    bool needs_key;
    bool takes_key;
};
const struct ottl_path_name *ottl_path_find(struct bytes name, enum ottl_context context);

enum ottl_token_kind {
    TOKEN_END,
    TOKEN_NAME, /* also with dots: a path */
    TOKEN_STRING,
    TOKEN_INT,
    TOKEN_FLOAT,
    TOKEN_COMPARISON,
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_OPEN_KEY,
    TOKEN_CLOSE_KEY,
    TOKEN_COMMA,
};

struct ottl_token {
    enum ottl_token_kind kind;
    size_t at;         /* offset in the text, from 0 */
    struct bytes text; /* a string's: between the quotes, still escaped */
    enum ottl_comparison comparison;
};

/* The token at or behind `*at`, which moves behind it. */
bool ottl_next_token(struct bytes text, size_t *at, struct ottl_token *t, struct error *e);

/* A string's content into `out`, which has room for `token->text.len`. */
bool ottl_unquote(const struct ottl_token *token, uint8_t *out, size_t *len, struct error *e);

#endif
