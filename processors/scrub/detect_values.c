/* Values of pairs: where one ends, and what is no value but a placeholder or a sentence's next
 * word.
 *
 * A value is taken up to where its kind of text ends it; in doubt too much is taken. Prose has
 * colons as well ("password: must be longer"), so a bare word behind a colon that a sentence goes
 * on after is none. */
#include "processors/scrub/detect_pairs.h"

bool is_word_of(const uint8_t *text, uint32_t len, const char *const *words)
{
    for (; *words; words++) {
        if (bytes_are(text, len, *words))
            return true;
    }
    return false;
}

/* ${NAME}, $(name), $NAME; $name and $1 of queries. A password may begin with a dollar, and hardly
 * goes on with letters alone. */
static bool is_variable(const uint8_t *text, uint32_t len)
{
    uint32_t digits = 0, letters = 0, upper = 0;
    if (len > 0 && (text[0] == '{' || text[0] == '('))
        return true;
    for (uint32_t i = 0; i < len; i++) {
        if (!byte_is_alnum(text[i]) && text[i] != '_')
            return false;
        digits += byte_is_digit(text[i]);
        upper += byte_is_upper(text[i]);
        letters += byte_is_letter(text[i]);
    }
    return letters == 0 ? digits > 0 && digits < 3 : digits == 0 || letters == upper;
}

static bool is_identifier(const uint8_t *text, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++) {
        if (!byte_is_alnum(text[i]) && text[i] != '_')
            return false;
    }
    return len > 0;
}

/* What a query has instead of a literal: %(name)s, :name, @p0, and #{name}, %NAME%. */
static bool is_bound(const uint8_t *text, uint32_t len)
{
    uint8_t first = text[0], last = text[len - 1];
    if (len < 2)
        return false;
    return (first == '%' && text[1] == '(') || (first == '#' && text[1] == '{') ||
           (first == '%' && last == '%' && is_identifier(text + 1, len - 2)) ||
           (first == ':' && is_identifier(text + 1, len - 1)) ||
           (first == '@' && byte_lower(text[1]) == 'p' && len > 2 && len < 5 &&
            byte_is_digit(text[2]));
}

/* A word in brackets: [REDACTED], <token>, {0}. */
static bool is_framed(const uint8_t *text, uint32_t len)
{
    uint8_t first = text[0], last = text[len - 1];
    if (len < 2 || len >= 40 ||
        !((first == '[' && last == ']') || (first == '<' && last == '>') ||
          (first == '{' && last == '}') || (first == '(' && last == ')')))
        return false;
    uint32_t digits = 0;
    for (uint32_t i = 1; i + 1 < len; i++) {
        digits += byte_is_digit(text[i]);
        if (!byte_is_alnum(text[i]) && !strchr("_-{}.*$:", text[i]))
            return false;
    }
    return digits < 3;
}

/* Stars and crosses, and words between stars: ***, ***REDACTED***, xxxx, ••••. */
static bool is_masked(const uint8_t *text, uint32_t len)
{
    uint32_t marks = 0, dots = 0;
    for (uint32_t i = 0; i < len; i++) {
        marks += text[i] == '*' || text[i] == 'x' || text[i] == 'X' || text[i] == '.';
        dots += i + 2 < len && memcmp(text + i, "•", 3) == 0;
    }
    bool starred = len > 4 && memcmp(text, "**", 2) == 0 && memcmp(text + len - 2, "**", 2) == 0;
    return (marks == len && (text[0] == '*' || len >= 3)) || (dots > 0 && dots * 3 == len) ||
           starred;
}

/* (sensitive value) and (known after apply) of Terraform's plans. */
static bool is_of_plan(const uint8_t *text, uint32_t len)
{
    return len >= 6 &&
           (bytes_are(text, len < 10 ? len : 10, "(sensitive") || bytes_are(text, 6, "(known"));
}

bool is_placeholder(const uint8_t *text, uint32_t len)
{
    static const char *const words[] = {
        "null",  "nil",    "none",   "true",     "false",  "undefined", "redacted", "filtered",
        "empty", "masked", "hidden", "secret",   "nan",    "yes",       "no",       "<nil>",
        "%s",    "%v",     "%q",     "scrubbed", "(null)", "n/a",       NULL};
    if (len == 0 || is_word_of(text, len, words))
        return true;
    return is_framed(text, len) || is_masked(text, len) || is_of_plan(text, len) ||
           (text[0] == '$' && is_variable(text + 1, len - 1)) ||
           (text[0] == '{' && len > 1 && text[1] == '{') || (text[0] == '?' && len == 1);
}

