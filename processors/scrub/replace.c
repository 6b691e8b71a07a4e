#include "processors/scrub/replace.h"

#include "processors/scrub/patterns.h"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

/* ---- marks that a scrub processor has left before: they stay, or nobody would know them ---- */

enum {
    MARK_MAX = SCRUB_NAME_MAX + SCRUB_KEY_ID_MAX + 2 * SCRUB_HASH_BYTES + 4,
};

static size_t key_id_end(struct bytes value, size_t from)
{
    size_t at = from;
    while (at < value.len && at - from < SCRUB_KEY_ID_MAX && scrub_is_mark_byte(value.data[at]))
        at++;
    return at;
}

static bool is_hex(uint8_t c)
{
    return (uint8_t)(c - '0') <= 9 || (uint8_t)(c - 'a') <= 5;
}

/* Whether ":9f86…]" stands at `at`. */
static bool is_hash(struct bytes value, size_t at)
{
    const size_t len = 2 * (size_t)SCRUB_HASH_BYTES;
    if (at >= value.len || value.len - at < len + 2 || value.data[at] != ':' ||
        value.data[at + 1 + len] != ']')
        return false;
    for (size_t i = 1; i <= len; i++) {
        if (!is_hex(value.data[at + i]))
            return false;
    }
    return true;
}

static bool is_rule_name(const struct scrub_rules *r, struct bytes name)
{
    for (unsigned rule = 0; rule < SCRUB_CLASSES + r->pattern_count; rule++) {
        if (bytes_equal_string(name, scrub_rule_name(r, rule)))
            return true;
    }
    return false;
}

/* Where the mark ends that begins at `at`, [email] or [email:1:9f86…]; 0: there is none. */
static size_t mark_end(const struct scrub_rules *r, struct bytes value, size_t at)
{
    if (value.data[at] != '[')
        return 0;
    size_t name = at + 1, end = name;
    while (end < value.len && value.data[end] != ':' && value.data[end] != ']' &&
           end - name <= SCRUB_NAME_MAX)
        end++;
    if (end == value.len || !is_rule_name(r, bytes_of(value.data + name, end - name)))
        return 0;
    if (value.data[end] == ']')
        return end + 1;
    size_t hash = key_id_end(value, end + 1);
    return is_hash(value, hash) ? hash + 2 * (size_t)SCRUB_HASH_BYTES + 2 : 0;
}

/* Whether what was found is a mark, or part of one. */
static bool is_in_mark(const struct scrub_rules *r, struct bytes value, size_t start, size_t end)
{
    size_t at = start;
    while (at > 0 && value.data[at] != '[' && start - at < MARK_MAX)
        at--;
    return end <= mark_end(r, value, at);
}

bool scrub_is_mark(const struct scrub_rules *r, struct bytes value)
{
    return value.len > 0 && mark_end(r, value, 0) == value.len;
}

/* ---- finding ---- */

/* Keeps hits in order; of two that overlap both parts go, as the first one's. */
static bool add_hit(struct scrub_hits *hits, struct scrub_hit hit)
{
    size_t at = hits->count;
    while (at > 0 && hits->items[at - 1].start > hit.start)
        at--;
    if (at > 0 && hits->items[at - 1].start + hits->items[at - 1].len > hit.start) {
        struct scrub_hit *before = &hits->items[at - 1];
        uint32_t end = hit.start + hit.len;
        if (before->start + before->len < end)
            before->len = end - before->start;
        hit = *before;
        hits->count--;
        memmove(before, before + 1, (hits->count - (at - 1)) * sizeof *before);
        return add_hit(hits, hit);
    }
    size_t over = at;
    while (over < hits->count && hits->items[over].start < hit.start + hit.len) {
        uint32_t end = hits->items[over].start + hits->items[over].len;
        if (end > hit.start + hit.len)
            hit.len = end - hit.start;
        over++;
    }
    if (over == at && hits->count == sizeof hits->items / sizeof hits->items[0])
        return false;
    memmove(hits->items + at + 1, hits->items + over, (hits->count - over) * sizeof hits->items[0]);
    hits->items[at] = hit;
    hits->count += 1 - (over - at);
    return true;
}

static void take_whole(struct scrub_hits *hits, struct bytes value, unsigned rule)
{
    hits->items[0] = (struct scrub_hit){0, (uint32_t)value.len, (uint16_t)rule};
    hits->count = 1;
}

struct collecting {
    const struct scrub_rules *rules;
    struct bytes value;
    struct scrub_hits *hits;
    uint16_t rule;
};

static bool collect(void *context, struct regex_span match)
{
    const struct collecting *c = context;
    if (is_in_mark(c->rules, c->value, match.start, match.end))
        return true;
    return add_hit(c->hits, (struct scrub_hit){(uint32_t)match.start,
                                               (uint32_t)(match.end - match.start), c->rule});
}

static void find_patterns(struct pattern_subject *s, struct bytes value, struct scrub_hits *hits)
{
    for (unsigned i = 0; i < s->rules->pattern_count; i++) {
        struct collecting c = {s->rules, value, hits, (uint16_t)(SCRUB_CLASSES + i)};
        if (!pattern_find(s, i, collect, &c)) {
            take_whole(hits, value, c.rule);
            return;
        }
    }
}

