/* Commands of Redis and Valkey: the command, and the names and numbers that say what it is about,
 * stay; other arguments go. https://redis.io/docs/latest/commands/ */
#include "processors/scrub/detect_private.h"

/* A command's arguments, a letter each: `first`, and then those of `rest` again and again. */
struct command {
    const char *name;
    const char *first;
    const char *rest;
};

/* k: a key, a field, a word of the command; stays.
 * c: how many keys follow, and these.
 * n: a number (an index, a time to live, a stream's id); stays when it is one.
 * o: an option and its number; stays when it is one.
 * i: any number of such options, and then a stream's id.
 * v: a value; goes.
 * Sorted. Of a command that is not here all arguments go. */
static const struct command commands[] = {
    {"APPEND", "k", "v"},       {"AUTH", "", "v"},
    {"BITCOUNT", "knn", "o"},   {"BLPOP", "", "k"},
    {"BRPOP", "", "k"},         {"CLIENT", "k", "v"},
    {"CLUSTER", "k", "v"},      {"COMMAND", "k", "v"},
    {"CONFIG", "kk", "vk"},     {"DBSIZE", "", "k"},
    {"DECR", "", "k"},          {"DECRBY", "k", "v"},
    {"DEL", "", "k"},           {"DISCARD", "", "k"},
    {"DUMP", "", "k"},          {"ECHO", "", "v"},
    {"EVAL", "kc", "v"},        {"EVALSHA", "kc", "v"},
    {"EXEC", "", "k"},          {"EXISTS", "", "k"},
    {"EXPIRE", "kn", "o"},      {"EXPIREAT", "kn", "o"},
    {"EXPIRETIME", "", "k"},    {"FLUSHALL", "", "k"},
    {"FLUSHDB", "", "k"},       {"GET", "", "k"},
    {"GETBIT", "kn", "v"},      {"GETDEL", "", "k"},
    {"GETEX", "k", "o"},        {"GETRANGE", "knn", "v"},
    {"GETSET", "k", "v"},       {"HDEL", "", "k"},
    {"HELLO", "n", "v"},        {"HEXISTS", "", "k"},
    {"HGET", "", "k"},          {"HGETALL", "", "k"},
    {"HINCRBY", "k", "kv"},     {"HINCRBYFLOAT", "k", "kv"},
    {"HKEYS", "", "k"},         {"HLEN", "", "k"},
    {"HMGET", "", "k"},         {"HMSET", "k", "kv"},
    {"HSCAN", "kn", "o"},       {"HSET", "k", "kv"},
    {"HSETNX", "k", "kv"},      {"HSTRLEN", "", "k"},
    {"HVALS", "", "k"},         {"INCR", "", "k"},
    {"INCRBY", "k", "v"},       {"INCRBYFLOAT", "k", "v"},
    {"INFO", "", "k"},          {"KEYS", "", "k"},
    {"LINDEX", "kn", "v"},      {"LINSERT", "kk", "v"},
    {"LLEN", "", "k"},          {"LMOVE", "", "k"},
    {"LPOP", "kn", "v"},        {"LPUSH", "k", "v"},
    {"LPUSHX", "k", "v"},       {"LRANGE", "knn", "v"},
    {"LREM", "kn", "v"},        {"LSET", "kn", "v"},
    {"LTRIM", "knn", "v"},      {"MGET", "", "k"},
    {"MIGRATE", "", "v"},       {"MSET", "", "kv"},
    {"MSETNX", "", "kv"},       {"MULTI", "", "k"},
    {"OBJECT", "kk", "v"},      {"PERSIST", "", "k"},
    {"PEXPIRE", "kn", "o"},     {"PEXPIREAT", "kn", "o"},
    {"PFADD", "k", "v"},        {"PFCOUNT", "", "k"},
    {"PFMERGE", "", "k"},       {"PING", "", "v"},
    {"PSETEX", "kn", "v"},      {"PSUBSCRIBE", "", "k"},
    {"PTTL", "", "k"},          {"PUBLISH", "k", "v"},
    {"RANDOMKEY", "", "k"},     {"RENAME", "", "k"},
    {"RENAMENX", "", "k"},      {"RPOP", "kn", "v"},
    {"RPOPLPUSH", "", "k"},     {"RPUSH", "k", "v"},
    {"RPUSHX", "k", "v"},       {"SADD", "k", "v"},
    {"SCAN", "n", "o"},         {"SCARD", "", "k"},
    {"SDIFF", "", "k"},         {"SDIFFSTORE", "", "k"},
    {"SELECT", "", "k"},        {"SET", "kv", "o"},
    {"SETBIT", "kn", "v"},      {"SETEX", "kn", "v"},
    {"SETNX", "k", "v"},        {"SETRANGE", "kn", "v"},
    {"SINTER", "", "k"},        {"SINTERSTORE", "", "k"},
    {"SISMEMBER", "k", "v"},    {"SMEMBERS", "", "k"},
    {"SMOVE", "kk", "v"},       {"SPOP", "kn", "v"},
    {"SRANDMEMBER", "kn", "v"}, {"SREM", "k", "v"},
    {"SSCAN", "kn", "o"},       {"STRLEN", "", "k"},
    {"SUBSCRIBE", "", "k"},     {"SUNION", "", "k"},
    {"SUNIONSTORE", "", "k"},   {"TTL", "", "k"},
    {"TYPE", "", "k"},          {"UNLINK", "", "k"},
    {"UNSUBSCRIBE", "", "k"},   {"UNWATCH", "", "k"},
    {"WATCH", "", "k"},         {"XACK", "kk", "n"},
    {"XADD", "ki", "kv"},       {"XDEL", "k", "n"},
    {"XLEN", "", "k"},          {"XRANGE", "knn", "o"},
    {"XREAD", "", "o"},         {"XREADGROUP", "", "o"},
    {"XREVRANGE", "knn", "o"},  {"XTRIM", "k", "o"},
    {"ZADD", "k", "o"},         {"ZCARD", "", "k"},
    {"ZCOUNT", "knn", "v"},     {"ZINCRBY", "k", "v"},
    {"ZPOPMAX", "kn", "v"},     {"ZPOPMIN", "kn", "v"},
    {"ZRANGE", "knn", "o"},     {"ZRANGEBYSCORE", "knn", "o"},
    {"ZRANK", "k", "v"},        {"ZREM", "k", "v"},
    {"ZREVRANGE", "knn", "o"},  {"ZREVRANGEBYSCORE", "knn", "o"},
    {"ZREVRANK", "k", "v"},     {"ZSCAN", "kn", "o"},
    {"ZSCORE", "k", "v"},
};