bool is_hidden(const uint8_t *text, uint32_t len)
{
    static const char *const words[] = {"REDACTED", "FILTERED", "MASKED", "SCRUBBED", NULL};
    for (size_t i = 0; words[i]; i++) {
        if (len == strlen(words[i]) && memcmp(text, words[i], len) == 0)
            return true;
    }
    bool open = len > 1 && text[0] == '{' && text[1] == '{', pair = memchr(text, ':', len);
    return len > 0 && !byte_is_letter(text[0]) && is_placeholder(text, len) && !pair &&
           !(open && text[len - 1] != '}');
}

bool has_password(const uint8_t *login, uint32_t len)
{
    const uint8_t *colon = memchr(login, ':', len);
    uint32_t user = colon ? (uint32_t)(colon - login) : len;
    return user + 1 < len && !is_placeholder(login + user + 1, len - user - 1);
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
        "ready",      "done",        "min",      "max",          "minimum",   "maximum",
        "line",       "sent",        "resent",   "delivered",    NULL};
    return is_word_of(text, len, words);
}

/* What is said of a credential where its value might stand. */
static bool is_said(const uint8_t *text, uint32_t len)
{
    static const char *const words[] = {"required",  "invalid",  "missing",  "expired",   "revoked",
                                        "incorrect", "optional", "string",   "changed",   "updated",
                                        "mismatch",  "rotated",  "created",  "removed",   "deleted",
                                        "saved",     "provided", "supplied", "unchanged", "eof",
                                        "timeout",   NULL};
    return is_word_of(text, len, words);
}

/* Of several words, one of which is what messages are made of: "must have 8 characters". */
static bool is_message(const uint8_t *text, uint32_t len)
{
    static const char *const words[] = {
        "required", "invalid",  "incorrect", "must",     "cannot",     "can't",   "should",
        "field",    "missing",  "expired",   "mismatch", "match",      "failed",  "wrong",
        "blank",    "empty",    "denied",    "weak",     "characters", "changed", "length",
        "allowed",  "expected", "please",    "least",    "short",      "long",    "error",
        "enter",    "provided", "does",      "doesn't",  "don't",      "isn't",   NULL};
    bool known = false;
    uint32_t count = 0, start = 0;
    if (len > 200)
        return false;
    for (uint32_t i = 0; i <= len; i++) {
        uint8_t c = i < len ? text[i] : ' ';
        if (byte_is_letter(c) || c == '\'')
            continue;
        count += i > start;
        known |= is_word_of(text + start, i - start, words);
        start = i + 1;
    }
    return known && count > 1 && memchr(text, ' ', len);
}

/* Nobody types a password in ideograms: input methods are off in its field. */
static bool is_in_ideograms(const uint8_t *text, uint32_t len)
{
    if (len < 6 || len % 3 != 0)
        return false;
    for (uint32_t i = 0; i < len; i += 3) {
        if (text[i] < 0xe3 || text[i] > 0xef)
            return false;
    }
    return true;
}

static bool is_lower_word(const uint8_t *text, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++) {
        if ((uint8_t)(text[i] - 'a') > 25 && text[i] < 0x80)
            return false;
    }
    return true;
}

/* A directory, or a file that holds the secret: /run/secrets/db. */
static bool is_path(const uint8_t *text, uint32_t len)
{
    static const char *const roots[] = {"etc",  "run",  "var", "home", "usr", "opt",
                                        "app",  "mnt",  "tmp", "root", "srv", "secrets",
                                        "data", "proc", "dev", NULL};
    uint32_t first = 1;
    if (len < 4 || text[0] != '/')
        return false;
    while (first < len && text[first] != '/')
        first++;
    for (uint32_t i = first; i < len; i++) {
        if (!byte_is_token(text[i]) && text[i] != '/' && text[i] != '.')
            return false;
    }
    return is_word_of(text + 1, first - 1, roots);
}

bool is_likely_secret(const uint8_t *text, uint32_t len)
{
    uint32_t digits = 0, letters = 0;
    for (uint32_t i = 0; i < len; i++) {
        if (!byte_is_token(text[i]) && !strchr("+/=.", text[i] ? text[i] : ' '))
            return false;
        digits += byte_is_digit(text[i]);
        letters += byte_is_letter(text[i]);
    }
    return len >= 16 && digits > 2 && letters > 2;
}

/* PWD is the working directory as well. */
bool is_place(struct bytes name, struct bytes text)
{
    if (is_path(text.data, (uint32_t)text.len))
        return true;
    if (name.len < 3 || !bytes_are(name.data + name.len - 3, 3, "pwd") || text.len == 0 ||
        text.data[0] != '/')
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (!byte_is_token(text.data[i]) && text.data[i] != '/' && text.data[i] != '.')
            return false;
    }
    return text.len < 24 || memchr(text.data + 1, '/', text.len - 1);
}

