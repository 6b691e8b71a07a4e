#include "processors/scrub/named_values.h"

#include "processors/scrub/detect_private.h"

static bool is_one_of(struct bytes key, const char *const *words)
{
    return key.len < 16 && is_word_of(key.data, (uint32_t)key.len, words);
}

static const char *const value_keys[] = {"value", "v", "val", NULL};

/* The text under `name` of a map that has a `value` as well; empty: there is none. */
static struct bytes name_in_map(struct bytes map)
{
    static const char *const name_keys[] = {"name", "key", "k", "header", "field", NULL};
    struct attribute_iterator it;
    struct attribute a;
    struct bytes name = bytes_of(NULL, 0);
    bool valued = false;
    attribute_begin(&it, map, 1);
    while (attribute_next(&it, &a)) {
        valued |= is_one_of(a.key, value_keys);
        if (a.value.type == VALUE_STRING && is_one_of(a.key, name_keys))
            name = a.value.bytes;
    }
    return valued ? name : bytes_of(NULL, 0);
}

/* How many strings an array holds, when it holds nothing else; else 0. */
static size_t count_strings(struct bytes array)
{
    struct value_iterator it;
    struct value v;
    size_t count = 0;
    for (value_begin(&it, array); value_next(&it, &v); count++) {
        if (v.type != VALUE_STRING)
            return 0;
    }
    return count;
}

void named_values_enter(struct named_values *n, const struct rewrite_item *item)
{
    unsigned depth = item->depth + 1;
    if (item->value.type == VALUE_MAP) {
        struct bytes name = name_in_map(item->value.bytes);
        if (name.len || n->map_depth >= depth) {
            n->name = name;
            n->map_depth = depth;
        }
        return;
    }
    size_t count = count_strings(item->value.bytes);
    n->array_depth = count > 0 && count % 2 == 0 ? depth : 0;
    n->pair = count == 2 && item->element;
    n->second = false;
}

/* Whether a string beside a name is no word of a list of words: ["token", "refresh"]. */
static bool looks_like_value(struct bytes text)
{
    bool digit = false, blank = false;
    for (size_t i = 0; i < text.len; i++) {
        digit |= byte_is_digit(text.data[i]);
        blank |= text.data[i] == ' ' || text.data[i] == '=';
    }
    return digit || blank;
}

static bool is_name(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!byte_is_token(text.data[i]) && text.data[i] != '.')
            return false;
    }
    return text.len > 0;
}

static struct bytes name_in_array(struct named_values *n, const struct detector *d,
                                  struct bytes text)
{
    struct bytes name = n->second ? n->before : bytes_of(NULL, 0);
    n->second = !n->second;
    n->before = text;
    bool secret = is_name(name) && detector_key_is_sensitive(d, name);
    return secret && (n->pair || looks_like_value(text)) ? name : bytes_of(NULL, 0);
}

struct bytes named_values_name(struct named_values *n, const struct detector *d,
                               const struct rewrite_item *item)
{
    if (item->element)
        return item->depth == n->array_depth && item->value.type == VALUE_STRING
                   ? name_in_array(n, d, item->value.bytes)
                   : bytes_of(NULL, 0);
    bool told = n->name.len && item->depth == n->map_depth && is_one_of(item->key, value_keys);
    return told ? n->name : bytes_of(NULL, 0);
}
