/* Keys and tokens that say by their beginning whose they are. A well-formed beginning and length
 * are enough: one that its issuer would refuse for a wrong checksum was somebody's secret all the
 * same.
 *
 * All of them hold a long word, so they are looked for in words of 16 bytes and more only: at its
 * start, and at the dashes and underscores within, where most prefixes end. Prefixes that are
 * nobody's word (ghp_, glpat-) may follow anything; those that could end a word (sk-) may not. */
#include "processors/scrub/detect_private.h"

#include <pthread.h>
#include <string.h>

enum {
    HEADER_MAX = 8192, /* of a JWT, encoded */
    SHORTEST = 15,     /* of all tokens: xoxb- and ten bytes */
};

enum body {
    ALNUM,
    TOKEN,  /* and - _ */
    UPPER,  /* capitals and digits */
    DOTTED, /* TOKEN and dots */
};

struct kind {
    const char *prefix;
    uint32_t len; /* of the prefix */
    enum scrub_class class;
    enum body body;
    uint16_t least, most; /* bytes behind the prefix; most 0: no limit */
    bool apart;           /* no letter, digit or underscore may stand before */
    bool random;          /* a digit must be in it */
};

#define KIND(prefix, class, body, least, most, apart, random)                                      \
    {                                                                                              \
        prefix, sizeof prefix - 1, class, body, least, most, apart, random                         \
    }

/* Sorted by what they are found at: the start of a word, or the last byte of the prefix. Longer
 * prefixes before those that begin them. Lengths: the issuers' documentation. */
static const struct kind at_start[] = {
    KIND("AKIA", SCRUB_AWS_KEY_ID, UPPER, 16, 16, true, false),
    KIND("ASIA", SCRUB_AWS_KEY_ID, UPPER, 16, 16, true, false),
    KIND("ABIA", SCRUB_AWS_KEY_ID, UPPER, 16, 16, true, false),
    KIND("ACCA", SCRUB_AWS_KEY_ID, UPPER, 16, 16, true, false),
    KIND("A3T", SCRUB_AWS_KEY_ID, UPPER, 17, 17, true, false),
    KIND("AROA", SCRUB_AWS_KEY_ID, UPPER, 16, 17, true, true),
    KIND("AIDA", SCRUB_AWS_KEY_ID, UPPER, 16, 17, true, true),
    KIND("AGPA", SCRUB_AWS_KEY_ID, UPPER, 16, 17, true, true),
    KIND("ANPA", SCRUB_AWS_KEY_ID, UPPER, 16, 17, true, true),
    KIND("AIza", SCRUB_GOOGLE_KEY, TOKEN, 35, 36, true, false),
    KIND("GR1348941", SCRUB_GITLAB_TOKEN, TOKEN, 20, 0, true, false),
};

static const struct kind at_underscore[] = {
    KIND("ghp_", SCRUB_GITHUB_TOKEN, ALNUM, 36, 0, false, false),
    KIND("gho_", SCRUB_GITHUB_TOKEN, ALNUM, 36, 0, false, false),
    KIND("ghu_", SCRUB_GITHUB_TOKEN, ALNUM, 36, 0, false, false),
    KIND("ghs_", SCRUB_GITHUB_TOKEN, ALNUM, 36, 0, false, false),
    KIND("ghr_", SCRUB_GITHUB_TOKEN, ALNUM, 36, 0, false, false),
    KIND("github_pat_", SCRUB_GITHUB_TOKEN, TOKEN, 36, 0, false, false),
    KIND("npm_", SCRUB_NPM_TOKEN, ALNUM, 36, 0, true, false),
    KIND("sk_live_", SCRUB_STRIPE_KEY, ALNUM, 10, 0, false, false),
    KIND("sk_test_", SCRUB_STRIPE_KEY, ALNUM, 10, 0, false, false),
    KIND("rk_live_", SCRUB_STRIPE_KEY, ALNUM, 10, 0, false, false),
    KIND("rk_test_", SCRUB_STRIPE_KEY, ALNUM, 10, 0, false, false),
    KIND("sk_prod_", SCRUB_STRIPE_KEY, ALNUM, 10, 0, false, false),
    KIND("rk_prod_", SCRUB_STRIPE_KEY, ALNUM, 10, 0, false, false),
    KIND("whsec_", SCRUB_STRIPE_KEY, ALNUM, 24, 0, false, false),
};

