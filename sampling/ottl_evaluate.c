/* Asking a span, on its wire bytes. */
#include "proto/span_kind.h"
#include "sampling/ottl_private.h"
#include "sampling/trace_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct subject {
    const struct ottl *o;
    const struct batch *b;
    const struct span_view *span;
    const struct event_view *event;
};

/* Room for what a path gives that does not lie in the span as text. */
struct scratch {
    char text[40];
};

static enum ottl_result evaluate(const struct subject *s, uint32_t node);

/* ---- values ---- */

static struct ottl_value of_int(int64_t n)
{
    return (struct ottl_value){.type = OTTL_INT, .integer = n};
}

static struct ottl_value of_string(struct bytes b)
{
    return (struct ottl_value){.type = OTTL_STRING, .bytes = b};
}

/* An id that is not there is all zeros, as in the Collector. */
static struct ottl_value of_id(const uint8_t *id, size_t len, struct scratch *scratch)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        scratch->text[2 * i] = digits[id[i] >> 4];
        scratch->text[2 * i + 1] = digits[id[i] & 15];
    }
    return of_string(bytes_of(scratch->text, 2 * len));
}

static struct ottl_value of_attribute(struct bytes message, uint32_t field, struct bytes key)
{
    struct attribute a;
    struct ottl_value v = {.type = OTTL_NIL};
    if (!attribute_find(message, field, key, &a))
        return v;
    switch (a.value.type) {
    case VALUE_EMPTY:
        return v;
    case VALUE_BOOL:
        return (struct ottl_value){.type = OTTL_BOOL, .boolean = a.value.boolean};
    case VALUE_INT:
        return of_int(a.value.integer);
    case VALUE_DOUBLE:
        return (struct ottl_value){.type = OTTL_FLOAT, .real = a.value.real};
    case VALUE_STRING:
        return of_string(a.value.bytes);
    case VALUE_BYTES:
        return (struct ottl_value){.type = OTTL_BYTES, .bytes = a.value.bytes};
    default:
        return (struct ottl_value){.type = OTTL_OTHER};
    }
}

static struct ottl_value of_trace_state(const struct subject *s, const struct ottl_operand *o)
{
    struct bytes state = span_trace_state(span_bytes(s->span)), member = {0};
    if (!o->keyed)
        return of_string(state);
    return of_string(trace_state_find(state, o->key, &member) ? member : bytes_of("", 0));
}

static struct ottl_value of_event_path(const struct subject *s, const struct ottl_operand *o)
{
    if (!s->event)
        return (struct ottl_value){.type = OTTL_NIL};
    if (o->path == PATH_EVENT_NAME)
        return of_string(s->event->name);
    if (o->path == PATH_EVENT_TIME)
        return of_int((int64_t)s->event->time_ns);
    return of_attribute(s->event->message, EVENT_ATTRIBUTES, o->key);
}

static struct ottl_value of_path(const struct subject *s, const struct ottl_operand *o,
                                 struct scratch *scratch)
{
    const struct span_view *span = s->span;
    struct bytes scope = span_scope(s->b, span)->message;
    switch (o->path) {
    case PATH_SPAN_ATTRIBUTE:
        return of_attribute(span_bytes(span), SPAN_ATTRIBUTES, o->key);
    case PATH_SPAN_NAME:
        return of_string(span_name(span));
    case PATH_KIND:
        return of_int(span->kind);
    case PATH_KIND_STRING:
        return of_string(bytes_of_string(span_kind_title(span->kind)));
    case PATH_KIND_DEPRECATED_STRING:
        return of_string(bytes_of_string(span_kind_constant(span->kind)));
    case PATH_STATUS_CODE:
        return of_int(span->status_code);
    case PATH_STATUS_MESSAGE:
        return of_string(span_status_message(span_bytes(span)));
    case PATH_TRACE_ID:
        return of_id(span->trace_id, sizeof span->trace_id, scratch);
    case PATH_SPAN_ID:
        return of_id(span->span_id, sizeof span->span_id, scratch);
    case PATH_PARENT_SPAN_ID:
        return of_id(span->parent_span_id, sizeof span->parent_span_id, scratch);
    case PATH_TRACE_STATE:
        return of_trace_state(s, o);
    case PATH_START_TIME:
        return of_int((int64_t)span->start_ns);
    case PATH_END_TIME:
        return of_int((int64_t)span->end_ns);
    case PATH_FLAGS:
        return of_int(span->flags);
    case PATH_RESOURCE_ATTRIBUTE:
        return of_attribute(span_resource(s->b, span)->message, RESOURCE_ATTRIBUTES, o->key);
    case PATH_SCOPE_NAME:
        return of_string(scope_name(scope));
    case PATH_SCOPE_VERSION:
        return of_string(scope_version(scope));
    case PATH_SCOPE_ATTRIBUTE:
        return of_attribute(scope, SCOPE_ATTRIBUTES, o->key);
    default:
        return of_event_path(s, o);
    }
}

/* False: it could not be told. */
static bool value_of(const struct subject *s, const struct ottl_operand *o, struct scratch *scratch,
                     struct ottl_value *v)
{
    enum ottl_result r;
    switch (o->kind) {
    case OPERAND_LITERAL:
        *v = o->literal;
        return true;
    case OPERAND_PATH:
        *v = of_path(s, o, scratch);
        return true;
    case OPERAND_CONDITION:
        r = evaluate(s, o->node);
        *v = (struct ottl_value){.type = OTTL_BOOL, .boolean = r == OTTL_TRUE};
        return r != OTTL_ERROR;
    }
    return false;
}

