/* Numbers whose name says what they are, so that they are looked at in forms that would be nothing
 * elsewhere: of an attribute, of a pair, of a column, or the word before a quote. */
#include "processors/scrub/detect_numbers.h"
#include "processors/scrub/detect_pairs.h"

void named_number(struct scan *s, unsigned traits, uint32_t start, uint32_t end)
{
    struct digits d;
    if (start < s->floor || start >= end)
        return;
    if (traits & KEY_PHONE && s->d->on[SCRUB_PHONE] && national_phone_at(s, start, end))
        return;
    if (traits & KEY_MAC && s->d->on[SCRUB_MAC] && named_mac_at(s, start, end))
        return;
    if (!(traits & (KEY_SSN | KEY_CARD)) || !byte_is_digit(s->s[start]))
        return;
    unsigned all = s->traits;
    s->traits |= traits;
    digits_read(s, start, &d);
    if (!card_at(s, &d))
        ssn_at(s, &d);
    s->traits = all;
}

/* Whether a string of a list begins at the quote. */
static bool is_element(const struct scan *s, uint32_t at)
{
    uint8_t before = s->s[at - 1];
    bool apart = before == ' ' && s->s[at - 2] == ',';
    return (s->s[at] == '"' || s->s[at] == '\'') && (before == '[' || before == ',' || apart);
}

/* Elements are read in their order, and what stands between them before the next one. */
void named_value(struct scan *s)
{
    if (s->s[0] != '[') {
        named_number(s, s->traits, 0, s->end);
        return;
    }
    s->steps += s->end;
    for (uint32_t at = 1; at + 1 < s->end; at++) {
        if (!is_element(s, at))
            continue;
        scan_kept(s, s->next, at);
        s->next = at > s->next ? at : s->next;
        named_number(s, s->traits, at + 1, s->end);
    }
}

/* Where the quote ends that begins at `at`; 0: not as soon as numbers do, or behind a time. */
static uint32_t closing_quote(const struct scan *s, uint32_t at)
{
    enum { QUOTED_MAX = 48 };
    uint32_t end = at + 1;
    while (end < s->end && end - at < QUOTED_MAX && s->s[end] != s->s[at] && s->s[end] != ':')
        end++;
    return end < s->end && s->s[end] == s->s[at] ? end : 0;
}

/* phone number '…', mac address '…' */
static bool is_second_word(const struct scan *s, uint32_t start, uint32_t end)
{
    static const char *const words[] = {"number", "no", "nr", "address", NULL};
    return start > s->floor && s->s[start - 1] == ' ' &&
           is_word_of(s->s + start, end - start, words);
}

bool quoted_number_at(struct scan *s, uint32_t at)
{
    if (!s->numbers || at < s->floor + 3 || s->s[at - 1] != ' ' ||
        !key_may_matter(s->s[at - 3], s->s[at - 2]))
        return false;
    uint32_t start = word_start(s, at - 1), end = closing_quote(s, at);
    if (!end || at - 1 - start < 2)
        return false;
    if (is_second_word(s, start, at - 1))
        start = word_start(s, start - 1);
    s->steps += end - start;
    unsigned traits = key_traits(bytes_of(s->s + start, at - 1 - start));
    if (traits & KEY_NAMED_NUMBER)
        named_number(s, traits, at + 1, end);
    return s->floor > at;
}
