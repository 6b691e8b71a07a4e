/* Any request through scrubbing, with secrets planted in every place: what leaves is a request
 * again, in which no secret is left and protobuf-c reads the same ids and times; what was scrubbed
 * once has nothing left to scrub. And any value by itself: findings are in order and within it, and
 * what passes at a glance has none.
 *
 * The first byte chooses the rules; then comes a request, or what else there is as a value. */
#include "processors/scrub/byte_class.h"
#include "processors/scrub/walk.h"
#include "proto/frame.h"
#include "tests/unit/proto/oracle.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PATTERNS = 1, DEBUG = 2, HASH = 4, REMOVE = 8, NARROW = 16, CONFIGURATIONS = 32 };

static struct scrub_rules *configurations[CONFIGURATIONS];
static const char planted[] = "ghp_0123456789abcdefghijABCDEFGHIJ012345";
static const struct value secret = {.type = VALUE_STRING,
                                    .bytes = {(const uint8_t *)planted, sizeof planted - 1}};

static struct config_value *put(struct config_value *in, enum config_type type, const char *key,
                                const char *text)
{
    struct config_value *v = config_keep(1, sizeof *v);
    *v = (struct config_value){
        .type = type, .key = key, .text = text, .parent = in, .next = in->children};
    in->children = v;
    return v;
}

static struct scrub_rules *configure(unsigned bits)
{
    struct config_value *map = config_keep(1, sizeof *map);
    struct error e = {0};
    map->type = CONFIG_MAP;
    put(put(map, CONFIG_LIST, "profiles", NULL), CONFIG_SCALAR, NULL, "strict");
    put(map, CONFIG_SCALAR, "summary", bits & DEBUG ? "debug" : "silent");
    put(put(map, CONFIG_MAP, "hash", NULL), CONFIG_SCALAR, "key", "0123456789abcdef");
    put(map, CONFIG_SCALAR, "action", bits & HASH ? "hash" : bits & REMOVE ? "remove" : "replace");
    if (bits & PATTERNS) {
        struct config_value *p =
            put(put(map, CONFIG_LIST, "patterns", NULL), CONFIG_MAP, NULL, NULL);
        put(p, CONFIG_SCALAR, "name", "word");
        put(p, CONFIG_SCALAR, "regex", "x[a-z0-9]+|\\bq.");
        put(put(map, CONFIG_LIST, "allowed_values", NULL), CONFIG_SCALAR, NULL, "xy+");
        put(put(map, CONFIG_LIST, "blocked_keys", NULL), CONFIG_SCALAR, NULL, "^b");
    }
    struct scrub_rules *r = scrub_rules_create(map, &e);
    oracle_check(r != NULL);
    return r;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    for (unsigned i = 0; i < CONFIGURATIONS; i++) {
        wide_vectors_want(!(i & NARROW));
        configurations[i] = configure(i);
    }
    return 0;
}

/* ---- values ---- */

static void try_value(const struct scrub_rules *r, struct bytes value)
{
    static const char *const keys[] = {"note", "url.full", "http.route", "user_agent.original"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        struct scrub_hits hits;
        const struct detect_context where = {.key = bytes_of_string(keys[i]),
                                             .top_key = bytes_of_string(keys[i])};
        size_t done = 0;
        bool found = scrub_find(r, &where, value, &hits);
        for (size_t h = 0; found && h < hits.count; h++) {
            oracle_check(hits.items[h].start >= done && hits.items[h].len > 0);
            done = (size_t)hits.items[h].start + hits.items[h].len;
            oracle_check(done <= value.len);
        }
        bool agent = i == 3;
        if (!r->pattern_count && detector_glance(r->detector, value, 0, !agent))
            oracle_check(!found);
    }
}

/* ---- requests ---- */

static enum rewrite_verdict plant_everywhere(void *context, const struct rewrite_item *item,
                                             struct rewrite_change *change)
{
    unsigned *places = context;
    bool holds_more = item->value.type == VALUE_ARRAY || item->value.type == VALUE_MAP;
    *places |= 1u << item->place;
    if (holds_more)
        return REWRITE_ENTER;
    change->value = secret;
    return REWRITE_SET;
}

