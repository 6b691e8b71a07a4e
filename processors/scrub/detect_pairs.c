/* Secrets that only their name gives away: name=value and name: value in messages, JSON, headers,
 * connection strings, parameters of URLs, options of commands, elements of XML.
 *
 * The name is read back from the sign, and most are dismissed by their last two bytes. Behind a
 * name that matters the value is taken up to where its kind of text ends it; in doubt too much is
 * taken. Prose has colons as well ("password: must be longer"), so a bare word behind a colon that
 * a sentence goes on after is none. */
#include "processors/scrub/detect_private.h"

enum {
    NAME_MAX = 64,
    ALIGNED_MAX = 24, /* blanks around a sign, as lists are lined up */
};

/* ---- values ---- */

static bool is_word_of(const uint8_t *text, uint32_t len, const char *const *words)
{
    for (; *words; words++) {
        if (bytes_are(text, len, *words))
            return true;
    }
    return false;
}

/* ${NAME}, $(name), $NAME */
static bool is_variable(const uint8_t *text, uint32_t len)
{
    if (len > 0 && (text[0] == '{' || text[0] == '('))
        return true;
    for (uint32_t i = 0; i < len; i++) {
        if (!byte_is_upper(text[i]) && text[i] != '_' && !byte_is_digit(text[i]))
            return false;
    }
    return len > 1;
}

bool is_placeholder(const uint8_t *text, uint32_t len)
{
    static const char *const words[] = {
        "null",     "nil",   "none",   "true",   "false",  "undefined", "redacted",
        "filtered", "empty", "masked", "hidden", "secret", "nan",       "yes",
        "no",       "<nil>", "%s",     "%v",     "%q",     "scrubbed",  NULL};
    if (len == 0 || is_word_of(text, len, words))
        return true;
    uint8_t first = text[0], last = text[len - 1];
    bool framed = (first == '[' && last == ']') || (first == '<' && last == '>') ||
                  (first == '{' && last == '}');
    if (framed && len > 2 && len < 40) {
        bool word = true;
        for (uint32_t i = 1; i + 1 < len; i++)
            word &= byte_is_letter(text[i]) || text[i] == '_' || text[i] == '-' || text[i] == '{' ||
                    text[i] == '}' || text[i] == '.';
        if (word)
            return true;
    }
    if (first == '$' && is_variable(text + 1, len - 1))
        return true;
    if (first == '{' && len > 1 && text[1] == '{')
        return true;
    if (first == '?' && len == 1)
        return true;
    for (uint32_t i = 0; i < len; i++) {
        if (text[i] != '*' && text[i] != 'x' && text[i] != 'X' && text[i] != '.')
            return false;
    }
    return first == '*' || len >= 3;
}

/* Words that a sentence puts behind a colon or an equals sign. */
static bool is_prose(const uint8_t *text, uint32_t len)
{
    static const char *const words[] = {
        "is",         "was",         "are",      "not",          "must",      "has",
        "have",       "in",          "at",       "on",           "of",        "for",
        "the",        "a",           "an",       "to",           "from",      "with",
        "by",         "missing",     "required", "invalid",      "expired",   "incorrect",
        "wrong",      "unknown",     "denied",   "revoked",      "expected",  "unexpected",
        "failed",     "cannot",      "could",    "should",       "can",       "may",
        "will",       "does",        "did",      "no",           "too",       "blank",
        "ok",         "valid",       "unset",    "mismatch",     "rejected",  "error",
        "this",       "that",        "it",       "please",       "string",    "int",
        "boolean",    "number",      "object",   "bool",         "optional",  "str",
        "any",        "disabled",    "enabled",  "unauthorized", "forbidden", "absent",
        "present",    "never",       "optional", "allowed",      "granted",   "success",
        "successful", "verified",    "pending",  "active",       "inactive",  "include",
        "omit",       "same-origin", "off",      "approved",     "accepted",  "succeeded",
        "ready",      "done",        NULL};
    return is_word_of(text, len, words);
}

static bool is_lower_word(const uint8_t *text, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++) {
        if ((uint8_t)(text[i] - 'a') > 25)
            return false;
    }
    return true;
}

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

/* ---- names ---- */

static bool is_name(uint8_t c)
{
    return byte_is_token(c) || c == '.' || c >= 0x80;
}

struct name {
    uint32_t start, end;
    bool quoted;
    bool blank; /* there is one between the name and the sign */
};

