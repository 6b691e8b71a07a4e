/* Secrets that only their name gives away: name=value and name: value in messages, JSON, headers,
 * connection strings, parameters of URLs.
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

/* ---- the pair ---- */

static bool assigns_string(const struct scan *s, uint32_t at)
{
    uint32_t blanks = at < s->end && s->s[at] == ' ' ? 1 : 0;
    return quote_at(s, at + blanks) > 0;
}

/* Code compares and assigns: password == other, token := next(). A string that is assigned is
 * a value like any. */
static bool is_code(const struct scan *s, uint32_t at, uint32_t *behind)
{
    uint8_t before = at ? s->s[at - 1] : 0, next = *behind < s->end ? s->s[*behind] : 0;
    if (s->s[at] == '=' && next == '>') { /* a pair of Ruby's and PHP's, which may break the line */
        ++*behind;
        if (*behind < s->end && s->s[*behind] == '\n')
            ++*behind;
        return false;
    }
    if (s->s[at] == '=' && next == '=')
        return true;
    if (s->s[at] == ':' && next == '=' && assigns_string(s, *behind + 1)) {
        ++*behind;
        return false;
    }
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
           (p->traits & KEY_LIKELY && p->name.quoted && on[SCRUB_SENSITIVE_KEY]) ||
           (p->traits & (KEY_COOKIE | KEY_SESSION) && on[SCRUB_COOKIE]) ||
           (p->traits & KEY_AUTHORIZATION && on[SCRUB_BEARER]);
}

static bool is_name_of(const struct scan *s, const struct pair *p, const char *name)
{
    return p->name.end - p->name.start == strlen(name) && scan_has(s, p->name.start, name);
}

/* Twilio's messages, page views and Windows' users have a `sid` as well; in headers, cookies and
 * URLs it is a session's. */
static bool is_sid(const struct scan *s, const struct pair *p)
{
    return !p->parameter && is_name_of(s, p, "sid");
}

/* "pass: 12, fail: 0" of tests, "token: 12 of 50", {"token":{"value":5}}, `string password = 2;`.
 */
static bool is_count(const struct scan *s, const struct pair *p)
{
    uint32_t len = p->end - p->value;
    if (p->quoted)
        return false;
    for (uint32_t i = p->value; i < p->end; i++) {
        if (!byte_is_digit(s->s[i]))
            return false;
    }
    bool field = p->name.blank && !p->colon && p->end < s->end && s->s[p->end] == ';';
    return p->inherits || (len < 4 && (field || is_name_of(s, p, "pass"))) ||
           (len < 6 && is_name_of(s, p, "token"));
}

/* The word before the name, when a blank is between. */
static struct bytes word_before(const struct scan *s, const struct pair *p)
{
    uint32_t end = p->name.start, start;
    if (p->name.quoted || end < 2 || s->s[end - 1] != ' ')
        return (struct bytes){0};
    for (start = --end; start > 0 && end - start < 24 && byte_is_letter(s->s[start - 1]);)
        start--;
    return bytes_of(s->s + start, end - start);
}

/* Parsers have tokens as well: "unexpected token: ELSE", "token: COMMA". */
static bool is_of_parser(const struct scan *s, const struct pair *p)
{
    static const char *const words[] = {"unexpected", "expected", "encountered",
                                        "illegal",    "next",     "unrecognized",
                                        "lookahead",  "syntax",   NULL};
    static const char *const doubtful[] = {"invalid", "bad", "unknown", "current", "last", NULL};
    uint32_t len = p->end - p->value;
    if (!p->colon || !is_name_of(s, p, "token"))
        return false;
    struct bytes before = word_before(s, p);
    if (is_word_of(before.data, (uint32_t)before.len, words))
        return true;
    bool upper = len < 14;
    for (uint32_t i = p->value; upper && i < p->end; i++)
        upper = byte_is_upper(s->s[i]) || s->s[i] == '_';
    return (upper && !p->name.quoted && !p->quoted) ||
           (len < 6 && is_word_of(before.data, (uint32_t)before.len, doubtful));
}

/* "cannot fetch token: 400 Bad Request": what a verb stands before is a thing, and what follows is
 * what went wrong. */
