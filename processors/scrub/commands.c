/* Commands of stores that are no SQL, and which grammar a query's text has.
 *
 * Redis, Valkey and Memcached: the command and the names of what it is about stay, other arguments
 * go. */
#include "processors/scrub/detect_private.h"

/* What stays of a command's arguments. */
enum keep {
    KEEP_NONE,
    KEEP_FIRST,  /* the key */
    KEEP_FIELDS, /* the key, and then each other one: HSET key field value */
    KEEP_KEYS,   /* each other one from the first: MSET key value */
    KEEP_ALL,    /* all are keys */
    KEEP_SECOND, /* a word and a key: OBJECT ENCODING key */
};

struct command {
    const char *name;
    enum keep keep;
};

/* Sorted. A command that is not here keeps nothing. */
static const struct command commands[] = {
    {"APPEND", KEEP_FIRST},
    {"AUTH", KEEP_NONE},
    {"BITCOUNT", KEEP_FIRST},
    {"BLPOP", KEEP_FIRST},
    {"BRPOP", KEEP_FIRST},
    {"CLIENT", KEEP_NONE},
    {"CLUSTER", KEEP_FIRST},
    {"COMMAND", KEEP_FIRST},
    {"CONFIG", KEEP_NONE},
    {"DBSIZE", KEEP_ALL},
    {"DECR", KEEP_ALL},
    {"DECRBY", KEEP_FIRST},
    {"DEL", KEEP_ALL},
    {"DISCARD", KEEP_ALL},
    {"DUMP", KEEP_ALL},
    {"ECHO", KEEP_NONE},
    {"EVAL", KEEP_NONE},
    {"EVALSHA", KEEP_NONE},
    {"EXEC", KEEP_ALL},
    {"EXISTS", KEEP_ALL},
    {"EXPIRE", KEEP_FIRST},
    {"EXPIREAT", KEEP_FIRST},
    {"FLUSHALL", KEEP_ALL},
    {"FLUSHDB", KEEP_ALL},
    {"GET", KEEP_ALL},
    {"GETDEL", KEEP_ALL},
    {"GETEX", KEEP_FIRST},
    {"GETSET", KEEP_FIRST},
    {"HDEL", KEEP_ALL},
    {"HELLO", KEEP_NONE},
    {"HEXISTS", KEEP_ALL},
    {"HGET", KEEP_ALL},
    {"HGETALL", KEEP_ALL},
    {"HINCRBY", KEEP_FIELDS},
    {"HKEYS", KEEP_ALL},
    {"HLEN", KEEP_ALL},
    {"HMGET", KEEP_ALL},
    {"HMSET", KEEP_FIELDS},
    {"HSCAN", KEEP_FIRST},
    {"HSET", KEEP_FIELDS},
    {"HSETNX", KEEP_FIELDS},
    {"HVALS", KEEP_ALL},
    {"INCR", KEEP_ALL},
    {"INCRBY", KEEP_FIRST},
    {"INFO", KEEP_ALL},
    {"KEYS", KEEP_ALL},
    {"LINDEX", KEEP_FIRST},
    {"LLEN", KEEP_ALL},
    {"LPOP", KEEP_FIRST},
    {"LPUSH", KEEP_FIRST},
    {"LRANGE", KEEP_FIRST},
    {"LREM", KEEP_FIRST},
    {"LSET", KEEP_FIRST},
    {"LTRIM", KEEP_FIRST},
    {"MGET", KEEP_ALL},
    {"MIGRATE", KEEP_NONE},
    {"MSET", KEEP_KEYS},
    {"MSETNX", KEEP_KEYS},
    {"MULTI", KEEP_ALL},
    {"OBJECT", KEEP_SECOND},
    {"PERSIST", KEEP_ALL},
    {"PEXPIRE", KEEP_FIRST},
    {"PING", KEEP_NONE},
    {"PSETEX", KEEP_FIRST},
    {"PSUBSCRIBE", KEEP_ALL},
    {"PTTL", KEEP_ALL},
    {"PUBLISH", KEEP_FIRST},
    {"RENAME", KEEP_ALL},
    {"RPOP", KEEP_FIRST},
    {"RPUSH", KEEP_FIRST},
    {"SADD", KEEP_FIRST},
    {"SCAN", KEEP_FIRST},
    {"SCARD", KEEP_ALL},
    {"SDIFF", KEEP_ALL},
    {"SELECT", KEEP_ALL},
    {"SET", KEEP_FIRST},
    {"SETEX", KEEP_FIRST},
    {"SETNX", KEEP_FIRST},
    {"SINTER", KEEP_ALL},
    {"SISMEMBER", KEEP_FIRST},
    {"SMEMBERS", KEEP_ALL},
    {"SREM", KEEP_FIRST},
    {"STRLEN", KEEP_ALL},
    {"SUBSCRIBE", KEEP_ALL},
    {"SUNION", KEEP_ALL},
    {"TTL", KEEP_ALL},
    {"TYPE", KEEP_ALL},
    {"UNLINK", KEEP_ALL},
    {"UNWATCH", KEEP_ALL},
    {"WATCH", KEEP_ALL},
    {"XACK", KEEP_FIRST},
    {"XADD", KEEP_FIRST},
    {"XLEN", KEEP_ALL},
    {"XRANGE", KEEP_FIRST},
    {"XREAD", KEEP_NONE},
    {"XREADGROUP", KEEP_NONE},
    {"ZADD", KEEP_FIRST},
    {"ZCARD", KEEP_ALL},
    {"ZINCRBY", KEEP_FIRST},
    {"ZRANGE", KEEP_FIRST},
    {"ZRANGEBYSCORE", KEEP_FIRST},
    {"ZREM", KEEP_FIRST},
    {"ZSCORE", KEEP_FIRST},
};

