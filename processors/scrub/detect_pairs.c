/* Secrets that only their name gives away: name=value and name: value in messages, JSON, headers,
 * connection strings, parameters of URLs, options of commands.
 *
 * detect_names.c reads the name back from the sign, detect_values.c the value behind it. */
#include "processors/scrub/detect_pairs.h"

void secret_add(struct scan *s, uint32_t start, uint32_t end, enum scrub_class class,
                unsigned traits)
{
    uint32_t token_end;
    enum scrub_class token;
    if (start < s->floor || end <= start)
        return;
    if (s->s[start] == '-') { /* has blanks, and goes on behind them */
        pem_at(s, start);
        if (s->floor > start)
            return;
    }
    bool aws = traits & KEY_AWS_SECRET && end - start == 40 && s->d->on[SCRUB_AWS_SECRET_KEY];
    for (uint32_t i = start; aws && i < end; i++)
        aws = byte_is_alnum(s->s[i]) || s->s[i] == '/' || s->s[i] == '+' || s->s[i] == '=';
    if (aws)
        class = SCRUB_AWS_SECRET_KEY;
    else if (token_at(s, start, &token_end, &token) && token_end == end)
        class = token;
    if (!s->d->on[class] && class == SCRUB_COOKIE)
        class = SCRUB_SENSITIVE_KEY;
    scan_add(s, start, end, class);
}

/* ---- Authorization ---- */

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

/* ---- the pair ---- */

/* Code compares and assigns: password == other, token := next(). */
static bool is_code(const struct scan *s, uint32_t at, uint32_t *behind)
{
    uint8_t before = at ? s->s[at - 1] : 0, next = *behind < s->end ? s->s[*behind] : 0;
    if (s->s[at] == '=' && next == '>') { /* a pair of Ruby's and PHP's */
        ++*behind;
        return false;
    }
    if (s->s[at] == '=' && next == '=')
        return true;
    if (s->s[at] == '=' && (before == '!' || before == '=' || before == '<' || before == '>'))
        return true;
    return s->s[at] == ':' && (next == ':' || next == '=' || before == ':');
}

/* Whether a class is on that the name could make of its value. What is read for nothing might be
 * read again and again. */
static bool is_wanted(const struct scan *s, const struct pair *p)
{
    const bool *on = s->d->on;
    if (p->parameter && on[SCRUB_URL_CREDENTIALS])
        return s->d->url_keys || p->traits & (KEY_SENSITIVE | KEY_AUTHORIZATION | KEY_SESSION |
                                              KEY_PARAMETER | KEY_MAYBE);
    return (p->traits & KEY_SENSITIVE && on[SCRUB_SENSITIVE_KEY]) ||
           (p->traits & (KEY_COOKIE | KEY_SESSION) && on[SCRUB_COOKIE]) ||
           (p->traits & KEY_AUTHORIZATION && on[SCRUB_BEARER]);
}

/* "pass: 12, fail: 0" of tests. */
static bool is_score(const struct scan *s, const struct pair *p)
{
    uint32_t len = p->end - p->value;
    if (p->quoted || len > 3 || p->name.end - p->name.start != 4 ||
        !scan_has(s, p->name.start, "pass"))
        return false;
    for (uint32_t i = p->value; i < p->end; i++) {
        if (!byte_is_digit(s->s[i]))
            return false;
    }
    return true;
}

/* PASS: test_login is of tests; arn:…:secret:name is one name. */
static bool is_other_name(const struct scan *s, const struct pair *p)
{
    if (!p->colon || p->name.quoted)
        return false;
    bool verdict = p->name.end - p->name.start == 4 && scan_has_exactly(s, p->name.start, "PASS");
    return verdict ||
           (p->name.start > 1 && s->s[p->name.start - 1] == ':' && s->s[p->name.start - 2] > ' ');
}

