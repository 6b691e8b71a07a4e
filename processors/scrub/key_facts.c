#include "processors/scrub/key_facts.h"

#include "processors/scrub/keys.h"
#include "processors/scrub/replace.h"
#include "processors/scrub/summary.h"

/* Names of attributes are a program's, but for those with a sign that pairs, addresses and URLs
 * have, or as many digits as addresses, numbers and tokens. */
static bool may_carry(struct bytes key)
{
    unsigned digits = 0, signs = 0;
    for (size_t i = 0; i < key.len; i++) {
        uint8_t c = key.data[i];
        digits += (uint8_t)(c - '0') <= 9;
        signs += c == '@' || c == '=' || c == ':' || c == '%' || c == ' ';
    }
    return digits >= 4 || signs > 0;
}

static bool is_ignored(const struct scrub_rules *r, struct bytes key)
{
    for (size_t i = 0; i < r->ignored_keys.count; i++) {
        if (bytes_equal_string(key, r->ignored_keys.items[i]))
            return true;
    }
    return false;
}

enum {
    PERSONAL = KEY_PHONE | KEY_SSN | KEY_CARD | KEY_NATIONAL,
    /* values are read in another way than others, or however short they are */
    TELLING = KEY_SENSITIVE | KEY_COOKIE | KEY_SESSION | KEY_AUTHORIZATION | KEY_DATABASE |
              KEY_QUERY | KEY_MAC | KEY_DATABASE_VALUE | KEY_LIKELY | PERSONAL,
};

struct key_facts inner_key_facts(const struct scrub_rules *r, struct bytes key)
{
    unsigned traits = key_traits(key);
    return (struct key_facts){
        .blocked = key.len && scrub_key_is_blocked(r, key),
        .sensitive = detector_key_is_sensitive(r->detector, key),
        .statement = traits & KEY_DATABASE,
        .personal = traits & PERSONAL,
        .agent = traits & KEY_USER_AGENT,
    };
}

static struct key_facts work_out(const struct scrub_rules *r, struct bytes key)
{
    static const struct detect_context nowhere;
    struct scrub_hits hits;
    struct key_facts f = inner_key_facts(r, key);
    bool summary = r->summary != SUMMARY_SILENT && scrub_summary_is_key(key);
    f.ignored = is_ignored(r, key);
    f.carries = (may_carry(key) || r->pattern_count) && scrub_find(r, &nowhere, key, &hits);
    f.usual = !f.blocked && !f.sensitive && !f.carries && !summary && !r->pattern_count &&
              !(key_traits(key) & TELLING);
    f.system = bytes_equal_string(key, "db.system.name") ? NEW_SYSTEM
               : bytes_equal_string(key, "db.system")    ? OLD_SYSTEM
                                                         : NO_SYSTEM;
    f.plain = f.usual && !f.ignored && f.system == NO_SYSTEM;
    return f;
}

static bool is_of(const struct key_slot *s, const struct scrub_rules *r, struct bytes key)
{
    return s->len == key.len + OPENING && s->rules == r->id &&
           words_are_same(s->opening + 2, key.data, key.len);
}

static void remember(struct key_slot *s, const struct scrub_rules *r, struct bytes key)
{
    memset(s->opening, 0, sizeof s->opening);
    s->rules = r->id;
    s->len = (uint8_t)(key.len + OPENING);
    s->opening[0] = WIRE_TAG(1, WIRE_LENGTH);
    s->opening[1] = (uint8_t)key.len;
    memcpy(s->opening + 2, key.data, key.len);
    s->opening[2 + key.len] = WIRE_TAG(2, WIRE_LENGTH);
    s->facts = work_out(r, key);
}

static struct key_slot *find(struct key_table *t, const struct scrub_rules *r, struct bytes key)
{
    if (is_of(t->last->next, r, key))
        return t->last->next;
    unsigned set = (unsigned)(word_hash(key) % KEY_SETS);
    struct key_slot *slots = &t->slots[(size_t)set * KEY_WAYS];
    for (unsigned i = 0; i < KEY_WAYS; i++) {
        if (is_of(&slots[i], r, key))
            return &slots[i];
    }
    struct key_slot *s = &slots[t->oldest[set]++ % KEY_WAYS];
    remember(s, r, key);
    return s;
}

const struct key_facts *key_table_ask(struct key_table *t, const struct scrub_rules *r,
                                      struct bytes key)
{
    if (key.len == 0 || key.len > KEY_REMEMBERED_MAX) {
        t->uncommon.facts = work_out(r, key);
        return &t->uncommon.facts;
    }
    struct key_slot *s = find(t, r, key);
    t->last->next = s;
    t->last = s;
    return &s->facts;
}

struct key_table *key_table_of_thread(void)
{
    static _Thread_local struct key_table table;
    if (table.last)
        return &table;
    table.last = table.slots;
    for (size_t i = 0; i < sizeof table.slots / sizeof table.slots[0]; i++)
        table.slots[i].next = table.slots;
    return &table;
}