static const struct kind at_dash[] = {
    KIND("sk-ant-", SCRUB_ANTHROPIC_KEY, TOKEN, 16, 0, true, true),
    KIND("sk-proj-", SCRUB_OPENAI_KEY, TOKEN, 20, 0, true, true),
    KIND("sk-svcacct-", SCRUB_OPENAI_KEY, TOKEN, 20, 0, true, true),
    KIND("sk-admin-", SCRUB_OPENAI_KEY, TOKEN, 20, 0, true, true),
    KIND("sk-None-", SCRUB_OPENAI_KEY, TOKEN, 20, 0, true, true),
    KIND("sk-or-v1-", SCRUB_OPENAI_KEY, ALNUM, 32, 0, true, true),
    KIND("sk-", SCRUB_OPENAI_KEY, ALNUM, 20, 0, true, true),
    KIND("pypi-", SCRUB_PYPI_TOKEN, TOKEN, 50, 0, false, true),
    KIND("GOCSPX-", SCRUB_GOOGLE_KEY, TOKEN, 20, 0, false, false),
    KIND("xoxb-", SCRUB_SLACK_TOKEN, TOKEN, 10, 0, false, true),
    KIND("xoxp-", SCRUB_SLACK_TOKEN, TOKEN, 10, 0, false, true),
    KIND("xoxa-", SCRUB_SLACK_TOKEN, TOKEN, 10, 0, false, true),
    KIND("xoxr-", SCRUB_SLACK_TOKEN, TOKEN, 10, 0, false, true),
    KIND("xoxs-", SCRUB_SLACK_TOKEN, TOKEN, 10, 0, false, true),
    KIND("xoxo-", SCRUB_SLACK_TOKEN, TOKEN, 10, 0, false, true),
    KIND("xoxc-", SCRUB_SLACK_TOKEN, TOKEN, 10, 0, false, true),
    KIND("xoxd-", SCRUB_SLACK_TOKEN, TOKEN, 10, 0, false, true),
    KIND("xoxe-", SCRUB_SLACK_TOKEN, TOKEN, 10, 0, false, true),
    KIND("xapp-", SCRUB_SLACK_TOKEN, TOKEN, 10, 0, false, true),
    KIND("xwfp-", SCRUB_SLACK_TOKEN, TOKEN, 10, 0, false, true),
    KIND("glpat-", SCRUB_GITLAB_TOKEN, DOTTED, 20, 0, false, false),
    KIND("gloas-", SCRUB_GITLAB_TOKEN, DOTTED, 20, 0, false, false),
    KIND("gldt-", SCRUB_GITLAB_TOKEN, DOTTED, 20, 0, false, false),
    KIND("glrt-", SCRUB_GITLAB_TOKEN, DOTTED, 20, 0, false, false),
    KIND("glrtr-", SCRUB_GITLAB_TOKEN, DOTTED, 20, 0, false, false),
    KIND("glcbt-", SCRUB_GITLAB_TOKEN, DOTTED, 20, 0, false, false),
    KIND("glptt-", SCRUB_GITLAB_TOKEN, DOTTED, 20, 0, false, false),
    KIND("glft-", SCRUB_GITLAB_TOKEN, DOTTED, 20, 0, false, false),
    KIND("glimt-", SCRUB_GITLAB_TOKEN, DOTTED, 20, 0, false, false),
    KIND("glagent-", SCRUB_GITLAB_TOKEN, DOTTED, 20, 0, false, false),
    KIND("glwt-", SCRUB_GITLAB_TOKEN, DOTTED, 20, 0, false, false),
    KIND("glsoat-", SCRUB_GITLAB_TOKEN, DOTTED, 20, 0, false, false),
    KIND("glffct-", SCRUB_GITLAB_TOKEN, DOTTED, 20, 0, false, false),
};

