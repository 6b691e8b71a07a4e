/* One pass over a value: a table tells which bytes may be part of something, and only at those a
 * detector looks. Values that have a grammar of their own are read by it. */
#include "processors/scrub/detect_private.h"

#include <stdlib.h>

#define SHORTEST 6 /* that can hold anything */

static void set_triggers(struct detector *d)
{
    static const struct {
        const char *bytes;
        enum trigger trigger;
    } all[] = {
        {"@", AT_AT},
        {"%", AT_PERCENT},
        {":", AT_COLON},
        {"=", AT_EQUALS},
        {"_", AT_UNDERSCORE},
        {"-", AT_DASH},
        {".", AT_DOT},
        {"+", AT_PLUS},
        {" ", AT_SPACE},
        {"JKSBCIO", AT_CAPITAL},
        {"0123456789", AT_DIGIT},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        for (const char *c = all[i].bytes; *c; c++)
            d->triggers[(uint8_t)*c] = (uint8_t)all[i].trigger;
    }
}

struct detector *detector_create(const struct detector_options *o)
{
    struct detector *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    memcpy(d->on, o->classes, sizeof d->on);
    d->strict = o->strict;
    d->url_keys = o->url_keys;
    d->url_key_count = o->url_key_count;
    d->numbers = d->on[SCRUB_PAYMENT_CARD] || d->on[SCRUB_US_SSN] || d->on[SCRUB_PHONE] ||
                 d->on[SCRUB_IPV4] || d->on[SCRUB_CPF] || d->on[SCRUB_AADHAAR] ||
                 d->on[SCRUB_PESEL] || d->on[SCRUB_DNI] || d->on[SCRUB_NHS];
    set_triggers(d);
    return d;
}

void detector_destroy(struct detector *d)
{
    free(d);
}

size_t scan_found(struct scan *s, size_t begin, size_t end, enum scrub_class class)
{
    if (!s->detector->on[class] || begin < s->done || end <= begin)
        return 0;
    if (s->count == FINDINGS_MAX) {
        s->full = true;
        return s->len;
    }
    s->findings[s->count++] = (struct finding){(uint32_t)begin, (uint32_t)(end - begin), class};
    s->done = end;
    return end;
}

/* ---- the pass ---- */

static size_t at_number(struct scan *s, size_t at)
{
    size_t next = 0;
    if (at < s->digits_done)
        return 0;
    if (at >= 2 && s->detector->on[SCRUB_IBAN])
        next = find_iban(s, at);
    if (!next && s->detector->numbers && begins_at(s, at))
        next = find_number(s, at);
    size_t end = at;
    while (end < s->len && is_digit(s->text[end]))
        end++;
    s->digits_done = end;
    return next;
}

static size_t at_colon(struct scan *s, size_t at)
{
    size_t next = 0;
    if (has_at(s, at, "://"))
        return find_url(s, at);
    if (s->detector->on[SCRUB_IPV6] || s->detector->on[SCRUB_MAC])
        next = find_ipv6_or_mac(s, at);
    return next ? next : find_assignment(s, at);
}

static size_t at_dash(struct scan *s, size_t at)
{
    size_t next = find_prefixed(s, at);
    bool mac = byte_at(s, at + 3) == '-' && s->detector->on[SCRUB_MAC];
    return next || !mac ? next : find_ipv6_or_mac(s, at);
}

static bool is_scheme_end(uint8_t c)
{
    c |= 0x20;
    return c == 'r' || c == 'c' || c == 't';
}

static size_t look(struct scan *s, size_t at)
{
    switch ((enum trigger)s->detector->triggers[s->text[at]]) {
    case AT_AT:
        return s->detector->on[SCRUB_EMAIL] ? find_email(s, at) : 0;
    case AT_PERCENT:
        return s->detector->on[SCRUB_EMAIL] && has_at(s, at, "%40") ? find_email(s, at) : 0;
    case AT_COLON:
        return at_colon(s, at);
    case AT_EQUALS:
        return find_assignment(s, at);
    case AT_DASH:
        return at_dash(s, at);
    case AT_UNDERSCORE:
    case AT_DOT:
        return find_prefixed(s, at);
    case AT_CAPITAL: /* AKIA, AIza, eyJ: what is before it is rare */
        return at > 0 && (s->text[at - 1] == 'A' || s->text[at - 1] == 'y') ? find_prefixed(s, at)
                                                                            : 0;
    case AT_PLUS:
        return s->detector->on[SCRUB_PHONE] ? find_phone(s, at) : 0;
    case AT_SPACE: /* behind beareR, basiC, digesT */
        return at > 4 && is_scheme_end(s->text[at - 1]) && s->detector->on[SCRUB_BEARER]
                   ? find_credentials(s, at)
                   : 0;
    case AT_DIGIT:
        return at_number(s, at);
    default:
        return 0;
    }
}

