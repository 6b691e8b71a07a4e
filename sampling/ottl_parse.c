/* From a condition's text to its tree, by recursive descent with a bounded depth.
 *
 *     or      = and { "or" and }
 *     and     = factor { "and" factor }
 *     factor  = "not" factor | "(" or ")" | operand [ comparison operand ]
 *     operand = literal | path | function */
#include "proto/span_kind.h"
#include "sampling/ottl_private.h"

#include <errno.h>
#include <stdlib.h>

struct parser {
    struct bytes text;
    size_t at;
    struct ottl_token token; /* the one to be taken next */
    enum ottl_context context;
    unsigned depth;
    struct ottl *o;
    struct error *e;
};

static bool fail(struct parser *p, size_t at, const char *what)
{
    return error_set(p->e, "column %zu: %s", at + 1, what);
}

static bool fail_here(struct parser *p, const char *what)
{
    return fail(p, p->token.at, what);
}

static bool advance(struct parser *p)
{
    return ottl_next_token(p->text, &p->at, &p->token, p->e);
}

static bool expect(struct parser *p, enum ottl_token_kind kind, const char *what)
{
    return p->token.kind == kind ? advance(p) : fail_here(p, what);
}

static bool is_word(const struct parser *p, const char *word)
{
    return p->token.kind == TOKEN_NAME && bytes_equal_string(p->token.text, word);
}

static bool node_add(struct parser *p, enum ottl_node_kind kind, uint32_t *index)
{
    struct ottl *o = p->o;
    if (o->count == o->capacity) {
        uint32_t capacity = o->capacity ? o->capacity * 2 : 8;
        struct ottl_node *grown = reallocarray(o->nodes, capacity, sizeof *grown);
        if (!grown)
            return error_set(p->e, "out of memory");
        o->nodes = grown;
        o->capacity = capacity;
    }
    o->nodes[o->count] = (struct ottl_node){.kind = kind, .child = OTTL_NONE, .next = OTTL_NONE};
    *index = o->count++;
    return true;
}

/* ---- operands ---- */

static bool take_string(struct parser *p, struct bytes *out)
{
    size_t len;
    uint8_t *to = p->o->text + p->o->text_used;
    if (!ottl_unquote(&p->token, to, &len, p->e))
        return false;
    *out = bytes_of(to, len);
    p->o->text_used += len;
    return advance(p);
}

static bool take_number(struct parser *p, struct ottl_value *v)
{
    char text[64], *end;
    struct bytes t = p->token.text;
    if (t.len >= sizeof text)
        return fail_here(p, "the number is too long");
    memcpy(text, t.data, t.len);
    text[t.len] = 0;
    errno = 0;
    if (p->token.kind == TOKEN_INT)
        *v = (struct ottl_value){.type = OTTL_INT, .integer = strtoll(text, &end, 10)};
    else
        *v = (struct ottl_value){.type = OTTL_FLOAT, .real = strtod(text, &end)};
    if (*end || errno)
        return fail_here(p, "not a number, or one too large");
    return advance(p);
}

static bool constant_find(struct bytes name, struct ottl_value *v)
{
    int kind = span_kind_of_constant(name), status = span_status_of_constant(name);
    if (kind >= 0 || status >= 0) {
        *v = (struct ottl_value){.type = OTTL_INT, .integer = kind >= 0 ? kind : status};
        return true;
    }
    bool yes = bytes_equal_string(name, "true");
    *v = (struct ottl_value){.type = OTTL_BOOL, .boolean = yes};
    if (yes || bytes_equal_string(name, "false"))
        return true;
    v->type = OTTL_NIL;
    return bytes_equal_string(name, "nil");
}