/* Quotes in whatever encoding, backwards from `at`: their length. */
static uint32_t quote_before(const struct scan *s, uint32_t at)
{
    uint32_t len = 0;
    if (at > s->floor && (s->s[at - 1] == '"' || s->s[at - 1] == '\'' || s->s[at - 1] == '`'))
        len = 1;
    else if (at >= s->floor + 3 && scan_has_exactly(s, at - 3, "%22"))
        return 3;
    while (len && at - len > s->floor && s->s[at - len - 1] == '\\' && len < 4)
        len++;
    return len;
}

static uint32_t quote_at(const struct scan *s, uint32_t at)
{
    uint32_t escapes = 0;
    while (at + escapes < s->end && s->s[at + escapes] == '\\' && escapes < 3)
        escapes++;
    uint8_t c = at + escapes < s->end ? s->s[at + escapes] : 0;
    if (c == '"' || c == '\'' || c == '`')
        return escapes + 1;
    return scan_has_exactly(s, at, "%22") ? 3 : 0;
}

static bool read_name(struct scan *s, uint32_t at, struct name *n)
{
    n->end = at;
    while (n->end > s->floor && at - n->end < ALIGNED_MAX &&
           (s->s[n->end - 1] == ' ' || s->s[n->end - 1] == '\t'))
        n->end--;
    n->blank = n->end != at;
    uint32_t quote = quote_before(s, n->end);
    n->quoted = quote > 0;
    n->end -= quote;
    if (n->end > s->floor && s->s[n->end - 1] == ']') /* user[password]= */
        n->end--;
    else if (n->end >= s->floor + 3 && scan_has(s, n->end - 3, "%5d"))
        n->end -= 3;
    if (n->end < s->floor + 2 || !is_name(s->s[n->end - 1]) ||
        (!key_may_matter(s->s[n->end - 2], s->s[n->end - 1]) && !s->d->url_keys))
        return false;
    n->start = n->end;
    while (n->start > s->floor && n->end - n->start < NAME_MAX && is_name(s->s[n->start - 1]))
        n->start--;
    s->steps += n->end - n->start;
    /* %5Bpassword%5D, %22password: the encoded byte is no part of it */
    if (n->start > 0 && s->s[n->start - 1] == '%' && n->end - n->start > 2)
        n->start += 2;
    if (n->start > 0 && s->s[n->start - 1] == '\\' && n->end - n->start > 2 &&
        (s->s[n->start] == 'n' || s->s[n->start] == 't' || s->s[n->start] == 'r'))
        n->start++;
    return true;
}

static bool is_own_url_key(const struct detector *d, const uint8_t *name, uint32_t len)
{
    for (size_t i = 0; i < d->url_key_count; i++) {
        if (strlen(d->url_keys[i]) == len && memcmp(d->url_keys[i], name, len) == 0)
            return true;
    }
    return false;
}

/* Whether the name is a parameter's: it stands behind ? & or #, or the value is a query. */
static bool is_parameter(const struct scan *s, uint32_t start)
{
    if (start == 0)
        return s->traits & KEY_QUERY;
    uint8_t before = s->s[start - 1];
    return before == '?' || before == '&' || before == '#' ||
           (before == ';' && start > 1 && s->s[start - 2] > ' ' &&
            scan_has(s, start, "jsession")) ||
           (before == '[' && s->traits & KEY_QUERY);
}

static bool is_random(const uint8_t *text, uint32_t len)
{
    bool digit = false, letter = false;
    for (uint32_t i = 0; i < len; i++) {
        digit |= byte_is_digit(text[i]);
        letter |= byte_is_letter(text[i]);
    }
    return len >= 16 && digit && letter;
}

/* Whether the parameter `code` is a step of OAuth's, by what stands around it: codes are also those
 * of errors, vouchers and languages. */
static bool is_oauth(const struct scan *s, uint32_t start, uint32_t end)
{
    static const char *const signs[] = {"callback", "cb?", "oauth", "signin", "state=", "redirect"};
    uint32_t from = start > 96 ? start - 96 : 0, to = s->end - end > 192 ? end + 192 : s->end;
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++) {
        if (memmem(s->s + from, to - from, signs[i], strlen(signs[i])))
            return true;
    }
    return false;
}

/* The built-in list: OpenTelemetry's for url.full, whose names are case-sensitive, as trait
 * KEY_PARAMETER covers them; and what the services of others call their credentials. */
static bool is_url_secret(const struct scan *s, uint32_t start, uint32_t end, unsigned traits,
                          const uint8_t *value, uint32_t len)
{
    if (s->d->url_keys)
        return is_own_url_key(s->d, s->s + start, end - start);
    if (traits & (KEY_SENSITIVE | KEY_AUTHORIZATION | KEY_SESSION | KEY_PARAMETER))
        return true;
    bool code = end - start == 4 && scan_has_exactly(s, start, "code");
    return (traits & KEY_MAYBE && is_random(value, len)) ||
           (code && len >= 4 && is_oauth(s, start, end));
}