/* ---- comparing ---- */

static bool holds(enum ottl_comparison c, bool less, bool equal)
{
    switch (c) {
    case OTTL_EQ:
        return equal;
    case OTTL_NE:
        return !equal;
    case OTTL_LT:
        return less;
    case OTTL_LE:
        return less || equal;
    case OTTL_GT:
        return !less && !equal;
    case OTTL_GE:
        return !less;
    }
    return false;
}

static bool compare_bytes(enum ottl_comparison c, struct bytes a, struct bytes b)
{
    int order = bytes_compare(a, b);
    return holds(c, order < 0, order == 0);
}

static bool compare_reals(enum ottl_comparison c, double a, double b)
{
    if (a != a || b != b) /* NaN is in no order */
        return c == OTTL_NE;
    return holds(c, a < b, a == b);
}

static double real_of(const struct ottl_value *v)
{
    return v->type == OTTL_INT ? (double)v->integer : v->real;
}

static bool is_number(const struct ottl_value *v)
{
    return v->type == OTTL_INT || v->type == OTTL_FLOAT;
}

static bool compare(enum ottl_comparison c, const struct ottl_value *a, const struct ottl_value *b)
{
    if (a->type == OTTL_INT && b->type == OTTL_INT)
        return holds(c, a->integer < b->integer, a->integer == b->integer);
    if (is_number(a) && is_number(b))
        return compare_reals(c, real_of(a), real_of(b));
    if (a->type != b->type || a->type == OTTL_OTHER)
        return c == OTTL_NE;
    if (a->type == OTTL_NIL)
        return holds(c, false, true);
    if (a->type == OTTL_BOOL)
        return holds(c, !a->boolean && b->boolean, a->boolean == b->boolean);
    return compare_bytes(c, a->bytes, b->bytes);
}

/* ---- functions ---- */

/* The shortest decimal that reads back as the same number. */
static struct bytes text_of_real(double real, char room[64])
{
    int len = 0;
    for (int digits = 1; digits <= 17; digits++) {
        len = snprintf(room, 64, "%.*g", digits, real);
        if (strtod(room, NULL) == real)
            break;
    }
    return bytes_of(room, (size_t)len);
}

/* A value's text, as the Collector writes it. False: it has none here. */
static bool text_of(const struct ottl_value *v, char room[64], struct bytes *out)
{
    switch (v->type) {
    case OTTL_STRING:
        *out = v->bytes;
        return true;
    case OTTL_BOOL:
        *out = bytes_of_string(v->boolean ? "true" : "false");
        return true;
    case OTTL_INT:
        *out = bytes_of(room, (size_t)snprintf(room, 64, "%" PRId64, v->integer));
        return true;
    case OTTL_FLOAT:
        *out = text_of_real(v->real, room);
        return true;
    default:
        return false;
    }
}

static enum ottl_result is_match(const struct subject *s, const struct ottl_node *n)
{
    struct scratch scratch;
    struct ottl_value v;
    struct bytes text;
    char room[64];
    if (!value_of(s, &n->left, &scratch, &v))
        return OTTL_ERROR;
    if (v.type == OTTL_NIL)
        return OTTL_FALSE;
    if (!text_of(&v, room, &text))
        return OTTL_ERROR;
    switch (regex_match(n->regex, text)) {
    case REGEX_YES:
        return OTTL_TRUE;
    case REGEX_NO:
        return OTTL_FALSE;
    default:
        return OTTL_ERROR;
    }
}

/* ---- the tree ---- */

static enum ottl_result evaluate_chain(const struct subject *s, const struct ottl_node *n,
                                       enum ottl_result decisive)
{
    enum ottl_result r = OTTL_FALSE;
    for (uint32_t i = n->child; i != OTTL_NONE; i = s->o->nodes[i].next) {
        r = evaluate(s, i);
        if (r == decisive || r == OTTL_ERROR)
            return r;
    }
    return r;
}

static enum ottl_result evaluate_comparison(const struct subject *s, const struct ottl_node *n)
{
    struct scratch left_scratch, right_scratch;
    struct ottl_value left, right;
    if (!value_of(s, &n->left, &left_scratch, &left) ||
        !value_of(s, &n->right, &right_scratch, &right))
        return OTTL_ERROR;
    return compare(n->comparison, &left, &right) ? OTTL_TRUE : OTTL_FALSE;
}

static enum ottl_result evaluate(const struct subject *s, uint32_t node)
{
    const struct ottl_node *n = &s->o->nodes[node];
    enum ottl_result r;
    switch (n->kind) {
    case NODE_AND:
        return evaluate_chain(s, n, OTTL_FALSE);
    case NODE_OR:
        return evaluate_chain(s, n, OTTL_TRUE);
    case NODE_NOT:
        r = evaluate(s, n->child);
        return r == OTTL_ERROR ? r : r == OTTL_TRUE ? OTTL_FALSE : OTTL_TRUE;
    case NODE_CONSTANT:
        return n->constant ? OTTL_TRUE : OTTL_FALSE;
    case NODE_COMPARE:
        return evaluate_comparison(s, n);
    case NODE_IS_MATCH:
        return is_match(s, n);
    case NODE_IS_ROOT:
        return span_is_root(s->span) ? OTTL_TRUE : OTTL_FALSE;
    }
    return OTTL_ERROR;
}

enum ottl_result ottl_evaluate(const struct ottl *o, const struct batch *b, uint32_t span,
                               const struct event_view *event)
{
    const struct subject s = {.o = o, .b = b, .span = &b->spans[span], .event = event};
    return evaluate(&s, o->root);
}
