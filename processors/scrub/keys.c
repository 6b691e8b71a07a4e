/* One table of words, each with what it means; a few rules for words that mean something only
 * together, or nothing beside certain others. The table is searched for keys that this thread has
 * not seen lately: spans repeat their keys, so nearly all answers come from the cache. */
#include "processors/scrub/keys.h"

#include "processors/scrub/key_phones.h"
#include "proto/word.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { WORDS_MAX = 16, WORD_MAX = 40, SETS = 128, WAYS = 4, CACHED_MAX = 56 };

/* What a word is, for the rules below. */
enum word_kind {
    SECRET = 1 << 0,   /* says it alone */
    TOKEN = 1 << 1,    /* says it as the last word */
    KEY = 1 << 2,      /* behind an OF_KEY */
    OF_KEY = 1 << 3,   /* api, private, … key */
    CODE = 1 << 4,     /* behind an OF_CODE */
    OF_CODE = 1 << 5,  /* verification, sms, … code */
    ABOUT = 1 << 6,    /* behind a secret: it is about it, and not it */
    COUNTED = 1 << 7,  /* before a token: a number, or a place in a list */
    QUESTION = 1 << 8, /* before anything: has_password is a boolean */
    ID = 1 << 9,       /* id, and what else ends the name of an identifier */
    SESSION = 1 << 10, /* behind it, id makes a session id */
    COOKIE = 1 << 11,
    SESSION_ID = 1 << 12, /* a session cookie's name */
    PHONE = 1 << 13,
    SSN = 1 << 14,
    CARD = 1 << 15,
    VERSION = 1 << 16,
    NUMBER = 1 << 17, /* order, offset, time: digits of their own */
    PASS = 1 << 18,   /* pass, pw, pin: alone, or behind whose it is */
    OWNER = 1 << 19,  /* db, user, … pass */
    AUTH = 1 << 20,   /* authorization */
    AWS = 1 << 21,
    MAC = 1 << 22,
    URL_ONLY = 1 << 23, /* sig, signature, ticket, … */
    MAYBE = 1 << 24,
    PROGRAM = 1 << 25,
    TAIL = 1 << 26, /* may stand behind a secret, which stays one */
    NATIONAL = 1 << 27,
    ORDER = 1 << 28, /* numbers in groups like those of people */
    MATTERS = SECRET | TOKEN | KEY | CODE | ID | COOKIE | SESSION_ID | PHONE | SSN | CARD | PASS |
              AUTH | URL_ONLY | MAYBE,
};

struct word {
    const char *text;
    unsigned kind;
};