static void pass(struct scan *s)
{
    const uint8_t *triggers = s->detector->triggers;
    for (size_t at = s->done; at < s->len && !s->full; at++) {
        uint8_t trigger = triggers[s->text[at]];
        if (!trigger || (trigger == AT_DIGIT && at < s->digits_done))
            continue;
        size_t next = look(s, at);
        if (next > at)
            at = next - 1;
    }
}

static bool is_sql_system(struct bytes system)
{
    static const char *const others[] = {"redis", "valkey",        "memcached", "mongodb",
                                         "mongo", "elasticsearch", "opensearch"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (bytes_equal_string(system, others[i]))
            return false;
    }
    return true;
}

/* What is left of a query's text when literals are gone holds no more than names. */
static bool read_query_text(struct scan *s)
{
    struct bytes system = s->where->db_system;
    if (!is_sql_system(system)) {
        if (s->detector->on[SCRUB_COMMAND_ARGUMENT])
            find_command(s, system);
        return s->detector->on[SCRUB_COMMAND_ARGUMENT];
    }
    bool mysql = bytes_equal_string(system, "mysql") || bytes_equal_string(system, "mariadb");
    bool postgres = bytes_equal_string(system, "postgresql") ||
                    bytes_equal_string(system, "oracle") || bytes_equal_string(system, "mssql") ||
                    bytes_equal_string(system, "sqlite") ||
                    bytes_equal_string(system, "microsoft.sql_server");
    if (s->detector->on[SCRUB_SQL_LITERAL])
        find_sql(s, mysql, !postgres);
    return s->detector->on[SCRUB_SQL_LITERAL];
}

static bool read_whole(struct scan *s, enum key_kind kind)
{
    enum scrub_class class = kind == KEY_COOKIE ? SCRUB_COOKIE : SCRUB_SENSITIVE_KEY;
    if (kind == KEY_PLAIN || !s->detector->on[class] || s->len == 0)
        return false;
    scan_found(s, 0, s->len, class);
    return true;
}

/* Puts what the pass has found beside the grammar's literals, where it is not within one. */
static void merge(struct scan *into, const struct scan *from)
{
    struct finding merged[2 * FINDINGS_MAX];
    size_t count = 0, a = 0, b = 0, done = 0;
    while (a < into->count || b < from->count) {
        bool first = b == from->count ||
                     (a < into->count && into->findings[a].start <= from->findings[b].start);
        struct finding f = first ? into->findings[a++] : from->findings[b++];
        if (f.start >= done)
            merged[count++] = f;
        done = f.start + f.len > done ? f.start + f.len : done;
    }
    into->full |= from->full || count > FINDINGS_MAX;
    into->count = count > FINDINGS_MAX ? FINDINGS_MAX : count;
    memcpy(into->findings, merged, into->count * sizeof merged[0]);
}

enum detect_result detector_find(const struct detector *d, const struct detect_context *where,
                                 struct bytes value, struct finding findings[FINDINGS_MAX],
                                 size_t *count)
{
    struct scan s = {
        .detector = d, .where = where, .text = value.data, .len = value.len, .findings = findings};
    struct finding more[FINDINGS_MAX];
    struct key_traits key = key_traits(where->key);
    if (!read_whole(&s, (enum key_kind)key.kind)) {
        s.versions = key.version;
        s.phones = key.phone && d->on[SCRUB_PHONE];
        s.target = key.target;
        bool query = key.query && read_query_text(&s);
        struct scan rest = s;
        rest.findings = query ? more : s.findings;
        rest.count = 0;
        rest.done = 0;
        if (value.len >= SHORTEST)
            pass(&rest);
        if (query)
            merge(&s, &rest);
        else
            s = rest;
    }
    *count = s.count;
    if (!s.full)
        return DETECT_OK;
    findings[0] = (struct finding){0, (uint32_t)value.len, findings[0].class};
    *count = 1;
    return DETECT_WHOLE;
}

bool detector_key_is_sensitive(const struct detector *d, struct bytes key)
{
    enum key_kind kind = (enum key_kind)key_traits(key).kind;
    return (kind == KEY_SENSITIVE && d->on[SCRUB_SENSITIVE_KEY]) ||
           (kind == KEY_COOKIE && d->on[SCRUB_COOKIE]);
}
