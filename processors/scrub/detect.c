/* One value: what its key says of it, which grammar it has, and then the pass of detect_scan.c over
 * what no grammar explains. */
#include "processors/scrub/byte_class.h"
#include "processors/scrub/detect_private.h"

#include <stdlib.h>

static bool copy_url_keys(struct detector *d, const struct detector_options *o)
{
    d->url_keys = calloc(o->url_key_count + 1, sizeof *d->url_keys);
    if (!d->url_keys)
        return false;
    for (; d->url_key_count < o->url_key_count; d->url_key_count++) {
        d->url_keys[d->url_key_count] = strdup(o->url_keys[d->url_key_count]);
        if (!d->url_keys[d->url_key_count])
            return false;
    }
    return true;
}

struct detector *detector_create(const struct detector_options *o)
{
    static const enum scrub_class numbers[] = {
        SCRUB_PAYMENT_CARD, SCRUB_IBAN,    SCRUB_US_SSN, SCRUB_PHONE, SCRUB_IPV4, SCRUB_MAC,
        SCRUB_CPF,          SCRUB_AADHAAR, SCRUB_PESEL,  SCRUB_DNI,   SCRUB_NHS};
    struct detector *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    d->glance = glance_narrow;
#ifdef HAVE_WIDE_VECTORS
    d->wide = wide_vectors();
    if (d->wide)
        d->glance = glance_wide;
#endif
    keys_prepare();
    tokens_prepare();
    memcpy(d->on, o->classes, sizeof d->on);
    d->strict = o->strict;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        d->numbers |= d->on[numbers[i]];
    for (unsigned i = SCRUB_CPF; i <= SCRUB_NHS; i++)
        d->national |= d->on[i];
    if (o->url_keys && !copy_url_keys(d, o)) {
        detector_destroy(d);
        return NULL;
    }
    return d;
}

bool detector_is_wide(const struct detector *d)
{
    return d->wide;
}

bool detector_has(const struct detector *d, enum scrub_class class)
{
    return d->on[class];
}

void detector_destroy(struct detector *d)
{
    if (!d)
        return;
    for (size_t i = 0; i < d->url_key_count; i++)
        free(d->url_keys[i]);
    free(d->url_keys);
    free(d);
}

void scan_add(struct scan *s, uint32_t start, uint32_t end, enum scrub_class class)
{
    if (!s->d->on[class] || end <= start || start < s->floor)
        return;
    if (s->count == FINDINGS_MAX) {
        s->overflow = true;
        s->next = s->end;
        return;
    }
    s->findings[s->count++] = (struct finding){start, end - start, class};
    s->floor = end;
    if (s->next < end)
        s->next = end;
}

bool scan_has(const struct scan *s, uint32_t at, const char *text)
{
    for (; *text; text++, at++) {
        if (at >= s->end || byte_lower(s->s[at]) != (uint8_t)*text)
            return false;
    }
    return true;
}

bool scan_has_exactly(const struct scan *s, uint32_t at, const char *text)
{
    size_t len = strlen(text);
    return at <= s->end && s->end - at >= len && memcmp(s->s + at, text, len) == 0;
}

static _Thread_local uint64_t steps_taken;

uint64_t detect_steps_taken(void)
{
    uint64_t steps = steps_taken;
    steps_taken = 0;
    return steps;
}

static bool key_is_secret(const struct detector *d, unsigned traits)
{
    return (traits & KEY_SENSITIVE && d->on[SCRUB_SENSITIVE_KEY]) ||
           (traits & (KEY_COOKIE | KEY_SESSION) && d->on[SCRUB_COOKIE]) ||
           (traits & KEY_AUTHORIZATION && d->on[SCRUB_BEARER]);
}

bool detector_key_is_sensitive(const struct detector *d, struct bytes key)
{
    return key_is_secret(d, key_traits(key));
}

