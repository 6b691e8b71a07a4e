#include "metrics/prometheus/labels.h"

#include "component/hash_seed.h"
#include "metrics/prometheus/naming.h"

#include <stdlib.h>
#include <xxhash.h>

/* Who wins when names meet. */
enum rank {
    RANK_ATTRIBUTE,
    RANK_RESOURCE,
    RANK_OWN,
    RANK_CONSTANT,
};

/* Where a label lies in the arena, which moves while it grows. */
struct label_place {
    size_t name;
    size_t value;
    uint32_t name_len;
    uint32_t value_len;
    enum rank rank;
};

static const char service_name[] = "service.name";
static const char service_namespace[] = "service.namespace";
static const char service_instance[] = "service.instance.id";

#define KEY(key_, type_)                                                                           \
    {                                                                                              \
        .key = #key_, .type = (type_), .offset = offsetof(struct resource_conversion, key_)        \
    }
const struct config_field resource_conversion_fields[] = {
    KEY(enabled, FIELD_BOOL),
    KEY(exclude_service_attributes, FIELD_BOOL),
    CONFIG_END,
};

void label_builder_init(struct label_builder *b, const struct label_rules *rules)
{
    *b = (struct label_builder){.rules = rules};
}

void label_builder_free(struct label_builder *b)
{
    for (size_t i = 0; i < LABEL_NAMES_CACHED; i++)
        free(b->cache[i].bytes);
    free(b->items);
    free(b->places);
    buffer_free(&b->arena);
    value_text_free(&b->text);
}

/* ---- names ---- */

static void translate(const struct label_builder *b, struct bytes name, struct buffer *out)
{
    size_t from = out->len;
    naming_label(name, b->rules->utf8, out);
    if (out->len - from == 2 && !out->failed && memcmp(out->data + from, "le", 2) == 0) {
        out->len = from;
        buffer_append_string(out, "exported_le");
    }
}

/* Appends the translated name; a cache that cannot grow only costs time. */
static void append_name(struct label_builder *b, struct bytes name)
{
    size_t slot = XXH3_64bits_withSeed(name.data, name.len, hash_seed()) % LABEL_NAMES_CACHED;
    uint8_t *cached = b->cache[slot].bytes;
    if (cached && bytes_equal(bytes_of(cached, b->cache[slot].name_len), name)) {
        buffer_append(&b->arena, cached + name.len, b->cache[slot].len);
        return;
    }
    size_t from = b->arena.len;
    translate(b, name, &b->arena);
    size_t len = b->arena.len - from;
    if (b->arena.failed || name.len + len > 4096)
        return;
    uint8_t *larger = realloc(cached, name.len + len);
    if (!larger)
        return;
    cached = larger;
    if (name.len > 0)
        memcpy(cached, name.data, name.len);
    memcpy(cached + name.len, b->arena.data + from, len);
    b->cache[slot].bytes = cached;
    b->cache[slot].name_len = (uint32_t)name.len;
    b->cache[slot].len = (uint32_t)len;
}

/* ---- adding ---- */

static bool grow(struct label_builder *b)
{
    size_t capacity = b->capacity ? b->capacity * 2 : 32;
    struct label_place *places = reallocarray(b->places, capacity, sizeof *places);
    if (places)
        b->places = places;
    struct series_label *items = reallocarray(b->items, capacity, sizeof *items);
    if (items)
        b->items = items;
    if (!places || !items)
        return false;
    b->capacity = capacity;
    return true;
}

static void begin(struct label_builder *b)
{
    b->count = 0;
    b->failed = false;
    b->arena.len = 0;
    b->arena.failed = false;
}

/* Begins a label: its name has been appended from `name` on, its value follows. */
static struct label_place *begin_label(struct label_builder *b, size_t name, enum rank rank)
{
    if (b->count == b->capacity && !grow(b)) {
        b->failed = true;
        return NULL;
    }
    struct label_place *place = &b->places[b->count++];
    *place = (struct label_place){.name = name,
                                  .name_len = (uint32_t)(b->arena.len - name),
                                  .value = b->arena.len,
                                  .rank = rank};
    return place;
}

static void end_label(struct label_builder *b, struct label_place *place)
{
    place->value_len = (uint32_t)(b->arena.len - place->value);
}

