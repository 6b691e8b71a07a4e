#include "processors/redaction_summary.h"

#include <stdlib.h>

/* By fate: the attribute with the keys, then that with their number. Ignored keys are not told. */
static const char *const names[SUMMARY_ATTRIBUTES] = {
    "redaction.redacted.keys", "redaction.redacted.count", "redaction.masked.keys",
    "redaction.masked.count",  "redaction.allowed.keys",   "redaction.allowed.count",
    "redaction.ignored.count",
};

enum { NO_KEYS = -1 };

static int keys_index(enum redaction_fate fate)
{
    return fate == FATE_IGNORED ? NO_KEYS : 2 * (int)fate;
}

static int count_index(enum redaction_fate fate)
{
    return fate == FATE_IGNORED ? 6 : 2 * (int)fate + 1;
}

void redaction_summary_free(struct redaction_summary *s)
{
    for (int i = 0; i < REDACTION_FATES; i++)
        free(s->keys[i].items);
}

void redaction_summary_reset(struct redaction_summary *s)
{
    for (int i = 0; i < REDACTION_FATES; i++) {
        s->counts[i] = 0;
        s->keys[i].count = 0;
    }
    memset(s->came, 0, sizeof s->came);
}

void redaction_summary_begin(struct redaction_summary *s, enum redaction_summary_level level)
{
    s->level = level;
    s->failed = false;
    redaction_summary_reset(s);
}

int redaction_summary_index(struct bytes key)
{
    static const char prefix[] = "redaction.";
    if (key.len < sizeof prefix || memcmp(key.data, prefix, sizeof prefix - 1) != 0)
        return -1;
    for (int i = 0; i < SUMMARY_ATTRIBUTES; i++) {
        if (bytes_equal_string(key, names[i]))
            return i;
    }
    return -1;
}

static void keep(struct redaction_summary *s, struct summary_keys *keys, struct bytes key)
{
    if (keys->count == keys->capacity) {
        size_t capacity = keys->capacity ? 2 * keys->capacity : 16;
        struct bytes *grown = reallocarray(keys->items, capacity, sizeof *grown);
        if (!grown) {
            s->failed = true;
            return;
        }
        keys->items = grown;
        keys->capacity = capacity;
    }
    keys->items[keys->count++] = key;
}

void redaction_summary_add(struct redaction_summary *s, enum redaction_fate fate, struct bytes key)
{
    s->counts[fate]++;
    if (s->level == SUMMARY_DEBUG && keys_index(fate) != NO_KEYS)
        keep(s, &s->keys[fate], key);
}

void redaction_summary_came(struct redaction_summary *s, int index, const struct value *v)
{
    if (s->came[index].there)
        return;
    s->came[index].there = true;
    s->came[index].value = *v;
}

/* The keys of a comma-separated text. */
static void keep_listed(struct redaction_summary *s, struct summary_keys *keys, struct bytes list)
{
    while (list.len > 0) {
        const uint8_t *comma = memchr(list.data, ',', list.len);
        size_t len = comma ? (size_t)(comma - list.data) : list.len;
        keep(s, keys, bytes_of(list.data, len));
        if (!comma)
            return;
        list = bytes_of(comma + 1, list.len - len - 1);
        if (list.len == 0)
            keep(s, keys, list);
    }
}

static int compare_keys(const void *a, const void *b)
{
    return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

static struct bytes joined(const struct summary_keys *keys, struct pieces *memory)
{
    size_t len = keys->count ? keys->count - 1 : 0;
    for (size_t i = 0; i < keys->count; i++)
        len += keys->items[i].len;
    uint8_t *text = pieces_get(memory, len), *to = text;
    for (size_t i = 0; text && i < keys->count; i++) {
        if (i > 0)
            *to++ = ',';
        if (keys->items[i].len)
            memcpy(to, keys->items[i].data, keys->items[i].len);
        to += keys->items[i].len;
    }
    return bytes_of(text, text ? len : 0);
}

static void write_fate(struct redaction_summary *s, enum redaction_fate fate, struct pieces *memory)
{
    int with_keys = keys_index(fate), with_count = count_index(fate);
    uint64_t count = s->counts[fate];
    if (count == 0 || s->level == SUMMARY_SILENT)
        return;
    if (s->level == SUMMARY_DEBUG && with_keys != NO_KEYS) {
        struct summary_keys *keys = &s->keys[fate];
        if (s->came[with_keys].there && s->came[with_keys].value.type == VALUE_STRING)
            keep_listed(s, keys, s->came[with_keys].value.bytes);
        if (keys->count)
            qsort(keys->items, keys->count, sizeof *keys->items, compare_keys);
        s->came[with_keys].value =
            (struct value){.type = VALUE_STRING, .bytes = joined(keys, memory)};
        s->came[with_keys].there = true;
    }
    if (s->came[with_count].there && s->came[with_count].value.type == VALUE_INT)
        count += (uint64_t)s->came[with_count].value.integer;
    s->came[with_count].value = (struct value){.type = VALUE_INT, .integer = (int64_t)count};
    s->came[with_count].there = true;
}

size_t redaction_summary_write(struct redaction_summary *s, struct pieces *memory,
                               struct link_attribute **out)
{
    size_t count = 0;
    for (int i = 0; i < REDACTION_FATES; i++)
        write_fate(s, (enum redaction_fate)i, memory);
    for (int i = 0; i < SUMMARY_ATTRIBUTES; i++)
        count += s->came[i].there;
    *out = count ? pieces_get(memory, count * sizeof **out) : NULL;
    s->failed |= memory->failed;
    if (!*out)
        return 0;
    count = 0;
    for (int i = 0; i < SUMMARY_ATTRIBUTES; i++) {
        if (s->came[i].there)
            (*out)[count++] = (struct link_attribute){bytes_of_string(names[i]), s->came[i].value};
    }
    return count;
}