/* $request->input, $_POST['x'], $this->secret of PHP. */
static bool is_member(const struct scan *s, uint32_t start, uint32_t end)
{
    uint32_t at = start + 1;
    if (s->s[start] != '$')
        return false;
    while (at < end && (byte_is_alnum(s->s[at]) || s->s[at] == '_'))
        at++;
    return at - start > 2 && at + 1 < s->end &&
           (scan_has_exactly(s, at, "->") || scan_has_exactly(s, at, "::") ||
            (s->s[at] == '[' && strchr("'\"$", s->s[at + 1])));
}

/* Where a program says it gets the value from: request.form["password"], self.token(x),
 * process.env.TOKEN. */
static bool is_expression(const struct scan *s, uint32_t start, uint32_t end)
{
    static const char *const roots[] = {"process.env.", "os.environ",   "this.",   "self.",
                                        "config.",      "request.",     "req.",    "args.",
                                        "settings.",    "secrets.",     "var.",    "local.",
                                        "System.",      "environment.", "params.", "options."};
    uint32_t at = start;
    while (at < end && (byte_is_alnum(s->s[at]) || s->s[at] == '_' || s->s[at] == '.'))
        at++;
    if (at == start || byte_is_digit(s->s[start]))
        return false;
    if (at < end && at - start > 2 && (s->s[at] == '(' || s->s[at] == '[')) {
        uint8_t close = s->s[at] == '(' ? ')' : ']';
        return at + 1 == end || memchr(s->s + at, close, end - at) ||
               (end < s->end && s->s[end] == close);
    }
    bool called = at == end && end < s->end && s->s[end - 1] != '.' && at - start > 2 &&
                  (s->s[end] == '(' || (s->s[end] == '[' && end + 1 < s->end &&
                                        (s->s[end + 1] == '"' || s->s[end + 1] == '\'')));
    if (called)
        return true;
    for (size_t i = 0; at == end && i < sizeof roots / sizeof roots[0]; i++) {
        if (scan_has_exactly(s, start, roots[i]))
            return true;
    }
    return false;
}

bool is_nobodys(const struct scan *s, uint32_t start, uint32_t end, bool quoted)
{
    const uint8_t *text = s->s + start;
    uint32_t len = end - start;
    return is_placeholder(text, len) || is_bound(text, len) || is_in_ideograms(text, len) ||
           (len > 5 && (bytes_are(text, 5, "your-") || bytes_are(text, 5, "your_"))) ||
           (quoted ? is_said(text, len) || is_message(text, len)
                   : is_member(s, start, end) || is_expression(s, start, end));
}

/* ---- ends ---- */

/* Those of a path (;jsessionid=…) end before the query. */
static uint32_t parameter_end(const struct scan *s, uint32_t at, bool in_path)
{
    while (at < s->end) {
        uint8_t c = s->s[at];
        if (c <= ' ' || c == '&' || c == '#' || c == '"' || c == '\'' || c == '<' || c == '>' ||
            c == '`' || c == '\\' || c == '|' || (in_path && (c == '?' || c == '/')))
            break;
        if ((c == ')' || c == ']' || c == ',' || c == '}' || c == ':') &&
            (at + 1 == s->end || s->s[at + 1] <= ' '))
            break;
        at++;
    }
    return at;
}

uint32_t quoted_end(const struct scan *s, uint32_t at, uint32_t quote, uint32_t quote_len)
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

bool begins_pair(const struct scan *s, uint32_t at)
{
    uint32_t start = at;
    while (at < s->end && at - start < 32 && (byte_is_token(s->s[at]) || s->s[at] == '.'))
        at++;
    return at > start && at < s->end && (s->s[at] == '=' || s->s[at] == ':');
}

/* n, r, t or " of an escape that ends a value. */
static bool ends_line(const struct scan *s, uint32_t at)
{
    uint8_t c = at < s->end ? s->s[at] : 0;
    return c == 'n' || c == 'r' || c == 't' || c == '"';
}

/* Of a bare value in a text. Closing brackets and commas are taken for part of it when a text goes
 * on right behind them. */
uint32_t bare_end(const struct scan *s, uint32_t at)
{
    for (; at < s->end; at++) {
        uint8_t c = s->s[at], next = at + 1 < s->end ? s->s[at + 1] : ' ';
        if (c <= ' ' || c == '"' || c == '\'' || c == '`' || c == '<' || c == '>' || c == '&' ||
            c == ';' || c == '|')
            break;
        if ((c == 0xef && next == 0xbc) || (c == 0xe3 && next == 0x80))
            break; /* ，。」 */
        if (c == '\\' && ends_line(s, at + 1 + (next == '\\')))
            break;
        if (c == ',' && (next <= ' ' || next == '"' || next == '\'' || begins_pair(s, at + 1)))
            break;
        if ((c == ')' || c == ']' || c == '}') && (next <= ' ' || strchr(",;.)]}\"':<>/&", next)))
            break;
    }
    return at;
}

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

