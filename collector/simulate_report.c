#define XXH_INLINE_ALL
#include "collector/simulate_report.h"

#include "proto/attribute.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

bool report_init(struct simulation_report *r, const struct policy_set *policies)
{
    *r = (struct simulation_report){.first_ns = UINT64_MAX};
    r->policies = calloc(policy_set_count(policies) + 1, sizeof *r->policies);
    return r->policies != NULL;
}

void report_free(struct simulation_report *r)
{
    for (size_t i = 0; i < r->service_count; i++)
        free(r->services[i].name);
    free(r->services);
    free(r->service_serial);
    free(r->service_table);
    for (size_t i = 0; i < r->keeper_count; i++)
        free(r->keepers[i].name);
    free(r->policies);
}

/* ---- services ---- */

static size_t place_of(const struct simulation_report *r, struct bytes name)
{
    size_t mask = r->service_table_size - 1;
    size_t at = (size_t)XXH3_64bits(name.data, name.len) & mask;
    while (r->service_table[at] &&
           !bytes_equal_string(name, r->services[r->service_table[at] - 1].name))
        at = (at + 1) & mask;
    return at;
}

static bool grow(struct simulation_report *r)
{
    size_t size = r->service_table_size ? r->service_table_size * 2 : 64;
    size_t *table = calloc(size, sizeof *table);
    struct service_tally *services = reallocarray(r->services, size, sizeof *services);
    if (services)
        r->services = services;
    uint64_t *serial = reallocarray(r->service_serial, size, sizeof *serial);
    if (serial)
        r->service_serial = serial;
    if (!table || !services || !serial) {
        free(table);
        return false;
    }
    free(r->service_table);
    r->service_table = table;
    r->service_table_size = size;
    for (size_t i = 0; i < r->service_count; i++)
        table[place_of(r, bytes_of_string(r->services[i].name))] = i + 1;
    return true;
}

/* Names are cut at their first NUL, as they are shown. SIZE_MAX: out of memory. */
static size_t service_index(struct simulation_report *r, struct bytes name)
{
    name.len = name.len ? strnlen((const char *)name.data, name.len) : 0;
    if (r->service_count * 2 >= r->service_table_size && !grow(r))
        return SIZE_MAX;
    size_t at = place_of(r, name);
    if (r->service_table[at])
        return r->service_table[at] - 1;
    char *copy = bytes_to_string(name);
    if (!copy)
        return SIZE_MAX;
    r->services[r->service_count] = (struct service_tally){.name = copy};
    r->service_serial[r->service_count] = 0;
    r->service_table[at] = ++r->service_count;
    return r->service_count - 1;
}

static void count(struct tally *t, bool new_trace)
{
    t->traces += new_trace;
    t->spans++;
}

static bool add_services(struct simulation_report *r, const struct batch *b, bool now, bool then)
{
    r->trace_serial++;
    for (uint32_t i = 0; i < b->span_count; i++) {
        const struct span_view *s = &b->spans[i];
        size_t service = service_index(r, resource_service_name(span_resource(b, s)));
        if (service == SIZE_MAX)
            return false;
        struct service_tally *t = &r->services[service];
        bool new_trace = r->service_serial[service] != r->trace_serial;
        r->service_serial[service] = r->trace_serial;
        count(&t->all, new_trace);
        if (now)
            count(&t->now, new_trace);
        if (then)
            count(&t->then, new_trace);
        r->first_ns = s->start_ns < r->first_ns ? s->start_ns : r->first_ns;
        r->last_ns = s->end_ns > r->last_ns ? s->end_ns : r->last_ns;
    }
    return true;
}

/* ---- counting ---- */

static void add(struct tally *t, const struct batch *b)
{
    t->traces++;
    t->spans += b->span_count;
}

static void add_votes(struct simulation_report *r, const struct policy_set *policies)
{
    const uint8_t *verdicts = policy_set_verdicts(policies);
    for (unsigned i = 0; i < policy_set_count(policies); i++) {
        if (verdicts[i] == POLICY_NOT_ASKED)
            continue;
        r->policies[i].asked++;
        r->policies[i].verdicts[verdicts[i]]++;
    }
}

/* Names beyond the limit share the last place. */
static bool add_keeper(struct simulation_report *r, const struct batch *b, struct bytes name)
{
    size_t i = 0;
    name.len = name.len ? strnlen((const char *)name.data, name.len) : 0;
    while (i < r->keeper_count && i + 1 < KEEPERS_MAX &&
           !bytes_equal_string(name, r->keepers[i].name))
        i++;
    if (i == r->keeper_count) {
        r->keepers[i].name = i + 1 < KEEPERS_MAX ? bytes_to_string(name) : strdup("(others)");
        if (!r->keepers[i].name)
            return false;
        r->keeper_count++;
    }
    add(&r->keepers[i].kept, b);
    return true;
}

struct bytes report_keeper(const struct batch *trace)
{
    struct attribute a;
    for (uint32_t i = 0; i < trace->scope_count; i++) {
        if (attribute_find(trace->scopes[i].message, SCOPE_ATTRIBUTES,
                           bytes_of_string("tailsampling.policy"), &a) &&
            a.value.type == VALUE_STRING)
            return a.value.bytes;
    }
    return (struct bytes){0};
}

bool report_add(struct simulation_report *r, const struct batch *trace, const struct kept_now *now,
                const struct sampling_decision *then, const struct policy_set *policies, bool asked)
{
    bool kept = then->verdict == SAMPLING_SAMPLED;
    add(&r->all, trace);
    if (now->kept)
        add(&r->now, trace);
    if (now->kept && now->by.len > 0 && !add_keeper(r, trace, now->by))
        return false;
    if (kept)
        add(&r->then, trace);
    r->newly_kept += kept && !now->kept;
    r->newly_dropped += !kept && now->kept;
    if (asked)
        add_votes(r, policies);
    else
        r->too_large++;
    if (then->policy != UINT16_MAX)
        add(&r->policies[then->policy].first, trace);
    return add_services(r, trace, now->kept, kept);
}