/* Sorted by strcmp. */
static const struct word table[] = {
    {"2fa", OF_CODE},
    {"aadhaar", NATIONAL},
    {"access", OF_KEY | OF_CODE},
    {"accesskey", SECRET | AWS},
    {"accesstoken", SECRET},
    {"account", OF_KEY | OWNER},
    {"admin", OF_KEY | OWNER},
    {"age", ABOUT},
    {"algorithm", ABOUT},
    {"allow", QUESTION},
    {"allowed", ABOUT},
    {"answer", CODE},
    {"api", OF_KEY},
    {"apikey", SECRET},
    {"apikeys", SECRET},
    {"apitoken", SECRET},
    {"app", OWNER},
    {"arn", ABOUT},
    {"aspsessionid", SESSION_ID},
    {"assertion", URL_ONLY},
    {"at", ABOUT | NUMBER},
    {"atm", OWNER},
    {"attempt", ABOUT | NUMBER},
    {"attempts", ABOUT | NUMBER},
    {"auth", OF_KEY | OF_CODE | OWNER},
    {"authkey", SECRET},
    {"authorization", AUTH | OF_CODE},
    {"authtoken", SECRET},
    {"aws", AWS},
    {"awsaccesskeyid", URL_ONLY},
    {"backup", OF_CODE},
    {"balance", ABOUT},
    {"batch", NUMBER},
    {"bearer", SECRET},
    {"bearertoken", SECRET},
    {"brands", VERSION},
    {"browser", VERSION},
    {"budget", ABOUT},
    {"build", VERSION | NUMBER},
    {"bytes", ABOUT | NUMBER},
    {"cache", COUNTED},
    {"cached", COUNTED},
    {"callback", ABOUT},
    {"can", QUESTION},
    {"cancellation", COUNTED},
    {"card", CARD | OWNER},
    {"cardcvc", SECRET},
    {"cardcvv", SECRET},
    {"cardnumber", CARD},
    {"cc", CARD},
    {"change", ABOUT},
    {"changed", ABOUT},
    {"chart", VERSION},
    {"citizen", NATIONAL},
    {"class", ABOUT},
    {"client", OF_KEY | OWNER},
    {"clientsecret", SECRET},
    {"code", CODE},
    {"completion", COUNTED},
    {"confirm", TAIL},
    {"confirmation", TAIL},
    {"connectsid", SESSION_ID},
    {"consumer", OF_KEY},
    {"continuation", COUNTED},
    {"contrasena", SECRET},
    {"contraseña", SECRET},
    {"cookie", COOKIE},
    {"cookies", COOKIE},
    {"correlation", NUMBER},
    {"count", ABOUT | COUNTED | NUMBER},
    {"counter", ABOUT | NUMBER},
    {"cpf", NATIONAL},
    {"created", ABOUT | NUMBER},
    {"credential", SECRET},
    {"credentials", SECRET},
    {"credit", CARD},
    {"creditcard", CARD},
    {"creds", SECRET},
    {"crypto", OF_KEY},
    {"csrf", SECRET},
    {"csrfmiddlewaretoken", SECRET},
    {"csrftoken", SECRET},
    {"current", TAIL},
    {"cursor", COUNTED},
    {"cvc", SECRET},
    {"cvc2", SECRET},
    {"cvv", SECRET},
    {"cvv2", SECRET},
    {"data", TAIL},
    {"database", OWNER},
    {"date", ABOUT | NUMBER},
    {"db", OWNER},
    {"decision", ABOUT},
    {"decryption", OF_KEY},
    {"delay", ABOUT | NUMBER},
    {"deploy", OF_KEY},
    {"digest", NUMBER},
    {"disabled", ABOUT},
    {"dni", NATIONAL},
    {"driver", VERSION},
    {"duration", ABOUT | NUMBER},
    {"elapsed", NUMBER},
    {"email", OF_CODE},
    {"enabled", ABOUT},
    {"encrypted", TAIL},
    {"encryption", OF_KEY},
    {"endpoint", ABOUT},
    {"epoch", NUMBER},
    {"error", ABOUT},
    {"event", NUMBER},
    {"exists", ABOUT},
    {"expected", ABOUT},
    {"expiration", ABOUT},
    {"expired", ABOUT},
    {"expires", ABOUT},
    {"expiry", ABOUT},
    {"failed", ABOUT},
    {"failures", ABOUT},
    {"field", ABOUT},
    {"filename", ABOUT},
    {"fingerprint", ABOUT},
    {"firmware", VERSION},
    {"flow", ABOUT},
    {"format", ABOUT},
    {"found", ABOUT},
    {"ftp", OWNER},
    {"function", ABOUT | PROGRAM},
    {"functions", OF_KEY},
    {"googleaccessid", URL_ONLY},
    {"has", QUESTION},
    {"hash", TAIL},
    {"haslo", SECRET},
    {"hasło", SECRET},
    {"header", TAIL},
    {"headers", TAIL},
    {"heslo", SECRET},
    {"hint", ABOUT},
    {"hmac", OF_KEY | URL_ONLY},
    {"id", ID | ABOUT | NUMBER},
    {"idempotency", NUMBER},
    {"ids", ID | ABOUT | NUMBER},
    {"idtoken", SECRET},
    {"image", VERSION},
    {"index", ABOUT | NUMBER},
    {"input", COUNTED},
    {"invalid", ABOUT},
    {"invoice", NUMBER | ORDER},
    {"is", QUESTION},
    {"issued", ABOUT},
    {"issuer", ABOUT},
    {"jsessionid", SESSION_ID},
    {"jwt", SECRET | OF_KEY},
    {"kennwort", SECRET},
    {"key", KEY | MAYBE},
    {"keys", KEY},
    {"kind", ABOUT},
    {"latency", NUMBER},
    {"ldap", OWNER},
    {"len", ABOUT},
    {"length", ABOUT | NUMBER},
    {"library", VERSION},
    {"license", OF_KEY},
    {"lifetime", ABOUT},
    {"limit", ABOUT | COUNTED | NUMBER},
    {"location", ABOUT},
    {"mac", MAC},
    {"macaddress", MAC},
    {"mail", OWNER},
    {"manager", ABOUT},
    {"master", OF_KEY | OWNER},
    {"max", QUESTION | COUNTED},
    {"mdp", SECRET},
    {"memory", NUMBER},
    {"method", ABOUT},
    {"mfa", OF_CODE},
    {"micros", NUMBER},
    {"millis", NUMBER},
    {"min", QUESTION | COUNTED},
    {"missing", ABOUT},
    {"mode", ABOUT},
    {"motdepasse", SECRET},
    {"ms", ABOUT | NUMBER},
    {"mysql", OWNER},
    {"name", ABOUT},
    {"names", ABOUT},
    {"namespace", ABOUT | PROGRAM},
    {"nanos", NUMBER},
    {"needs", QUESTION},
    {"new", TAIL},
    {"next", COUNTED},
    {"nhs", NATIONAL},
    {"nie", NATIONAL},
    {"nif", NATIONAL},
    {"no", NUMBER},
    {"ns", NUMBER},
    {"num", QUESTION | COUNTED},
    {"number", NUMBER},
    {"oauth", OF_KEY | OF_CODE},
    {"offset", ABOUT | NUMBER},
    {"old", TAIL},
    {"order", NUMBER | ORDER},
    {"otp", SECRET | OF_CODE},
    {"output", COUNTED},
    {"page", COUNTED},
    {"pagination", COUNTED},
    {"pan", CARD},
    {"parcel", NUMBER | ORDER},
    {"pass", PASS},
    {"passcode", SECRET},
    {"passphrase", SECRET},
    {"passwd", SECRET},
    {"password", SECRET},
    {"passwords", SECRET},
    {"passwort", SECRET},
    {"path", ABOUT},
    {"patient", NATIONAL},
    {"pesel", NATIONAL},
    {"phpsessid", SESSION_ID},
    {"pin", PASS | OF_CODE},
    {"plain", TAIL},
    {"plaintext", TAIL},
    {"policy", ABOUT},
    {"present", ABOUT},
    {"private", OF_KEY},
    {"privatekey", SECRET},
    {"prompt", COUNTED},
    {"provider", ABOUT},
    {"proxy", OWNER},
    {"public", QUESTION},
    {"pw", PASS},
    {"pwd", SECRET},
    {"queue", NUMBER},
    {"raw", TAIL},
    {"reasoning", COUNTED},
    {"recovery", OF_CODE | OF_KEY},
    {"redis", OWNER},
    {"ref", ABOUT | NUMBER},
    {"reference", ABOUT | NUMBER},
    {"refreshtoken", SECRET},
    {"release", VERSION},
    {"request", NUMBER},
    {"required", ABOUT},
    {"requires", QUESTION},
    {"reset", ABOUT | OF_CODE},
    {"result", ABOUT},
    {"revision", VERSION},
    {"revoked", ABOUT},
    {"root", OF_KEY | OWNER},
    {"rotation", ABOUT},
    {"rsa", OF_KEY},
    {"runtime", VERSION},
    {"samlrequest", URL_ONLY},
    {"samlresponse", URL_ONLY},
    {"schema", VERSION},
    {"scheme", ABOUT},
    {"scope", ABOUT},
    {"scopes", ABOUT},
    {"sdk", VERSION},
    {"secret", SECRET | OF_KEY},
    {"secretkey", SECRET | AWS},
    {"secrets", SECRET},
    {"security", OF_CODE | OWNER | OF_KEY},
    {"senha", SECRET},
    {"sent", ABOUT | NUMBER},
    {"sequence", NUMBER},
    {"serial", NUMBER},
    {"server", ABOUT},
    {"service", OF_KEY | ABOUT | OWNER},
    {"sess", SESSION},
    {"sessid", SESSION_ID},
    {"session", SESSION | OF_KEY},
    {"sessionid", SESSION_ID},
    {"sessiontoken", SECRET},
    {"shared", OF_KEY},
    {"sid", SESSION_ID | TAIL},
    {"sig", URL_ONLY},
    {"signature", URL_ONLY},
    {"signing", OF_KEY},
    {"size", ABOUT | NUMBER},
    {"sms", OF_CODE},
    {"smtp", OWNER},
    {"social", SSN},
    {"source", ABOUT},
    {"span", NUMBER},
    {"ssh", OF_KEY | OWNER},
    {"ssn", SSN},
    {"state", ABOUT},
    {"status", ABOUT},
    {"storage", OF_KEY},
    {"store", ABOUT},
    {"strategy", ABOUT},
    {"strength", ABOUT},
    {"string", TAIL},
    {"subscription", OF_KEY},
    {"sync", COUNTED},
    {"taxpayer", NATIONAL},
    {"ticket", NUMBER | ORDER | MAYBE},
    {"time", NUMBER | ABOUT},
    {"timestamp", NUMBER},
    {"token", TOKEN},
    {"total", QUESTION | COUNTED},
    {"totp", SECRET | OF_CODE},
    {"trace", NUMBER},
    {"tracking", NUMBER | ORDER},
    {"transaction", NUMBER},
    {"ts", NUMBER},
    {"ttl", ABOUT | NUMBER},
    {"txn", NUMBER},
    {"type", ABOUT},
    {"update", ABOUT},
    {"updated", ABOUT},
    {"uri", ABOUT},
    {"url", ABOUT},
    {"us", NUMBER},
    {"usage", ABOUT | COUNTED},
    {"usec", NUMBER},
    {"used", ABOUT | NUMBER},
    {"user", OWNER},
    {"username", ABOUT},
    {"usertoken", SECRET},
    {"valid", ABOUT},
    {"validation", ABOUT},
    {"value", TAIL},
    {"verification", OF_CODE},
    {"verifier", URL_ONLY},
    {"version", ABOUT | VERSION},
    {"wachtwoord", SECRET},
    {"webhook", OF_KEY},
    {"xsrf", SECRET},
    {"xsrftoken", SECRET},
    {"пароль", SECRET},
    {"パスワード", SECRET},
    {"密码", SECRET},
    {"密碼", SECRET},
    {"비밀번호", SECRET},
};

