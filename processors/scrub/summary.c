#include "processors/scrub/summary.h"

#include <stdlib.h>

static const struct {
    const char *keys;
    const char *count;
} names[SCRUB_FATES] = {
    [SCRUB_REMOVED] = {"redaction.redacted.keys", "redaction.redacted.count"},
    [SCRUB_MASKED] = {"redaction.masked.keys", "redaction.masked.count"},
};

void scrub_summary_begin(struct scrub_summary_list *s)
{
    for (unsigned i = 0; i < SCRUB_FATES; i++) {
        s->fates[i].key_count = 0;
        s->fates[i].count = s->fates[i].count_before = 0;
        s->fates[i].keys_before = bytes_of(NULL, 0);
    }
}

void scrub_summary_note(struct scrub_summary_list *s, enum scrub_fate fate, struct bytes key)
{
    s->fates[fate].count++;
    if (s->fates[fate].key_count < SUMMARY_KEYS_MAX)
        s->fates[fate].keys[s->fates[fate].key_count++] = key;
}

bool scrub_summary_is_key(struct bytes key)
{
    static const char prefix[] = "redaction.";
    if (key.len < sizeof prefix || memcmp(key.data, prefix, sizeof prefix - 1) != 0)
        return false;
    for (unsigned i = 0; i < SCRUB_FATES; i++) {
        if (bytes_equal_string(key, names[i].keys) || bytes_equal_string(key, names[i].count))
            return true;
    }
    return false;
}

/* One that comes before anything was found may stay: should there be something yet, the sum is
 * written behind it, and the last of its name counts. */
bool scrub_summary_came(struct scrub_summary_list *s, struct bytes key, const struct value *v)
{
    for (unsigned i = 0; i < SCRUB_FATES; i++) {
        bool keys = v->type == VALUE_STRING && bytes_equal_string(key, names[i].keys);
        bool count = v->type == VALUE_INT && bytes_equal_string(key, names[i].count);
        if (keys)
            s->fates[i].keys_before = v->bytes;
        if (count)
            s->fates[i].count_before = v->integer;
        if (keys || count)
            return s->fates[i].count > 0;
    }
    return false;
}

static int compare_keys(const void *a, const void *b)
{
    return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

/* The keys of a text with commas behind those that are there. */
static size_t add_listed(struct bytes *keys, size_t count, size_t most, struct bytes list)
{
    while (list.len > 0 && count < most) {
        const uint8_t *comma = memchr(list.data, ',', list.len);
        size_t len = comma ? (size_t)(comma - list.data) : list.len;
        keys[count++] = bytes_of(list.data, len);
        size_t over = comma ? len + 1 : len;
        list = bytes_of(list.data + over, list.len - over);
    }
    return count;
}

static bool join(const struct bytes *keys, size_t count, struct batch *b, struct bytes *out)
{
    size_t len = count; /* of the commas, and of one byte that there always is */
    for (size_t i = 0; i < count; i++)
        len += keys[i].len;
    uint8_t *text = batch_memory(b, len + 1), *to = text;
    for (size_t i = 0; text && i < count; i++) {
        if (i > 0)
            *to++ = ',';
        if (keys[i].len)
            memcpy(to, keys[i].data, keys[i].len);
        to += keys[i].len;
    }
    *out = bytes_of(text, text ? (size_t)(to - text) : 0);
    return text != NULL;
}

bool scrub_summary_write(const struct scrub_summary_list *s, enum scrub_summary level,
                         struct batch *b, struct link_attribute out[SUMMARY_ATTRIBUTES_MAX],
                         size_t *count)
{
    *count = 0;
    for (unsigned i = 0; i < SCRUB_FATES; i++) {
        struct bytes keys[2 * SUMMARY_KEYS_MAX], list;
        size_t key_count = s->fates[i].key_count;
        if (s->fates[i].count == 0)
            continue;
        if (level == SUMMARY_DEBUG) {
            memcpy(keys, s->fates[i].keys, key_count * sizeof keys[0]);
            key_count =
                add_listed(keys, key_count, sizeof keys / sizeof keys[0], s->fates[i].keys_before);
            qsort(keys, key_count, sizeof keys[0], compare_keys);
            if (!join(keys, key_count, b, &list))
                return false;
            out[(*count)++] = (struct link_attribute){bytes_of_string(names[i].keys),
                                                      {.type = VALUE_STRING, .bytes = list}};
        }
        out[(*count)++] =
            (struct link_attribute){bytes_of_string(names[i].count),
                                    {.type = VALUE_INT,
                                     .integer = (int64_t)((uint64_t)s->fates[i].count +
                                                          (uint64_t)s->fates[i].count_before)}};
    }
    return true;
}
