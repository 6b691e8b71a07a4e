/* Terms are looked up by walking the attributes of each span, decompressed: an erasure is rare, and
 * has to find what filters made for searching would pass over, a part of a nested value for one. */
#include "storage/erase_where.h"

#include "component/pseudonym.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_VALUES = 1 }; /* of a map */

/* ---- reading ---- */

static void skip_space(const char **at)
{
    while (isspace((unsigned char)**at))
        (*at)++;
}

static bool parse_error(struct error *e, const char *text, const char *at, const char *what)
{
    return error_set(e, "where, at character %zu: %s", (size_t)(at - text) + 1, what);
}

static bool parse_key(const char *text, const char **at, struct erase_term *t, struct error *e)
{
    size_t len = strcspn(*at, "=~\" \t\r\n");
    if (len == 0)
        return parse_error(e, text, *at, "an attribute's name, or *, is expected");
    t->key = strndup(*at, len);
    *at += len;
    skip_space(at);
    if (**at != '=' && **at != '~')
        return parse_error(e, text, *at, "= (equals) or ~ (contains) is expected");
    t->contains = *(*at)++ == '~';
    skip_space(at);
    return t->key || error_set(e, "out of memory");
}

/* Takes over `form`. */
static bool push_form(struct erase_term *t, char *form)
{
    if (form && t->form_count == t->form_room) {
        size_t room = t->form_room ? 2 * t->form_room : 8;
        char **forms = realloc(t->forms, room * sizeof *forms);
        if (!forms) {
            free(form);
            return false;
        }
        t->forms = forms;
        t->form_room = room;
    }
    if (form)
        t->forms[t->form_count++] = form;
    return form != NULL;
}

static bool parse_value(const char *text, const char **at, struct erase_term *t, struct error *e)
{
    if (**at != '"')
        return parse_error(e, text, *at, "a value in double quotes is expected");
    const char *from = ++*at;
    char *value = malloc(strlen(from) + 1);
    size_t len = 0;
    if (!push_form(t, value))
        return error_set(e, "out of memory");
    for (; **at && **at != '"'; (*at)++) {
        if (**at == '\\' && ((*at)[1] == '"' || (*at)[1] == '\\'))
            (*at)++;
        value[len++] = **at;
    }
    value[len] = '\0';
    if (**at != '"')
        return parse_error(e, text, from - 1, "the value's closing quote is missing");
    (*at)++;
    return len > 0 || parse_error(e, text, from - 1, "the value is empty");
}

static bool parse_and(const char *text, const char **at, struct error *e)
{
    if (strncmp(*at, "and", 3) != 0 && strncmp(*at, "AND", 3) != 0)
        return parse_error(e, text, *at, "\"and\" or the end is expected");
    *at += 3;
    if (!isspace((unsigned char)**at))
        return parse_error(e, text, *at, "a space is expected");
    skip_space(at);
    return true;
}

bool erase_where_parse(const char *text, struct erase_where *w, struct error *e)
{
    const char *at = text;
    *w = (struct erase_where){0};
    skip_space(&at);
    if (!*at)
        return error_set(e, "where is empty: it has to say what to erase");
    for (;;) {
        if (w->term_count == ERASE_TERMS_MAX)
            return parse_error(e, text, at, "there are too many terms");
        struct erase_term *t = &w->terms[w->term_count++];
        if (!parse_key(text, &at, t, e) || !parse_value(text, &at, t, e))
            return false;
        skip_space(&at);
        if (!*at)
            return true;
        if (!parse_and(text, &at, e))
            return false;
    }
}

void erase_where_free(struct erase_where *w)
{
    for (size_t i = 0; i < w->term_count; i++) {
        struct erase_term *t = &w->terms[i];
        for (size_t n = 0; n < t->form_count; n++)
            free(t->forms[n]);
        free(t->forms);
        free(t->key);
    }
    value_text_free(&w->text);
    *w = (struct erase_where){0};
}

bool erase_where_add_form(struct erase_where *w, size_t term, struct bytes form)
{
    return push_form(&w->terms[term], bytes_to_string(form));
}

struct forms {
    struct erase_where *where;
    size_t term;
    bool complete;
};

static void add_form(void *context, struct bytes form)
{
    struct forms *f = context;
    f->complete &= erase_where_add_form(f->where, f->term, form);
}

bool erase_where_add_pseudonyms(struct erase_where *w)
{
    struct forms f = {.where = w, .complete = true};
    for (f.term = 0; f.term < w->term_count; f.term++)
        pseudonym_each(bytes_of_string(w->terms[f.term].forms[0]), add_form, &f);
    return f.complete;
}

void erase_where_describe(const struct erase_where *w, char *out, size_t len)
{
    size_t used = 0;
    for (size_t i = 0; i < w->term_count && used < len; i++) {
        const struct erase_term *t = &w->terms[i];
        used += (size_t)snprintf(out + used, len - used, "%s%.100s%c", i ? " and " : "", t->key,
                                 t->contains ? '~' : '=');
    }
}

/* ---- matching ---- */

static bool holds(const struct erase_term *t, struct bytes text)
{
    for (size_t i = 0; i < t->form_count; i++) {
        const char *form = t->forms[i];
        if (t->contains ? memmem(text.data, text.len, form, strlen(form)) != NULL
                        : bytes_equal_string(text, form))
            return true;
    }
    return false;
}