static const struct kind at_dot[] = {
    KIND("SG.", SCRUB_SENDGRID_KEY, DOTTED, 60, 0, true, false),
    KIND("ya29.", SCRUB_GOOGLE_KEY, TOKEN, 20, 0, true, false),
    KIND("ya29.c.", SCRUB_GOOGLE_KEY, TOKEN, 20, 0, true, false),
    KIND("hvs.", SCRUB_SENSITIVE_KEY, TOKEN, 24, 0, true, false), /* Vault */
    KIND("hvb.", SCRUB_SENSITIVE_KEY, TOKEN, 24, 0, true, false),
};

static bool is_body(uint8_t c, enum body body)
{
    switch (body) {
    case ALNUM:
        return byte_is_alnum(c);
    case UPPER:
        return byte_is_upper(c) || byte_is_digit(c);
    case TOKEN:
        return byte_is_token(c);
    case DOTTED:
        return byte_is_token(c) || c == '.';
    }
    return false;
}

/* A full stop behind a token ends the sentence. The end of a word of token bytes is remembered: all
 * that begins within it ends there. */
static uint32_t body_end(struct scan *s, uint32_t start, enum body body, uint32_t most)
{
    if (body == TOKEN && start >= s->token_start && start < s->token_end)
        return s->token_end;
    uint32_t end = start, limit = most && s->end - start > most + 1 ? start + most + 1 : s->end;
    while (end < limit && is_body(s->s[end], body))
        end++;
    s->steps += end - start;
    if (body == TOKEN && limit == s->end) {
        s->token_start = start;
        s->token_end = end;
    }
    while (body == DOTTED && end > start && s->s[end - 1] == '.')
        end--;
    return end;
}

/* Whether what begins there is random enough to have a digit soon. */
static bool has_digit(struct scan *s, uint32_t start, uint32_t end)
{
    uint32_t limit = end - start > 64 ? start + 64 : end, at = start;
    while (at < limit && !byte_is_digit(s->s[at]))
        at++;
    s->steps += at - start;
    return at < limit;
}

/* ghp_xxxxxxxx…: of documentation. */
static bool is_one_letter(struct scan *s, uint32_t start, uint32_t end)
{
    uint32_t at = start;
    while (at < end && s->s[at] == s->s[start])
        at++;
    s->steps += at - start;
    return at == end;
}

/* Words have no digits; of those that are as long as a key there are none. */
static bool is_random(struct scan *s, const struct kind *k, uint32_t start, uint32_t end)
{
    bool long_key = k->class == SCRUB_OPENAI_KEY && k->body == ALNUM && end - start >= 40;
    return long_key || has_digit(s, start, end);
}

/* Whether a token may begin at `at`, though a word reaches into it: behind an escape (\n, %3D). */
static bool is_apart(const struct scan *s, uint32_t at)
{
    if (at == 0 || !(byte_is_alnum(s->s[at - 1]) || s->s[at - 1] == '_'))
        return true;
    if (at >= 2 && s->s[at - 2] == '\\')
        return true;
    return at >= 3 && s->s[at - 3] == '%' && byte_is_hex(s->s[at - 1]) && byte_is_hex(s->s[at - 2]);
}

/* An id of AWS's may stand between underscores, where words in capitals do as well: only those with
 * a digit are ids. */
static bool is_apart_as_id(struct scan *s, uint32_t start, uint32_t end)
{
    bool before = start > 0 && s->s[start - 1] == '_', behind = end < s->end && s->s[end] == '_';
    if ((before || behind) && !has_digit(s, start, end))
        return false;
    return (before || is_apart(s, start)) && !(end < s->end && byte_is_alnum(s->s[end]));
}