/* ---- ends of values ---- */

/* Those of a path (;jsessionid=…) end before the query. */
static uint32_t parameter_end(const struct scan *s, uint32_t at, bool in_path)
{
    while (at < s->end) {
        uint8_t c = s->s[at];
        if (c <= ' ' || c == '&' || c == '#' || c == '"' || c == '\'' || c == '<' || c == '>' ||
            c == '`' || c == '\\' || c == '|' || (in_path && (c == '?' || c == '/')))
            break;
        if ((c == ')' || c == ']' || c == ',' || c == '}') &&
            (at + 1 == s->end || s->s[at + 1] <= ' '))
            break;
        at++;
    }
    return at;
}

static uint32_t quoted_end(const struct scan *s, uint32_t at, uint32_t quote, uint32_t quote_len)
{
    for (; at < s->end; at++) {
        if (quote_len == 3 && s->s[quote] == '%') {
            if (scan_has_exactly(s, at, "%22"))
                return at;
        } else if (quote_len > 1) {
            if (s->end - at >= quote_len && memcmp(s->s + at, s->s + quote, quote_len) == 0 &&
                s->s[at - 1] != '\\')
                return at;
        } else if (s->s[at] == '\\') {
            at++;
        } else if (s->s[at] == s->s[quote]) {
            return at;
        }
    }
    return s->end;
}

/* Whether name= or name: begins at `at`. */
static bool begins_pair(const struct scan *s, uint32_t at)
{
    uint32_t start = at;
    while (at < s->end && at - start < 32 && (byte_is_token(s->s[at]) || s->s[at] == '.'))
        at++;
    return at > start && at < s->end && (s->s[at] == '=' || s->s[at] == ':');
}

/* Of a bare value in a text. Closing brackets and commas are taken for part of it when a text goes
 * on right behind them. */
static uint32_t bare_end(const struct scan *s, uint32_t at)
{
    for (; at < s->end; at++) {
        uint8_t c = s->s[at], next = at + 1 < s->end ? s->s[at + 1] : ' ';
        if (c <= ' ' || c == '"' || c == '\'' || c == '`' || c == '<' || c == '>' || c == '&' ||
            c == ';' || c == '|')
            break;
        if (c == '\\' && (next == 'n' || next == 'r' || next == 't' || next == '"'))
            break;
        if (c == ',' && (next <= ' ' || next == '"' || next == '\'' || begins_pair(s, at + 1)))
            break;
        if ((c == ')' || c == ']' || c == '}') && (next <= ' ' || strchr(",;.)]}\"':<>/&", next)))
            break;
    }
    return at;
}

static uint32_t line_end(const struct scan *s, uint32_t at)
{
    while (at < s->end && s->s[at] != '\n' && s->s[at] != '\r' && s->s[at] != '"' &&
           !(s->s[at] == '\\' && at + 1 < s->end &&
             (s->s[at + 1] == 'n' || s->s[at + 1] == 'r' || s->s[at + 1] == '"')))
        at++;
    return at;
}

/* ---- the pair ---- */

struct pair {
    struct name name;
    unsigned traits;
    uint32_t value; /* where the value begins, quotes left out */
    uint32_t end;   /* where it ends */
    bool quoted;
    bool colon;
    bool parameter;
};

/* [Bearer x] of headers that were printed as lists, ["x"] of JSON. */
static uint32_t list_start(const struct scan *s, uint32_t at)
{
    while (at < s->end && s->s[at] == '[')
        at++;
    return at;
}

/* Server=db;Password=a b;…: blanks are part of it. */
static bool is_connection(const struct scan *s, const struct pair *p)
{
    return !p->colon && p->name.start > 0 && s->s[p->name.start - 1] == ';';
}

static uint32_t connection_end(const struct scan *s, uint32_t at)
{
    while (at < s->end && s->s[at] >= ' ' && s->s[at] != ';' && s->s[at] != '"' && s->s[at] != '\'')
        at++;
    return at;
}