static const struct command *command_named(const uint8_t *name, uint32_t len)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (bytes_are(name, len, commands[i].name))
            return &commands[i];
    }
    return NULL;
}

bool redis_knows(const uint8_t *name, uint32_t len)
{
    return command_named(name, len) != NULL;
}

static uint32_t argument_end(const struct scan *s, uint32_t at)
{
    uint8_t quote = s->s[at];
    if (quote == '"' || quote == '\'') {
        for (at++; at < s->end && s->s[at] != quote; at++)
            at += s->s[at] == '\\';
        return at < s->end ? at + 1 : s->end;
    }
    while (at < s->end && !byte_is_space(s->s[at]) && s->s[at] != ';')
        at++;
    return at;
}

/* 300, -1, +inf, (5, 1526919030474-55, and what stands for an id: * - + $ > */
static bool is_number(const uint8_t *text, uint32_t len)
{
    static const char *const words[] = {"*", "-", "+", "$", ">", "-inf", "+inf", "inf", NULL};
    uint32_t at = len > 1 && (text[0] == '-' || text[0] == '(' || text[0] == '[');
    if (is_word_of(text, len, words))
        return true;
    for (; at < len; at++) {
        if (!byte_is_digit(text[at]) && text[at] != '-' && text[at] != '.')
            return false;
    }
    return len > 0 && len <= 40;
}

/* How many numbers may follow the option; -1: it is none. */
static int option_numbers(const uint8_t *text, uint32_t len)
{
    static const char *const flags[] = {
        "NX",      "XX",       "GT",    "LT",    "CH",    "GET",        "INCR",    "BYLEX",
        "BYSCORE", "REV",      "BYTE",  "BIT",   "TYPE",  "WITHSCORES", "STREAMS", "KEEPTTL",
        "PERSIST", "NOVALUES", "NOACK", "MATCH", "GROUP", "NOMKSTREAM", NULL};
    static const char *const numbered[] = {"EX",     "PX",    "EXAT", "PXAT", "COUNT", "BLOCK",
                                           "MAXLEN", "MINID", "~",    "=",    NULL};
    if (is_word_of(text, len, flags))
        return 0;
    if (is_word_of(text, len, numbered))
        return 1;
    return bytes_are(text, len, "LIMIT") ? 2 : -1;
}