/* Nests no deeper than batch_index() lets it. */
static bool part_holds(struct erase_where *w, const struct erase_term *t, const struct value *v)
{
    struct value_iterator elements;
    struct value element;
    struct attribute_iterator pairs;
    struct attribute pair;
    switch (v->type) {
    case VALUE_ARRAY:
        for (value_begin(&elements, v->bytes); value_next(&elements, &element);) {
            if (part_holds(w, t, &element))
                return true;
        }
        return false;
    case VALUE_MAP:
        for (attribute_begin(&pairs, v->bytes, KEY_VALUES); attribute_next(&pairs, &pair);) {
            if (part_holds(w, t, &pair.value))
                return true;
        }
        return false;
    case VALUE_BYTES:
        return holds(t, v->bytes) || holds(t, value_text(v, &w->text));
    default:
        return holds(t, value_text(v, &w->text));
    }
}

/* Text is not encoded in the bytes of an array or map, so that what contains looks there finds keys
 * as well; a whole one may be equal to its JSON. */
static bool value_holds(struct erase_where *w, const struct erase_term *t, const struct value *v)
{
    bool nested = v->type == VALUE_ARRAY || v->type == VALUE_MAP;
    if (nested && holds(t, t->contains ? v->bytes : value_text(v, &w->text)))
        return true;
    return part_holds(w, t, v);
}

static bool is_any(const struct erase_term *t)
{
    return strcmp(t->key, "*") == 0;
}

static bool attributes_hold(struct erase_where *w, const struct erase_term *t, struct bytes message,
                            enum attribute_field field)
{
    bool any = is_any(t);
    struct attribute_iterator it;
    struct attribute a;
    attribute_begin(&it, message, field);
    while (attribute_next(&it, &a)) {
        if ((any || bytes_equal_string(a.key, t->key)) && value_holds(w, t, &a.value))
            return true;
    }
    return false;
}

static bool events_and_links_hold(struct erase_where *w, const struct erase_term *t,
                                  struct bytes span)
{
    struct span_cursor c;
    struct event_view event;
    struct link_view link;
    span_events_begin(&c, span);
    while (event_next(&c, &event)) {
        if ((is_any(t) && holds(t, event.name)) ||
            attributes_hold(w, t, event.message, EVENT_ATTRIBUTES))
            return true;
    }
    span_links_begin(&c, span);
    while (link_next(&c, &link)) {
        if (attributes_hold(w, t, link.message, LINK_ATTRIBUTES))
            return true;
    }
    return false;
}

/* Anything written in the span, or what is exactly this and no attribute. */
static bool text_holds(const struct erase_term *t, const struct span_view *s,
                       const struct scope_view *scope, const struct resource_view *resource)
{
    if (!t->contains)
        return holds(t, span_name(s)) || holds(t, span_status_message(span_bytes(s))) ||
               holds(t, scope_name(scope->message)) || holds(t, scope_version(scope->message));
    return holds(t, span_bytes(s)) || holds(t, scope->head) || holds(t, scope->tail) ||
           holds(t, resource->head) || holds(t, resource->tail);
}

static bool term_holds(struct erase_where *w, const struct erase_term *t, const struct batch *b,
                       const struct span_view *s)
{
    const struct scope_view *scope = span_scope(b, s);
    const struct resource_view *resource = span_resource(b, s);
    return (is_any(t) && text_holds(t, s, scope, resource)) ||
           attributes_hold(w, t, span_bytes(s), SPAN_ATTRIBUTES) ||
           attributes_hold(w, t, resource->message, RESOURCE_ATTRIBUTES) ||
           attributes_hold(w, t, scope->message, SCOPE_ATTRIBUTES) ||
           events_and_links_hold(w, t, span_bytes(s));
}

bool erase_where_matches(struct erase_where *w, const struct batch *b, uint32_t span)
{
    for (size_t i = 0; i < w->term_count; i++) {
        if (!term_holds(w, &w->terms[i], b, &b->spans[span]))
            return false;
    }
    return true;
}

/* ---- matching hops ---- */

static bool is_one_of(const char *key, const char *const *keys)
{
    while (*keys && strcmp(key, *keys) != 0)
        keys++;
    return *keys != NULL;
}

static bool hop_holds(const struct erase_term *t, const struct store_hop *hop)
{
    static const char *const topic[] = {"messaging.destination.name", "messaging.destination",
                                        "messaging.source.name", "messaging.source", NULL};
    static const char *const group[] = {"messaging.consumer.group.name",
                                        "messaging.kafka.consumer.group",
                                        "messaging.kafka.consumer_group", NULL};
    static const char *const service[] = {"service.name", NULL};
    bool any = is_any(t);
    return ((any || is_one_of(t->key, topic)) && holds(t, hop->topic)) ||
           ((any || is_one_of(t->key, group)) && holds(t, hop->group)) ||
           ((any || is_one_of(t->key, service)) &&
            (holds(t, hop->producer_service) || holds(t, hop->consumer_service)));
}

bool erase_where_matches_hop(const struct erase_where *w, const struct store_hop *hop)
{
    for (size_t i = 0; i < w->term_count; i++) {
        if (!hop_holds(&w->terms[i], hop))
            return false;
    }
    return true;
}
