/* MongoDB's commands and shell, Elasticsearch's bodies: values of the JSON go, its names stay, and
 * what a command names (the collection). What stays is looked at like any text. What cannot be read
 * so goes whole.
 *
 * Documents are in there too, and in them anything may be called `collection` or `from`: only where
 * a command stands is such a name one. */
#include "processors/scrub/detect_private.h"

enum { PAGE_DIGITS = 5 };

static uint32_t string_end(const struct scan *s, uint32_t at)
{
    uint8_t quote = s->s[at];
    for (at++; at < s->end && s->s[at] != quote; at++)
        at += s->s[at] == '\\';
    return at < s->end ? at + 1 : UINT32_MAX;
}

struct json {
    struct scan *s;
    uint32_t at;
    unsigned depth;
    bool begun;        /* the outermost object has its first name, or is over */
    bool command;      /* which is a command's */
    bool search;       /* or a search's */
    bool place;        /* what comes next says where, not what */
    bool fields;       /* so does a list of them */
    struct bytes name; /* before a value that has not begun */
    /* The object that has begun last of those that may name a place; its depth is 0: none. */
    enum owner { A_STAGE, A_LINE, AGGREGATIONS, NAMES } owner;
    unsigned owner_depth;
};

static bool is_one_of(struct bytes name, const char *const *names)
{
    for (; *names; names++) {
        if (bytes_equal_string(name, *names))
            return true;
    }
    return false;
}

/* The outermost object of a search: which fields, and what of them. */
static bool search_names_field(struct json *j, struct bytes name)
{
    static const char *const parts[] = {"query", "aggs",    "aggregations",     "size", "from",
                                        "sort",  "_source", "track_total_hits", NULL};
    static const char *const fields[] = {"_source", "fields", "stored_fields", "docvalue_fields",
                                         NULL};
    if (!j->begun)
        j->search = is_one_of(name, parts);
    return j->search && is_one_of(name, fields);
}

/* DynamoDB's requests: expressions name values (:v), and do not hold them. */
static bool is_of_expression(struct bytes name)
{
    static const char *const names[] = {
        "TableName",        "IndexName",           "KeyConditionExpression", "ProjectionExpression",
        "FilterExpression", "ConditionExpression", "UpdateExpression",       NULL};
    return is_one_of(name, names);
}

/* Names in the outermost object: the first one is the command's. */
static bool command_names_place(struct json *j, struct bytes name)
{
    static const char *const commands[] = {
        "find",     "insert",        "update",          "delete",        "aggregate",   "count",
        "distinct", "findAndModify", "getMore",         "createIndexes", "listIndexes", "drop",
        "explain",  "mapReduce",     "listCollections", "ping",          "hello",       "isMaster",
        "ismaster", "buildInfo",     "serverStatus",    "listDatabases", "dbStats",     NULL};
    static const char *const others[] = {"$db", "collection", "index", "key", NULL};
    if (j->begun)
        return j->command && is_one_of(name, others);
    j->begun = true;
    j->command = is_one_of(name, commands);
    return j->command;
}

static bool names_place(struct json *j, struct bytes name)
{
    static const char *const of_stages[] = {"from", "coll", NULL};
    static const char *const of_lines[] = {"_index", NULL};
    if (j->depth == 1) {
        j->fields = search_names_field(j, name);
        if (command_names_place(j, name) || j->fields || is_of_expression(name))
            return true;
    }
    if (j->owner_depth == 0 || j->depth < j->owner_depth)
        return false;
    if (j->owner == AGGREGATIONS)
        return bytes_equal_string(name, "field");
    return j->depth == j->owner_depth &&
           (j->owner == NAMES || is_one_of(name, j->owner == A_STAGE ? of_stages : of_lines));
}

/* Some objects hold a place's name further in: {"$lookup":{"from":…}}, a bulk's {"index":{…}}. */
static void opened(struct json *j, bool list)
{
    static const char *const stages[] = {"$lookup", "$graphLookup", "$unionWith", NULL};
    static const char *const lines[] = {"index", "create", "update", "delete", NULL};
    static const char *const aggregation_names[] = {"aggs", "aggregations", NULL};
    bool stage = is_one_of(j->name, stages);
    bool line = j->depth == 1 && is_one_of(j->name, lines);
    bool aggregations = j->depth == 1 && j->search && is_one_of(j->name, aggregation_names);
    bool names = (list && j->fields) ||
                 (j->depth == 1 && bytes_equal_string(j->name, "ExpressionAttributeNames"));
    j->depth++;
    if (!stage && !line && !aggregations && !names)
        return;
    j->owner = stage ? A_STAGE : line ? A_LINE : aggregations ? AGGREGATIONS : NAMES;
    j->owner_depth = j->depth;
}

