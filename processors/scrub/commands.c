/* Which grammar a query's text has; and Memcached's, of which the command and the key stay. */
#include "processors/scrub/detect_private.h"

void scan_kept(struct scan *s, uint32_t start, uint32_t end)
{
    uint32_t all = s->end;
    scan_range(s, start, end);
    s->end = all;
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
