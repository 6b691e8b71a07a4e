/* Asking include and exclude about a span. */
#include "processors/attributes_match_private.h"
#include "proto/span_kind.h"
#include "proto/value_text.h"
#include "proto/wire.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum answer { NO, YES, IN_DOUBT };

enum { PLAIN_DOUBLE_MAX = 400 };

static enum answer is_wanted(const struct wanted *w, struct bytes text)
{
    if (!w->regex)
        return bytes_equal(w->text, text) ? YES : NO;
    enum regex_result r = regex_match(w->regex, text);
    return r == REGEX_YES ? YES : r == REGEX_NO ? NO : IN_DOUBT;
}

static enum answer any_wanted(const struct wanted_list *l, struct bytes text)
{
    enum answer all = l->count == 0 ? YES : NO;
    for (size_t i = 0; i < l->count && all != YES; i++) {
        enum answer a = is_wanted(&l->items[i], text);
        all = a == NO ? all : a;
    }
    return all;
}

static enum answer both(enum answer a, enum answer b)
{
    return a == NO || b == NO ? NO : a == IN_DOUBT ? IN_DOUBT : b;
}

/* Arrays and maps are the same when their JSON is: the order of a map's pairs says nothing. */
static enum answer is_same_value(const struct value *wanted, const struct value *v)
{
    struct value_text a = {0}, b = {0};
    if (wanted->type != v->type)
        return NO;
    if (v->type == VALUE_DOUBLE)
        return wanted->real == v->real ? YES : NO;
    bool same = bytes_equal(value_text(wanted, &a), value_text(v, &b));
    enum answer answer = a.large.failed || b.large.failed ? IN_DOUBT : same ? YES : NO;
    value_text_free(&a);
    value_text_free(&b);
    return answer;
}

/* As Go prints a double without an exponent, however long that gets. */
static struct bytes plain_double(double d, char out[PLAIN_DOUBLE_MAX])
{
    char digits[32];
    int exponent = 0, precision = 0;
    if (!isfinite(d))
        return bytes_of_string(isnan(d) ? "NaN" : d > 0 ? "+Inf" : "-Inf");
    do {
        snprintf(digits, sizeof digits, "%.*e", precision, d);
    } while (strtod(digits, NULL) != d && precision++ < 16);
    exponent = atoi(strchr(digits, 'e') + 1);
    int len =
        snprintf(out, PLAIN_DOUBLE_MAX, "%.*f", precision > exponent ? precision - exponent : 0, d);
    /* of a large number the digits behind the shortest ones are zeros */
    for (int i = len - 1, extra = exponent - precision; extra > 0; i--, extra--)
        out[i] = '0';
    return bytes_of(out, (size_t)len);
}

/* Of a key that is there twice the first counts, as for the actions, and for the Collector. */
static bool find_first(struct bytes message, enum attribute_field field, struct bytes key,
                       struct attribute *a)
{
    const uint8_t *at = message.data;
    struct wire_part m;
    while (wire_next(&at, wire_end(message), (uint32_t)field, &m)) {
        if (bytes_equal(attribute_key(m.bytes), key))
            return attribute_read(m.bytes, a);
    }
    return false;
}

static enum answer has_attribute(const struct wanted_attribute *w, struct bytes message,
                                 enum attribute_field field)
{
    struct value_text text = {0};
    char plain[PLAIN_DOUBLE_MAX];
    struct attribute a;
    if (!find_first(message, field, w->key, &a))
        return NO;
    if (w->how == ANY_VALUE)
        return YES;
    if (w->how == SAME_VALUE)
        return is_same_value(&w->value, &a.value);
    if (a.value.type == VALUE_DOUBLE)
        return is_wanted(&w->pattern, plain_double(a.value.real, plain));
    if (a.value.type == VALUE_STRING || a.value.type == VALUE_BOOL || a.value.type == VALUE_INT)
        return is_wanted(&w->pattern, value_text(&a.value, &text));
    return NO;
}

static enum answer has_attributes(const struct wanted_attributes *l, struct bytes message,
                                  enum attribute_field field)
{
    enum answer all = YES;
    for (size_t i = 0; i < l->count && all != NO; i++)
        all = both(all, has_attribute(&l->items[i], message, field));
    return all;
}

static enum answer has_service(const struct side *s, struct bytes resource)
{
    struct value_text text = {0};
    struct attribute a;
    if (s->services.count == 0)
        return YES;
    if (!find_first(resource, RESOURCE_ATTRIBUTES, bytes_of_string("service.name"), &a))
        return any_wanted(&s->services, bytes_of_string("<nil-service-name>"));
    struct bytes name = value_text(&a.value, &text);
    enum answer answer = text.large.failed ? IN_DOUBT : any_wanted(&s->services, name);
    value_text_free(&text);
    return answer;
}

static enum answer has_libraries(const struct side *s, struct bytes scope)
{
    enum answer all = YES;
    for (size_t i = 0; i < s->library_count && all != NO; i++) {
        const struct wanted_library *l = &s->libraries[i];
        all = both(all, is_wanted(&l->name, scope_name(scope)));
        if (l->has_version)
            all = both(all, is_wanted(&l->version, scope_version(scope)));
    }
    return all;
}

static enum answer fits_scope(const struct side *s, const struct batch *b, uint32_t scope)
{
    const struct scope_view *view = &b->scopes[scope];
    struct bytes resource = b->resources[view->resource].message;
    enum answer all = has_service(s, resource);
    if (all != NO)
        all = both(all, has_attributes(&s->resources, resource, RESOURCE_ATTRIBUTES));
    return all == NO ? NO : both(all, has_libraries(s, view->message));
}

static enum answer fits_span(const struct side *s, const struct span_view *span)
{
    enum answer all = any_wanted(&s->names, span_name(span));
    if (all != NO && s->kinds.count > 0)
        all = both(all, any_wanted(&s->kinds, bytes_of_string(span_kind_constant(span->kind))));
    return all == NO ? NO
                     : both(all, has_attributes(&s->attributes, span_bytes(span), SPAN_ATTRIBUTES));
}

/* `doubt`: what an answer in doubt counts as. */
static bool fits(const struct span_match *m, unsigned side, struct span_match_memo *memo,
                 const struct batch *b, uint32_t span, bool doubt)
{
    const struct side *s = &m->sides[side];
    const struct span_view *view = &b->spans[span];
    if (memo->sides[side].scope_plus_one != view->scope + 1) {
        enum answer a = fits_scope(s, b, view->scope);
        memo->sides[side].scope_plus_one = view->scope + 1;
        memo->sides[side].fits = a == YES || (a == IN_DOUBT && doubt);
    }
    if (!memo->sides[side].fits)
        return false;
    enum answer a = fits_span(s, view);
    return a == YES || (a == IN_DOUBT && doubt);
}

bool span_matches(const struct span_match *m, struct span_match_memo *memo, const struct batch *b,
                  uint32_t span)
{
    if (m->sides[INCLUDE].given && !fits(m, INCLUDE, memo, b, span, true))
        return false;
    return !m->sides[EXCLUDE].given || !fits(m, EXCLUDE, memo, b, span, false);
}
