/* The tags' meaning on a span follows Jaeger's store, so that both answer alike: `error` is the
 * span's status and not an attribute, `span.kind`, `span.status`, `scope.name` and `scope.version`
 * are the span's own fields, `resource.` asks the resource alone, and any other key may be an
 * attribute of the span, its events, its links, its scope or its resource. otel.status_code,
 * otel.status_description, otel.scope.name and otel.scope.version are what Jaeger shows as tags of
 * the same fields. */
#include "storage/match.h"

#include "proto/attribute.h"
#include "proto/span_kind.h"
#include "storage/filter.h"
#include "storage/names.h"
#include "storage/sql.h"

#include <stdlib.h>
#include <strings.h>

static int parse_bool(const char *value)
{
    static const char *const yes[] = {"1", "t", "T", "true", "TRUE", "True"};
    static const char *const no[] = {"0", "f", "F", "false", "FALSE", "False"};
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
        if (strcmp(value, yes[i]) == 0)
            return 1;
        if (strcmp(value, no[i]) == 0)
            return 0;
    }
    return -1;
}

static int parse_kind(const char *value)
{
    for (int i = SPAN_KIND_INTERNAL; i < SPAN_KINDS; i++) {
        if (strcasecmp(value, span_kind_name((unsigned)i)) == 0)
            return i;
    }
    return SPAN_KIND_UNSPECIFIED;
}

static int parse_status(const char *value)
{
    return strcasecmp(value, "OK") == 0      ? SPAN_STATUS_OK
           : strcasecmp(value, "ERROR") == 0 ? SPAN_STATUS_ERROR
                                             : SPAN_STATUS_UNSET;
}

/* Two tags that ask for different values of one field match nothing. */
static void want(struct matcher *m, int *field, int value)
{
    m->impossible = m->impossible || value < 0 || (*field >= 0 && *field != value);
    *field = value;
}

static void add_tag(struct matcher *m, enum tag_kind kind, const char *key, const char *filter_key,
                    const char *value)
{
    struct tag *t = &m->tags[m->tag_count++];
    t->kind = kind;
    t->key = bytes_of_string(key);
    t->value = bytes_of_string(value);
    t->pair = filter_pair(bytes_of_string(filter_key), t->value);
}

static void read_tag(struct matcher *m, const char *key, const char *value)
{
    static const char resource[] = "resource.";
    if (strcmp(key, "error") == 0)
        want(m, &m->error, parse_bool(value));
    else if (strcmp(key, "span.kind") == 0)
        want(m, &m->kind, parse_kind(value));
    else if (strcmp(key, "span.status") == 0 || strcmp(key, "otel.status_code") == 0)
        want(m, &m->status, parse_status(value));
    else if (strcmp(key, "otel.status_description") == 0)
        add_tag(m, TAG_STATUS_TEXT, key, key, value);
    else if (strcmp(key, "scope.name") == 0 || strcmp(key, "otel.scope.name") == 0)
        add_tag(m, TAG_SCOPE_NAME, key, "otel.scope.name", value);
    else if (strcmp(key, "scope.version") == 0 || strcmp(key, "otel.scope.version") == 0)
        add_tag(m, TAG_SCOPE_VERSION, key, "otel.scope.version", value);
    else if (strncmp(key, resource, sizeof resource - 1) == 0)
        add_tag(m, TAG_RESOURCE, key + sizeof resource - 1, key + sizeof resource - 1, value);
    else
        add_tag(m, TAG_ATTRIBUTE, key, key, value);
}

bool matcher_init(struct matcher *m, const struct store_query *q)
{
    *m = (struct matcher){.query = q, .error = -1, .kind = -1, .status = -1};
    m->tags = calloc(q->tag_count + 1, sizeof *m->tags);
    if (!m->tags)
        return false;
    for (size_t i = 0; i < q->tag_count; i++)
        read_tag(m, q->tags[i].key, q->tags[i].value);
    if (q->service)
        m->service_pair = filter_pair(bytes_of_string("service.name"), bytes_of_string(q->service));
    if (q->operation)
        m->operation_pair =
            filter_pair(bytes_of_string(FILTER_OPERATION), bytes_of_string(q->operation));
    return true;
}