static void append_value(struct label_builder *b, struct bytes value)
{
    enum { HASH_LEN = 17 };
    size_t limit = (size_t)b->rules->value_limit;
    if (limit == 0 || value.len <= limit) {
        naming_clean(value, &b->arena);
        return;
    }
    size_t kept = limit - HASH_LEN;
    while (kept > limit - HASH_LEN - 3 && (value.data[kept] & 0xc0) == 0x80)
        kept--; /* within a character */
    naming_clean(bytes_of(value.data, kept), &b->arena);
    buffer_printf(&b->arena, "~%016llx", (unsigned long long)XXH3_64bits(value.data, value.len));
}

static void add_attribute(struct label_builder *b, const struct metric_label *l, enum rank rank)
{
    size_t name = b->arena.len;
    append_name(b, l->name);
    struct label_place *place = begin_label(b, name, rank);
    if (!place)
        return;
    append_value(b, value_text(&l->value, &b->text));
    end_label(b, place);
}

static void add_own(struct label_builder *b, const char *name, struct bytes value)
{
    size_t at = b->arena.len;
    buffer_append_string(&b->arena, name);
    struct label_place *place = begin_label(b, at, RANK_OWN);
    if (!place)
        return;
    append_value(b, value);
    end_label(b, place);
}

static void add_constant(struct label_builder *b, const struct config_pair *constant)
{
    size_t at = b->arena.len;
    append_name(b, bytes_of_string(constant->key));
    struct label_place *place = begin_label(b, at, RANK_CONSTANT);
    if (!place)
        return;
    naming_clean(bytes_of_string(constant->value), &b->arena);
    end_label(b, place);
}

static const struct metric_label *find(const struct metric_resource *r, const char *name)
{
    for (size_t i = 0; r && i < r->label_count; i++) {
        if (bytes_equal_string(r->labels[i].name, name))
            return &r->labels[i];
    }
    return NULL;
}

static bool makes_job_or_instance(struct bytes name)
{
    return bytes_equal_string(name, service_name) || bytes_equal_string(name, service_namespace) ||
           bytes_equal_string(name, service_instance);
}

/* Returns whether both are there and say something. */
static bool add_job_and_instance(struct label_builder *b, const struct metric_resource *r)
{
    const struct metric_label *name = find(r, service_name);
    const struct metric_label *namespace = find(r, service_namespace);
    const struct metric_label *instance = find(r, service_instance);
    size_t said = 0;
    if (name) {
        size_t at = b->arena.len;
        buffer_append_string(&b->arena, "job");
        struct label_place *place = begin_label(b, at, RANK_OWN);
        if (!place)
            return false;
        if (namespace) {
            append_value(b, value_text(&namespace->value, &b->text));
            buffer_append_byte(&b->arena, '/');
        }
        append_value(b, value_text(&name->value, &b->text));
        end_label(b, place);
        said += place->value_len > 0;
    }
    if (instance) {
        add_own(b, "instance", value_text(&instance->value, &b->text));
        said += b->count > 0 && b->places[b->count - 1].value_len > 0;
    }
    return said == 2;
}

/* ---- order ---- */

static struct bytes name_of(const struct label_builder *b, const struct label_place *p)
{
    return bytes_of(b->arena.data + p->name, p->name_len);
}

/* Stable, by insertion: there are a dozen, mostly in order already. */
static void sort(struct label_builder *b)
{
    for (size_t i = 1; i < b->count; i++) {
        struct label_place moving = b->places[i];
        struct bytes name = name_of(b, &moving);
        size_t to = i;
        while (to > 0 && bytes_compare(name_of(b, &b->places[to - 1]), name) > 0) {
            b->places[to] = b->places[to - 1];
            to--;
        }
        b->places[to] = moving;
    }
}

/* The values of labels that became one, `first` to before `end`, of those that have this rank. */
static struct label_place join(struct label_builder *b, const struct label_place *first,
                               const struct label_place *end, enum rank rank)
{
    struct label_place joined = *first;
    size_t len = 0;
    for (const struct label_place *p = first; p < end; p++)
        len += p->rank == rank ? (size_t)p->value_len + 1 : 0;
    if (!buffer_reserve(&b->arena, len))
        return joined;
    joined.value = b->arena.len;
    joined.value_len = (uint32_t)len - 1;
    for (const struct label_place *p = first; p < end; p++) {
        if (p->rank != rank)
            continue;
        buffer_append(&b->arena, b->arena.data + p->value, p->value_len);
        buffer_append_byte(&b->arena, ';');
    }
    return joined;
}

/* Of labels with one name the highest rank counts; of that one's, attributes are joined and else
 * the last is taken. */