/* Whether `k` begins at `start`; its end, or 0. */
static uint32_t kind_end(struct scan *s, uint32_t start, const struct kind *k)
{
    if (!s->d->on[k->class] || s->end - start < k->len ||
        memcmp(s->s + start, k->prefix, k->len) != 0 ||
        (k->apart && k->class != SCRUB_AWS_KEY_ID && !is_apart(s, start)))
        return 0;
    uint32_t body = start + k->len;
    bool holds_jwt = k->class == SCRUB_GITHUB_TOKEN && scan_has_exactly(s, body, "eyJ");
    uint32_t end = body_end(s, body, holds_jwt ? DOTTED : k->body, k->most);
    uint32_t len = end - body;
    if (len < k->least || (k->most && len > k->most) || (k->random && !is_random(s, k, body, end)))
        return 0;
    if (k->class == SCRUB_AWS_KEY_ID && !is_apart_as_id(s, start, end))
        return 0;
    return is_one_letter(s, body, end) ? 0 : end;
}

static bool kind_at(struct scan *s, uint32_t start, const struct kind *kinds, size_t count,
                    uint32_t *end, enum scrub_class *class)
{
    for (size_t i = 0; i < count; i++) {
        bool begins = start < s->end && s->s[start] == (uint8_t)kinds[i].prefix[0];
        uint32_t found = begins ? kind_end(s, start, &kinds[i]) : 0;
        if (found) {
            *end = found;
            *class = kinds[i].class;
            return true;
        }
    }
    return false;
}

#define KIND_AT(s, start, kinds, end, class)                                                       \
    kind_at(s, start, kinds, sizeof kinds / sizeof kinds[0], end, class)

/* Any kind, where something is known to be a secret. */
bool token_at(struct scan *s, uint32_t start, uint32_t *end, enum scrub_class *class)
{
    if (s->end - start < SHORTEST)
        return false;
    if (s->d->on[SCRUB_JWT] && jwt_at(s, start, end)) {
        *class = SCRUB_JWT;
        return true;
    }
    if (scan_has_exactly(s, start, "xoxe.") && KIND_AT(s, start + 5, at_dash, end, class))
        return true;
    return KIND_AT(s, start, at_start, end, class) || KIND_AT(s, start, at_dash, end, class) ||
           KIND_AT(s, start, at_underscore, end, class) || KIND_AT(s, start, at_dot, end, class);
}

/* A kind whose prefix ends at `last`: all of them are tried whose prefix ends in the same byte as
 * what stands there, which are few. */
static bool prefix_ends_at(struct scan *s, uint32_t last, const struct kind *kinds, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t len = kinds[i].len;
        if (last + 1 < len || kinds[i].prefix[len - 2] != (char)s->s[last - 1] ||
            kinds[i].prefix[0] != (char)s->s[last + 1 - len])
            continue;
        uint32_t start = last + 1 - len, end;
        /* Rotated tokens of Slack have another name before theirs. */
        if (start >= s->floor && (end = kind_end(s, start, &kinds[i]))) {
            if (start >= s->floor + 5 && scan_has_exactly(s, start - 5, "xoxe.xox"))
                start -= 5;
            scan_add(s, start, end, kinds[i].class);
            return true;
        }
    }
    return false;
}

#define PREFIX_ENDS_AT(s, last, kinds)                                                             \
    prefix_ends_at(s, last, kinds, sizeof kinds / sizeof kinds[0])

/* The two bytes before the dash, or underscore, of all prefixes. */
static uint64_t endings[2][1024 / 64];
static pthread_once_t endings_once = PTHREAD_ONCE_INIT;

static unsigned ending(uint8_t before_last, uint8_t last)
{
    return (unsigned)(before_last & 0x1f) << 5 | (last & 0x1f);
}

static void note_endings(uint64_t *set, const struct kind *kinds, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *end = kinds[i].prefix + kinds[i].len;
        unsigned bit = ending((uint8_t)end[-3], (uint8_t)end[-2]);
        set[bit / 64] |= UINT64_C(1) << (bit % 64);
    }
}