/* Headers are lists, of one value as a rule: of ["x"] only x is looked at. */
static void leave_out_list(struct scan *s, uint32_t *start, uint32_t *end)
{
    if (s->end > 4 && scan_has_exactly(s, 0, "[\"") && scan_has_exactly(s, s->end - 2, "\"]") &&
        !memchr(s->s + 2, '"', s->end - 4)) {
        *start = 2;
        *end = s->end - 2;
    }
}

/* A value whose key says enough: all of it, but the scheme of credentials. */
static void whole_find(struct scan *s, struct bytes key)
{
    uint32_t start = 0, end = s->end;
    bool sensitive = s->traits & KEY_SENSITIVE && s->d->on[SCRUB_SENSITIVE_KEY];
    leave_out_list(s, &start, &end);
    if (is_hidden(s->s + start, end - start))
        return;
    if (s->traits & KEY_AUTHORIZATION)
        authorization_value(s, start, end);
    else if (sensitive && is_place(key, bytes_of(s->s, s->end)))
        scan_range(s, 0, s->end);
    else if (sensitive)
        secret_add(s, start, end, SCRUB_SENSITIVE_KEY, s->traits);
    else if (s->traits & KEY_SESSION)
        secret_add(s, start, end, SCRUB_COOKIE, s->traits);
    else
        scan_add(s, start, end, SCRUB_COOKIE);
}

/* Traits that make something of the shortest value. */
enum {
    TELLING = KEY_SENSITIVE | KEY_COOKIE | KEY_SESSION | KEY_AUTHORIZATION | KEY_DATABASE |
              KEY_QUERY | KEY_DATABASE_VALUE | KEY_LIKELY
};

static void look(struct scan *s, const struct detect_context *where)
{
    bool literal = s->traits & KEY_DATABASE_VALUE && s->d->on[SCRUB_SQL_LITERAL];
    bool database = s->traits & KEY_DATABASE &&
                    (s->d->on[SCRUB_SQL_LITERAL] || s->d->on[SCRUB_COMMAND_ARGUMENT]);
    if (key_is_secret(s->d, s->traits))
        whole_find(s, where->key);
    else if (s->traits & KEY_LIKELY && s->d->on[SCRUB_SENSITIVE_KEY] &&
             is_likely_secret(s->s, s->end))
        secret_add(s, 0, s->end, SCRUB_SENSITIVE_KEY, s->traits);
    else if (literal)
        scan_add(s, 0, s->end, SCRUB_SQL_LITERAL);
    else if (database ||
             (where->place == PLACE_SPAN_NAME && s->d->on[SCRUB_SQL_LITERAL] && is_statement(s)))
        database_find(s, where->db_system);
    else {
        if (s->traits & KEY_NAMED_NUMBER && s->d->numbers)
            named_value(s);
        if (s->end - s->next >= DETECT_SHORTEST)
            scan_range(s, s->next, s->end);
    }
}

enum detect_result detector_find(const struct detector *d, const struct detect_context *where,
                                 struct bytes value, struct finding findings[FINDINGS_MAX],
                                 size_t *count)
{
    *count = 0;
    if (value.len == 0)
        return DETECT_OK;
    unsigned traits = key_traits(where->key);
    if (where->top_key.data != where->key.data)
        traits |= key_traits(where->top_key);
    if (value.len < DETECT_SHORTEST && !(traits & TELLING))
        return DETECT_OK;
    struct scan s = {
        .d = d,
        .s = value.data,
        .end = value.len > UINT32_MAX ? UINT32_MAX : (uint32_t)value.len,
        .traits = traits,
        .numbers = d->numbers && !(traits & KEY_USER_AGENT),
        .findings = findings,
    };
    if (value.len >= UINT32_MAX) /* longer than a finding can say */
        s.overflow = true;
    else
        look(&s, where);
    steps_taken += s.steps;
    *count = s.count;
    if (!s.overflow)
        return DETECT_OK;
    enum scrub_class class = s.count ? findings[0].class : SCRUB_SENSITIVE_KEY;
    findings[0] = (struct finding){0, s.end, class};
    *count = 1;
    return DETECT_WHOLE;
}