static void read_value(struct scan *s, uint32_t at, struct pair *p)
{
    uint32_t from = at;
    while (!p->parameter && at < s->end && at - from < ALIGNED_MAX &&
           (s->s[at] == ' ' || s->s[at] == '\t'))
        at++;
    if (!p->parameter && at < s->end && s->s[at] == '[' && !scan_has(s, at, "[redact") &&
        !scan_has(s, at, "[filter") && !scan_has(s, at, "[mask"))
        at = list_start(s, at);
    uint32_t quote = p->parameter ? 0 : quote_at(s, at);
    p->quoted = quote > 0;
    p->value = at + quote;
    if (quote)
        p->end = quoted_end(s, p->value, at, quote);
    else if (p->parameter)
        p->end = parameter_end(s, at, p->name.start > 0 && s->s[p->name.start - 1] == ';');
    else if (is_connection(s, p))
        p->end = connection_end(s, at);
    else
        p->end = bare_end(s, at);
    if (!quote && at < p->end && s->s[at] == '[' && p->end < s->end && s->s[p->end] == ']')
        p->end++; /* [REDACTED] */
    s->steps += p->end - from;
}

/* A bare word behind a colon, or behind " = ", after which a sentence goes on. */
static bool is_sentence(const struct scan *s, const struct pair *p)
{
    uint32_t len = p->end - p->value;
    if (p->quoted || p->name.quoted || p->parameter)
        return false;
    uint32_t word = len;
    while (word > 0 && (s->s[p->value + word - 1] == '.' || s->s[p->value + word - 1] == ',' ||
                        s->s[p->value + word - 1] == '!' || s->s[p->value + word - 1] == ':'))
        word--;
    if (is_prose(s->s + p->value, word))
        return p->colon || p->name.blank || word == len;
    bool goes_on = p->end + 1 < s->end && s->s[p->end] == ' ' &&
                   (byte_is_letter(s->s[p->end + 1]) || s->s[p->end + 1] == '"') &&
                   !begins_pair(s, p->end + 1);
    return goes_on && (p->colon || p->name.blank) && is_lower_word(s->s + p->value, word);
}

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

/* "api key: x": the word before makes the name. */
static void take_word_before(const struct scan *s, struct name *n)
{
    uint32_t start = n->start;
    if (n->quoted || n->end - n->start > 4 || start < s->floor + 4 || s->s[start - 1] != ' ')
        return;
    for (start--; start > s->floor && n->end - start < 24 && byte_is_letter(s->s[start - 1]);)
        start--;
    n->start = start;
}

static uint32_t behind_blanks_before(const struct scan *s, uint32_t at)
{
    uint32_t from = at;
    while (at > s->floor && from - at < ALIGNED_MAX && byte_is_space(s->s[at - 1]))
        at--;
    return at;
}

/* Where `sign` stands before `at`, blanks left out; 0: it does not. */
static uint32_t sign_before(const struct scan *s, uint32_t at, uint8_t sign)
{
    at = behind_blanks_before(s, at);
    return at > s->floor && s->s[at - 1] == sign ? behind_blanks_before(s, at - 1) : 0;
}

static bool ends_in_name_or_key(const struct scan *s, uint32_t at)
{
    return (at >= s->floor + 4 && scan_has(s, at - 4, "name") && quote_before(s, at - 4)) ||
           (at >= s->floor + 3 && scan_has(s, at - 3, "key") && quote_before(s, at - 3));
}

/* {"name":"DB_PASSWORD","value":"x"}: the name is the value of the pair before. */
static void take_name_told_before(const struct scan *s, struct name *n)
{
    if (!n->quoted || n->end - n->start != 5 || !scan_has(s, n->start, "value"))
        return;
    uint32_t at = sign_before(s, n->start - quote_before(s, n->start), ',');
    uint32_t end = at - quote_before(s, at), start = end;
    if (at == 0 || end == at)
        return;
    while (start > s->floor && end - start < NAME_MAX && is_name(s->s[start - 1]))
        start--;
    uint32_t quote = quote_before(s, start);
    uint32_t key = quote && start < end ? sign_before(s, start - quote, ':') : 0;
    quote = key ? quote_before(s, key) : 0;
    if (!quote || !ends_in_name_or_key(s, key - quote))
        return;
    n->start = start;
    n->end = end;
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

/* ---- XML: <password>hunter2</password> ---- */

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
    if (!(traits & KEY_SENSITIVE) || !s->d->on[SCRUB_SENSITIVE_KEY])
        return;
    uint32_t value = end, limit = s->end - end < 512 ? s->end : end + 512;
    while (value < limit && s->s[value] != '>' && s->s[value] != '<')
        value++;
    if (value >= limit || s->s[value] != '>' || s->s[value - 1] == '/')
        return;
    uint32_t stop = ++value;
    while (stop < s->end && s->s[stop] != '<')
        stop++;
    s->steps += stop - end;
    if (!is_placeholder(s->s + value, stop - value))
        secret_add(s, value, stop, SCRUB_SENSITIVE_KEY, traits);
}