static bool take_path(struct parser *p, struct ottl_operand *out)
{
    struct ottl_token name = p->token;
    const struct ottl_path_name *path = ottl_path_find(name.text, p->context);
    if (!path)
        return error_set(p->e,
                         "column %zu: \"%.*s\" is not supported; supported: attributes[\"…\"], "
                         "name, kind, kind.string, status.code, status.message, trace_id.string, "
                         "span_id.string, parent_span_id.string, trace_state, flags, "
                         "start_time_unix_nano, end_time_unix_nano, resource.attributes[\"…\"], "
                         "instrumentation_scope.name, .version and .attributes[\"…\"], of events "
                         "spanevent.name, .attributes[\"…\"] and .time_unix_nano; "
                         "IsMatch(…, \"…\"), IsRootSpan()",
                         name.at + 1, (int)(name.text.len < 64 ? name.text.len : 64),
                         (const char *)name.text.data);
    *out = (struct ottl_operand){.kind = OPERAND_PATH, .path = path->path};
    if (!advance(p))
        return false;
    if (p->token.kind != TOKEN_OPEN_KEY)
        return !path->needs_key || fail_here(p, "a key in brackets was expected, as in [\"key\"]");
    if (!path->takes_key)
        return fail_here(p, "this path has no keys");
    if (!advance(p))
        return false;
    if (p->token.kind != TOKEN_STRING)
        return fail_here(p, "a key in quotes was expected");
    out->keyed = true;
    if (!take_string(p, &out->key) || !expect(p, TOKEN_CLOSE_KEY, "a ] was expected"))
        return false;
    return p->token.kind != TOKEN_OPEN_KEY ||
           fail_here(p, "keys inside of an attribute's value are not supported");
}

static bool take_operand(struct parser *p, struct ottl_operand *out);

static bool take_pattern(struct parser *p, struct ottl_node *n)
{
    struct ottl_token token = p->token;
    struct bytes pattern;
    struct error why = {0};
    if (token.kind != TOKEN_STRING)
        return fail_here(p, "a regular expression in quotes was expected");
    if (!take_string(p, &pattern))
        return false;
    n->regex = regex_compile(pattern, &why);
    return n->regex || error_set(p->e, "column %zu: %.900s", token.at + 1, why.text);
}

static bool take_is_match(struct parser *p, struct ottl_token name, uint32_t *node)
{
    struct ottl_operand argument;
    if (p->depth == OTTL_MAX_DEPTH)
        return fail_here(p, "nested too deeply");
    p->depth++;
    bool ok = advance(p) && take_operand(p, &argument);
    p->depth--;
    if (!ok)
        return false;
    if (argument.kind == OPERAND_CONDITION)
        return fail(p, name.at, "IsMatch takes a path or a literal");
    if (!expect(p, TOKEN_COMMA, "a , was expected, as in IsMatch(name, \"^GET\")") ||
        !node_add(p, NODE_IS_MATCH, node))
        return false;
    p->o->nodes[*node].left = argument;
    return take_pattern(p, &p->o->nodes[*node]) && expect(p, TOKEN_CLOSE, "a ) was expected");
}

/* Behind the name of a function, at its "(". */
static bool take_function(struct parser *p, struct ottl_token name, uint32_t *node)
{
    if (bytes_equal_string(name.text, "IsRootSpan"))
        return node_add(p, NODE_IS_ROOT, node) && advance(p) &&
               expect(p, TOKEN_CLOSE, "a ) was expected, as in IsRootSpan()");
    if (bytes_equal_string(name.text, "IsMatch"))
        return take_is_match(p, name, node);
    return fail(p, name.at, "this function is not supported; supported: IsMatch, IsRootSpan");
}

static bool take_name(struct parser *p, struct ottl_operand *out)
{
    struct parser ahead = *p;
    struct error ignored;
    ahead.e = &ignored;
    if (advance(&ahead) && ahead.token.kind == TOKEN_OPEN) {
        struct ottl_token name = p->token;
        out->kind = OPERAND_CONDITION;
        return advance(p) && take_function(p, name, &out->node);
    }
    if (constant_find(p->token.text, &out->literal))
        return advance(p);
    return take_path(p, out);
}

static bool take_operand(struct parser *p, struct ottl_operand *out)
{
    *out = (struct ottl_operand){.kind = OPERAND_LITERAL};
    switch (p->token.kind) {
    case TOKEN_STRING:
        out->literal.type = OTTL_STRING;
        return take_string(p, &out->literal.bytes);
    case TOKEN_INT:
    case TOKEN_FLOAT:
        return take_number(p, &out->literal);
    case TOKEN_NAME:
        return take_name(p, out);
    default:
        return fail_here(p, "a path, a value or a function was expected");
    }
}

