/* Values that only a comma joins with their names: ('password', 'x') of Python, and
 * 'authorization', 'Bearer x' of lists of headers. */
#include "processors/scrub/detect_pairs.h"

enum { VALUE_MAX = 512 };

/* The name that ends at `end`. False: none that could matter. */
static bool read_name_at(struct scan *s, uint32_t end, struct name *n)
{
    if (end < s->floor + 2 || !is_name(s->s[end - 1]) ||
        !key_may_matter(s->s[end - 2], s->s[end - 1]))
        return false;
    n->end = n->start = end;
    while (n->start > s->floor && end - n->start < NAME_MAX && is_name(s->s[n->start - 1]))
        n->start--;
    s->steps += end - n->start;
    return true;
}

/* password, access_token: a name of something and not the thing. */
static bool looks_named(const uint8_t *text, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++) {
        if ((uint8_t)(text[i] - 'a') > 25 && text[i] != '_')
            return false;
    }
    return true;
}

static uint32_t string_end(struct scan *s, uint32_t start, uint8_t quote)
{
    uint32_t limit = s->end - start < VALUE_MAX ? s->end : start + VALUE_MAX;
    const uint8_t *end = memchr(s->s + start, quote, limit - start);
    s->steps += (end ? (uint32_t)(end - s->s) : limit) - start;
    return end ? (uint32_t)(end - s->s) : start;
}

/* 'name', and a quote that is the value's. */
static bool is_tuple(const struct scan *s, const struct name *n, uint8_t quote)
{
    return n->start > 1 && s->s[n->start - 1] == quote && s->s[n->start - 2] == '(';
}

void quote_in_list_at(struct scan *s, uint32_t at)
{
    struct name n;
    uint8_t quote = s->s[at];
    if (at < 4 || s->s[at - 1] != ' ' || s->s[at - 2] != ',' || s->s[at - 3] != quote ||
        !s->d->on[SCRUB_SENSITIVE_KEY] || !read_name_at(s, at - 3, &n))
        return;
    unsigned traits = key_traits(bytes_of(s->s + n.start, n.end - n.start));
    if (!(traits & KEY_SENSITIVE))
        return;
    uint32_t start = at + 1, end = string_end(s, start, quote);
    if (end == start || is_nobodys(s, start, end, true))
        return;
    if (traits & KEY_AUTHORIZATION && memchr(s->s + start, ' ', end - start))
        authorization_value(s, start, end);
    else if (is_tuple(s, &n, quote) && !looks_named(s->s + start, end - start))
        secret_add(s, start, end, SCRUB_SENSITIVE_KEY, traits);
}
