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

static enum key_kind kind_of(struct bytes key)
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

static bool ends_with(struct bytes key, const char *end)
{
    size_t len = strlen(end);
    return key.len >= len && memcmp(key.data + key.len - len, end, len) == 0;
}

static bool contains(struct bytes key, const char *part)
{
    return memmem(key.data, key.len, part, strlen(part)) != NULL;
}

static bool is_phone_key(struct bytes key)
{
    return contains(key, "phone") || contains(key, "Phone") || contains(key, "mobile") ||
           contains(key, "msisdn") || ends_with(key, "tel") || ends_with(key, "fax");
}

static bool is_version_key(struct bytes key)
{
    return contains(key, "version") || contains(key, "Version") || contains(key, "user_agent") ||
           contains(key, "user-agent") || contains(key, "User-Agent");
}

static bool is_query_text(struct bytes key)
{
    return bytes_equal_string(key, "db.query.text") || bytes_equal_string(key, "db.statement") ||
           bytes_equal_string(key, "sql") || bytes_equal_string(key, "sql.query") ||
           bytes_equal_string(key, "db.query.summary") || bytes_equal_string(key, "db.query");
}

/* Attributes that hold a path with a query, or a query alone: `key=value` in them are parameters.
 */
static bool is_target(struct bytes key)
{
    return bytes_equal_string(key, "http.target") || bytes_equal_string(key, "url.query") ||
           bytes_equal_string(key, "url.path") || bytes_equal_string(key, "http.path") ||
           bytes_equal_string(key, "url.original") || bytes_equal_string(key, "http.route") ||
           bytes_equal_string(key, "http.request.uri");
}

static struct key_traits classify(struct bytes key)
{
    return (struct key_traits){.kind = (uint8_t)kind_of(key),
                               .query = is_query_text(key),
                               .version = is_version_key(key),
                               .phone = is_phone_key(key),
                               .target = is_target(key)};
}

/* ---- remembering ---- */

enum { REMEMBERED = 512, REMEMBERED_LEN = 56 };

struct remembered {
    uint8_t len; /* 0: nothing */
    struct key_traits traits;
    uint8_t key[REMEMBERED_LEN];
};

static inline uint64_t load(const uint8_t *at, size_t len)
{
    uint64_t v = 0;
    memcpy(&v, at, len);
    return v;
}

/* Of the ends and the length: two keys that agree in these take turns. */
static inline size_t place_of(struct bytes key)
{
    uint64_t first = load(key.data, key.len < 8 ? key.len : 8);
    uint64_t last = key.len < 8 ? 0 : load(key.data + key.len - 8, 8);
    uint64_t mixed = (first * 0x9e3779b97f4a7c15u) ^ (last * 0xc2b2ae3d27d4eb4fu) ^ key.len;
    return (size_t)((mixed * 0x9e3779b97f4a7c15u) >> 55);
}

struct key_traits key_traits(struct bytes key)
{
    static _Thread_local struct remembered remembered[REMEMBERED];
    if (key.len < 3)
        return (struct key_traits){0};
    if (key.len > REMEMBERED_LEN)
        return classify(key);
    struct remembered *r = &remembered[place_of(key)];
    if (r->len == key.len && memcmp(r->key, key.data, key.len) == 0)
        return r->traits;
    *r = (struct remembered){.len = (uint8_t)key.len, .traits = classify(key)};
    memcpy(r->key, key.data, key.len);
    return r->traits;
}