struct words {
    char text[WORDS_MAX][WORD_MAX];
    unsigned kind[WORDS_MAX];
    size_t count;
};

static bool is_upper(uint8_t c)
{
    return (uint8_t)(c - 'A') <= 25;
}

static bool is_lower(uint8_t c)
{
    return (uint8_t)(c - 'a') <= 25;
}

static bool is_digit(uint8_t c)
{
    return (uint8_t)(c - '0') <= 9;
}

static bool is_part(uint8_t c)
{
    return is_upper(c) || is_lower(c) || is_digit(c) || c >= 0x80;
}

static int compare_word(const void *text, const void *word)
{
    return strcmp(text, ((const struct word *)word)->text);
}

static unsigned kind_in_table(const char *text)
{
    const struct word *w =
        bsearch(text, table, sizeof table / sizeof table[0], sizeof table[0], compare_word);
    return w ? w->kind : is_phone_word(text) ? PHONE : 0;
}

/* What two words written as one are: dbpassword, logintoken, accountkey, dbpass. Not haspassword,
 * nexttoken, monkey, bypass: the first has to go with the second. */
static unsigned kind_of_glued(char *text, size_t len)
{
    static const struct {
        const char *end;
        unsigned kind, wants, refuses; /* of the word before; 0: whatever it is */
    } ends[] = {
        {"password", SECRET, 0, QUESTION},
        {"passwords", SECRET, 0, QUESTION},
        {"passwd", SECRET, 0, QUESTION},
        {"passphrase", SECRET, 0, QUESTION},
        {"passcode", SECRET, 0, QUESTION},
        {"secret", SECRET, 0, QUESTION},
        {"secrets", SECRET, 0, QUESTION},
        {"credentials", SECRET, 0, QUESTION},
        {"privatekey", SECRET, 0, QUESTION},
        {"secretkey", SECRET, 0, QUESTION},
        {"accesskey", SECRET, 0, QUESTION},
        {"apikey", SECRET, 0, QUESTION},
        {"token", TOKEN, 0, COUNTED | ABOUT | QUESTION},
        {"key", SECRET, OF_KEY, QUESTION},
        {"pass", SECRET, OWNER, 0},
        {"pwd", SECRET, OWNER, 0},
    };
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        size_t tail = strlen(ends[i].end);
        if (len <= tail || memcmp(text + len - tail, ends[i].end, tail) != 0)
            continue;
        char first = text[len - tail];
        text[len - tail] = 0;
        unsigned before = kind_in_table(text);
        text[len - tail] = first;
        if (!(before & ends[i].refuses) && (!ends[i].wants || before & ends[i].wants))
            return ends[i].kind;
    }
    return 0;
}

