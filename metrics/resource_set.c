#include "metrics/resource_set.h"

#include "component/hash_seed.h"
#include "proto/attribute.h"
#include "proto/buffer.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* What is kept of a resource's attributes for showing. A value that is longer is not shown, nor
 * what comes when there is so much already. */
enum { SHOWN_MAX = 128, SHOWN_VALUE_MAX = 4096, SHOWN_BYTES_MAX = 16384, BUCKETS_MAX = 65536 };

bool resource_set_init(struct resource_set *s, const struct resource_settings *settings)
{
    size_t buckets = 16;
    memset(s, 0, sizeof *s);
    s->settings = *settings;
    s->next_id = 1;
    while (buckets < settings->limit && buckets < BUCKETS_MAX)
        buckets *= 2;
    s->buckets = calloc(buckets, sizeof(struct resource_group *));
    s->bucket_mask = buckets - 1;
    return s->buckets != NULL;
}

static void hash_bytes(const void *data, size_t len, uint64_t hash[2])
{
    XXH128_hash_t h = XXH3_128bits_withSeed(data, len, hash_seed());
    hash[0] = h.low64;
    hash[1] = h.high64;
}

static bool same_hash(const uint64_t a[2], const uint64_t b[2])
{
    return a[0] == b[0] && a[1] == b[1];
}

/* ---- identity ---- */

static bool tells_apart(const struct resource_settings *settings, struct bytes key)
{
    if (bytes_equal_string(key, "service.name"))
        return true;
    if (settings->hidden)
        return false;
    for (size_t i = 0; i < settings->key_attributes.count; i++) {
        if (bytes_equal_string(key, settings->key_attributes.items[i]))
            return true;
    }
    return settings->key_attributes.count == 0;
}

static void write_attribute(struct buffer *out, const struct attribute *a)
{
    uint64_t head[3] = {a->key.len, a->value.type, a->value.bytes.len};
    buffer_append(out, head, sizeof head);
    buffer_append(out, a->key.data, a->key.len);
    if (a->value.bytes.len > 0)
        buffer_append(out, a->value.bytes.data, a->value.bytes.len);
    else if (a->value.type == VALUE_BOOL)
        buffer_append_byte(out, a->value.boolean);
    else if (a->value.type == VALUE_INT || a->value.type == VALUE_DOUBLE)
        buffer_append(out, &a->value.integer, sizeof a->value.integer);
}

/* The sum of the attributes' hashes, whose order is that way no matter. They may be two bytes each
 * and millions, so nothing is kept of them. False: out of memory. */
static bool identify(const struct resource_settings *settings, struct bytes message,
                     uint64_t hash[2])
{
    struct buffer text = {0};
    struct attribute_iterator it;
    struct attribute a;
    hash[0] = hash[1] = 0;
    attribute_begin(&it, message, RESOURCE_ATTRIBUTES);
    while (attribute_next(&it, &a)) {
        uint64_t one[2];
        if (!tells_apart(settings, a.key))
            continue;
        text.len = 0;
        write_attribute(&text, &a);
        hash_bytes(text.data, text.len, one);
        hash[0] += one[0];
        hash[1] += one[1];
    }
    bool ok = !text.failed;
    buffer_free(&text);
    return ok;
}

/* ---- groups ---- */

static void free_group(struct series_group *g)
{
    free(g);
}

struct shown {
    size_t count;
    size_t bytes; /* of keys and values */
};

/* Counts the attribute when there is room for it. */
static bool is_shown(const struct attribute *a, struct shown *s)
{
    size_t bytes = a->key.len + a->value.bytes.len;
    if (s->count == SHOWN_MAX || a->value.bytes.len > SHOWN_VALUE_MAX ||
        s->bytes + bytes > SHOWN_BYTES_MAX)
        return false;
    s->count++;
    s->bytes += bytes;
    return true;
}

static struct bytes keep(uint8_t **to, struct bytes b)
{
    struct bytes kept = bytes_of(*to, b.len);
    if (b.len > 0)
        memcpy(*to, b.data, b.len);
    *to += b.len;
    return kept;
}

static struct bytes name_of_service(struct bytes message)
{
    struct attribute a;
    if (!attribute_find(message, RESOURCE_ATTRIBUTES, bytes_of_string("service.name"), &a) ||
        a.value.type != VALUE_STRING)
        return bytes_of("", 0);
    return bytes_of(a.value.bytes.data,
                    a.value.bytes.len < SHOWN_VALUE_MAX ? a.value.bytes.len : SHOWN_VALUE_MAX);
}

