/* Keys and tokens that say by their beginning whose they are. A well-formed beginning and length
 * are enough: one that its issuer would not take, by a wrong checksum, was somebody's secret all
 * the same when it was typed. */
#include "processors/scrub/detect_private.h"

#include "proto/binary_text.h"

/* A kind of token: what it begins with, and what follows. */
struct token {
    const char *prefix;
    enum scrub_class class;
    uint16_t least; /* bytes behind the prefix */
    uint16_t most;  /* 0: whatever */
    bool dots;      /* '.' is part of it */
};

/* By the byte at which it is recognised, the last of the prefix. Lengths: the issuers'
 * documentation, gitleaks' rules. */
static const struct token at_underscore[] = {
    {"ghp_", SCRUB_GITHUB_TOKEN, 36, 0, false},   {"gho_", SCRUB_GITHUB_TOKEN, 36, 0, false},
    {"ghu_", SCRUB_GITHUB_TOKEN, 36, 0, false},   {"ghs_", SCRUB_GITHUB_TOKEN, 36, 0, false},
    {"ghr_", SCRUB_GITHUB_TOKEN, 36, 0, false},   {"github_pat_", SCRUB_GITHUB_TOKEN, 50, 0, false},
    {"npm_", SCRUB_NPM_TOKEN, 36, 36, false},     {"sk_live_", SCRUB_STRIPE_KEY, 10, 0, false},
    {"sk_test_", SCRUB_STRIPE_KEY, 10, 0, false}, {"rk_live_", SCRUB_STRIPE_KEY, 10, 0, false},
    {"rk_test_", SCRUB_STRIPE_KEY, 10, 0, false}, {"pk_live_", SCRUB_STRIPE_KEY, 10, 0, false},
    {"pk_test_", SCRUB_STRIPE_KEY, 10, 0, false}, {"whsec_", SCRUB_STRIPE_KEY, 24, 0, false},
};

static const struct token at_dash[] = {
    {"pypi-", SCRUB_PYPI_TOKEN, 50, 0, false},    {"GOCSPX-", SCRUB_GOOGLE_KEY, 20, 0, false},
    {"xapp-", SCRUB_SLACK_TOKEN, 20, 0, false},   {"glpat-", SCRUB_GITLAB_TOKEN, 20, 0, true},
    {"gldt-", SCRUB_GITLAB_TOKEN, 20, 0, true},   {"glrt-", SCRUB_GITLAB_TOKEN, 20, 0, true},
    {"glrtr-", SCRUB_GITLAB_TOKEN, 20, 0, true},  {"glcbt-", SCRUB_GITLAB_TOKEN, 20, 0, true},
    {"glptt-", SCRUB_GITLAB_TOKEN, 20, 0, true},  {"glft-", SCRUB_GITLAB_TOKEN, 20, 0, true},
    {"glimt-", SCRUB_GITLAB_TOKEN, 20, 0, true},  {"glagent-", SCRUB_GITLAB_TOKEN, 20, 0, true},
    {"gloas-", SCRUB_GITLAB_TOKEN, 20, 0, true},  {"glsoat-", SCRUB_GITLAB_TOKEN, 20, 0, true},
    {"glffct-", SCRUB_GITLAB_TOKEN, 20, 0, true}, {"glwt-", SCRUB_GITLAB_TOKEN, 20, 0, true},
};

static const struct token at_dot[] = {
    {"SG.", SCRUB_SENDGRID_KEY, 60, 0, true},
    {"ya29.", SCRUB_GOOGLE_KEY, 20, 0, true},
};

/* Not the first byte of a word: the token would be part of something longer. */
static bool begins_token(const struct scan *s, size_t at)
{
    return at == 0 || !is_token(s->text[at - 1]) || (at >= 2 && s->text[at - 2] == '\\');
}

static size_t end_of_token(const struct scan *s, size_t at, bool dots)
{
    while (at < s->len && (is_token(s->text[at]) || (dots && s->text[at] == '.')))
        at++;
    while (dots && at > 0 && s->text[at - 1] == '.')
        at--;
    return at;
}

static size_t find_token(struct scan *s, size_t at, const struct token *t)
{
    size_t len = strlen(t->prefix);
    if (at + 1 < len)
        return 0;
    size_t begin = at + 1 - len;
    if (memcmp(s->text + begin, t->prefix, len) != 0 || !begins_token(s, begin))
        return 0;
    size_t end = end_of_token(s, at + 1, t->dots);
    size_t body = end - at - 1;
    if (body < t->least)
        return 0;
    if (t->most && body > t->most)
        return 0;
    return scan_found(s, begin, end, t->class);
}

