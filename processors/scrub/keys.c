/* Names that say that their value is nobody's business: taken apart into words, whatever way they
 * are joined (snake_case, camelCase, kebab-case, dots), and looked up. So `author` is no `auth`,
 * and `max_tokens` no token. */
#include "processors/scrub/detect_private.h"

enum { WORDS_MAX = 16, WORD_MAX = 20 };

struct words {
    char items[WORDS_MAX][WORD_MAX];
    size_t count;
};

static bool is_upper(uint8_t c)
{
    return c >= 'A' && c <= 'Z';
}

static void split(struct bytes key, struct words *w)
{
    size_t len = 0;
    w->count = 0;
    for (size_t i = 0; i <= key.len && w->count < WORDS_MAX; i++) {
        uint8_t c = i < key.len ? key.data[i] : '.';
        bool breaks = !is_alnum(c);
        bool hump = i > 0 && is_upper(c) &&
                    (!is_upper(key.data[i - 1]) ||
                     (i + 1 < key.len && key.data[i + 1] >= 'a' && key.data[i + 1] <= 'z'));
        if ((breaks || hump) && len > 0) {
            w->items[w->count++][len] = 0;
            len = 0;
        }
        if (!breaks && w->count < WORDS_MAX && len + 1 < WORD_MAX)
            w->items[w->count][len++] = (char)(is_letter(c) ? c | 0x20 : c);
    }
}

static bool one_of(const char *word, const char *const *list)
{
    for (; *list; list++) {
        if (strcmp(word, *list) == 0)
            return true;
    }
    return false;
}

/* Alone they say it. */
static const char *const secrets[] = {"password",
                                      "passwd",
                                      "pwd",
                                      "passphrase",
                                      "passcode",
                                      "secret",
                                      "secrets",
                                      "token",
                                      "apikey",
                                      "credential",
                                      "credentials",
                                      "authorization",
                                      "privatekey",
                                      "accesskey",
                                      "secretkey",
                                      "sessionid",
                                      "sessid",
                                      "jwt",
                                      "bearer",
                                      "otp",
                                      "cvv",
                                      "cvc",
                                      "csrf",
                                      "xsrf",
                                      "csrftoken",
                                      "xsrftoken",
                                      "accesstoken",
                                      "refreshtoken",
                                      "idtoken",
                                      "authtoken",
                                      "clientsecret",
                                      "phpsessid",
                                      "jsessionid",
                                      "signature",
                                      "pass",
                                      "pin",
                                      "sessiontoken",
                                      "mysqlpwd",
                                      "pgpassword",
                                      "apitoken",
                                      "totp",
                                      "mfa",
                                      NULL};

/* Two words that say it together. */
static const char *const pairs[][2] = {
    {"api", "key"},     {"private", "key"},      {"access", "key"},  {"secret", "key"},
    {"session", "id"},  {"encryption", "key"},   {"signing", "key"}, {"auth", "key"},
    {"account", "key"}, {"shared", "key"},       {"master", "key"},  {"security", "code"},
    {"x", "auth"},      {"api", "secret"},       {"session", "key"}, {"storage", "key"},
    {"service", "key"}, {"subscription", "key"}, {"license", "key"}, {"host", "key"},
    {NULL, NULL}};

/* Behind such a word it is about the secret, and not it: token_type, password_length, tokens_used.
 */
static const char *const about[] = {
    "type",      "count",   "length",   "len",      "size",    "limit",    "usage",    "name",
    "expiry",    "expires", "expired",  "ttl",      "policy",  "id",       "provider", "format",
    "algorithm", "enabled", "required", "reset",    "changed", "strength", "status",   "version",
    "max",       "min",     "total",    "kind",     "hint",    "hash",     "endpoint", "url",
    "uri",       "path",    "method",   "valid",    "present", "attempts", "budget",   "age",
    "issuer",    "scope",   "at",       "duration", "seconds", "ms",       "index",    "offset",
    "manager",   "store",   "error",    "field",    "exists",  "source",   "target",   "arn",
    "ref",       "service", "server",   NULL};

/* Before such a word: counts of tokens, keys of data. */
static const char *const not_tokens[] = {
    "max",   "min",  "total", "input",        "output",       "prompt", "completion",
    "usage", "next", "page",  "continuation", "cancellation", "cached", "reasoning",
    "num",   "sync", NULL};

static bool is_secret(const struct words *w, size_t i)
{
    const char *next = i + 1 < w->count ? w->items[i + 1] : "";
    if (one_of(w->items[i], secrets)) {
        bool token = strcmp(w->items[i], "token") == 0;
        if (one_of(next, about) && !(token && strcmp(next, "id") == 0 && false))
            return false;
        return !(token && i > 0 && one_of(w->items[i - 1], not_tokens));
    }
    for (size_t p = 0; pairs[p][0]; p++) {
        if (strcmp(w->items[i], pairs[p][0]) == 0 && strcmp(next, pairs[p][1]) == 0)
            return i + 2 >= w->count || !one_of(w->items[i + 2], about);
    }
    return false;
}

enum key_kind key_kind(struct bytes key)
{
    struct words w;
    if (key.len < 3 || key.len > 256)
        return KEY_PLAIN;
    split(key, &w);
    for (size_t i = 0; i < w.count; i++) {
        bool header = w.count >= 2 && i + 1 == w.count && strcmp(w.items[0], "http") == 0;
        if (strcmp(w.items[i], "cookie") == 0 || strcmp(w.items[i], "cookies") == 0 ||
            strcmp(w.items[i], "setcookie") == 0)
            return i + 1 == w.count ? KEY_COOKIE : KEY_PLAIN;
        if (header && strcmp(w.items[i], "auth") == 0)
            return KEY_SENSITIVE;
        if (is_secret(&w, i))
            return KEY_SENSITIVE;
    }
    return KEY_PLAIN;
}