static struct resource_group *make_group(struct bytes message)
{
    struct bytes service = name_of_service(message);
    struct attribute_iterator it;
    struct attribute a;
    struct shown all = {0}, shown = {0};
    attribute_begin(&it, message, RESOURCE_ATTRIBUTES);
    while (attribute_next(&it, &a))
        is_shown(&a, &all);
    struct resource_group *g =
        calloc(1, sizeof *g + all.count * sizeof g->labels[0] + all.bytes + service.len);
    if (!g)
        return NULL;
    uint8_t *to = (uint8_t *)(g->labels + all.count);
    g->service = keep(&to, service);
    attribute_begin(&it, message, RESOURCE_ATTRIBUTES);
    while (attribute_next(&it, &a)) {
        struct metric_label *label = &g->labels[shown.count];
        if (!is_shown(&a, &shown))
            continue;
        label->name = keep(&to, a.key);
        label->value = a.value;
        label->value.bytes = keep(&to, a.value.bytes);
    }
    g->group.resource.labels = g->labels;
    g->group.resource.label_count = shown.count;
    return g;
}

static void unlink_group(struct resource_set *s, struct resource_group *g)
{
    *(g->newer ? &g->newer->older : &s->newest) = g->older;
    *(g->older ? &g->older->newer : &s->oldest) = g->newer;
}

static void link_newest(struct resource_set *s, struct resource_group *g)
{
    g->newer = NULL;
    g->older = s->newest;
    *(s->newest ? &s->newest->newer : &s->oldest) = g;
    s->newest = g;
}

/* Its series are found no more, and go with the sweeps to come. */
static void forget(struct resource_set *s, struct resource_group *g)
{
    struct resource_group **at = &s->buckets[g->hash[0] & s->bucket_mask];
    while (*at != g)
        at = &(*at)->chain;
    *at = g->chain;
    unlink_group(s, g);
    for (size_t i = 0; i < RESOURCE_RECENT; i++) {
        if (s->recent[i].group == g)
            s->recent[i].group = NULL;
    }
    s->count--;
    g->group.dead = true;
    series_group_drop(&g->group);
}

static struct resource_group *find(const struct resource_set *s, const uint64_t hash[2])
{
    struct resource_group *g = s->buckets[hash[0] & s->bucket_mask];
    while (g && !same_hash(g->hash, hash))
        g = g->chain;
    return g;
}

static struct resource_group *add(struct resource_set *s, struct bytes message,
                                  const uint64_t hash[2])
{
    struct resource_group *g = make_group(message);
    if (!g)
        return NULL;
    if (s->count >= s->settings.limit)
        forget(s, s->oldest);
    if (s->settings.hidden)
        g->group.resource.label_count = 0;
    memcpy(g->hash, hash, sizeof g->hash);
    g->group.resource.id = s->next_id++;
    g->group.free = free_group;
    g->group.seed = hash_seed() + g->group.resource.id * 0xd6e8feb86659fd93U;
    g->group.references = 1;
    g->chain = s->buckets[hash[0] & s->bucket_mask];
    s->buckets[hash[0] & s->bucket_mask] = g;
    link_newest(s, g);
    s->count++;
    return g;
}

static bool has_service(struct bytes message)
{
    struct attribute a;
    return attribute_find(message, RESOURCE_ATTRIBUTES, bytes_of_string("service.name"), &a);
}

static struct resource_group *get_by_attributes(struct resource_set *s, struct bytes message,
                                                uint64_t now_ns, bool *no_memory)
{
    uint64_t hash[2];
    if (!has_service(message))
        return NULL;
    *no_memory = !identify(&s->settings, message, hash);
    if (*no_memory)
        return NULL;
    struct resource_group *g = find(s, hash);
    if (g && s->settings.idle_ns && now_ns >= g->group.last_ns + s->settings.idle_ns) {
        forget(s, g);
        g = NULL;
    }
    if (!g)
        g = add(s, message, hash);
    *no_memory = !g;
    return g;
}

struct resource_group *resource_set_get(struct resource_set *s, const struct resource_view *r,
                                        uint64_t now_ns, bool *no_memory)
{
    uint64_t hash[2];
    *no_memory = false;
    hash_bytes(r->message.data, r->message.len, hash);
    size_t at = hash[0] % RESOURCE_RECENT;
    struct resource_group *g = s->recent[at].group;
    bool known = g && same_hash(s->recent[at].hash, hash) &&
                 (!s->settings.idle_ns || now_ns < g->group.last_ns + s->settings.idle_ns);
    if (!known) {
        g = get_by_attributes(s, r->message, now_ns, no_memory);
        if (!g)
            return NULL;
        memcpy(s->recent[at].hash, hash, sizeof hash);
        s->recent[at].group = g;
    }
    g->group.last_ns = now_ns;
    if (s->newest != g) {
        unlink_group(s, g);
        link_newest(s, g);
    }
    return g;
}

void resource_set_free(struct resource_set *s)
{
    while (s->newest)
        forget(s, s->newest);
    free(s->buckets);
}