static size_t find_one_of(struct scan *s, size_t at, const struct token *tokens, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t found = find_token(s, at, &tokens[i]);
        if (found)
            return found;
    }
    return 0;
}

#define FIND_ONE_OF(s, at, tokens) find_one_of(s, at, tokens, sizeof tokens / sizeof tokens[0])

/* xoxb-, xoxp-, xoxe.xoxp-, …: one letter that there will be more of. */
static size_t find_slack(struct scan *s, size_t at)
{
    if (at < 4 || memcmp(s->text + at - 4, "xox", 3) != 0 || !is_alnum(s->text[at - 1]) ||
        !begins_token(s, at - 4))
        return 0;
    size_t end = end_of_token(s, at + 1, false);
    return end - at >= 11 ? scan_found(s, at - 4, end, SCRUB_SLACK_TOKEN) : 0;
}

/* -----BEGIN … PRIVATE KEY-----, to its END, or to the end of the value when that is missing. */
static size_t find_pem(struct scan *s, size_t at)
{
    static const char begin[] = "-----BEGIN", end[] = "-----END", key[] = "PRIVATE KEY";
    if (!has_at(s, at, begin))
        return 0;
    size_t left = s->len - at < 100 ? s->len - at : 100;
    if (!memmem(s->text + at, left, key, sizeof key - 1))
        return 0;
    const uint8_t *last = memmem(s->text + at, s->len - at, end, sizeof end - 1);
    size_t stop = last ? (size_t)(last - s->text) + sizeof end - 1 : s->len;
    const uint8_t *close = last ? memmem(s->text + stop, s->len - stop, "-----", 5) : NULL;
    if (close && close - (s->text + stop) < 60)
        stop = (size_t)(close - s->text) + 5;
    return scan_found(s, at, stop, SCRUB_PRIVATE_KEY);
}

/* ---- by capitals ---- */

static bool is_base32(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= '2' && c <= '7');
}

/* AKIA, ASIA, ABIA, ACCA, A3T and one more, and 16 of base32. */
static size_t find_aws_key_id(struct scan *s, size_t at)
{
    static const char *const prefixes[] = {"AKIA", "ASIA", "ABIA", "ACCA", "AROA",
                                           "AIDA", "AGPA", "AIPA", "ANPA", "ANVA"};
    if (at < 1 || s->text[at - 1] != 'A')
        return 0;
    size_t begin = at - 1;
    bool known = has_at(s, begin, "A3T") && is_base32(byte_at(s, begin + 3));
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0] && !known; i++)
        known = has_at(s, begin, prefixes[i]);
    if (!known || !begins_at(s, begin) || begin + 20 > s->len || is_alnum(byte_at(s, begin + 20)))
        return 0;
    for (size_t i = 4; i < 20; i++) {
        if (!is_base32(s->text[begin + i]))
            return 0;
    }
    return scan_found(s, begin, begin + 20, SCRUB_AWS_KEY_ID);
}

static size_t find_google_key(struct scan *s, size_t at)
{
    if (at < 1 || !has_at(s, at - 1, "AIza") || !begins_token(s, at - 1))
        return 0;
    size_t end = end_of_token(s, at + 3, false);
    return end - (at - 1) >= 39 ? scan_found(s, at - 1, end, SCRUB_GOOGLE_KEY) : 0;
}

/* Whether base64url begins an object, as a JWT's header does: {" and a letter, once decoded. */
static bool is_jwt_header(const struct scan *s, size_t begin, size_t end)
{
    static const char names[] = "alg\"";
    uint8_t text[200];
    size_t bits = 0, count = 0;
    uint32_t held = 0;
    for (size_t i = begin; i < end && count < sizeof text; i++) {
        uint8_t c = s->text[i];
        uint32_t v = c >= 'a'   ? c - 'a' + 26u
                     : c == '_' ? 63u
                     : c >= 'A' ? c - 'A' + 0u
                     : c == '-' ? 62u
                                : c - '0' + 52u;
        held = held << 6 | v;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            text[count++] = (uint8_t)(held >> bits);
        }
    }
    return count > 4 && text[0] == '{' &&
           (memmem(text, count, names, sizeof names - 1) || memmem(text, count, "\"typ\"", 5) ||
            memmem(text, count, "\"enc\"", 5) || memmem(text, count, "\"kid\"", 5));
}

