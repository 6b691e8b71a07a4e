#define XXH_INLINE_ALL
#include "collector/simulate_report.h"

#include "proto/json_writer.h"

#include <stdio.h>
#include <stdlib.h>
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
    name.len = strnlen((const char *)name.data, name.len);
    if (r->service_count * 2 >= r->service_table_size && !grow(r))
        return SIZE_MAX;
    size_t at = place_of(r, name);
    if (r->service_table[at])
        return r->service_table[at] - 1;
    char *copy = strndup(name.len ? (const char *)name.data : "", name.len);
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

bool report_add(struct simulation_report *r, const struct batch *trace, bool now,
                const struct sampling_decision *then, const struct policy_set *policies, bool asked)
{
    bool kept = then->verdict == SAMPLING_SAMPLED;
    add(&r->all, trace);
    if (now)
        add(&r->now, trace);
    if (kept)
        add(&r->then, trace);
    r->newly_kept += kept && !now;
    r->newly_dropped += !kept && now;
    if (asked)
        add_votes(r, policies);
    else
        r->too_large++;
    if (then->policy != UINT16_MAX)
        add(&r->policies[then->policy].first, trace);
    return add_services(r, trace, now, kept);
}

/* ---- text ---- */

static double share(uint64_t part, uint64_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

static void print_line(const char *name, uint64_t all, uint64_t now, uint64_t then)
{
    printf("%-28.28s %12llu %12llu %5.1f%% %12llu %5.1f%%\n", name, (unsigned long long)all,
           (unsigned long long)now, share(now, all), (unsigned long long)then, share(then, all));
}

static void print_policies(const struct simulation_report *r, const struct policy_set *policies)
{
    printf("\n%-28s %12s %12s %12s %12s %12s %9s\n", "policy", "kept traces", "kept spans",
           "votes: keep", "not", "drop", "error");
    for (unsigned i = 0; i < policy_set_count(policies); i++) {
        const struct policy_tally *p = &r->policies[i];
        bool drops = p->verdicts[SAMPLING_DROPPED] > 0;
        printf("%-28.28s %12llu %12llu %12llu %12llu %12llu %9llu\n", policy_set_name(policies, i),
               drops ? 0 : (unsigned long long)p->first.traces,
               drops ? 0 : (unsigned long long)p->first.spans,
               (unsigned long long)p->verdicts[SAMPLING_SAMPLED],
               (unsigned long long)p->verdicts[SAMPLING_NOT_SAMPLED],
               (unsigned long long)p->verdicts[SAMPLING_DROPPED],
               (unsigned long long)p->verdicts[SAMPLING_ERROR]);
    }
    puts("A trace is counted as kept by the first policy that keeps it; its votes are all asked.");
}

static int compare_services(const void *a, const void *b)
{
    const struct service_tally *x = a, *y = b;
    if (x->all.spans != y->all.spans)
        return x->all.spans > y->all.spans ? -1 : 1;
    return strcmp(x->name, y->name);
}

void report_print(const struct simulation_report *r, const struct policy_set *policies,
                  bool against)
{
    printf("%-28s %12s %12s %6s %12s %6s\n", "", "in all", against ? "kept now" : "stored", "",
           "kept then", "");
    print_line("traces", r->all.traces, r->now.traces, r->then.traces);
    print_line("spans", r->all.spans, r->now.spans, r->then.spans);
    if (against)
        printf("%llu traces would be kept that are not now, %llu are kept now and would not be\n",
               (unsigned long long)r->newly_kept, (unsigned long long)r->newly_dropped);
    if (r->too_large)
        printf("%llu traces are larger than maximum_trace_size_bytes\n",
               (unsigned long long)r->too_large);
    print_policies(r, policies);
    printf("\n%-28s %12s %12s %6s %12s %6s\n", "spans of service", "in all",
           against ? "kept now" : "stored", "", "kept then", "");
    qsort(r->services, r->service_count, sizeof *r->services, compare_services);
    for (size_t i = 0; i < r->service_count; i++) {
        const struct service_tally *s = &r->services[i];
        print_line(s->name[0] ? s->name : "(no service.name)", s->all.spans, s->now.spans,
                   s->then.spans);
    }
}

/* ---- JSON ---- */

static void write_number(struct json_writer *w, const char *key, uint64_t n)
{
    json_key(w, key);
    json_uint(w, n);
}

static void write_tally(struct json_writer *w, const char *key, const struct tally *t)
{
    json_key(w, key);
    json_object_begin(w);
    write_number(w, "traces", t->traces);
    write_number(w, "spans", t->spans);
    json_object_end(w);
}

static void write_policies(struct json_writer *w, const struct simulation_report *r,
                           const struct policy_set *policies)
{
    json_key(w, "policies");
    json_array_begin(w);
    for (unsigned i = 0; i < policy_set_count(policies); i++) {
        const struct policy_tally *p = &r->policies[i];
        json_object_begin(w);
        json_key(w, "name");
        json_text(w, policy_set_name(policies, i));
        write_tally(w, "first", &p->first);
        write_number(w, "asked", p->asked);
        write_number(w, "sampled", p->verdicts[SAMPLING_SAMPLED]);
        write_number(w, "notSampled", p->verdicts[SAMPLING_NOT_SAMPLED]);
        write_number(w, "dropped", p->verdicts[SAMPLING_DROPPED]);
        write_number(w, "errors", p->verdicts[SAMPLING_ERROR]);
        json_object_end(w);
    }
    json_array_end(w);
}

static void write_services(struct json_writer *w, const struct simulation_report *r)
{
    json_key(w, "services");
    json_array_begin(w);
    for (size_t i = 0; i < r->service_count; i++) {
        const struct service_tally *s = &r->services[i];
        json_object_begin(w);
        json_key(w, "name");
        json_text(w, s->name);
        write_tally(w, "all", &s->all);
        write_tally(w, "now", &s->now);
        write_tally(w, "then", &s->then);
        json_object_end(w);
    }
    json_array_end(w);
}

void report_print_json(const struct simulation_report *r, const struct policy_set *policies,
                       bool against)
{
    struct buffer out = {0};
    struct json_writer w;
    json_begin(&w, &out, true);
    json_object_begin(&w);
    json_key(&w, "against");
    json_text(&w, against ? "configuration" : "stored");
    write_tally(&w, "all", &r->all);
    write_tally(&w, "now", &r->now);
    write_tally(&w, "then", &r->then);
    write_number(&w, "newlyKept", r->newly_kept);
    write_number(&w, "newlyDropped", r->newly_dropped);
    write_number(&w, "tooLarge", r->too_large);
    write_policies(&w, r, policies);
    qsort(r->services, r->service_count, sizeof *r->services, compare_services);
    write_services(&w, r);
    json_object_end(&w);
    fwrite(out.data, 1, out.len, stdout);
    putchar('\n');
    buffer_free(&out);
}