static void find_endings(void)
{
    note_endings(endings[0], at_dash, sizeof at_dash / sizeof at_dash[0]);
    note_endings(endings[1], at_underscore, sizeof at_underscore / sizeof at_underscore[0]);
}

void tokens_prepare(void)
{
    pthread_once(&endings_once, find_endings);
}

static void separator_in_run(struct scan *s, uint32_t at)
{
    if (at < 2)
        return;
    unsigned bit = ending(s->s[at - 2], s->s[at - 1]);
    bool under = s->s[at] == '_';
    if (!(endings[under][bit / 64] >> (bit % 64) & 1) || !byte_is_alnum(s->s[at - 1]))
        return;
    if (under)
        PREFIX_ENDS_AT(s, at, at_underscore);
    else
        PREFIX_ENDS_AT(s, at, at_dash);
}

/* What begins at the start of a word, of the run or behind a separator in it. */
static void word_in_run(struct scan *s, uint32_t at)
{
    uint32_t end;
    enum scrub_class class;
    uint8_t c = at < s->end ? s->s[at] : 0;
    if (c == 'e' && s->d->on[SCRUB_JWT] && jwt_at(s, at, &end))
        scan_add(s, at, end, SCRUB_JWT);
    else if ((c == 'A' || c == 'G') && KIND_AT(s, at, at_start, &end, &class)) {
        scan_add(s, at, end, class);
        if (class == SCRUB_AWS_KEY_ID)
            aws_secret_behind(s, end);
    }
}

/* What stands before the run: SG. and ya29., 1//0 of Google's refresh tokens, hooks of Slack. */
static void before_run(struct scan *s, uint32_t start, uint32_t end)
{
    if (start == 0)
        return;
    if (s->s[start - 1] == '.')
        PREFIX_ENDS_AT(s, start - 1, at_dot);
    else if (s->s[start - 1] == '/' && s->d->on[SCRUB_GOOGLE_KEY] && start >= s->floor + 3 &&
             s->s[start] == '0' && end - start >= 40 && s->s[start - 2] == '/' &&
             s->s[start - 3] == '1' && (start == 3 || !byte_is_alnum(s->s[start - 4])))
        scan_add(s, start - 3, end, SCRUB_GOOGLE_KEY);
}

/* 123456789:AA… of Telegram's bots: as many digits as an id has, and 35 bytes. */
static void bot_token(struct scan *s, uint32_t start, uint32_t end)
{
    uint32_t id = start - 1;
    if (end - start != 35 || start < 9 || s->s[id] != ':' || s->s[start] != 'A' ||
        s->s[start + 1] != 'A')
        return;
    while (id > s->floor && start - id < 13 && byte_is_digit(s->s[id - 1]))
        id--;
    uint32_t digits = start - 1 - id;
    if (digits >= 8 && digits <= 10 &&
        (id == 0 || !byte_is_alnum(s->s[id - 1]) || scan_has_exactly(s, id - 1, "t")))
        scan_add(s, id, end, SCRUB_SENSITIVE_KEY);
}

/* hooks.slack.com/services/T…/B…/…: the path is the secret. Called at its last part. */
static void slack_hook(struct scan *s, uint32_t start, uint32_t end)
{
    static const char host[] = "hooks.slack.com/";
    uint32_t from = start > 64 ? start - 64 : 0;
    if (!s->d->on[SCRUB_SLACK_TOKEN] || start < 20 || s->s[start - 1] != '/')
        return;
    from = from < s->floor ? s->floor : from;
    if (from >= start) /* within what was found just now */
        return;
    const uint8_t *found = memmem(s->s + from, start - from, host, sizeof host - 1);
    if (!found)
        return;
    uint32_t path = (uint32_t)(found - s->s) + sizeof host - 1;
    const uint8_t *slash = memchr(s->s + path, '/', start - path);
    if (slash)
        scan_add(s, (uint32_t)(slash - s->s) + 1, end, SCRUB_SLACK_TOKEN);
}