/* ---- conditions ---- */

static bool take_or(struct parser *p, uint32_t *node);

/* An operand that stands alone is a condition only when it is true or false by itself. */
static bool alone(struct parser *p, const struct ottl_operand *left, size_t at, uint32_t *node)
{
    if (left->kind == OPERAND_CONDITION) {
        *node = left->node;
        return true;
    }
    if (left->kind != OPERAND_LITERAL || left->literal.type != OTTL_BOOL)
        return fail(p, at, "this is no condition: compare it, as in name == \"x\"");
    if (!node_add(p, NODE_CONSTANT, node))
        return false;
    p->o->nodes[*node].constant = left->literal.boolean;
    return true;
}

static bool take_comparison(struct parser *p, uint32_t *node)
{
    struct ottl_operand left, right;
    size_t at = p->token.at;
    if (!take_operand(p, &left))
        return false;
    if (p->token.kind != TOKEN_COMPARISON)
        return alone(p, &left, at, node);
    enum ottl_comparison comparison = p->token.comparison;
    if (!advance(p) || !take_operand(p, &right) || !node_add(p, NODE_COMPARE, node))
        return false;
    struct ottl_node *n = &p->o->nodes[*node];
    n->comparison = comparison;
    n->left = left;
    n->right = right;
    return true;
}

static bool take_factor(struct parser *p, uint32_t *node)
{
    bool ok;
    if (p->depth == OTTL_MAX_DEPTH)
        return fail_here(p, "nested too deeply");
    p->depth++;
    if (is_word(p, "not")) {
        uint32_t child;
        ok = advance(p) && take_factor(p, &child) && node_add(p, NODE_NOT, node);
        if (ok)
            p->o->nodes[*node].child = child;
    } else if (p->token.kind == TOKEN_OPEN) {
        ok = advance(p) && take_or(p, node) && expect(p, TOKEN_CLOSE, "a ) was expected");
    } else {
        ok = take_comparison(p, node);
    }
    p->depth--;
    return ok;
}

/* Operands joined by one word; a single one stands for itself. */
static bool take_chain(struct parser *p, const char *word, enum ottl_node_kind kind,
                       bool (*take)(struct parser *, uint32_t *), uint32_t *node)
{
    uint32_t last = OTTL_NONE;
    if (!take(p, &last))
        return false;
    *node = last;
    if (!is_word(p, word))
        return true;
    if (!node_add(p, kind, node))
        return false;
    p->o->nodes[*node].child = last;
    while (is_word(p, word)) {
        uint32_t next = OTTL_NONE;
        if (!advance(p) || !take(p, &next))
            return false;
        p->o->nodes[last].next = next;
        last = next;
    }
    return true;
}

static bool take_and(struct parser *p, uint32_t *node)
{
    return take_chain(p, "and", NODE_AND, take_factor, node);
}

static bool take_or(struct parser *p, uint32_t *node)
{
    return take_chain(p, "or", NODE_OR, take_and, node);
}

static bool parse(struct parser *p)
{
    return advance(p) && take_or(p, &p->o->root) &&
           (p->token.kind == TOKEN_END ||
            fail_here(p, "unexpected here; conditions are joined by and, or"));
}

struct ottl *ottl_compile(const char *text, enum ottl_context context, struct error *e)
{
    size_t len = strlen(text);
    if (len > OTTL_MAX_LENGTH) {
        error_set(e, "the condition is longer than %d bytes", OTTL_MAX_LENGTH);
        return NULL;
    }
    struct ottl *o = calloc(1, sizeof *o);
    if (o)
        o->text = malloc(len + 1);
    if (!o || !o->text) {
        ottl_destroy(o);
        error_set(e, "out of memory");
        return NULL;
    }
    struct parser p = {.text = bytes_of(text, len), .context = context, .o = o, .e = e};
    if (!parse(&p)) {
        ottl_destroy(o);
        return NULL;
    }
    return o;
}

void ottl_destroy(struct ottl *o)
{
    if (!o)
        return;
    for (uint32_t i = 0; i < o->count; i++)
        regex_destroy(o->nodes[i].regex);
    free(o->nodes);
    free(o->text);
    free(o);
}