void matcher_free(struct matcher *m)
{
    free(m->tags);
    value_text_free(&m->text);
}

static bool has(struct matcher *m, struct bytes message, uint32_t field, const struct tag *t)
{
    struct attribute a;
    return attribute_find(message, field, t->key, &a) &&
           bytes_equal(value_text(&a.value, &m->text), t->value);
}

static bool events_or_links_have(struct matcher *m, struct bytes span, const struct tag *t)
{
    struct span_cursor c;
    struct event_view event;
    struct link_view link;
    for (span_events_begin(&c, span); event_next(&c, &event);) {
        if (has(m, event.message, EVENT_ATTRIBUTES, t))
            return true;
    }
    for (span_links_begin(&c, span); link_next(&c, &link);) {
        if (has(m, link.message, LINK_ATTRIBUTES, t))
            return true;
    }
    return false;
}

static bool match_tag(struct matcher *m, const struct batch *b, const struct span_view *span,
                      const struct tag *t)
{
    struct bytes scope = span_scope(b, span)->message;
    struct bytes resource = span_resource(b, span)->message;
    switch (t->kind) {
    case TAG_STATUS_TEXT:
        return bytes_equal(span_status_message(span_bytes(span)), t->value);
    case TAG_SCOPE_NAME:
        return bytes_equal(scope_name(scope), t->value);
    case TAG_SCOPE_VERSION:
        return bytes_equal(scope_version(scope), t->value);
    case TAG_RESOURCE:
        return has(m, resource, RESOURCE_ATTRIBUTES, t);
    case TAG_ATTRIBUTE:
        break;
    }
    return has(m, span_bytes(span), SPAN_ATTRIBUTES, t) || has(m, scope, SCOPE_ATTRIBUTES, t) ||
           has(m, resource, RESOURCE_ATTRIBUTES, t) || events_or_links_have(m, span_bytes(span), t);
}

static bool match_fields(const struct matcher *m, const struct span_view *span)
{
    const struct store_query *q = m->query;
    uint64_t duration = span->end_ns > span->start_ns ? span->end_ns - span->start_ns : 0;
    return span->start_ns >= q->start_min_ns && span->start_ns <= q->start_max_ns &&
           duration >= q->duration_min_ns && duration <= q->duration_max_ns &&
           (m->error < 0 || m->error == (span->status_code == SPAN_STATUS_ERROR)) &&
           (m->kind < 0 || m->kind == span->kind) &&
           (m->status < 0 || m->status == span->status_code);
}

bool match_span(struct matcher *m, const struct batch *b, uint32_t index)
{
    const struct store_query *q = m->query;
    const struct span_view *span = &b->spans[index];
    if (!match_fields(m, span) ||
        (q->operation && !bytes_equal_string(span_name(span), q->operation)) ||
        (q->service &&
         !bytes_equal_string(resource_service_name(span_resource(b, span)), q->service)))
        return false;
    for (size_t i = 0; i < m->tag_count; i++) {
        if (!match_tag(m, b, span, &m->tags[i]))
            return false;
    }
    return true;
}

/* Whether every span of a part whose records match, and that lies within the window, is known to
 * match without looking at it. */
static bool trusts_records(const struct matcher *m)
{
    return m->tag_count == 0 && m->error < 0 && m->status < 0 && m->query->duration_min_ns == 0 &&
           m->query->duration_max_ns == UINT64_MAX;
}

