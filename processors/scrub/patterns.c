/* Expressions want UTF-8: a value that is none is shown to them as utf8_readable() does, so that
 * whatever else it holds is still found where it stands. */
#include "processors/scrub/patterns.h"

#include "proto/utf8.h"

#include <stdlib.h>

bool pattern_subject_begin(struct pattern_subject *s, const struct scrub_rules *r,
                           struct bytes value)
{
    s->rules = r;
    s->text = value;
    s->copy = NULL;
    s->searched = false;
    s->allowed_count = 0;
    if (!r->pattern_count && !r->allowed_values.count)
        return true;
    struct buffer copy = {0};
    s->text = utf8_readable(value, &copy);
    s->copy = copy.data;
    if (copy.failed)
        return false;
    if (r->pattern_count)
        s->glance = regex_glance(s->text);
    return true;
}

void pattern_subject_end(struct pattern_subject *s)
{
    free(s->copy);
}

static void search_allowed(struct pattern_subject *s)
{
    const struct regex_list *list = &s->rules->allowed_values;
    s->searched = true;
    for (size_t i = 0; i < list->count; i++) {
        struct regex_search search;
        regex_search_begin(&search, list->items[i], s->text);
        while (s->allowed_count < ALLOWED_MAX &&
               regex_search_next(&search, &s->allowed[s->allowed_count]) == REGEX_YES)
            s->allowed_count++;
    }
}

bool pattern_allows(struct pattern_subject *s, size_t start, size_t end)
{
    if (!s->searched)
        search_allowed(s);
    for (size_t i = 0; i < s->allowed_count; i++) {
        if (s->allowed[i].start <= start && end <= s->allowed[i].end)
            return true;
    }
    return false;
}

bool pattern_find(struct pattern_subject *s, unsigned pattern,
                  bool (*found)(void *context, struct regex_span match), void *context)
{
    const struct regex *regex = s->rules->patterns[pattern].regex;
    struct regex_search search;
    struct regex_span m;
    enum regex_result result;
    if (!regex_may_match(regex, &s->glance))
        return true;
    regex_search_begin(&search, regex, s->text);
    while ((result = regex_search_next(&search, &m)) == REGEX_YES) {
        if (m.end > m.start && !pattern_allows(s, m.start, m.end) && !found(context, m))
            return false;
    }
    return result == REGEX_NO;
}