static struct label_place choose(struct label_builder *b, const struct label_place *first,
                                 const struct label_place *end)
{
    const struct label_place *last = first;
    size_t of_rank = 0;
    for (const struct label_place *p = first; p < end; p++) {
        if (p->rank < last->rank)
            continue;
        of_rank = p->rank == last->rank ? of_rank + 1 : 1;
        last = p;
    }
    return of_rank > 1 && last->rank < RANK_OWN ? join(b, first, end, last->rank) : *last;
}

static void merge(struct label_builder *b)
{
    const struct label_place *end = b->places + b->count;
    size_t kept = 0;
    for (const struct label_place *first = b->places, *next; first < end; first = next) {
        next = first + 1;
        while (next < end && bytes_equal(name_of(b, first), name_of(b, next)))
            next++;
        b->places[kept++] = choose(b, first, next);
    }
    b->count = kept;
}

static bool finish(struct label_builder *b)
{
    b->failed = b->failed || b->arena.failed || b->text.large.failed;
    if (b->failed)
        return false;
    sort(b);
    merge(b);
    b->failed = b->arena.failed;
    b->has_empty = false;
    for (size_t i = 0; i < b->count; i++) {
        const struct label_place *p = &b->places[i];
        b->items[i].name = name_of(b, p);
        b->items[i].value = bytes_of(b->arena.data + p->value, p->value_len);
        b->has_empty = b->has_empty || p->value_len == 0;
    }
    return !b->failed;
}

/* ---- labels of a point, of a target ---- */

bool label_builder_point(struct label_builder *b, const char *scope, const struct metric_point *p)
{
    const struct label_rules *rules = b->rules;
    begin(b);
    for (size_t i = 0; i < p->label_count; i++)
        add_attribute(b, &p->labels[i], RANK_ATTRIBUTE);
    if (rules->scope && scope && scope[0])
        add_own(b, "otel_scope_name", bytes_of_string(scope));
    if (p->resource && rules->resource.enabled) {
        for (size_t i = 0; i < p->resource->label_count; i++) {
            const struct metric_label *l = &p->resource->labels[i];
            if (!rules->resource.exclude_service_attributes || !makes_job_or_instance(l->name))
                add_attribute(b, l, RANK_RESOURCE);
        }
    }
    add_job_and_instance(b, p->resource);
    for (size_t i = 0; i < rules->constants.count; i++)
        add_constant(b, &rules->constants.items[i]);
    return finish(b);
}

bool label_builder_target(struct label_builder *b, const struct metric_resource *r)
{
    begin(b);
    for (size_t i = 0; i < r->label_count; i++) {
        if (!makes_job_or_instance(r->labels[i].name))
            add_attribute(b, &r->labels[i], RANK_ATTRIBUTE);
    }
    return add_job_and_instance(b, r) && finish(b);
}

/* ---- text ---- */

static void append_escaped(struct buffer *out, struct bytes text)
{
    size_t plain = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (c != '\\' && c != '"' && c != '\n')
            continue;
        buffer_append(out, text.data + plain, i - plain);
        buffer_append_byte(out, '\\');
        buffer_append_byte(out, c == '\n' ? 'n' : c);
        plain = i + 1;
    }
    buffer_append(out, text.data + plain, text.len - plain);
}

static void write_label(const struct label_builder *b, const struct series_label *l,
                        struct buffer *out)
{
    if (!b->rules->utf8 || (naming_is_plain(l->name) && !memchr(l->name.data, ':', l->name.len))) {
        buffer_append(out, l->name.data, l->name.len);
    } else {
        buffer_append_byte(out, '"');
        append_escaped(out, l->name);
        buffer_append_byte(out, '"');
    }
    buffer_append(out, "=\"", 2);
    append_escaped(out, l->value);
    buffer_append_byte(out, '"');
}

void label_builder_write(const struct label_builder *b, struct buffer *out)
{
    for (size_t i = 0; i < b->count; i++) {
        if (i > 0)
            buffer_append_byte(out, ',');
        write_label(b, &b->items[i], out);
    }
}

struct bytes label_builder_identity(const struct label_builder *b, struct bytes written,
                                    struct buffer *scratch)
{
    if (!b->has_empty)
        return written;
    scratch->len = 0;
    for (size_t i = 0; i < b->count; i++) {
        if (b->items[i].value.len == 0)
            continue;
        if (scratch->len > 0)
            buffer_append_byte(scratch, ',');
        write_label(b, &b->items[i], scratch);
    }
    return buffer_bytes(scratch);
}
