/* A table of words (key_words.c), each with what it means; a few rules for words that mean
 * something only together, or nothing beside certain others. The table is searched for keys that
 * this thread has not seen lately: spans repeat their keys, so nearly all answers come from the
 * cache. */
#include "processors/scrub/keys.h"

#include "processors/scrub/key_phones.h"
#include "processors/scrub/key_words.h"
#include "proto/word.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { WORDS_MAX = 16, WORD_MAX = 40, SETS = 128, WAYS = 4, CACHED_MAX = 56 };

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
        bsearch(text, key_words, key_word_count, sizeof key_words[0], compare_word);
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
        /* scripts without blanks: what stands before is another word */
        {"密码", SECRET, 0, 0},
        {"密碼", SECRET, 0, 0},
        {"密钥", SECRET, 0, 0},
        {"口令", SECRET, 0, 0},
        {"パスワード", SECRET, 0, 0},
        {"비밀번호", SECRET, 0, 0},
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

/* Chinese, Japanese and Korean are written without blanks, also beside words of Latin letters.
 * Their letters have three bytes, those with accents two. */
static bool is_of_other_script(struct bytes key, size_t i)
{
    bool ideogram = key.data[i] >= 0xe3, before = key.data[i - 1] >= 0x80;
    return ideogram ? !before && is_part(key.data[i - 1])
                    : key.data[i] < 0x80 && i >= 3 && key.data[i - 3] >= 0xe3;
}

/* 、「 and ： are no letters. */
static bool is_wide_sign(struct bytes key, size_t i)
{
    return i + 2 < key.len && ((key.data[i] == 0xe3 && key.data[i + 1] == 0x80) ||
                               (key.data[i] == 0xef && key.data[i + 1] == 0xbc));
}

/* A word ends before what is no part of one, and before a hump: aB, and ABc. A word that is too
 * long to be in the table is cut; of too many words the first go. */
static void split(struct bytes key, struct words *w)
{
    size_t len = 0;
    w->count = 0;
    for (size_t i = 0; i <= key.len; i++) {
        uint8_t c = i < key.len ? key.data[i] : '.';
        bool sign = is_wide_sign(key, i);
        bool hump = len > 0 && is_upper(c) &&
                    (!is_upper(key.data[i - 1]) || (i + 1 < key.len && is_lower(key.data[i + 1])));
        bool other = len > 0 && i < key.len && is_of_other_script(key, i);
        if (len > 0 && (hump || other || sign || !is_part(c))) {
            w->kind[w->count] = kind_of(w->text[w->count], len);
            w->count++;
            len = 0;
        }
        if (w->count == WORDS_MAX) {
            w->count--;
            memmove(w->text, w->text + 1, w->count * sizeof w->text[0]);
            memmove(w->kind, w->kind + 1, w->count * sizeof w->kind[0]);
        }
        if (sign)
            i += 2;
        else if (is_part(c) && len + 1 < WORD_MAX)
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

/* mot de passe, basic auth: words that are nothing by themselves. */
static bool is_secret_of_words(const struct words *w)
{
    const char *const last = w->text[w->count - 1];
    const char *const before = w->count > 1 ? w->text[w->count - 2] : "";
    return (strcmp(last, "passe") == 0 && strcmp(before, "de") == 0) ||
           (strcmp(last, "auth") == 0 && strcmp(before, "basic") == 0);
}

/* http.request.cookies.lang: one cookie by itself. */
static bool is_one_cookie(const struct words *w)
{
    size_t n = w->count;
    return n > 2 && strcmp(w->text[0], "http") == 0 && w->kind[n - 2] & COOKIE &&
           !(w->kind[n - 1] & ABOUT);
}

/* x-hub-signature-256 */
static bool is_hook_signature(const struct words *w)
{
    for (size_t i = 1; i < w->count; i++) {
        if (strcmp(w->text[i - 1], "hub") == 0 && strcmp(w->text[i], "signature") == 0)
            return true;
    }
    return false;
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
    if (is_secret_of_words(w) || is_hook_signature(w))
        traits |= KEY_SENSITIVE;
    unsigned first = w->kind[0], last = w->kind[w->count - 1];
    if (w->count > 1)
        last |= kind_of_joined(w);
    bool public_secret = last & SECRET && strcmp(w->text[0], "public") == 0;
    if (first & QUESTION && !public_secret)
        traits = 0;
    if (last & AUTH)
        traits |= KEY_AUTHORIZATION | KEY_SENSITIVE;
    if (last & COOKIE || is_one_cookie(w))
        traits |= KEY_COOKIE;
    if (last & SESSION_ID && (!(last & TAIL) || is_session_sid(w)))
        traits |= KEY_SESSION;
    if (traits & KEY_SENSITIVE && (all & AWS || ends_in_secret_key(w)))
        traits |= KEY_AWS_SECRET;
    if (last & URL_ONLY)
        traits |= KEY_PARAMETER;
    if (w->count == 1 && last & (MAYBE | CODE))
        traits |= KEY_MAYBE;
    if (strcmp(w->text[w->count - 1], "auth") == 0)
        traits |= KEY_LIKELY;
    if (last & (ABOUT | DESCRIBES) || first & QUESTION)
        traits |= KEY_ABOUT;
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

/* Names of which each word says secret, and which are those of something else. Vault's secret_id is
 * the secret, secret.id its name. */
static bool is_harmless(struct bytes key)
{
    static const char *const names[] = {"secret.id", "secret-id", "imagePullSecrets",
                                        "imagePullSecret"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (bytes_equal_string(key, names[i]))
            return true;
    }
    return false;
}

static unsigned work_out(struct bytes key)
{
    struct words w;
    if (is_harmless(key))
        return KEY_NUMBER;
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
    for (size_t i = 0; i < key_word_count; i++) {
        const char *text = key_words[i].text;
        assert(i == 0 || strcmp(key_words[i - 1].text, text) < 0);
        if (!(key_words[i].kind & (MATTERS | TAIL)))
            continue;
        note_ending(text);
    }
    for (size_t i = 0; phone_words[i]; i++)
        note_ending(phone_words[i]);
    note_ending("is"); /* the password is: */
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