static const struct command *command_named(const uint8_t *name, uint32_t len)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (bytes_are(name, len, commands[i].name))
            return &commands[i];
    }
    return NULL;
}

static bool redis_knows(const uint8_t *name, uint32_t len)
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

static bool keeps(enum keep keep, unsigned argument)
{
    switch (keep) {
    case KEEP_NONE:
        return false;
    case KEEP_FIRST:
        return argument == 0;
    case KEEP_FIELDS:
        return argument == 0 || argument % 2 == 1;
    case KEEP_KEYS:
        return argument % 2 == 0;
    case KEEP_ALL:
        return true;
    case KEEP_SECOND:
        return argument <= 1;
    }
    return false;
}

void scan_kept(struct scan *s, uint32_t start, uint32_t end)
{
    uint32_t all = s->end;
    scan_range(s, start, end);
    s->end = all;
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

/* One command and its arguments; returns where the next may begin. Many arguments in a row are one
 * finding. */
static uint32_t redis_line(struct scan *s, uint32_t at)
{
    const struct command *command = NULL;
    unsigned argument = 0;
    uint32_t gone = 0;
    while (at < s->end && s->s[at] != '\n' && s->s[at] != ';' && !s->overflow) {
        if (byte_is_space(s->s[at])) {
            at++;
            continue;
        }
        uint32_t end = argument_end(s, at);
        bool stays = argument == 0 || keeps(command ? command->keep : KEEP_NONE, argument - 1) ||
                     (end - at == 1 && s->s[at] == '?');
        if (argument++ == 0)
            command = command_named(s->s + at, end - at);
        if (stays) {
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

static void redis_find(struct scan *s)
{
    s->steps += s->end;
    for (uint32_t at = 0; at < s->end && !s->overflow;)
        at = redis_line(s, at);
}

/* set key flags time bytes, and the data on the next line. */
static void memcached_find(struct scan *s)
{
    static const char *const stores[] = {"set ", "add ", "replace ", "append ", "prepend ", "cas "};
    const uint8_t *line = memchr(s->s, '\n', s->end);
    uint32_t end = line ? (uint32_t)(line - s->s) : s->end, at = 0;
    s->steps += s->end;
    bool store = false;
    for (size_t i = 0; i < sizeof stores / sizeof stores[0]; i++)
        store |= scan_has(s, 0, stores[i]);
    for (unsigned words = 0; store && words < 2 && at < end; words++) {
        while (at < end && s->s[at] == ' ')
            at++;
        while (at < end && s->s[at] != ' ')
            at++;
    }
    while (at < end && s->s[at] == ' ')
        at++;
    scan_kept(s, 0, store ? at : end);
    if (store)
        scan_add(s, at, s->end, SCRUB_COMMAND_ARGUMENT);
    else if (line)
        scan_add(s, end + 1, s->end, SCRUB_COMMAND_ARGUMENT);
}

/* ---- which grammar ---- */

uint32_t behind_blanks(const struct scan *s, uint32_t at)
{
    while (at < s->end && byte_is_space(s->s[at]))
        at++;
    return at;
}

static bool is_system(struct bytes system, const char *const *names)
{
    for (; *names; names++) {
        if (bytes_are(system.data, system.len, *names))
            return true;
    }
    return false;
}

/* Where literals stay, they are text like any. */
static void read_command(struct scan *s, void (*find)(struct scan *s))
{
    if (s->d->on[SCRUB_COMMAND_ARGUMENT])
        find(s);
    else
        scan_range(s, 0, s->end);
}

static void read_statement(struct scan *s, enum sql_dialect dialect)
{
    if (s->d->on[SCRUB_SQL_LITERAL])
        sql_find(s, dialect);
    else
        scan_range(s, 0, s->end);
}

/* Nobody said: JSON begins like it; a command that SQL has not is Redis's. */
static void unknown_find(struct scan *s)
{
    uint32_t at = behind_blanks(s, 0), end = at;
    while (end < s->end && byte_is_letter(s->s[end]))
        end++;
    bool shared = end - at == 6 && scan_has(s, at, "select");
    bool json = at < s->end && (s->s[at] == '{' || s->s[at] == '[' || scan_has(s, at, "db."));
    bool assigns = memchr(s->s, '=', s->end) != NULL;
    bool set = end - at == 3 && scan_has(s, at, "set");
    if (json)
        read_command(s, json_find);
    else if (redis_knows(s->s + at, end - at) && !shared && !(set && assigns))
        read_command(s, redis_find);
    else
        read_statement(s, SQL_UNKNOWN);
}

void database_find(struct scan *s, struct bytes system)
{
    static const char *const redis[] = {"redis", "valkey", "keydb", "dragonfly", NULL};
    static const char *const memcached[] = {"memcached", NULL};
    static const char *const json[] = {
        "mongodb",        "mongo",    "elasticsearch", "opensearch",   "couchdb", "documentdb",
        "azure.cosmosdb", "cosmosdb", "dynamodb",      "aws.dynamodb", NULL};
    static const char *const mysql[] = {
        "mysql", "mariadb",     "clickhouse", "hive",  "spark",  "bigquery", "gcp.bigquery",
        "tidb",  "singlestore", "databricks", "doris", "vitess", NULL};
    static const char *const postgresql[] = {
        "postgresql",   "postgres",    "cockroachdb", "redshift",
        "aws.redshift", "timescaledb", "yugabytedb",  NULL};
    static const char *const brackets[] = {"mssql", "microsoft.sql_server", "sqlite", NULL};
    static const char *const standard[] = {
        "oracle", "oracle.db", "db2",      "ibm.db2",     "h2",        "h2database",
        "hsqldb", "derby",     "firebird", "firebirdsql", "cassandra", "trino",
        "presto", "sap.hana",  "hanadb",   "teradata",    NULL};
    if (is_system(system, redis))
        read_command(s, redis_find);
    else if (is_system(system, memcached))
        read_command(s, memcached_find);
    else if (is_system(system, json))
        read_command(s, json_find);
    else if (is_system(system, mysql))
        read_statement(s, SQL_MYSQL);
    else if (is_system(system, postgresql))
        read_statement(s, SQL_POSTGRESQL);
    else if (is_system(system, brackets))
        read_statement(s, SQL_BRACKETS);
    else if (is_system(system, standard))
        read_statement(s, SQL_STANDARD);
    else
        unknown_find(s);
}
