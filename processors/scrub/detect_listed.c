/* Names and values that stand beside each other in a list: ('x-api-key', 'v'), ["Cookie", "v"] and
 * ['Accept', 'v', 'X-Api-Key', 'v'], as headers are printed. */
#include "processors/scrub/detect_pairs.h"

#include <string.h>

uint32_t word_start(const struct scan *s, uint32_t end)
{
    uint32_t start = end;
    while (start > s->floor && end - start < NAME_MAX && byte_is_token(s->s[start - 1]))
        start--;
    return start;
}

bool is_told_secret(const uint8_t *text, uint32_t len)
{
    bool digit = false, letter = false;
    for (uint32_t i = 0; i < len; i++) {
        digit |= byte_is_digit(text[i]);
        letter |= byte_is_letter(text[i]);
        if (text[i] <= ' ' || text[i] == '/')
            return false;
    }
    return len >= 6 && digit && letter;
}

/* The name before the value's quote at `at`: its start and end. False: there is none. */
static bool name_in_list(const struct scan *s, uint32_t at, uint32_t *start, uint32_t *end)
{
    uint8_t quote = s->s[at];
    uint32_t comma = at - (at > s->floor && s->s[at - 1] == ' ');
    if (comma < s->floor + 5 || s->s[comma - 1] != ',' || s->s[comma - 2] != quote)
        return false;
    *end = comma - 2;
    *start = word_start(s, *end);
    return *end - *start > 2 && *start > s->floor && s->s[*start - 1] == quote &&
           key_may_matter(s->s[*end - 2], s->s[*end - 1]);
}

/* refresh, access_token: more of the same kind as the name. */
static bool is_one_more_name(const uint8_t *text, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++) {
        if ((uint8_t)(text[i] - 'a') > 25 && text[i] != '_')
            return false;
    }
    return true;
}

/* Whether brackets stand around a name and a value, and nothing else does. */
static bool is_pair_of_two(const struct scan *s, uint32_t name, uint32_t end)
{
    uint8_t open = name > 1 ? s->s[name - 2] : 0, close = end + 1 < s->end ? s->s[end + 1] : 0;
    return (open == '(' && close == ')') || (open == '[' && close == ']');
}

/* A list of words may have a name in it as well: ['token', 'refresh']. */
static void value_in_list(struct scan *s, uint32_t name, uint32_t name_end, uint32_t at)
{
    uint32_t value = at + 1, end = quoted_end(s, value, at, 1);
    unsigned traits = key_traits(bytes_of(s->s + name, name_end - name));
    const uint8_t *text = s->s + value;
    uint32_t most = end - value > VALUE_MAX ? value + VALUE_MAX : end;
    s->steps += most - name;
    bool told = memchr(text, ' ', most - value) || is_told_secret(text, most - value) ||
                (is_pair_of_two(s, name, end) && !is_one_more_name(text, most - value));
    if (end >= s->end || end > most || !told || is_placeholder(text, end - value))
        return;
    if (traits & KEY_AUTHORIZATION && s->d->on[SCRUB_BEARER])
        authorization_value(s, value, end);
    else if (traits & KEY_COOKIE && s->d->on[SCRUB_COOKIE])
        scan_add(s, value, end, SCRUB_COOKIE);
    else if (traits & KEY_SENSITIVE && s->d->on[SCRUB_SENSITIVE_KEY])
        secret_add(s, value, end, SCRUB_SENSITIVE_KEY, traits);
}

bool listed_value_at(struct scan *s, uint32_t at)
{
    uint32_t name, end;
    if (!name_in_list(s, at, &name, &end))
        return false;
    value_in_list(s, name, end, at);
    return true;
}
