/* Credentials of headers: the values of Authorization and of cookies, and "Bearer …", "Basic …"
 * wherever a text holds them. The scheme stays, what follows goes. */
#include "processors/scrub/detect_pairs.h"

static const char *const schemes[] = {
    "bearer", "basic", "digest", "token",     "apikey", "negotiate", "ntlm", "aws4-hmac-sha256",
    "hawk",   "oauth", "jwt",    "sharedkey", "hmac",   "key",       NULL};

void authorization_value(struct scan *s, uint32_t start, uint32_t end)
{
    uint32_t word = start;
    while (word < end && s->s[word] != ' ' && s->s[word] != '+' && s->s[word] != '%')
        word++;
    if (is_word_of(s->s + start, word - start, schemes)) {
        start = word;
        while (start < end && (s->s[start] == ' ' || s->s[start] == '+'))
            start++;
        if (start + 3 < end && scan_has(s, start, "%20"))
            start += 3;
    }
    /* What may follow a token of a known form is no part of it. */
    enum scrub_class class;
    uint32_t stop;
    if (start >= s->floor && token_at(s, start, &stop, &class) && stop < end && s->s[stop] &&
        strchr(" ,;'\\", s->s[stop]))
        end = stop;
    secret_add(s, start, end, s->d->on[SCRUB_BEARER] ? SCRUB_BEARER : SCRUB_SENSITIVE_KEY, 0);
}

static bool is_credential(uint8_t c)
{
    return byte_is_token(c) || c == '.' || c == '~' || c == '+' || c == '/' || c == '=';
}

/* user:password in base64. */
static bool is_basic(const uint8_t *text, uint32_t len)
{
    uint32_t held = 0, bits = 0;
    bool colon = false;
    if (len < 4)
        return false;
    for (uint32_t i = 0; i < len && text[i] != '='; i++) {
        uint8_t c = text[i];
        unsigned v = byte_is_upper(c)       ? c - 'A' + 0u
                     : byte_is_letter(c)    ? c - 'a' + 26u
                     : byte_is_digit(c)     ? c - '0' + 52u
                     : c == '+' || c == '-' ? 62u
                                            : 63u;
        held = held << 6 | v;
        bits += 6;
        if (bits >= 8) {
            uint8_t byte = (uint8_t)(held >> (bits -= 8));
            if (byte < 0x20 || byte == 0x7f)
                return false;
            colon |= byte == ':';
        }
    }
    return colon;
}

/* "Bearer …", "Basic …" in a text. What follows must look like a credential: the bearer of bad news
 * is none. */
void bearer_at(struct scan *s, uint32_t at)
{
    bool bearer = at >= 6 && scan_has(s, at - 6, "bearer") && !scan_in_word(s, at - 6);
    bool basic = at >= 5 && scan_has(s, at - 5, "basic") && !scan_in_word(s, at - 5);
    uint32_t start = at + 1, digits = 0, uppers = 0;
    if ((!bearer && !basic) || start < s->floor)
        return;
    while (start < s->end && s->s[start] == ' ' && start - at < 4)
        start++;
    uint32_t end = start;
    for (; end < s->end && is_credential(s->s[end]); end++) {
        digits += byte_is_digit(s->s[end]);
        uppers += byte_is_upper(s->s[end]);
    }
    s->steps += end - at;
    while (end > start && s->s[end - 1] == '.')
        end--;
    uint32_t len = end - start;
    bool looks = basic ? is_basic(s->s + start, len)
                       : len >= 6 && (digits > 0 || (len >= 16 && uppers > 1) || len >= 24);
    if (looks)
        secret_add(s, start, end, SCRUB_BEARER, 0);
}

/* Digest username="x", response="…": its quotes end nothing. */
static bool has_parameters(const struct scan *s, uint32_t at)
{
    return scan_has(s, at, "digest ") || scan_has(s, at, "hawk ") || scan_has(s, at, "oauth ") ||
           scan_has(s, at, "aws4-");
}

static uint32_t text_line_end(const struct scan *s, uint32_t at)
{
    while (at < s->end && s->s[at] != '\n' && s->s[at] != '\r')
        at++;
    return at;
}

/* A header's value goes on to the end of the line, or of the list that it was printed in. */
void header_value(struct scan *s, const struct pair *p)
{
    bool listed = s->s[p->value - 1] == '[';
    uint32_t end = p->quoted                     ? p->end
                   : has_parameters(s, p->value) ? text_line_end(s, p->value)
                                                 : line_end(s, p->value);
    const uint8_t *bracket = listed ? memchr(s->s + p->value, ']', end - p->value) : NULL;
    end = bracket ? (uint32_t)(bracket - s->s) : end;
    s->steps += end - p->value;
    if (p->traits & KEY_AUTHORIZATION)
        authorization_value(s, p->value, end);
    else
        scan_add(s, p->value, end, SCRUB_COOKIE);
}