static int compare_codes(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Whether a name that has no code may all the same be in the slot: too long, or one too many. */
static bool may_be_uncoded(struct reader_slot *s, const char *name, const char *table, int64_t max)
{
    char sql[64];
    sqlite3_snprintf(sizeof sql, sql, "SELECT max(id) FROM %s", table);
    return strlen(name) > NAMES_MAX_LENGTH || sql_integer(s->db, sql, 0) >= max;
}

bool match_codes_load(struct match_codes *c, const struct matcher *m, struct store_reader *r,
                      struct reader_slot *s, bool *nothing)
{
    const struct store_query *q = m->query;
    *c = (struct match_codes){0};
    *nothing = !s->db;
    sqlite3_stmt *read = q->service ? reader_statement(s, READ_SERVICE) : NULL;
    if (read)
        sql_bind_bytes(read, 1, bytes_of_string(q->service));
    if (reader_step(r, s, read))
        c->service = sqlite3_column_int64(read, 0);
    read = q->operation ? reader_statement(s, READ_OPERATION) : NULL;
    if (read)
        sql_bind_bytes(read, 1, bytes_of_string(q->operation));
    while (reader_step(r, s, read)) {
        int64_t *larger =
            reallocarray(c->operations, c->operation_count + 1, sizeof *c->operations);
        if (!larger)
            return false;
        c->operations = larger;
        c->operations[c->operation_count++] = sqlite3_column_int64(read, 0);
    }
    if (c->operation_count)
        qsort(c->operations, c->operation_count, sizeof *c->operations, compare_codes);
    if (s->db && q->service && !c->service)
        *nothing = !may_be_uncoded(s, q->service, "service", NAMES_MAX_SERVICES);
    else if (s->db && q->operation && !c->operation_count)
        *nothing = !may_be_uncoded(s, q->operation, "operation", NAMES_MAX_OPERATIONS);
    return true;
}

void match_codes_free(struct match_codes *c)
{
    free(c->operations);
    *c = (struct match_codes){0};
}

static bool service_may_have(const struct matcher *m, const struct filter *filter, uint32_t service)
{
    for (size_t i = 0; i < m->tag_count; i++) {
        if (!filter_may_have_owned(filter, service, m->tags[i].pair))
            return false;
    }
    return true;
}

bool match_filter(const struct matcher *m, const struct match_codes *c, const struct filter *filter)
{
    /* Empty names are not in the filter: spans without a service may have no attribute for it. */
    const struct store_query *q = m->query;
    if ((q->service && q->service[0] && !filter_may_have(filter, m->service_pair)) ||
        (q->operation && q->operation[0] && !filter_may_have(filter, m->operation_pair)))
        return false;
    for (size_t i = 0; i < m->tag_count; i++) {
        if (!filter_may_have(filter, m->tags[i].pair))
            return false;
    }
    return !c->service || service_may_have(m, filter, (uint32_t)c->service);
}

static bool has_operation(const struct match_codes *c, int64_t operation)
{
    return c->operation_count > 0 &&
           bsearch(&operation, c->operations, c->operation_count, sizeof operation, compare_codes);
}

static bool match_entry(const struct matcher *m, const struct match_codes *c,
                        const struct filter *filter, const struct record_entry *e)
{
    const struct store_query *q = m->query;
    int64_t operation = e->operation;
    if ((q->service && e->service && e->service != c->service) ||
        (q->operation && operation && !has_operation(c, operation)) ||
        (m->kind >= 0 && e->kind != m->kind) || (m->error == 1 && !e->error) ||
        (m->status == SPAN_STATUS_ERROR && !e->error) ||
        duration_most(e->maximum) < q->duration_min_ns ||
        duration_least(e->minimum) > q->duration_max_ns)
        return false;
    /* With a service in the query the block's filter has been asked already. */
    return q->service || service_may_have(m, filter, e->service);
}

enum record_match match_record(const struct matcher *m, const struct match_codes *c,
                               const struct filter *filter, const struct record *record)
{
    const struct store_query *q = m->query;
    struct bytes entries = record->entries;
    struct record_entry e;
    bool maybe = false;
    if (record->last_start_ns < q->start_min_ns || record->start_ns > q->start_max_ns)
        return RECORD_NO;
    bool trusted = trusts_records(m) && record->start_ns >= q->start_min_ns &&
                   record->last_start_ns <= q->start_max_ns;
    while (record_entry_next(&entries, &e)) {
        if (!match_entry(m, c, filter, &e))
            continue;
        if (trusted && e.service && e.operation)
            return RECORD_YES;
        maybe = true;
    }
    return maybe ? RECORD_MAYBE : RECORD_NO;
}