static size_t plant_one_more(void *context, enum rewrite_place place,
                             const struct link_attribute **attributes)
{
    static const uint8_t list[] = "\x0a\x2a\x0a\x28"
                                  "ghp_0123456789abcdefghijABCDEFGHIJ012345";
    static const struct link_attribute added[] = {
        {{(const uint8_t *)"list", 4}, {.type = VALUE_ARRAY, .bytes = {list, sizeof list - 1}}},
        {{(const uint8_t *)"raw", 3},
         {.type = VALUE_BYTES, .bytes = {(const uint8_t *)planted, sizeof planted - 1}}},
    };
    (void)context;
    (void)place;
    *attributes = added;
    return sizeof added / sizeof added[0];
}

static void plant(struct batch *b)
{
    unsigned places = 0;
    struct rewriter w = {.context = &places, .visit = plant_everywhere, .append = plant_one_more};
    for (uint32_t i = 0; i < b->resource_count; i++)
        oracle_check(resource_rewrite(b, i, &w));
    for (uint32_t i = 0; i < b->scope_count; i++)
        oracle_check(scope_rewrite(b, i, &w));
    for (uint32_t i = 0; i < b->span_count; i++)
        oracle_check(span_rewrite(b, i, &w));
}

static void count_change(void *context, const struct rewrite_item *item, struct bytes before,
                         const struct bytes *after)
{
    (void)item;
    (void)before;
    (void)after;
    ++*(unsigned *)context;
}

static unsigned scrub(const struct scrub_rules *r, struct batch *b)
{
    unsigned changes = 0;
    const struct scrub_walk walk = {.rules = r, .context = &changes, .changed = count_change};
    oracle_check(scrub_batch(&walk, b));
    return changes;
}

/* Of what no view of the batch shows any more, and of unknown fields, nothing is asked. */
static bool is_left(oracle_request *m)
{
    size_t len = protobuf_c_message_get_packed_size(&m->base);
    uint8_t *packed = malloc(len + 1);
    oracle_check(packed != NULL);
    protobuf_c_message_pack(&m->base, packed);
    bool found = memmem(packed, len, planted, sizeof planted - 1) != NULL;
    free(packed);
    return found;
}

static struct batch *framed_again(struct batch *b, struct buffer *wire)
{
    struct batch_report report;
    wire->len = 0;
    oracle_check(frame_batch(b, wire));
    struct batch *again = batch_from_request(buffer_bytes(wire), &report);
    oracle_check(again && report.rejected_spans == 0 && again->span_count == b->span_count);
    return again;
}

static void try_request(const struct scrub_rules *r, struct batch *came, bool planted_too)
{
    struct buffer wire = {0};
    if (planted_too)
        plant(came);
    struct batch *b = framed_again(came, &wire);
    struct span_view before = b->span_count ? b->spans[0] : (struct span_view){0};
    scrub(r, b);
    oracle_check(b->span_count == 0 ||
                 memcmp(&before, &b->spans[0], offsetof(struct span_view, data)) == 0);
    struct batch *again = framed_again(b, &wire);
    oracle_request *m = oracle_unpack(buffer_bytes(&wire));
    oracle_check(m != NULL && (!planted_too || !is_left(m)));
    oracle_free(m);
    if (!r->pattern_count)
        oracle_check(scrub(r, again) == 0);
    batch_release(again);
    batch_release(b);
    buffer_free(&wire);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct batch_report report;
    if (size == 0)
        return 0;
    const struct scrub_rules *r = configurations[data[0] % CONFIGURATIONS];
    struct batch *b = batch_from_request(bytes_of(data + 1, size - 1), &report);
    if (b) {
        try_request(r, b, data[0] & 0x80);
        batch_release(b);
    } else {
        try_value(r, bytes_of(data + 1, size - 1));
    }
    oracle_check(batch_live_bytes() == 0);
    return 0;
}
