/* Keys and values judged one at a time.
 *
 * Expressions see a control character for a byte that is not UTF-8 (utf8_readable), so that `.` and
 * negated classes take it, as Go's do: it cannot end a match early and let the rest through. What
 * is written and hashed is the value's own bytes. */
#include "processors/redaction_rules.h"

#include "proto/utf8.h"

#include <stdlib.h>

static struct bytes readable(struct bytes text, bool ascii, struct buffer *copy)
{
    return ascii ? text : utf8_readable(text, copy);
}

static bool is_in(const struct config_strings *list, struct bytes text)
{
    for (size_t i = 0; i < list->count; i++) {
        if (bytes_equal_string(text, list->items[i]))
            return true;
    }
    return false;
}

/* `doubt`: what a match that gave up counts as. */
static bool any_matches(const struct redaction_patterns *p, struct bytes text,
                        const struct regex_glance *glance, bool doubt)
{
    for (size_t i = 0; i < p->count; i++) {
        struct regex_search s;
        struct regex_span found;
        if (!regex_may_match(p->items[i], glance))
            continue;
        regex_search_begin(&s, p->items[i], text);
        enum regex_result result = regex_search_next(&s, &found);
        if (result == REGEX_YES || (result == REGEX_GAVE_UP && doubt))
            return true;
    }
    return false;
}

/* What the processor itself writes is allowed, as in the Collector, which forgets two. */
static bool is_own(struct bytes key)
{
    static const char *const own[] = {"redaction.redacted.keys", "redaction.redacted.count",
                                      "redaction.masked.keys", "redaction.masked.count",
                                      "redaction.ignored.count"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        if (bytes_equal_string(key, own[i]))
            return true;
    }
    return false;
}

unsigned redaction_key(const struct redaction_rules *r, struct bytes key)
{
    struct buffer copy = {0};
    struct regex_glance glance = regex_glance(key);
    struct bytes text = readable(key, glance.ascii, &copy);
    unsigned flags = 0;
    if (copy.failed) {
        flags = KEY_BLOCKED;
    } else if (is_in(&r->ignored_keys, key) ||
               any_matches(&r->ignored_key_patterns, text, &glance, false)) {
        flags = KEY_IGNORED;
    } else {
        if (!r->allow_all_keys && !is_in(&r->allowed_keys, key) && !is_own(key))
            flags |= KEY_NOT_ALLOWED;
        if (any_matches(&r->blocked_key_patterns, text, &glance, true))
            flags |= KEY_BLOCKED;
    }
    buffer_free(&copy);
    return flags;
}

bool redaction_allows(const struct redaction_rules *r, struct bytes text)
{
    struct buffer copy = {0};
    if (r->allowed_values.count == 0)
        return false;
    struct regex_glance glance = regex_glance(text);
    struct bytes shown = readable(text, glance.ascii, &copy);
    bool allowed = !copy.failed && any_matches(&r->allowed_values, shown, &glance, false);
    buffer_free(&copy);
    return allowed;
}

static void append_mask(const struct redaction_rules *r, struct bytes hidden, struct buffer *out)
{
    char hex[HASH_HEX_MAX];
    size_t len = r->hash == HASH_NONE ? 0 : hash_hex(r->hash, r->hmac_key, hidden, hex);
    if (len)
        buffer_append(out, hex, len);
    else
        buffer_append_string(out, "****");
}

void redaction_mask_lines(const struct redaction_rules *r, struct bytes text, struct buffer *out)
{
    for (;;) {
        const uint8_t *end = text.len ? memchr(text.data, '\n', text.len) : NULL;
        size_t len = end ? (size_t)(end - text.data) : text.len;
        append_mask(r, len ? bytes_of(text.data, len) : bytes_of("", 0), out);
        if (!end)
            return;
        buffer_append_byte(out, '\n');
        text = bytes_of(end + 1, text.len - len - 1);
    }
}

/* Into w->to what one pattern leaves of `text`. */
static enum regex_result replace(const struct redaction_rules *r, struct redaction_work *w,
                                 const struct regex *pattern, struct bytes text, bool ascii)
{
    struct regex_search s;
    struct regex_span found;
    enum regex_result result;
    size_t copied = 0;
    bool any = false;
    struct bytes shown = readable(text, ascii, &w->readable);
    if (w->readable.failed)
        return REGEX_GAVE_UP;
    regex_search_begin(&s, pattern, shown);
    while ((result = regex_search_next(&s, &found)) == REGEX_YES) {
        if (!any)
            w->to.len = 0;
        any = true;
        if (found.start > copied)
            buffer_append(&w->to, text.data + copied, found.start - copied);
        append_mask(r, bytes_of(text.data + found.start, found.end - found.start), &w->to);
        copied = found.end;
    }
    if (result == REGEX_GAVE_UP) {
        w->to.len = 0;
        append_mask(r, text, &w->to);
        return result;
    }
    if (any && text.len > copied)
        buffer_append(&w->to, text.data + copied, text.len - copied);
    return any ? REGEX_YES : REGEX_NO;
}

bool redaction_replace(const struct redaction_rules *r, struct redaction_work *w, struct bytes text,
                       struct bytes *out, size_t *rule)
{
    enum regex_result result = REGEX_NO;
    struct bytes now = text.len ? text : bytes_of("", 0);
    bool any = false;
    if (r->blocked_values.count == 0)
        return false;
    struct regex_glance glance = regex_glance(text);
    for (size_t i = 0; i < r->blocked_values.count && result != REGEX_GAVE_UP; i++) {
        if (!regex_may_match(r->blocked_values.items[i], &glance))
            continue;
        result = replace(r, w, r->blocked_values.items[i], now, glance.ascii);
        if (result == REGEX_NO)
            continue;
        if (!any)
            *rule = i;
        any = true;
        struct buffer turned = w->from;
        w->from = w->to;
        w->to = turned;
        now = buffer_bytes(&w->from);
        glance = regex_glance(now);
    }
    w->failed |= w->from.failed || w->to.failed || w->readable.failed;
    *out = now;
    return any && (w->failed || !bytes_equal(now, text));
}

void redaction_work_free(struct redaction_work *w)
{
    buffer_free(&w->from);
    buffer_free(&w->to);
    buffer_free(&w->readable);
}