static void closed(struct json *j)
{
    if (j->depth == j->owner_depth)
        j->owner_depth = 0;
    if (j->depth > 0)
        j->depth--;
    if (j->depth == 0) {
        j->begun = true;
        j->command = j->search = false;
    }
}

/* A string that a colon follows is a name. False: it does not end. */
static bool json_string(struct json *j)
{
    struct scan *s = j->s;
    uint32_t start = j->at, end = string_end(s, start);
    if (end == UINT32_MAX)
        return false;
    uint32_t colon = behind_blanks(s, end);
    bool name = colon < s->end && s->s[colon] == ':';
    j->at = name ? colon + 1 : end;
    bool field = !name && j->owner_depth == j->depth && j->owner_depth && j->owner == NAMES;
    if (name || j->place || field || (end - start == 3 && s->s[start + 1] == '?'))
        scan_kept(s, start + 1, end - 1);
    else
        scan_add(s, start + 1, end - 1, SCRUB_COMMAND_ARGUMENT);
    j->name = name ? bytes_of(s->s + start + 1, end - start - 2) : (struct bytes){0};
    j->place = name && names_place(j, j->name);
    return true;
}

static bool begins_number(const struct scan *s, uint32_t at)
{
    uint8_t c = s->s[at], before = at ? s->s[at - 1] : ' ';
    return (byte_is_digit(c) || (c == '-' && at + 1 < s->end && byte_is_digit(s->s[at + 1]))) &&
           !byte_is_token(before) && before != '$' && before != '.';
}

/* {"query":{…},"size":10}: how many, and not of what. */
static bool is_of_page(const struct json *j, uint32_t len)
{
    static const char *const names[] = {"size", "from", NULL};
    return j->search && j->depth == 1 && len <= PAGE_DIGITS && is_one_of(j->name, names);
}

static void json_number(struct json *j)
{
    struct scan *s = j->s;
    uint32_t end = j->at + 1;
    while (end < s->end && (byte_is_token(s->s[end]) || s->s[end] == '.' || s->s[end] == '+'))
        end++;
    uint32_t colon = behind_blanks(s, end);
    bool command = j->place && end - j->at == 1; /* {"ping":1} */
    if (!command && !is_of_page(j, end - j->at) && (colon >= s->end || s->s[colon] != ':'))
        scan_add(s, j->at, end, SCRUB_COMMAND_ARGUMENT);
    j->at = end;
}

/* /a pattern/ */
static bool json_pattern(struct json *j)
{
    uint32_t end = string_end(j->s, j->at);
    if (end == UINT32_MAX)
        return false;
    scan_add(j->s, j->at, end, SCRUB_COMMAND_ARGUMENT);
    j->at = end;
    return true;
}

static void json_other(struct json *j)
{
    uint8_t c = j->s->s[j->at++];
    if (byte_is_space(c) || c == ':')
        return;
    if (c == '{' || c == '[' || c == '(')
        opened(j, c == '[');
    else if (c == '}' || c == ']' || c == ')')
        closed(j);
    j->name = (struct bytes){0};
    j->place = j->fields = false;
}

/* False: it cannot be read. */
static bool json_literals(struct scan *s)
{
    struct json j = {.s = s};
    bool readable = true;
    while (readable && j.at < s->end && !s->overflow) {
        uint8_t c = s->s[j.at], before = j.at ? s->s[j.at - 1] : ' ';
        if (c == '"' || c == '\'')
            readable = json_string(&j);
        else if (begins_number(s, j.at))
            json_number(&j);
        else if (c == '/' && (before == ':' || before == ' '))
            readable = json_pattern(&j);
        else
            json_other(&j);
    }
    return readable;
}

void json_find(struct scan *s)
{
    s->steps += 2 * (uint64_t)s->end;
    if (json_literals(s))
        return;
    s->count = 0;
    s->floor = s->next = 0;
    scan_add(s, 0, s->end, SCRUB_COMMAND_ARGUMENT);
}