/* password= dbname=orders: there is none. */
static bool is_empty(const struct scan *s, uint32_t from, uint32_t at, const struct pair *p)
{
    if (p->colon || p->name.blank || at == from || s->s[at - 1] != ' ' || !begins_pair(s, at))
        return false;
    const uint8_t *sign = memchr(s->s + at, '=', s->end - at < 32 ? s->end - at : 32);
    uint32_t behind = sign ? (uint32_t)(sign - s->s) + 1 : s->end;
    return behind < s->end && s->s[behind] > ' ' && s->s[behind] != '=';
}

/* PWD={a;b}: braces of ODBC, within which }} is one. Nothing in them looks like pairs. */
static bool read_braces(const struct scan *s, uint32_t at, struct pair *p)
{
    uint32_t end = at + 1;
    if (s->s[at] != '{')
        return false;
    for (; end < s->end && s->s[end] > ' '; end++) {
        if (s->s[end] == '}' && end + 1 < s->end && s->s[end + 1] == '}')
            end++;
        else if (s->s[end] == '}')
            break;
        else if (strchr("{\"'=:", s->s[end]))
            return false;
    }
    if (end >= s->end || s->s[end] != '}' || (end + 1 < s->end && s->s[end + 1] != ';') ||
        is_placeholder(s->s + at, end + 1 - at))
        return false;
    p->value = at + 1;
    p->end = end;
    return true;
}

static bool closes(uint8_t open, uint8_t close)
{
    return (open == '[' && close == ']') || (open == '{' && close == '}') ||
           (open == '(' && close == ')');
}

void read_value(struct scan *s, uint32_t at, struct pair *p)
{
    uint32_t from = at;
    while (!p->parameter && at < s->end && at - from < ALIGNED_MAX &&
           (s->s[at] == ' ' || s->s[at] == '\t'))
        at++;
    if (!p->parameter && at < s->end && s->s[at] == '[' && !scan_has(s, at, "[redact") &&
        !scan_has(s, at, "[filter") && !scan_has(s, at, "[mask"))
        at = list_start(s, at);
    if (!p->parameter && at < s->end)
        at = behind_prefix(s, at);
    uint32_t quote = p->parameter ? 0 : quote_at(s, at);
    p->quoted = quote > 0;
    p->value = at + quote;
    if (quote)
        p->end = quoted_end(s, p->value, at, quote);
    else if (p->parameter)
        p->end = parameter_end(s, at, p->name.start > 0 && s->s[p->name.start - 1] == ';');
    else if (is_empty(s, from, at, p))
        p->end = at;
    else if (at < s->end && (p->colon ? read_indented(s, at, p) : read_braces(s, at, p)))
        at = p->end;
    else if (is_connection(s, p))
        p->end = connection_end(s, at);
    else
        p->end = bare_end(s, at);
    if (!quote && at < p->end && p->end < s->end && closes(s->s[at], s->s[p->end]))
        p->end++; /* [REDACTED] */
    s->steps += p->end - from;
}

/* prod/db/main, db-password */
static bool is_lower_name(const uint8_t *text, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++) {
        if ((uint8_t)(text[i] - 'a') > 25 && !strchr("/-_.", text[i] ? text[i] : ' '))
            return false;
    }
    return true;
}

/* "… not found", "… is missing": the word before is a name. */
static bool is_told_of(const struct scan *s, uint32_t at)
{
    return scan_has(s, at, "not ") || scan_has(s, at, "is ") || scan_has(s, at, "was ") ||
           scan_has(s, at, "has ") || scan_has(s, at, "does ");
}

/* A bare word behind a colon, or behind " = ", after which a sentence goes on. */
bool is_sentence(const struct scan *s, const struct pair *p)
{
    uint32_t len = p->end - p->value;
    if (p->quoted || p->name.quoted || p->parameter)
        return false;
    uint32_t word = len;
    if (p->colon && is_said(s->s + p->value, len))
        return true;
    while (word > 0 && (s->s[p->value + word - 1] == '.' || s->s[p->value + word - 1] == ',' ||
                        s->s[p->value + word - 1] == '!' || s->s[p->value + word - 1] == ':'))
        word--;
    if (is_prose(s->s + p->value, word))
        return p->colon || p->name.blank || word == len;
    bool goes_on =
        p->end + 1 < s->end && s->s[p->end] == ' ' &&
        (byte_is_letter(s->s[p->end + 1]) || s->s[p->end + 1] == '"' || s->s[p->end + 1] >= 0x80) &&
        !begins_pair(s, p->end + 1);
    return goes_on && (p->colon || p->name.blank) &&
           (is_lower_word(s->s + p->value, word) ||
            (p->colon && is_lower_name(s->s + p->value, word) && is_told_of(s, p->end + 1)));
}
