/* scrub_accuracy FILE [--verbose]: precision and recall of the detectors, class by class, over a
 * labelled corpus (scrub/generate.py writes one). All classes are on, `strict` is not.
 *
 * A finding is right when it overlaps a label of its class; a label is found when a finding of its
 * class overlaps it, and left when a byte of it is in no finding. Ends with 1 when a class is below
 * what the project asks for. */
#include "processors/scrub/detect.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECALL_WANTED    0.98
#define PRECISION_WANTED 0.99

enum { LABELS_MAX = 64, SHOWN = 5, SHOWN_BYTES = 160 };

struct tally {
    unsigned labels, labels_found, labels_left, findings, findings_right;
    unsigned shown_misses, shown_left, shown_alarms;
};

struct entry {
    struct detect_context where;
    struct bytes value;
    struct finding label[LABELS_MAX];
    size_t labels;
};

static struct tally tallies[SCRUB_CLASSES];
static unsigned values, empty_values, alarmed_empty_values;
static bool verbose;

static void fail(const char *what, size_t line)
{
    fprintf(stderr, "scrub_accuracy: line %zu: %s\n", line, what);
    exit(2);
}

static struct bytes text_of(const json_t *entry, const char *name)
{
    const json_t *text = json_object_get(entry, name);
    return bytes_of(json_string_value(text), json_string_length(text));
}

static void read_entry(const json_t *json, struct entry *e, size_t line)
{
    *e = (struct entry){.value = text_of(json, "value")};
    e->where.key = e->where.top_key = text_of(json, "key");
    e->where.db_system = text_of(json, "db_system");
    const char *place = json_string_value(json_object_get(json, "place"));
    unsigned p = 0;
    while (p < REWRITE_PLACES &&
           (!place || strcmp(rewrite_place_name((enum rewrite_place)p), place) != 0))
        p++;
    if (p == REWRITE_PLACES)
        fail("no such place", line);
    e->where.place = (enum rewrite_place)p;
    const json_t *labels = json_object_get(json, "labels"), *label;
    size_t i;
    json_array_foreach(labels, i, label)
    {
        struct finding *f = &e->label[e->labels++];
        json_int_t start = json_integer_value(json_array_get(label, 0));
        json_int_t end = json_integer_value(json_array_get(label, 1));
        const char *class = json_string_value(json_array_get(label, 2));
        if (!class || !scrub_class_parse(class, &f->class))
            fail("no such class", line);
        if (start < 0 || end <= start || (size_t)end > e->value.len || e->labels == LABELS_MAX)
            fail("no such label", line);
        f->start = (uint32_t)start;
        f->len = (uint32_t)(end - start);
    }
}

static bool any_of(const struct finding *all, size_t count, const struct finding *f)
{
    for (size_t i = 0; i < count; i++) {
        if (all[i].class == f->class && all[i].start < f->start + f->len &&
            f->start < all[i].start + all[i].len)
            return true;
    }
    return false;
}

/* Findings are in order. */
static bool covered(const struct finding *all, size_t count, const struct finding *label)
{
    uint32_t at = label->start, end = at + label->len;
    for (size_t i = 0; i < count && at < end; i++) {
        if (all[i].start <= at && all[i].start + all[i].len > at)
            at = all[i].start + all[i].len;
    }
    return at >= end;
}

static void show(const char *what, const struct entry *e, const struct finding *f, unsigned *shown)
{
    if (!verbose || (*shown)++ >= SHOWN)
        return;
    printf("%s %s [%.*s] key=%.*s db=%.*s: %.*s\n", what, scrub_class_name(f->class),
           (int)(f->len < SHOWN_BYTES ? f->len : SHOWN_BYTES),
           (const char *)e->value.data + f->start, (int)e->where.key.len,
           (const char *)e->where.key.data, (int)e->where.db_system.len,
           (const char *)e->where.db_system.data,
           (int)(e->value.len < SHOWN_BYTES ? e->value.len : SHOWN_BYTES),
           (const char *)e->value.data);
}

static void judge(const struct detector *d, const struct entry *e)
{
    struct finding found[FINDINGS_MAX];
    size_t count = 0;
    detector_find(d, &e->where, e->value, found, &count);
    values++;
    empty_values += e->labels == 0;
    alarmed_empty_values += e->labels == 0 && count > 0;
    for (size_t i = 0; i < e->labels; i++) {
        struct tally *t = &tallies[e->label[i].class];
        bool hit = any_of(found, count, &e->label[i]);
        t->labels++;
        t->labels_found += hit;
        bool left = !covered(found, count, &e->label[i]);
        t->labels_left += left;
        if (hit && left)
            show("left", e, &e->label[i], &t->shown_left);
        if (!hit)
            show("missed", e, &e->label[i], &t->shown_misses);
    }
    for (size_t i = 0; i < count; i++) {
        struct tally *t = &tallies[found[i].class];
        bool right = any_of(e->label, e->labels, &found[i]);
        t->findings++;
        t->findings_right += right;
        if (!right)
            show("false alarm", e, &found[i], &t->shown_alarms);
    }
}

static double ratio(unsigned part, unsigned whole)
{
    return whole ? (double)part / whole : 1;
}

static bool print_table(void)
{
    bool good = true;
    printf("%-18s %7s %8s %5s %9s %10s\n", "class", "labels", "recall", "left", "findings",
           "precision");
    for (unsigned i = 0; i < SCRUB_CLASSES; i++) {
        const struct tally *t = &tallies[i];
        double recall = ratio(t->labels_found, t->labels);
        double precision = ratio(t->findings_right, t->findings);
        bool ok = t->labels > 0 && recall >= RECALL_WANTED && precision >= PRECISION_WANTED;
        printf("%-18s %7u %8.4f %5u %9u %10.4f%s\n", scrub_class_name((enum scrub_class)i),
               t->labels, recall, t->labels_left, t->findings, precision,
               ok          ? ""
               : t->labels ? "  below what is asked for"
                           : "  not in the corpus");
        good = good && ok;
    }
    printf("%u values, %u of them with nothing in them, of which %u alarmed\n", values,
           empty_values, alarmed_empty_values);
    return good;
}

int main(int argc, char **argv)
{
    const char *path = NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--verbose") == 0)
            verbose = true;
        else
            path = argv[i];
    }
    FILE *file = path ? fopen(path, "r") : NULL;
    if (!file) {
        fprintf(stderr, "usage: scrub_accuracy FILE [--verbose]\n");
        return 2;
    }
    struct detector_options o = {0};
    for (unsigned i = 0; i < SCRUB_CLASSES; i++)
        o.classes[i] = true;
    struct detector *d = detector_create(&o);
    char *text = NULL;
    size_t size = 0, line = 0;
    ssize_t len;
    while (d && (len = getline(&text, &size, file)) > 0) {
        json_t *json = json_loadb(text, (size_t)len, 0, NULL);
        struct entry e;
        line++;
        if (!json)
            fail("not JSON", line);
        read_entry(json, &e, line);
        judge(d, &e);
        json_decref(json);
    }
    free(text);
    fclose(file);
    detector_destroy(d);
    if (values == 0)
        fail("nothing to judge", line);
    return print_table() ? 0 : 1;
}
