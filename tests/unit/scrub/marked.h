/* Texts in which what is to be found stands in « ». */
#ifndef TAILSPAN_TESTS_UNIT_SCRUB_MARKED_H
#define TAILSPAN_TESTS_UNIT_SCRUB_MARKED_H

#include "processors/scrub/detect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* Every class that a profile has on, or every one that there is. */
static struct detector *marked_detector(bool everything, bool strict)
{
    struct detector_options o = {.strict = strict};
    for (unsigned i = 0; i < SCRUB_CLASSES; i++)
        o.classes[i] = everything || scrub_profile_has(PROFILE_STRICT, (enum scrub_class)i);
    return detector_create(&o);
}

/* The text without the marks; where they were is noted. */
struct wanted {
    char text[4096];
    size_t len;
    struct finding findings[FINDINGS_MAX];
    size_t count;
};

static void read_wanted(const char *marked, struct wanted *w)
{
    *w = (struct wanted){0};
    for (const char *c = marked; *c;) {
        if (strncmp(c, "«", 2) == 0) {
            w->findings[w->count].start = (uint32_t)w->len;
            c += 2;
        } else if (strncmp(c, "»", 2) == 0) {
            w->findings[w->count].len = (uint32_t)w->len - w->findings[w->count].start;
            w->count++;
            c += 2;
        } else {
            w->text[w->len++] = *c++;
        }
    }
}

static void mark(const struct wanted *w, const struct finding *f, size_t count, char *out)
{
    for (size_t i = 0, k = 0; i <= w->len; i++) {
        if (k > 0 && f[k - 1].start + f[k - 1].len == i)
            out += sprintf(out, "»");
        if (k < count && f[k].start == i)
            out += sprintf(out, "«%s:", scrub_class_name(f[k++].class));
        if (i < w->len)
            *out++ = w->text[i];
    }
    *out = 0;
}

static unsigned failures; /* of check_with() */

static void check_with(const struct detector *d, const char *key, const char *system,
                       const char *marked, int class)
{
    struct wanted w;
    struct finding found[FINDINGS_MAX];
    size_t count;
    read_wanted(marked, &w);
    const struct detect_context where = {.place = PLACE_SPAN_ATTRIBUTE,
                                         .key = bytes_of_string(key),
                                         .top_key = bytes_of_string(key),
                                         .db_system = bytes_of_string(system)};
    detector_find(d, &where, bytes_of(w.text, w.len), found, &count);
    bool same = count == w.count;
    for (size_t i = 0; same && i < count; i++)
        same = found[i].start == w.findings[i].start && found[i].len == w.findings[i].len &&
               (class < 0 || (int)found[i].class == class);
    if (same)
        return;
    char shown[8192];
    mark(&w, found, count, shown);
    print_message("key %s: wanted %s\n        found  %s\n", key, marked, shown);
    failures++;
}

/* A case: a key that says nothing where it is NULL, and a marked text. */
struct marked_case {
    const char *key;
    const char *text;
    int class; /* negative: any */
};

static inline void check_cases(bool everything, const struct marked_case *cases, size_t count)
{
    struct detector *d = marked_detector(everything, false);
    failures = 0;
    for (size_t i = 0; i < count; i++)
        check_with(d, cases[i].key ? cases[i].key : "msg", "", cases[i].text, cases[i].class);
    detector_destroy(d);
    assert_int_equal(failures, 0);
}

#define CHECK_CASES(cases) check_cases(false, cases, sizeof cases / sizeof cases[0])

/* With every class, be it of a profile or not. */
#define CHECK_ALL(cases) check_cases(true, cases, sizeof cases / sizeof cases[0])

#endif
