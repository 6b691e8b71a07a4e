/* Secret keys of AWS's: 40 bytes of base64, as much is that is none. They are found right behind
 * their id, and where their name stands before. */
#include "processors/scrub/detect_private.h"

#include <string.h>

enum {
    SECRET_LEN = 40,
    NAMED_WITHIN = 32, /* bytes before it */
};

static bool is_base64(uint8_t c)
{
    return byte_is_alnum(c) || c == '+' || c == '/';
}

/* The end of a secret key that begins at `start`; 0: there is none. Words of one case and paths
 * have no digits, and hashes no capitals. */
static uint32_t secret_end(struct scan *s, uint32_t start)
{
    uint32_t end = start;
    bool digit = false, small = false, capital = false;
    for (; end < s->end && end - start <= SECRET_LEN && is_base64(s->s[end]); end++) {
        uint8_t c = s->s[end];
        digit |= byte_is_digit(c);
        capital |= byte_is_upper(c);
        small |= byte_is_letter(c) && !byte_is_upper(c);
    }
    s->steps += end - start;
    return end - start == SECRET_LEN && digit && small && capital ? end : 0;
}

void aws_secret_behind(struct scan *s, uint32_t at)
{
    uint32_t start = at;
    while (start < s->end && start - at < 4 && strchr(":,;| \t\"'", s->s[start]) && s->s[start])
        start++;
    uint32_t end = start > at ? secret_end(s, start) : 0;
    if (end)
        scan_add(s, start, end, SCRUB_AWS_SECRET_KEY);
}

static bool is_named(struct scan *s, uint32_t at)
{
    uint32_t from = at - s->floor > NAMED_WITHIN ? at - NAMED_WITHIN : s->floor;
    s->steps += at - from;
    for (; from + 6 <= at; from++) {
        if (byte_lower(s->s[from]) == 's' && scan_has(s, from, "secret"))
            return true;
    }
    return false;
}

void aws_secret_around(struct scan *s, uint32_t at)
{
    uint32_t start = at;
    if (!s->d->on[SCRUB_AWS_SECRET_KEY])
        return;
    while (start > s->floor && at - start < SECRET_LEN && is_base64(s->s[start - 1]))
        start--;
    s->steps += at - start;
    uint32_t end = secret_end(s, start);
    if (end && is_named(s, start))
        scan_add(s, start, end, SCRUB_AWS_SECRET_KEY);
}
