/* Any request through redaction, as the first byte configures it: what leaves is a request again,
 * and what was redacted once has nothing left to redact. */
#include "component/config.h"
#include "processors/processors.h"
#include "processors/redaction_pass.h"
#include "proto/frame.h"

#include <stdlib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    ALLOW_ALL = 1,
    ALL_TYPES = 2,
    HASH = 4,
    DEBUG = 8,
    BLOCK_KEYS = 16,
    ALLOW_VALUES = 32,
    IGNORE_KEYS = 64,
    CONFIGURATIONS = 128,
};

static struct redaction_rules *configurations[CONFIGURATIONS];

static void check(bool holds)
{
    if (!holds)
        abort();
}

static struct config_value *put(struct config_value *map, const char *key, const char *text)
{
    struct config_value *v = config_keep(1, sizeof *v);
    *v = (struct config_value){
        .type = CONFIG_SCALAR, .key = key, .text = text, .parent = map, .next = map->children};
    map->children = v;
    return v;
}

static struct redaction_rules *configure(unsigned bits)
{
    struct config_value *map = config_keep(1, sizeof *map);
    struct error e = {0};
    map->type = CONFIG_MAP;
    put(map, "blocked_values", "s3cret[a-z]*|[0-9]{4}(?:-[0-9]+)?");
    put(map, "allow_all_keys", bits & ALLOW_ALL ? "true" : "false");
    put(map, "redact_all_types", bits & ALL_TYPES ? "true" : "false");
    put(map, "allowed_keys", "k");
    put(map, "summary", bits & DEBUG ? "debug" : "silent");
    if (bits & HASH)
        put(map, "hash_function", "sha1");
    if (bits & BLOCK_KEYS)
        put(map, "blocked_key_patterns", "^p|word");
    if (bits & ALLOW_VALUES)
        put(map, "allowed_values", "^ok");
    if (bits & IGNORE_KEYS)
        put(map, "ignored_key_patterns", "^i");
    struct redaction_rules *r = redaction_rules_create(map, &e);
    check(r != NULL);
    return r;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    for (unsigned i = 0; i < CONFIGURATIONS; i++)
        configurations[i] = configure(i);
    return 0;
}

static void count_hit(void *context, int rule, enum rewrite_place place)
{
    (void)place;
    (*(unsigned *)context)++;
    check(rule >= RULE_NOT_ALLOWED && rule < 1);
}

/* Returns how many messages it objected to. */
static unsigned redact(const struct redaction_rules *r, struct batch *b)
{
    unsigned objections = 0, hits = 0;
    struct redaction_pass pass = {.rules = r, .hit = count_hit, .context = &hits};
    for (uint32_t i = 0; i < b->resource_count; i++) {
        if (redaction_objects_to_resource(&pass, b->resources[i].message) && ++objections)
            check(redaction_apply_to_resource(&pass, b, i));
    }
    for (uint32_t i = 0; i < b->scope_count; i++) {
        if (redaction_objects_to_scope(&pass, b->scopes[i].message) && ++objections)
            check(redaction_apply_to_scope(&pass, b, i));
    }
    for (uint32_t i = 0; i < b->span_count; i++) {
        if (redaction_objects_to_span(&pass, &b->spans[i]) && ++objections)
            check(redaction_apply_to_span(&pass, b, i));
    }
    check(objections == 0 || hits > 0 || r->summary != SUMMARY_SILENT);
    redaction_pass_free(&pass);
    return objections;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct batch_report report;
    struct buffer out = {0};
    if (size == 0)
        return 0;
    const struct redaction_rules *r = configurations[data[0] % CONFIGURATIONS];
    struct batch *b = batch_from_request(bytes_of(data + 1, size - 1), &report);
    if (!b)
        return 0;
    redact(r, b);
    check(frame_batch(b, &out));
    struct batch *again = batch_from_request(buffer_bytes(&out), &report);
    check(again && report.rejected_spans == 0 && again->span_count == b->span_count);
    /* a hash has digits, a summary is told again, and what stands under a blocked key is masked as
     * often as it is seen */
    if (r->hash == HASH_NONE && r->summary == SUMMARY_SILENT && r->blocked_key_patterns.count == 0)
        check(redact(r, again) == 0);
    batch_release(again);
    batch_release(b);
    buffer_free(&out);
    check(batch_live_bytes() == 0);
    return 0;
}
