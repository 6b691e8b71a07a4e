/* Values from hostile hands: nothing crashes or loops, findings are in order and within the value,
 * and a secret that stands between spaces never gets through.
 *
 * The first byte chooses the key, the second the database, the rest is the value. */
#include "processors/scrub/replace.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct scrub_rules *rules;

static const char *const keys[] = {
    "",          "note", "db.query.text", "url.full", "http.target", "phone", "user_agent.original",
    "x.password"};
static const char *const systems[] = {"", "postgresql", "mysql", "redis", "mongodb"};
static const char planted[] = "ghp_0123456789abcdefghijABCDEFGHIJ012345";

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    static struct config_value items[2], profiles, config;
    struct error e;
    items[0] = (struct config_value){.type = CONFIG_SCALAR, .text = "strict", .next = &items[1]};
    items[1] = (struct config_value){.type = CONFIG_SCALAR, .text = "secrets"};
    profiles = (struct config_value){.type = CONFIG_LIST, .key = "profiles", .children = &items[0]};
    config = (struct config_value){.type = CONFIG_MAP, .children = &profiles};
    rules = scrub_rules_create(&config, &e);
    if (!rules)
        abort();
    return 0;
}

static void scrub(const struct detect_context *where, struct bytes value, struct buffer *out)
{
    struct scrub_hits hits;
    size_t done = 0;
    out->len = 0;
    if (!scrub_find(rules, where, value, &hits)) {
        buffer_append(out, value.data, value.len);
        return;
    }
    for (size_t i = 0; i < hits.count; i++) {
        if (hits.items[i].start < done || hits.items[i].len == 0 ||
            hits.items[i].start + hits.items[i].len > value.len)
            abort();
        done = hits.items[i].start + hits.items[i].len;
    }
    scrub_replace(rules, value, &hits, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || memmem(data, size, planted, sizeof planted - 1))
        return 0; /* within a word it may stay */
    const struct detect_context where = {
        .place = PLACE_SPAN_ATTRIBUTE,
        .key = bytes_of_string(keys[data[0] % (sizeof keys / sizeof keys[0])]),
        .db_system = bytes_of_string(systems[data[1] % (sizeof systems / sizeof systems[0])])};
    struct buffer value = {0}, out = {0};
    buffer_append(&value, data + 2, size - 2);
    scrub(&where, buffer_bytes(&value), &out);
    buffer_append_string(&value, " ");
    buffer_append_string(&value, planted);
    buffer_append_string(&value, " ");
    buffer_append(&value, data + 2, size - 2);
    bool query = where.key.len && data[0] % 8 == 2; /* there a grammar says what goes */
    scrub(&where, buffer_bytes(&value), &out);
    if (!query && out.len && memmem(out.data, out.len, planted, sizeof planted - 1))
        abort();
    buffer_free(&value);
    buffer_free(&out);
    return 0;
}