/* password2 is a password. */
static unsigned kind_of(char *text, size_t len)
{
    unsigned kind;
    do {
        text[len] = 0;
        kind = kind_in_table(text);
    } while (!kind && len > 1 && is_digit((uint8_t)text[--len]));
    return kind ? kind : kind_of_glued(text, strlen(text));
}

/* A word ends before what is no part of one, and before a hump: aB, and ABc. A word that is too
 * long to be in the table is cut; of too many words the first go. */
static void split(struct bytes key, struct words *w)
{
    size_t len = 0;
    w->count = 0;
    for (size_t i = 0; i <= key.len; i++) {
        uint8_t c = i < key.len ? key.data[i] : '.';
        bool hump = len > 0 && is_upper(c) &&
                    (!is_upper(key.data[i - 1]) || (i + 1 < key.len && is_lower(key.data[i + 1])));
        if (len > 0 && (hump || !is_part(c))) {
            w->kind[w->count] = kind_of(w->text[w->count], len);
            w->count++;
            len = 0;
        }
        if (w->count == WORDS_MAX) {
            w->count--;
            memmove(w->text, w->text + 1, w->count * sizeof w->text[0]);
            memmove(w->kind, w->kind + 1, w->count * sizeof w->kind[0]);
        }
        if (is_part(c) && len + 1 < WORD_MAX)
            w->text[w->count][len++] = (char)(is_upper(c) ? c | 0x20 : c);
    }
}

