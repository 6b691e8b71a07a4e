/* XML and HTML: <password>hunter2</password>, <add key="Password" value="hunter2"/>,
 * <entry key="password">hunter2</entry>, <phone>0171 1234567</phone>. */
#include "processors/scrub/detect_pairs.h"

enum { TAG_MAX = 512 };

struct tag {
    uint32_t start;          /* its < */
    uint32_t name, name_end; /* without its prefix */
    uint32_t end;            /* of the tag: where its > stands */
    struct bytes told;       /* what the attribute name or key says */
    uint32_t value, value_end;
};

static void read_attribute(const struct scan *s, uint32_t start, uint32_t end, uint32_t value,
                           uint32_t value_end, struct tag *t)
{
    static const char *const names[] = {"name", "key", "id", NULL};
    const uint8_t *text = s->s + start;
    if (is_word_of(text, end - start, names) && !t->told.len)
        t->told = bytes_of(s->s + value, value_end - value);
    if (bytes_are(text, end - start, "value")) {
        t->value = value;
        t->value_end = value_end;
    }
}

/* The attributes of the tag, from `at` to its end. False: it has none within reach. */
static bool read_tag(struct scan *s, uint32_t at, struct tag *t)
{
    uint32_t from = at, limit = s->end - at < TAG_MAX ? s->end : at + TAG_MAX, word = at;
    while (at < limit && s->s[at] != '>' && s->s[at] != '<') {
        uint32_t sign = at++;
        if (s->s[sign] <= ' ')
            word = at;
        if (s->s[sign] != '=' || at >= limit || (s->s[at] != '"' && s->s[at] != '\''))
            continue;
        uint32_t value = at + 1;
        for (at = value; at < limit && s->s[at] != s->s[value - 1];)
            at++;
        read_attribute(s, word, sign, value, at, t);
        word = ++at;
    }
    s->steps += at - from;
    t->end = at;
    return at < limit && s->s[at] == '>';
}

/* Whether the tag that begins at `at` closes this one, as far as the value goes. */
static bool is_closed_at(const struct scan *s, const struct tag *t, uint32_t at)
{
    uint32_t open = t->start + 1, len = t->name_end - open;
    if (s->end - at < 2 || s->s[at + 1] != '/')
        return s->end - at == 1;
    uint32_t left = s->end - at - 2;
    return memcmp(s->s + at + 2, s->s + open, left < len ? left : len) == 0;
}

/* Whether the tag stands where an element may that was cut off: behind another, or first. What
 * looks like a tag elsewhere tells what to fill in: token=<your-token>&x=1. */
static bool may_be_cut_off(struct scan *s, uint32_t at)
{
    uint32_t from = at;
    while (at > 0 && from - at < ALIGNED_MAX && byte_is_space(s->s[at - 1]))
        at--;
    return at == 0 || s->s[at - 1] == '>' || s->s[at - 1] == '\n';
}

/* What stands between the tag and the one that closes it. */
static void report_content(struct scan *s, const struct tag *t, unsigned traits)
{
    uint32_t value = t->end + 1, stop;
    if (scan_has_exactly(s, value, "<![CDATA[")) {
        value += 9;
        const uint8_t *end = memmem(s->s + value, s->end - value, "]]>", 3);
        stop = end ? (uint32_t)(end - s->s) : s->end;
    } else {
        const uint8_t *end = memchr(s->s + value, '<', s->end - value);
        stop = end ? (uint32_t)(end - s->s) : s->end;
    }
    s->steps += stop - t->end;
    if (stop == s->end ? !may_be_cut_off(s, t->start) || (value < stop && s->s[value] == ' ')
                       : s->s[stop] == '<' && !is_closed_at(s, t, stop))
        return;
    if (behind_blanks(s, value) >= stop || is_nobodys(s, value, stop, true))
        return;
    if (traits & KEY_AUTHORIZATION)
        authorization_value(s, value, stop);
    else
        secret_add(s, value, stop, SCRUB_SENSITIVE_KEY, traits);
}

void element_at(struct scan *s, uint32_t at)
{
    struct tag t = {.start = at, .name = at + 1, .name_end = at + 1};
    uint32_t end = t.name;
    while (end < s->end && end - t.name < NAME_MAX && (is_name(s->s[end]) || s->s[end] == ':')) {
        if (s->s[end] == ':')
            t.name = end + 1;
        end++;
    }
    t.name_end = end;
    s->steps += end - at;
    if (end - t.name < 1 || end >= s->end || (s->s[end] != '>' && s->s[end] != ' '))
        return;
    bool matters = end - t.name > 1 && key_may_matter(s->s[end - 2], s->s[end - 1]);
    if ((!matters && s->s[end] == '>') || !read_tag(s, end, &t))
        return;
    unsigned traits = matters ? key_traits(bytes_of(s->s + t.name, t.name_end - t.name)) : 0;
    if (t.told.len > 1)
        traits |= key_traits(t.told);
    if (traits & (KEY_PHONE | KEY_SSN | KEY_CARD | KEY_MAC) && s->numbers && s->s[t.end - 1] != '/')
        named_number(s, traits, t.end + 1, s->end);
    if (!(traits & KEY_SENSITIVE) || !s->d->on[SCRUB_SENSITIVE_KEY])
        return;
    if (t.value_end > t.value && !is_nobodys(s, t.value, t.value_end, true))
        secret_add(s, t.value, t.value_end, SCRUB_SENSITIVE_KEY, traits);
    else if (t.value_end == 0 && s->s[t.end - 1] != '/')
        report_content(s, &t, traits);
}

/* &lt;password&gt;hunter2&lt;/password&gt;: XML as text of XML. */
void escaped_element_at(struct scan *s, uint32_t at)
{
    uint32_t name = at + 4, end = name;
    if (!scan_has_exactly(s, at, "&lt;") || !s->d->on[SCRUB_SENSITIVE_KEY])
        return;
    while (end < s->end && end - name < NAME_MAX && is_name(s->s[end]))
        end++;
    s->steps += end - at;
    if (end - name < 2 || !scan_has_exactly(s, end, "&gt;") ||
        !key_may_matter(s->s[end - 2], s->s[end - 1]))
        return;
    unsigned traits = key_traits(bytes_of(s->s + name, end - name));
    uint32_t value = end + 4;
    const uint8_t *next =
        traits & KEY_SENSITIVE ? memmem(s->s + value, s->end - value, "&lt;", 4) : NULL;
    uint32_t stop = next ? (uint32_t)(next - s->s) : s->end;
    if (!(traits & KEY_SENSITIVE) || is_nobodys(s, value, stop, true))
        return;
    s->steps += stop - value;
    secret_add(s, value, stop, SCRUB_SENSITIVE_KEY, traits);
}