static bool is_failure(const struct scan *s, const struct pair *p)
{
    static const char *const verbs[] = {
        "fetch",      "fetching",   "get",      "getting",    "obtain",    "obtaining",
        "read",       "reading",    "parse",    "parsing",    "retrieve",  "retrieving",
        "refresh",    "refreshing", "verify",   "verifying",  "validate",  "validating",
        "decode",     "decoding",   "decrypt",  "decrypting", "acquire",   "acquiring",
        "request",    "requesting", "exchange", "exchanging", "renew",     "renewing",
        "load",       "loading",    "find",     "resolve",    "resolving", "generate",
        "generating", "hash",       "hashing",  "check",      "checking",  NULL};
    struct bytes before = word_before(s, p);
    bool sentence = p->colon && s->s[p->value - 1] != ':'; /* GET token:x is none */
    return sentence && is_word_of(before.data, (uint32_t)before.len, verbs) &&
           !is_likely_secret(s->s + p->value, p->end - p->value);
}

/* query($token: ID!) of GraphQL declares. */
static bool is_declared(const struct scan *s, const struct pair *p)
{
    return p->colon && !p->quoted && p->name.start > 0 && s->s[p->name.start - 1] == '$' &&
           p->value < p->end && (byte_is_upper(s->s[p->value]) || s->s[p->value] == '[');
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

/* ${TOKEN:?must be set} and ${TOKEN:-$OTHER} of shells; ${TOKEN:-hunter2} has a value. */
static bool is_expansion(const struct scan *s, const struct pair *p)
{
    uint32_t name = p->name.start;
    if (!p->colon || name < 2 || s->s[name - 1] != '{' || s->s[name - 2] != '$' ||
        p->value >= p->end)
        return false;
    uint8_t sign = s->s[p->value], first = p->value + 1 < s->end ? s->s[p->value + 1] : '}';
    return sign == '?' || sign == '+' || (sign == '-' && (first == '}' || first == '$'));
}

static bool is_nothing(const struct scan *s, const struct pair *p)
{
    return p->value < s->floor || is_sid(s, p) || is_expansion(s, p) || is_other_name(s, p) ||
           is_count(s, p) || is_of_parser(s, p) || is_failure(s, p) || is_declared(s, p) ||
           is_nobodys(s, p->value, p->end, p->quoted) ||
           is_place(bytes_of(s->s + p->name.start, p->name.end - p->name.start),
                    bytes_of(s->s + p->value, p->end - p->value)) ||
           is_sentence(s, p);
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
    } else if (p->traits & KEY_SENSITIVE || is_likely_secret(value, len)) {
        secret_add(s, p->value, p->end, SCRUB_SENSITIVE_KEY, p->traits);
    }
}

/* ~ password = "old" -> "new" of plans. */
static void report_new_value(struct scan *s, const struct pair *p)
{
    static const char arrow[] = " -> \"";
    uint32_t start = p->end + 1 + (uint32_t)sizeof arrow - 1;
    if (!p->quoted || !(p->traits & KEY_SENSITIVE) || !scan_has_exactly(s, p->end + 1, arrow))
        return;
    uint32_t end = quoted_end(s, start, start - 1, 1);
    s->steps += end - start;
    if (!is_nobodys(s, start, end, true))
        secret_add(s, start, end, SCRUB_SENSITIVE_KEY, p->traits);
}

/* Content-Disposition: form-data; name="password", a blank line, and the value up to the boundary.
 */
enum { PART_HEADERS_MAX = 512 };

static void form_part_at(struct scan *s, uint32_t at)
{
    uint32_t to = s->end - at < PART_HEADERS_MAX ? s->end : at + PART_HEADERS_MAX;
    const uint8_t *name = memmem(s->s + at, to - at, " name=\"", 7);
    uint32_t start = name ? (uint32_t)(name - s->s) + 7 : to, end = start;
    while (end < to && is_name(s->s[end]))
        end++;
    s->steps += to - at;
    unsigned traits = end - start < 2 ? 0 : key_traits(bytes_of(s->s + start, end - start));
    if (!(traits & KEY_SENSITIVE) || !s->d->on[SCRUB_SENSITIVE_KEY])
        return;
    const uint8_t *blank = memmem(s->s + end, to - end, "\r\n\r\n", 4);
    const uint8_t *bare = blank ? NULL : memmem(s->s + end, to - end, "\n\n", 2);
    if (!blank && !bare)
        return;
    uint32_t value = blank ? (uint32_t)(blank - s->s) + 4 : (uint32_t)(bare - s->s) + 2;
    uint32_t stop = value;
    while (stop < s->end && s->s[stop] != '\r' && s->s[stop] != '\n')
        stop++;
    s->steps += stop - value;
    if (!is_placeholder(s->s + value, stop - value))
        secret_add(s, value, stop, SCRUB_SENSITIVE_KEY, traits);
}

