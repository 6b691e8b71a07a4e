/* XML: <password>hunter2</password>, <phone>0171 1234567</phone> */
#include "processors/scrub/detect_pairs.h"

void element_at(struct scan *s, uint32_t at)
{
    uint32_t name = at + 1, end = name;
    while (end < s->end && end - name < NAME_MAX && (is_name(s->s[end]) || s->s[end] == ':')) {
        if (s->s[end] == ':')
            name = end + 1;
        end++;
    }
    s->steps += end - at;
    if (end - name < 2 || end >= s->end || (s->s[end] != '>' && s->s[end] != ' ') ||
        !key_may_matter(s->s[end - 2], s->s[end - 1]))
        return;
    unsigned traits = key_traits(bytes_of(s->s + name, end - name));
    bool secret = traits & KEY_SENSITIVE && s->d->on[SCRUB_SENSITIVE_KEY];
    bool number = traits & (KEY_PHONE | KEY_SSN | KEY_CARD | KEY_MAC) && s->numbers;
    if (!secret && !number)
        return;
    uint32_t value = end, limit = s->end - end < 512 ? s->end : end + 512;
    while (value < limit && s->s[value] != '>' && s->s[value] != '<')
        value++;
    if (value >= limit || s->s[value] != '>' || s->s[value - 1] == '/')
        return;
    uint32_t stop = ++value;
    if (number)
        named_number(s, traits, value, s->end);
    if (!secret)
        return;
    while (stop < s->end && s->s[stop] != '<')
        stop++;
    s->steps += stop - end;
    if (!is_placeholder(s->s + value, stop - value))
        secret_add(s, value, stop, SCRUB_SENSITIVE_KEY, traits);
}