static bool any_about(const struct words *w, size_t from)
{
    for (size_t i = from; i < w->count; i++) {
        if (w->kind[i] & ABOUT)
            return true;
    }
    return false;
}

/* Whether the words from `i` on name a secret. */
static bool names_secret(const struct words *w, size_t i)
{
    unsigned kind = w->kind[i];
    unsigned before = i > 0 ? w->kind[i - 1] : 0;
    unsigned behind = i + 1 < w->count ? w->kind[i + 1] : 0;
    bool last = i + 1 == w->count;
    if (kind & SECRET) {
        /* Vault's secret_id is the secret, not its name. */
        bool vault = w->count == 2 && i == 0 && strcmp(w->text[0], "secret") == 0 && behind & ID;
        return vault || !any_about(w, i + 1);
    }
    if (kind & TOKEN)
        return !(before & COUNTED) && !any_about(w, i + 1) && (last || !(behind & COUNTED));
    if ((kind & OF_KEY) && (behind & KEY))
        return !any_about(w, i + 2);
    if ((kind & OF_CODE) && (behind & CODE))
        return !any_about(w, i + 2);
    if (kind & PASS)
        return last && (i == 0 || (before & OWNER) || strcmp(w->text[i], "pw") == 0);
    if (kind & SESSION)
        return (behind & ID) && i + 2 == w->count;
    return false;
}

/* `sid` is a session's only alone and in connect.sid: account_sid is an identifier. */
static bool is_session_sid(const struct words *w)
{
    return w->count == 1 || (w->count == 2 && strcmp(w->text[0], "connect") == 0);
}

static bool ends_in_secret_key(const struct words *w)
{
    if (w->count < 2 || !(w->kind[w->count - 1] & KEY))
        return false;
    const char *before = w->text[w->count - 2];
    return strcmp(before, "access") == 0 || strcmp(before, "secret") == 0;
}