/* A pair within an object under a sensitive name is as secret, but for what tells of it. */
static void inherit(const struct scan *s, struct pair *p)
{
    uint8_t before = p->name.start > 0 ? s->s[p->name.start - 1] : ' ';
    bool key = p->name.quoted ||
               (byte_is_letter(s->s[p->name.start]) && before && strchr("{,([ \n\t", before));
    if (!key || p->parameter || p->traits & (KEY_SENSITIVE | KEY_ABOUT | KEY_NUMBER))
        return;
    p->traits |= s->secret_traits & (KEY_SENSITIVE | KEY_AWS_SECRET);
    p->inherits = !is_told(s, &p->name);
}

static void read_names(struct scan *s, struct pair *p)
{
    if (p->colon)
        take_word_before(s, &p->name);
    if (p->colon && is_told(s, &p->name))
        (void)take_name_told_before(s, &p->name);
    if (!p->colon)
        (void)take_name_of_line(s, &p->name);
}

/* The traits of `value` are those of a name that comes behind. */
static void read_told_value(struct scan *s, struct pair *p, uint32_t behind)
{
    struct name name = p->name;
    read_value(s, behind, p);
    if (!take_name_told_after(s, p->end, &name))
        return;
    p->traits = key_traits(bytes_of(s->s + name.start, name.end - name.start));
    p->name = name;
    if (p->traits & KEY_SENSITIVE && s->d->on[SCRUB_SENSITIVE_KEY] && p->value >= s->next &&
        !is_nothing(s, p))
        report(s, p);
}

/* 0x9a ends the full-width colon. */
static bool is_colon(uint8_t last)
{
    return last == ':' || byte_lower(last) == 'a' || last == 0x9a;
}

/* tenant@vendor=… of a trace's state; SQL's @password = … has nothing before its sign. */
static bool is_of_vendor(const struct scan *s, const struct name *n)
{
    return n->start > 1 && s->s[n->start - 1] == '@' && byte_is_token(s->s[n->start - 2]);
}

void pair_at(struct scan *s, uint32_t at, uint32_t sign_len)
{
    uint32_t behind = at + sign_len;
    if (at < 2 || at < s->next ||
        (byte_is_alnum(s->s[at - 1]) && !s->d->url_keys &&
         !key_may_matter(s->s[at - 2], s->s[at - 1]) && at >= s->secret_end &&
         !(s->s[at - 2] == '5' && byte_lower(s->s[at - 1]) == 'd')))
        return; /* most are; 5d is of an encoded bracket */
    struct pair p = {.colon = is_colon(s->s[behind - 1])};
    if (behind >= s->end || !read_name(s, at, &p.name) || is_of_vendor(s, &p.name) ||
        is_code(s, at, &behind))
        return;
    p.parameter = !p.colon && sign_len == 1 && is_parameter(s, p.name.start);
    read_names(s, &p);
    p.traits = key_traits(bytes_of(s->s + p.name.start, p.name.end - p.name.start));
    if (at < s->secret_end)
        inherit(s, &p);
    bool number = p.traits & KEY_NAMED_NUMBER && s->numbers;
    bool wanted = is_wanted(s, &p);
    if (!wanted && p.colon && is_name_of(s, &p, "content-disposition"))
        form_part_at(s, behind);
    if (!wanted && p.colon && is_told(s, &p.name))
        read_told_value(s, &p, behind);
    if (!wanted && !number)
        return;
    bool header = !p.parameter && p.traits & (KEY_COOKIE | KEY_AUTHORIZATION);
    if (wanted && !header && !p.parameter && p.traits & KEY_SENSITIVE &&
        enter_nested(s, behind, &p))
        return;
    read_value(s, behind, &p);
    if (number)
        named_number(s, p.traits, p.value, s->end);
    if (!wanted || p.value < s->next || is_nothing(s, &p))
        return;
    if (header) {
        header_value(s, &p);
        return;
    }
    report(s, &p);
    report_new_value(s, &p);
}