static bool is_nothing(const struct scan *s, const struct pair *p)
{
    return is_other_name(s, p) || is_score(s, p) || p->value < s->floor ||
           is_placeholder(s->s + p->value, p->end - p->value) || is_sentence(s, p);
}

static void report(struct scan *s, const struct pair *p)
{
    const uint8_t *value = s->s + p->value;
    uint32_t len = p->end - p->value;
    if (p->parameter && s->d->on[SCRUB_URL_CREDENTIALS]) {
        if (is_url_secret(s, p->name.start, p->name.end, p->traits, value, len))
            secret_add(s, p->value, p->end, SCRUB_URL_CREDENTIALS, p->traits);
    } else if (p->traits & KEY_SESSION && s->d->on[SCRUB_COOKIE]) {
        if (p->name.quoted || len >= 8)
            secret_add(s, p->value, p->end, SCRUB_COOKIE, p->traits);
    } else if (p->traits & KEY_SENSITIVE) {
        secret_add(s, p->value, p->end, SCRUB_SENSITIVE_KEY, p->traits);
    }
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
static void report_header(struct scan *s, struct pair *p)
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

/* curl -u user:password */
enum { LOGIN_MAX = 48 }; /* bytes before its colon, with the option */

static void login_at(struct scan *s, uint32_t at)
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

void pair_at(struct scan *s, uint32_t at, uint32_t sign_len)
{
    uint32_t behind = at + sign_len;
    uint8_t last = s->s[behind - 1];
    if (s->s[at] == ':' && at > 0 && byte_is_alnum(s->s[at - 1]))
        login_at(s, at);
    if (at < 2 || at < s->next ||
        (byte_is_alnum(s->s[at - 1]) && !s->d->url_keys &&
         !key_may_matter(s->s[at - 2], s->s[at - 1])))
        return; /* most are */
    struct pair p = {.colon = last == ':' || byte_lower(last) == 'a'};
    if (behind >= s->end || !read_name(s, at, &p.name) || is_code(s, at, &behind))
        return;
    p.parameter = !p.colon && sign_len == 1 && is_parameter(s, p.name.start);
    if (p.colon) {
        take_word_before(s, &p.name);
        take_name_told_before(s, &p.name);
    }
    p.traits = key_traits(bytes_of(s->s + p.name.start, p.name.end - p.name.start));
    bool number = p.traits & (KEY_PHONE | KEY_SSN | KEY_CARD | KEY_MAC) && s->numbers;
    bool wanted = is_wanted(s, &p);
    if (!wanted && !number)
        return;
    read_value(s, behind, &p);
    if (number)
        named_number(s, p.traits, p.value, s->end);
    if (!wanted || p.value < s->next || is_nothing(s, &p))
        return;
    if (!p.parameter && p.traits & (KEY_COOKIE | KEY_AUTHORIZATION))
        report_header(s, &p);
    else
        report(s, &p);
}

/* ---- options of commands: --password hunter2 ---- */

void option_at(struct scan *s, uint32_t at)
{
    struct pair p = {.name = {.start = at + 2, .quoted = true}};
    if (at > 0 && byte_is_token(s->s[at - 1]))
        return;
    p.name.end = p.name.start;
    while (p.name.end < s->end && p.name.end - at < NAME_MAX && byte_is_token(s->s[p.name.end]))
        p.name.end++;
    s->steps += p.name.end - at;
    if (p.name.end - p.name.start < 3 || p.name.end >= s->end || s->s[p.name.end] != ' ' ||
        (p.name.end + 1 < s->end && s->s[p.name.end + 1] == '-'))
        return;
    p.traits = key_traits(bytes_of(s->s + p.name.start, p.name.end - p.name.start));
    if (!(p.traits & KEY_SENSITIVE) || !s->d->on[SCRUB_SENSITIVE_KEY])
        return;
    read_value(s, p.name.end + 1, &p);
    if (!is_nothing(s, &p))
        report(s, &p);
}