/* Names that are known in one piece, though they have humps: SAMLResponse, AWSAccessKeyId. */
static unsigned kind_of_joined(const struct words *w)
{
    char text[2 * WORD_MAX];
    size_t len = 0;
    for (size_t i = 0; i < w->count && len < WORD_MAX; i++)
        len += (size_t)snprintf(text + len, WORD_MAX, "%s", w->text[i]);
    return len < WORD_MAX ? kind_of(text, len) & (URL_ONLY | SESSION_ID) : 0;
}

static bool is_word_number(const char *text)
{
    return strcmp(text, "number") == 0 || strcmp(text, "no") == 0 || strcmp(text, "nr") == 0;
}

/* mobile_app.build, phone.type: what is about phones, and no number of one. */
static bool is_other_number(const struct words *w, unsigned last)
{
    return last & (ABOUT | VERSION) || (last & NUMBER && !is_word_number(w->text[w->count - 1]));
}

static bool is_number_of_call(const struct words *w)
{
    if (w->count < 2)
        return false;
    const char *last = w->text[w->count - 1], *before = w->text[w->count - 2];
    return (is_word_number(last) && is_on_the_phone(before)) ||
           (is_on_the_phone(last) && (strcmp(before, "sms") == 0 || strcmp(before, "call") == 0));
}

/* driver.ip, although drivers have versions. */
static bool is_address(const char *text)
{
    return strcmp(text, "ip") == 0 || strcmp(text, "addr") == 0 || strcmp(text, "address") == 0 ||
           strcmp(text, "host") == 0 || strcmp(text, "peer") == 0;
}

static unsigned traits_of_words(const struct words *w)
{
    unsigned traits = 0, all = 0;
    for (size_t i = 0; i < w->count; i++) {
        all |= w->kind[i];
        if (names_secret(w, i))
            traits |= KEY_SENSITIVE;
    }
    if (w->count == 0)
        return 0;
    unsigned first = w->kind[0], last = w->kind[w->count - 1];
    if (w->count > 1)
        last |= kind_of_joined(w);
    bool public_secret = last & SECRET && strcmp(w->text[0], "public") == 0;
    if (first & QUESTION && !public_secret)
        traits = 0;
    if (last & AUTH)
        traits |= KEY_AUTHORIZATION | KEY_SENSITIVE;
    if (last & COOKIE)
        traits |= KEY_COOKIE;
    if (last & SESSION_ID && (!(last & TAIL) || is_session_sid(w)))
        traits |= KEY_SESSION;
    if (traits & KEY_SENSITIVE && (all & AWS || ends_in_secret_key(w)))
        traits |= KEY_AWS_SECRET;
    if (last & URL_ONLY)
        traits |= KEY_PARAMETER;
    if (w->count == 1 && last & (MAYBE | CODE))
        traits |= KEY_MAYBE;
    if ((all & PHONE && !is_other_number(w, last)) || is_number_of_call(w))
        traits |= KEY_PHONE;
    if (all & SSN)
        traits |= KEY_SSN;
    if (all & CARD)
        traits |= KEY_CARD;
    if (all & MAC)
        traits |= KEY_MAC;
    if (all & NATIONAL)
        traits |= KEY_NATIONAL;
    if (last & NUMBER && !(all & (CARD | PHONE | SSN | NATIONAL)))
        traits |= KEY_NUMBER;
    if (all & ORDER)
        traits |= KEY_ORDER;
    if (all & VERSION && !is_address(w->text[w->count - 1]))
        traits |= KEY_VERSION;
    if (all & PROGRAM)
        traits |= KEY_CODE;
    return traits;
}

static bool ends_with(struct bytes key, const char *end)
{
    size_t len = strlen(end);
    return key.len >= len && memcmp(key.data + key.len - len, end, len) == 0;
}

static bool begins_with(struct bytes key, const char *begin)
{
    size_t len = strlen(begin);
    return key.len > len && memcmp(key.data, begin, len) == 0;
}

