/* Secrets among the arguments of a command: --password hunter2, curl -u user:hunter2. */
#include "processors/scrub/detect_pairs.h"

/* curl -u user:password */
enum { LOGIN_MAX = 48 }; /* bytes before its colon, with the option */

void login_at(struct scan *s, uint32_t at)
{
    uint32_t start = at, end = at + 1;
    uint32_t near = at > LOGIN_MAX ? at - LOGIN_MAX : 0;
    if (at == 0 || !memchr(s->s + near, ' ', at - near))
        return; /* behind no option */
    if (s->curl == CURL_UNKNOWN) {
        s->curl = memmem(s->s, s->end, "curl", 4) ? CURL_CALLED : CURL_ABSENT;
        s->steps += s->end;
    }
    if (s->curl == CURL_ABSENT || !s->d->on[SCRUB_URL_CREDENTIALS] || end >= s->end ||
        s->s[end] <= ' ')
        return;
    while (start > s->floor && at - start < 32 &&
           (is_name(s->s[start - 1]) || s->s[start - 1] == '@'))
        start--;
    s->steps += at - start;
    uint32_t before = start - (start > 0 && (s->s[start - 1] == '"' || s->s[start - 1] == '\''));
    bool option = (before >= 4 && scan_has_exactly(s, before - 4, " -u ")) ||
                  (before >= 7 && scan_has_exactly(s, before - 7, "--user "));
    if (!option || start == at)
        return;
    while (end < s->end && s->s[end] > ' ' && s->s[end] != '"' && s->s[end] != '\'')
        end++;
    scan_add(s, start, end, SCRUB_URL_CREDENTIALS);
}

/* The argument of an option whose name says that it is a secret. */
static void option_value(struct scan *s, uint32_t at, unsigned traits)
{
    struct pair p = {.name.quoted = true};
    read_value(s, at, &p);
    if (p.value >= s->floor && !is_placeholder(s->s + p.value, p.end - p.value))
        secret_add(s, p.value, p.end, SCRUB_SENSITIVE_KEY, traits);
}

/* --password hunter2 */
void option_at(struct scan *s, uint32_t at)
{
    uint32_t name = at + 2, end = name;
    if (at > 0 && byte_is_token(s->s[at - 1]))
        return;
    while (end < s->end && end - at < NAME_MAX && byte_is_token(s->s[end]))
        end++;
    s->steps += end - at;
    if (end - name < 3 || end >= s->end || s->s[end] != ' ' ||
        (end + 1 < s->end && s->s[end + 1] == '-'))
        return;
    unsigned traits = key_traits(bytes_of(s->s + name, end - name));
    if (traits & KEY_SENSITIVE && s->d->on[SCRUB_SENSITIVE_KEY])
        option_value(s, end + 1, traits);
}
