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

void pair_at(struct scan *s, uint32_t at, uint32_t sign_len)
{
    uint32_t behind = at + sign_len;
    uint8_t last = s->s[behind - 1];
    if (at < 2 || at < s->next ||
        (byte_is_alnum(s->s[at - 1]) && !s->d->url_keys &&
         !key_may_matter(s->s[at - 2], s->s[at - 1])))
        return; /* most are */
    struct pair p = {.colon = last == ':' || byte_lower(last) == 'a' || last >= 0x80};
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
        header_value(s, &p);
    else
        report(s, &p);
}
