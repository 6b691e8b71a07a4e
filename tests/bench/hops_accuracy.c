/* How often an inferred hop is right: precision and recall on simulated topics with known truth.
 *
 *     hops_accuracy [seed]
 *
 * Precision: of the hops that were inferred, those that are true. Recall: of the pairs whose spans
 * both arrived and that have no exact key, those that were found, be it by an offset that was
 * learned. Exit status 1 when a precision is below 0.95, or anything certain is wrong. */
#include "tests/unit/kafka_hops/simulated_topic.h"

#include <stdio.h>
#include <stdlib.h>

/* How a scene differs from the usual. */
static void orders(struct simulated_topic *s)
{
    s->keys = 20000;
}

static void customers(struct simulated_topic *s)
{
    (void)s;
}

static void few_keys(struct simulated_topic *s)
{
    s->keys = 50;
}

static void no_offsets(struct simulated_topic *s)
{
    s->consumers_know_offsets = false;
}

static void slow_consumers(struct simulated_topic *s)
{
    s->lag_ms = 5000;
}

static void clocks_apart(struct simulated_topic *s)
{
    s->skew_ms = 100;
}

static void late_spans(struct simulated_topic *s)
{
    s->export_ms = 10000;
}

static void lossy(struct simulated_topic *s)
{
    s->loss = 0.1;
}

static void sampled_orders(struct simulated_topic *s)
{
    s->keys = 20000;
    s->loss = 0.5;
}

static void sampled_customers(struct simulated_topic *s)
{
    s->loss = 0.5;
}

static void mixed(struct simulated_topic *s)
{
    s->context = 0.5;
    s->exact = 0.5;
}

static const struct scene {
    const char *name;
    void (*differ)(struct simulated_topic *s);
    bool beyond; /* what the method is good for: shown to tell where it ends */
} scenes[] = {
    {.name = "20,000 keys", .differ = orders},
    {.name = "1,000 keys", .differ = customers},
    {.name = "50 keys", .differ = few_keys},
    {.name = "1,000 keys, consumers do not know offsets", .differ = no_offsets},
    {.name = "1,000 keys, taken after 5 s", .differ = slow_consumers},
    {.name = "1,000 keys, clocks 100 ms apart", .differ = clocks_apart},
    {.name = "1,000 keys, spans arrive after 10 s", .differ = late_spans},
    {.name = "1,000 keys, 10 % of spans lost", .differ = lossy},
    {.name = "20,000 keys, half of the spans lost", .differ = sampled_orders},
    {.name = "1,000 keys, half of the spans lost", .differ = sampled_customers, .beyond = true},
    {.name = "1,000 keys, half have context, half of the rest offsets", .differ = mixed},
};

int main(int argc, char **argv)
{
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    bool good = true;
    printf("%-54s %9s %9s %9s %12s\n", "", "precision", "recall", "inferred", "exact wrong");
    for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++) {
        struct simulated_topic topic = simulated_topic_usual(40000);
        struct simulated_result r;
        scenes[i].differ(&topic);
        topic.seed = seed;
        simulated_topic_run(&topic, &r);
        printf("%-54s %9.4f %9.4f %9llu %12llu\n", scenes[i].name, simulated_precision(&r),
               simulated_recall(&r), (unsigned long long)r.inferred,
               (unsigned long long)(r.exact - r.exact_right + r.exact_missed));
        good &= (simulated_precision(&r) >= 0.95 || scenes[i].beyond) && r.exact == r.exact_right &&
                r.exact_missed == 0;
    }
    return good ? 0 : 1;
}
