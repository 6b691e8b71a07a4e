/* A report in text, for people, and as JSON. Names are what senders chose: none may tell a terminal
 * what to do. */
#include "collector/simulate_report.h"

#include "collector/terminal_text.h"
#include "proto/json_writer.h"
#include "proto/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NAME_COLUMNS 28

/* ---- text ---- */

/* In its column, which a longer name is cut to. */
static void print_name(const char *name)
{
    const uint8_t *s = (const uint8_t *)name;
    size_t len = strlen(name);
    int column = 0;
    for (; len > 0 && column < NAME_COLUMNS; column++) {
        size_t n = terminal_character(s, len);
        if (n > 0)
            fwrite(s, 1, n, stdout);
        else
            putchar('?');
        n = n ? n : utf8_sequence(s, len);
        n = n ? n : 1;
        s += n;
        len -= n;
    }
    printf("%*s", NAME_COLUMNS - column, "");
}

static double share(uint64_t part, uint64_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

static void print_line(const char *name, uint64_t all, uint64_t now, uint64_t then)
{
    print_name(name);
    printf(" %12llu %12llu %5.1f%% %12llu %5.1f%%\n", (unsigned long long)all,
           (unsigned long long)now, share(now, all), (unsigned long long)then, share(then, all));
}

/* What the policy keeps now; "-" when nothing says. */
static void print_keeper(const struct simulation_report *r, const struct keeper *k)
{
    if (r->keeper_count == 0)
        printf(" %12s", "-");
    else
        printf(" %12llu", k ? (unsigned long long)k->kept.traces : 0);
}

static const struct keeper *find_keeper(const struct simulation_report *r, const char *name)
{
    for (size_t i = 0; i < r->keeper_count; i++) {
        if (strcmp(r->keepers[i].name, name) == 0)
            return &r->keepers[i];
    }
    return NULL;
}

static bool has_policy(const struct policy_set *policies, const char *name)
{
    for (unsigned i = 0; i < policy_set_count(policies); i++) {
        if (strcmp(policy_set_name(policies, i), name) == 0)
            return true;
    }
    return false;
}

static void print_policies(const struct simulation_report *r, const struct policy_set *policies)
{
    printf("\n%-28s %12s %12s %12s %12s %12s %12s %9s\n", "traces by policy", "kept now",
           "kept then", "spans then", "votes: keep", "not", "drop", "error");
    for (unsigned i = 0; i < policy_set_count(policies); i++) {
        const struct policy_tally *p = &r->policies[i];
        const char *name = policy_set_name(policies, i);
        bool drops = p->verdicts[SAMPLING_DROPPED] > 0;
        print_name(name);
        print_keeper(r, find_keeper(r, name));
        printf(" %12llu %12llu %12llu %12llu %12llu %9llu\n",
               drops ? 0 : (unsigned long long)p->first.traces,
               drops ? 0 : (unsigned long long)p->first.spans,
               (unsigned long long)p->verdicts[SAMPLING_SAMPLED],
               (unsigned long long)p->verdicts[SAMPLING_NOT_SAMPLED],
               (unsigned long long)p->verdicts[SAMPLING_DROPPED],
               (unsigned long long)p->verdicts[SAMPLING_ERROR]);
    }
    for (size_t i = 0; i < r->keeper_count; i++) {
        if (has_policy(policies, r->keepers[i].name))
            continue;
        print_name(r->keepers[i].name);
        print_keeper(r, &r->keepers[i]);
        puts("            -");
    }
    puts("A trace is counted for the first policy that keeps it; all are asked.");
}

static int compare_services(const void *a, const void *b)
{
    const struct service_tally *x = a, *y = b;
    if (x->all.spans != y->all.spans)
        return x->all.spans > y->all.spans ? -1 : 1;
    return strcmp(x->name, y->name);
}

static void print_time(const char *before, uint64_t ns)
{
    char text[64];
    struct tm tm;
    time_t seconds = (time_t)(ns / 1000000000u);
    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", gmtime_r(&seconds, &tm));
    printf("%s%s", before, text);
}

static void print_times(const struct simulation_report *r)
{
    if (r->all.spans == 0)
        return;
    print_time("spans from ", r->first_ns);
    print_time(" to ", r->last_ns);
    puts(" (UTC)\n");
}

void report_print(const struct simulation_report *r, const struct policy_set *policies,
                  bool against)
{
    print_times(r);
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

static void write_keepers(struct json_writer *w, const struct simulation_report *r)
{
    json_key(w, "policiesNow");
    json_array_begin(w);
    for (size_t i = 0; i < r->keeper_count; i++) {
        json_object_begin(w);
        json_key(w, "name");
        json_text(w, r->keepers[i].name);
        write_tally(w, "kept", &r->keepers[i].kept);
        json_object_end(w);
    }
    json_array_end(w);
}

static void write_times(struct json_writer *w, const struct simulation_report *r)
{
    if (r->all.spans == 0)
        return;
    json_key(w, "firstUnixNano");
    json_uint_string(w, r->first_ns);
    json_key(w, "lastUnixNano");
    json_uint_string(w, r->last_ns);
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
    write_times(&w, r);
    write_tally(&w, "all", &r->all);
    write_tally(&w, "now", &r->now);
    write_tally(&w, "then", &r->then);
    write_number(&w, "newlyKept", r->newly_kept);
    write_number(&w, "newlyDropped", r->newly_dropped);
    write_number(&w, "tooLarge", r->too_large);
    write_policies(&w, r, policies);
    write_keepers(&w, r);
    qsort(r->services, r->service_count, sizeof *r->services, compare_services);
    write_services(&w, r);
    json_object_end(&w);
    fwrite(out.data, 1, out.len, stdout);
    putchar('\n');
    buffer_free(&out);
}