static size_t find_jwt(struct scan *s, size_t at)
{
    if (at < 2 || !has_at(s, at - 2, "eyJ") || !begins_token(s, at - 2))
        return 0;
    size_t begin = at - 2;
    size_t header = end_of_token(s, at, false);
    if (header - begin < 12 || byte_at(s, header) != '.' || !is_jwt_header(s, begin, header))
        return 0;
    size_t payload = end_of_token(s, header + 1, false);
    if (payload - header < 8)
        return 0;
    size_t end = payload;
    for (unsigned i = 0; i < 3 && byte_at(s, end) == '.'; i++) /* a JWE has five parts */
        end = end_of_token(s, end + 1, false);
    return scan_found(s, begin, end, SCRUB_JWT);
}

static size_t at_capital(struct scan *s, size_t at)
{
    if (s->text[at] == 'J')
        return s->detector->on[SCRUB_JWT] ? find_jwt(s, at) : 0;
    size_t found = s->detector->on[SCRUB_AWS_KEY_ID] ? find_aws_key_id(s, at) : 0;
    return found || s->text[at] != 'I' ? found : find_google_key(s, at);
}

/* sk-ant-…, sk-proj-…, sk-svcacct-…, sk-admin-…, and sk-… of older days. */
static size_t find_sk(struct scan *s, size_t at)
{
    if (at < 2 || s->text[at - 2] != 's' || !begins_token(s, at - 2))
        return 0;
    bool anthropic = has_at(s, at + 1, "ant-");
    bool named = anthropic || has_at(s, at + 1, "proj-") || has_at(s, at + 1, "svcacct-") ||
                 has_at(s, at + 1, "admin-");
    size_t end = end_of_token(s, at + 1, false);
    if (end - at - 1 < (named ? 24u : 32u))
        return 0;
    return scan_found(s, at - 2, end, anthropic ? SCRUB_ANTHROPIC_KEY : SCRUB_OPENAI_KEY);
}

/* Whether "gl" begins a word that ends before `at`, of the lengths that GitLab's prefixes have. */
static bool has_gl(const struct scan *s, size_t at)
{
    for (size_t len = 4; len <= 7 && len <= at; len++) {
        if (s->text[at - len] == 'g' && s->text[at - len + 1] == 'l')
            return true;
    }
    return false;
}

/* What is before the byte decides nearly always that it is none. */
static size_t at_underscore_or_dot(struct scan *s, size_t at)
{
    if (at < 2)
        return 0;
    if (s->text[at] == '.') {
        bool maybe = (s->text[at - 1] == 'G' && s->text[at - 2] == 'S') ||
                     (s->text[at - 1] == '9' && s->text[at - 2] == '2');
        return maybe ? FIND_ONE_OF(s, at, at_dot) : 0;
    }
    switch (s->text[at - 1]) {
    case 'p':
    case 'o':
    case 'u':
    case 's':
    case 'r':
        return s->text[at - 2] == 'h' ? FIND_ONE_OF(s, at, at_underscore) : 0;
    case 't':
        return s->text[at - 2] == 'a' || s->text[at - 2] == 's' ? FIND_ONE_OF(s, at, at_underscore)
                                                                : 0;
    case 'e':
        return s->text[at - 2] == 'v' ? FIND_ONE_OF(s, at, at_underscore) : 0;
    case 'm':
    case 'c':
        return FIND_ONE_OF(s, at, at_underscore);
    default:
        return 0;
    }
}

static size_t at_dash_of_token(struct scan *s, size_t at)
{
    if (at < 2)
        return has_at(s, at, "-----BEGIN") ? find_pem(s, at) : 0;
    size_t found = 0;
    switch (s->text[at - 1]) {
    case 'k':
        found = find_sk(s, at);
        break;
    case 'i':
    case 'X':
    case 'p':
        found = FIND_ONE_OF(s, at, at_dash);
        break;
    case 't':
    case 'r':
    case 's':
        found = has_gl(s, at) ? FIND_ONE_OF(s, at, at_dash) : 0;
        break;
    default:
        break;
    }
    if (!found && at >= 4 && s->text[at - 4] == 'x')
        found = find_slack(s, at);
    if (!found && byte_at(s, at + 1) == '-' && has_at(s, at, "-----BEGIN"))
        found = find_pem(s, at);
    return found;
}

size_t find_prefixed(struct scan *s, size_t at)
{
    switch (s->text[at]) {
    case '_':
    case '.':
        return at_underscore_or_dot(s, at);
    case '-':
        return at_dash_of_token(s, at);
    default:
        return at_capital(s, at);
    }
}