void token_run_at(struct scan *s, uint32_t at)
{
    uint32_t start = at, end = at;
    if (at < s->run_end)
        return;
    while (start > s->floor && start > s->run_end && at - start < 16 &&
           byte_is_token(s->s[start - 1]))
        start--;
    if (has_uuid(s, start)) {
        s->run_end = start + UUID_LEN;
        if (s->run_end == s->end || !byte_is_token(s->s[s->run_end]))
            s->next = s->run_end;
        return;
    }
    before_run(s, start, start);
    if (s->next <= start)
        word_in_run(s, start);
    if (s->next <= start && start > 0 && (s->s[start - 1] == '\\' || s->s[start - 1] == '%'))
        word_in_run(s, start + (s->s[start - 1] == '%' ? 2 : 1));
    if (s->numbers && s->next <= start && start + MAC_LEN <= s->end && s->s[start + 2] == '-')
        mac_at(s, start);
    for (end = s->next > start ? s->next : start; end < s->end && byte_is_token(s->s[end]); end++) {
        if (s->s[end] != '-' && s->s[end] != '_')
            continue;
        separator_in_run(s, end);
        if (s->next <= end)
            word_in_run(s, end + 1);
        if (s->next > end)
            end = s->next - 1;
    }
    s->steps += end - start;
    if (s->next <= start) {
        before_run(s, start, end);
        slack_hook(s, start, end);
        bot_token(s, start, end);
    }
    if (s->next <= start)
        aws_secret_around(s, start);
    if (s->next <= start && start > s->floor && (s->s[start - 1] == '"' || s->s[start - 1] == '\''))
        listed_value_at(s, start - 1);
    s->run_end = end;
}

/* ---- JWT ---- */

static int base64_value(uint8_t c)
{
    if (byte_is_upper(c))
        return c - 'A';
    if (byte_is_letter(c))
        return c - 'a' + 26;
    if (byte_is_digit(c))
        return c - '0' + 52;
    return c == '-' || c == '+' ? 62 : 63;
}

/* Whether the base64url is the header of a JOSE object: JSON that names an algorithm, a type or a
 * key. Cursors and state of pages are base64 of JSON as well. */
static bool is_jose_header(const uint8_t *text, uint32_t len)
{
    static const char *const names[] = {"\"alg\"", "\"typ\"", "\"enc\"", "\"kid\""};
    uint8_t json[384] = {0};
    uint32_t held = 0, bits = 0, count = 0;
    for (uint32_t i = 0; i < len && count < sizeof json; i++) {
        held = held << 6 | (uint32_t)base64_value(text[i]);
        bits += 6;
        if (bits >= 8)
            json[count++] = (uint8_t)(held >> (bits -= 8));
    }
    if (count < 2 || json[0] != '{')
        return false;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (memmem(json, count, names[i], 5))
            return true;
    }
    return false;
}

/* A dot, encoded or not: its length; 0: there is none. */
static uint32_t dot_at(const struct scan *s, uint32_t at)
{
    if (at < s->end && s->s[at] == '.')
        return 1;
    return scan_has(s, at, "%2e") ? 3 : 0;
}

bool jwt_at(struct scan *s, uint32_t start, uint32_t *end)
{
    if (!scan_has_exactly(s, start, "eyJ") || !is_apart(s, start))
        return false;
    uint32_t at = body_end(s, start, TOKEN, 0);
    if (at - start < 12 || at - start > HEADER_MAX || !dot_at(s, at) ||
        !is_jose_header(s->s + start, at - start))
        return false;
    /* Three parts, five when encrypted; one that was cut off is one all the same. */
    unsigned parts = 1;
    for (uint32_t dot; parts < 5 && (dot = dot_at(s, at)); parts++)
        at = body_end(s, at + dot, TOKEN, 0);
    if (parts < 3 && at < s->end)
        return false;
    *end = s->s[at - 1] == '.' && parts > 3 ? at - 1 : at;
    return true;
}