/* Keys that are known by their whole name. */
static unsigned traits_of_name(struct bytes key)
{
    static const struct {
        const char *name;
        unsigned traits;
    } names[] = {
        {"db.query.text", KEY_DATABASE},
        {"db.statement", KEY_DATABASE},
        {"db.query", KEY_DATABASE},
        {"db.sql", KEY_DATABASE},
        {"sql", KEY_DATABASE},
        {"sql.query", KEY_DATABASE},
        {"sql.text", KEY_DATABASE},
        {"cassandra.query", KEY_DATABASE},
        {"redis.command", KEY_DATABASE},
        {"redis.raw_command", KEY_DATABASE},
        {"memcached.command", KEY_DATABASE},
        {"mongodb.query", KEY_DATABASE},
        {"elasticsearch.body", KEY_DATABASE},
        {"opensearch.body", KEY_DATABASE},
        {"url.query", KEY_QUERY},
        {"http.query", KEY_QUERY},
        {"http.query_string", KEY_QUERY},
        {"query_string", KEY_QUERY},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (bytes_equal_string(key, names[i].name))
            return names[i].traits;
    }
    if (ends_with(key, "user_agent.original") || ends_with(key, "user_agent") ||
        ends_with(key, "user-agent") || ends_with(key, "User-Agent") || ends_with(key, "useragent"))
        return KEY_USER_AGENT | KEY_VERSION;
    if (begins_with(key, "db.query.parameter.") || begins_with(key, "db.operation.parameter."))
        return KEY_DATABASE_VALUE;
    if (ends_with(key, ".x-auth") || ends_with(key, ".x_auth") || bytes_equal_string(key, "x-auth"))
        return KEY_AUTHORIZATION | KEY_SENSITIVE;
    return 0;
}

static unsigned work_out(struct bytes key)
{
    struct words w;
    /* OpenTelemetry's own: the visit of a browser or device, which opens nothing. */
    if (bytes_equal_string(key, "session.id") || bytes_equal_string(key, "session.previous_id"))
        return KEY_NUMBER;
    split(key, &w);
    return traits_of_words(&w) | traits_of_name(key);
}

/* A few keys whose hashes fall together are kept side by side: two that spans use all the time
 * would else drive each other out. */
struct cached {
    uint32_t traits;
    uint8_t len; /* 0: empty */
    uint8_t key[CACHED_MAX];
};

struct cache_set {
    struct cached key[WAYS];
    unsigned next; /* to be given up */
};

unsigned key_traits(struct bytes key)
{
    static _Thread_local struct cache_set cache[SETS];
    if (key.len == 0)
        return 0;
    if (key.len > CACHED_MAX)
        return work_out(key);
    struct cache_set *set = &cache[word_hash(key) % SETS];
    for (unsigned i = 0; i < WAYS; i++) {
        const struct cached *c = &set->key[i];
        if (c->len == key.len && words_are_same(c->key, key.data, key.len))
            return c->traits;
    }
    struct cached *c = &set->key[set->next++ % WAYS];
    c->traits = work_out(key);
    c->len = (uint8_t)key.len;
    memcpy(c->key, key.data, key.len);
    return c->traits;
}

/* Of all words that may end a name that matters: their last two bytes. */
static uint64_t endings[1024 / 64];
static pthread_once_t endings_once = PTHREAD_ONCE_INIT;

static unsigned ending(uint8_t before_last, uint8_t last)
{
    return (unsigned)(before_last & 0x1f) << 5 | (last & 0x1f);
}

static void note_ending(const char *text)
{
    size_t len = strlen(text);
    unsigned bit = ending((uint8_t)text[len - 2], (uint8_t)text[len - 1]);
    endings[bit / 64] |= UINT64_C(1) << (bit % 64);
}

static void find_endings(void)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const char *text = table[i].text;
        assert(i == 0 || strcmp(table[i - 1].text, text) < 0);
        if (!(table[i].kind & (MATTERS | TAIL)))
            continue;
        note_ending(text);
    }
    for (size_t i = 0; phone_words[i]; i++)
        note_ending(phone_words[i]);
}

void keys_prepare(void)
{
    pthread_once(&endings_once, find_endings);
}

bool key_may_matter(uint8_t before_last, uint8_t last)
{
    unsigned bit = ending(before_last, last);
    return (endings[bit / 64] >> (bit % 64) & 1) || (uint8_t)(last - '0') <= 9;
}
