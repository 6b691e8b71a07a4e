#include "processors/scrub/key_facts.h"

#include "processors/scrub/keys.h"
#include "processors/scrub/replace.h"
#include "processors/scrub/summary.h"
#include "processors/scrub/word.h"

enum { SETS = 64, WAYS = 4, KEY_MAX = 48 };

struct slot {
    uint64_t rules; /* 0: empty */
    uint16_t next;  /* the slot that was asked for after this one */
    uint8_t len;
    struct key_facts facts;
    uint8_t key[KEY_MAX];
};

struct table {
    struct slot slots[SETS * WAYS];
    uint8_t oldest[SETS];
    uint16_t last;
};

/* Names of attributes are a program's, but for those with an @ or as many digits as addresses,
 * numbers and tokens have. */
static bool may_carry(struct bytes key)
{
    unsigned digits = 0, signs = 0;
    for (size_t i = 0; i < key.len; i++) {
        digits += (uint8_t)(key.data[i] - '0') <= 9;
        signs += key.data[i] == '@';
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
              KEY_QUERY | KEY_MAC | PERSONAL,
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
    f.carries = may_carry(key) && scrub_find(r, &nowhere, key, &hits);
    f.usual = !f.blocked && !f.sensitive && !f.carries && !summary && !r->pattern_count &&
              !(key_traits(key) & TELLING);
    f.system = bytes_equal_string(key, "db.system.name") ? NEW_SYSTEM
               : bytes_equal_string(key, "db.system")    ? OLD_SYSTEM
                                                         : NO_SYSTEM;
    return f;
}

static bool is_slot_of(const struct slot *s, uint64_t rules, struct bytes key)
{
    return s->len == key.len && s->rules == rules && words_are_same(s->key, key.data, key.len);
}

static unsigned set_of(struct bytes key)
{
    uint64_t h = key.len;
    for (size_t i = 0; i < key.len; i++)
        h = (h ^ key.data[i]) * UINT64_C(0x100000001b3);
    return (unsigned)((h ^ h >> 32) % SETS);
}

static struct slot *find(struct table *t, const struct scrub_rules *r, struct bytes key)
{
    unsigned set = set_of(key);
    struct slot *slots = &t->slots[(size_t)set * WAYS];
    for (unsigned i = 0; i < WAYS; i++) {
        if (is_slot_of(&slots[i], r->id, key))
            return &slots[i];
    }
    struct slot *s = &slots[t->oldest[set]++ % WAYS];
    s->rules = r->id;
    s->len = (uint8_t)key.len;
    memcpy(s->key, key.data, key.len);
    s->facts = work_out(r, key);
    return s;
}

static _Thread_local struct table table;

/* Not the one that followed last time. */
__attribute__((noinline)) static struct slot *ask(const struct scrub_rules *r, struct bytes key)
{
    static _Thread_local struct slot uncommon;
    if (key.len == 0 || key.len > KEY_MAX) {
        uncommon.facts = work_out(r, key);
        return &uncommon;
    }
    struct slot *s = find(&table, r, key);
    table.slots[table.last].next = (uint16_t)(s - table.slots);
    table.last = (uint16_t)(s - table.slots);
    return s;
}

const struct key_facts *attribute_key_facts(const struct scrub_rules *r, struct bytes key)
{
    unsigned next = table.slots[table.last].next;
    struct slot *s = &table.slots[next];
    if (__builtin_expect(!is_slot_of(s, r->id, key), 0))
        return &ask(r, key)->facts;
    table.last = (uint16_t)next;
    return &s->facts;
}
