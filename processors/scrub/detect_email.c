/* Email addresses: a local part, @ or its percent-encoding, and a domain with a top level of
 * letters.
 *
 * Not: git@host:path, pkg@1.2.3, image@sha256:…, user info of a URL (which is credentials), and
 * what has no top level. */
#include "processors/scrub/detect_private.h"

enum { LOCAL_MAX = 64, DOMAIN_MAX = 253, LABEL_MAX = 63 };

static bool is_local(uint8_t c)
{
    return is_alnum(c) || c >= 0x80 || (c && strchr("!#$&'*+-/=?^_`{|}~.%", c));
}

/* Whether the byte is one of a domain's label; other alphabets count as letters. */
static bool is_label(uint8_t c)
{
    return is_alnum(c) || c == '-' || c >= 0x80;
}

/* Where the local part begins: not at what separates a key, a parameter or a path from it. */
static size_t begin_of_local(const struct scan *s, size_t at)
{
    size_t begin = at;
    while (begin > s->done && at - begin < LOCAL_MAX && is_local(s->text[begin - 1])) {
        uint8_t c = s->text[begin - 1];
        if (c == '=' || c == '/' || c == '&' || c == '?' || c == '\'' || c == '`' || c == '{' ||
            c == '|')
            break;
        begin--;
    }
    /* A percent-encoded separator in front is no part of it. */
    while (begin + 3 <= at && s->text[begin] == '%' && is_hex(s->text[begin + 1]) &&
           is_hex(s->text[begin + 2]))
        begin += 3;
    while (begin < at && s->text[begin] == '.')
        begin++;
    return begin;
}

/* The end of the domain, 0 when it is none. */
static size_t end_of_domain(const struct scan *s, size_t from)
{
    size_t at = from, label = from, last = 0, dots = 0;
    while (at < s->len && at - from < DOMAIN_MAX) {
        uint8_t c = s->text[at];
        if (c == '.' && at > label && at + 1 < s->len && is_label(s->text[at + 1])) {
            dots++;
            label = at + 1;
        } else if (!is_label(c) || at - label >= LABEL_MAX) {
            break;
        }
        at++;
    }
    last = at;
    while (last > label && s->text[last - 1] == '-')
        last--;
    size_t letters = 0;
    for (size_t i = label; i < last; i++)
        letters += is_letter(s->text[i]) || s->text[i] >= 0x80;
    bool punycode = last - label > 4 && memcmp(s->text + label, "xn--", 4) == 0;
    bool top_level = last - label >= 2 && (letters == last - label || punycode);
    return dots > 0 && top_level ? last : 0;
}

/* "git@github.com:owner/repo" names a repository; a port or a time would have digits there. */
static bool is_remote(const struct scan *s, size_t begin, size_t at, size_t end)
{
    size_t len = at - begin;
    bool service = (len == 3 && memcmp(s->text + begin, "git", 3) == 0) ||
                   (len == 3 && memcmp(s->text + begin, "hg", 2) == 0 && len == 2);
    return service && (byte_at(s, end) == ':' || byte_at(s, end) == '/');
}

/* scheme://user:password@host is for find_url(). */
static bool is_user_info(const struct scan *s, size_t begin)
{
    return (begin >= 3 && memcmp(s->text + begin - 3, "://", 3) == 0) ||
           (begin > 0 && s->text[begin - 1] == ':' && begin > s->done && begin >= 2 &&
            is_alnum(s->text[begin - 2]) && memmem(s->text, begin, "://", 3) &&
            !memchr(s->text + s->done, ' ', begin - s->done));
}

size_t find_email(struct scan *s, size_t at)
{
    size_t behind = at + (s->text[at] == '@' ? 1 : 3);
    size_t begin = begin_of_local(s, at);
    if (begin == at || behind >= s->len || s->text[at - 1] == '.')
        return 0;
    size_t end = end_of_domain(s, behind);
    if (!end || is_remote(s, begin, at, end) || is_user_info(s, begin))
        return 0;
    return scan_found(s, begin, end, SCRUB_EMAIL);
}