bool scrub_find(const struct scrub_rules *r, const struct detect_context *where, struct bytes value,
                struct scrub_hits *hits)
{
    struct finding found[FINDINGS_MAX];
    size_t count;
    hits->count = 0;
    if (value.len == 0)
        return false;
    enum detect_result result = detector_find(r->detector, where, value, found, &count);
    if (result == DETECT_WHOLE) {
        take_whole(hits, value, found[0].class);
        return true;
    }
    if (count == 0 && !r->pattern_count)
        return false;
    struct pattern_subject s;
    bool begun = pattern_subject_begin(&s, r, value);
    for (size_t i = 0; i < count; i++) {
        struct scrub_hit hit = {found[i].start, found[i].len, (uint16_t)found[i].class};
        size_t end = (size_t)hit.start + hit.len;
        bool allowed = begun && r->allowed_values.count && pattern_allows(&s, hit.start, end);
        if (!allowed && !is_in_mark(r, value, hit.start, end))
            hits->items[hits->count++] = hit;
    }
    if (begun)
        find_patterns(&s, value, hits);
    else
        take_whole(hits, value, count ? found[0].class : SCRUB_CLASSES);
    pattern_subject_end(&s);
    return hits->count > 0;
}

/* ---- replacing ---- */

static enum scrub_action action_of(const struct scrub_rules *r, unsigned rule)
{
    return rule < SCRUB_CLASSES ? r->actions[rule] : r->patterns[rule - SCRUB_CLASSES].action;
}

bool scrub_removes_all(const struct scrub_rules *r, struct bytes value,
                       const struct scrub_hits *hits)
{
    return hits->count == 1 && hits->items[0].len == value.len &&
           action_of(r, hits->items[0].rule) == ACTION_REMOVE;
}

static void name_rule(const struct scrub_rules *r, unsigned rule, struct buffer *out)
{
    buffer_append_byte(out, '[');
    buffer_append_string(out, scrub_rule_name(r, rule));
    buffer_append_byte(out, ']');
}

/* Credentials keep their place in a URL, literals theirs in a query. */
static void replace(const struct scrub_rules *r, unsigned rule, struct bytes found,
                    struct buffer *out)
{
    if (rule == SCRUB_SQL_LITERAL || rule == SCRUB_COMMAND_ARGUMENT)
        buffer_append_byte(out, '?');
    else if (rule == SCRUB_URL_CREDENTIALS)
        buffer_append_string(out,
                             memchr(found.data, ':', found.len) ? "REDACTED:REDACTED" : "REDACTED");
    else
        name_rule(r, rule, out);
}

static bool keeps_last_four(unsigned rule)
{
    return rule == SCRUB_PAYMENT_CARD || rule == SCRUB_IBAN || rule == SCRUB_PHONE ||
           rule == SCRUB_US_SSN;
}

static void mask(unsigned rule, struct bytes found, struct buffer *out)
{
    buffer_append_string(out, "****");
    if (keeps_last_four(rule) && found.len > 8)
        buffer_append(out, found.data + found.len - 4, 4);
}

void scrub_pseudonym(const struct scrub_rules *r, unsigned rule, struct bytes found,
                     struct buffer *out)
{
    struct buffer normal = {0};
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (rule < SCRUB_CLASSES)
        scrub_normalise((enum scrub_class)rule, found, &normal);
    else
        buffer_append(&normal, found.data, found.len);
    if (normal.failed || !HMAC(EVP_sha256(), r->hash_key, (int)r->hash_key_len, normal.data,
                               normal.len, hash, &len)) {
        buffer_free(&normal);
        replace(r, rule, found, out);
        return;
    }
    buffer_free(&normal);
    buffer_printf(out, "[%s:%s:", scrub_rule_name(r, rule), r->hash_key_id);
    for (unsigned i = 0; i < SCRUB_HASH_BYTES; i++) {
        buffer_append_byte(out, (uint8_t) "0123456789abcdef"[hash[i] >> 4]);
        buffer_append_byte(out, (uint8_t) "0123456789abcdef"[hash[i] & 15]);
    }
    buffer_append_byte(out, ']');
}

static void truncate_address(const struct scrub_rules *r, unsigned rule, struct bytes found,
                             struct buffer *out)
{
    char text[64] = "";
    uint8_t address[16];
    int family = rule == SCRUB_IPV4 ? AF_INET : AF_INET6;
    if (found.len < sizeof text)
        memcpy(text, found.data, found.len);
    if (inet_pton(family, text, address) != 1) {
        name_rule(r, rule, out);
        return;
    }
    if (family == AF_INET)
        address[3] = 0;
    else
        memset(address + 6, 0, 10);
    buffer_append_string(out, inet_ntop(family, address, text, sizeof text));
}

static void replace_hit(const struct scrub_rules *r, unsigned rule, struct bytes found,
                        struct buffer *out)
{
    switch (action_of(r, rule)) {
    case ACTION_REMOVE:
        break;
    case ACTION_MASK:
        mask(rule, found, out);
        break;
    case ACTION_HASH:
        scrub_pseudonym(r, rule, found, out);
        break;
    case ACTION_TRUNCATE:
        truncate_address(r, rule, found, out);
        break;
    default:
        replace(r, rule, found, out);
    }
}

void scrub_replace(const struct scrub_rules *r, struct bytes value, const struct scrub_hits *hits,
                   struct buffer *out)
{
    size_t at = 0;
    for (size_t i = 0; i < hits->count; i++) {
        const struct scrub_hit *h = &hits->items[i];
        buffer_append(out, value.data + at, h->start - at);
        replace_hit(r, h->rule, bytes_of(value.data + h->start, h->len), out);
        at = h->start + h->len;
    }
    buffer_append(out, value.data + at, value.len - at);
}