/* Where a line's arguments are told. */
struct reading {
    const struct command *command; /* NULL: one that nobody knows */
    uint32_t argument;             /* how many were told, options before an id left out */
    int numbers;                   /* how many may follow of an option */
    uint32_t keys;                 /* how many follow that stay */
};

static char letter_of(const struct command *c, uint32_t argument)
{
    uint32_t first = (uint32_t)strlen(c->first);
    if (argument < first)
        return c->first[argument];
    return c->rest[(argument - first) % strlen(c->rest)];
}

static uint32_t count_of(const uint8_t *text, uint32_t len)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < len && i < 4 && byte_is_digit(text[i]); i++)
        count = count * 10 + (text[i] - '0');
    return count;
}

/* Whether the next argument stays. */
static bool stays(struct reading *r, const uint8_t *text, uint32_t len)
{
    if (r->keys > 0) {
        r->keys--;
        return true;
    }
    char letter = r->command ? letter_of(r->command, r->argument) : 'v';
    bool number = is_number(text, len), of_option = number && r->numbers > 0 && text[0] != '*';
    int numbers = letter == 'o' || letter == 'i' ? option_numbers(text, len) : -1;
    bool option = numbers >= 0;
    r->numbers = option ? numbers : of_option ? r->numbers - 1 : 0;
    r->argument += !(letter == 'i' && (option || of_option));
    switch (letter) {
    case 'k':
        return true;
    case 'c':
        r->keys = number ? count_of(text, len) : 0;
        return number;
    case 'n':
        return number;
    case 'o':
        return option || of_option;
    case 'i':
        return option || number;
    default:
        return false;
    }
}

/* A key's last part that is a number is a row's: token:146066 is no pair. Its colon is passed over
 * as that of a port is. */
static void pass_row_number(struct scan *s, uint32_t start, uint32_t end)
{
    uint32_t at = end;
    while (at > start && byte_is_digit(s->s[at - 1]))
        at--;
    if (at < end && at > start + 1 && s->s[at - 1] == ':')
        s->port = at - 1;
}

/* How many arguments begin between `at` and the end of the line. */
static uint32_t count_arguments(struct scan *s, uint32_t at)
{
    uint32_t count = 0, from = at;
    while (at < s->end && s->s[at] != '\n' && s->s[at] != ';') {
        bool space = byte_is_space(s->s[at]);
        count += !space;
        at = space ? at + 1 : argument_end(s, at);
    }
    s->steps += at - from;
    return count;
}

/* Where names and values begin at `at`: when they do not come in pairs, some have blanks in them,
 * and nobody knows which word is what. */
static void doubt_pairs(struct scan *s, uint32_t at, struct reading *r)
{
    static const struct command values = {"", "", "v"};
    if (r->command && r->command->rest[1] && r->argument == strlen(r->command->first) &&
        count_arguments(s, at) % 2 != (r->command->rest[0] == 'v'))
        r->command = &values;
}

/* AUTH password, AUTH user password. */
static void read_login(struct scan *s, uint32_t at, struct reading *r)
{
    static const struct command login = {"", "k", "v"};
    if (r->command && strcmp(r->command->name, "AUTH") == 0 && count_arguments(s, at) == 2)
        r->command = &login;
}

/* One command and its arguments; returns where the next may begin. Many arguments in a row are one
 * finding. */
static uint32_t redis_line(struct scan *s, uint32_t at)
{
    struct reading reading = {0};
    bool named = false;
    uint32_t gone = 0;
    while (at < s->end && s->s[at] != '\n' && s->s[at] != ';' && !s->overflow) {
        if (byte_is_space(s->s[at])) {
            at++;
            continue;
        }
        uint32_t end = argument_end(s, at);
        doubt_pairs(s, at, &reading);
        bool kept =
            !named || stays(&reading, s->s + at, end - at) || (end - at == 1 && s->s[at] == '?');
        if (!named) {
            reading.command = command_named(s->s + at, end - at);
            read_login(s, end, &reading);
        }
        named = true;
        if (kept) {
            pass_row_number(s, at, end);
            scan_kept(s, at, end);
            gone = 0;
        } else if (gone && s->count > FINDINGS_MAX / 2) {
            s->findings[s->count - 1].len = end - s->findings[s->count - 1].start;
            s->floor = s->next = end;
        } else {
            scan_add(s, at, end, SCRUB_COMMAND_ARGUMENT);
            gone = end;
        }
        at = end;
    }
    return at + 1;
}

void redis_find(struct scan *s)
{
    s->steps += s->end;
    for (uint32_t at = 0; at < s->end && !s->overflow;)
        at = redis_line(s, at);
}
