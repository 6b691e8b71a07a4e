/* Reads the text formats back, strictly: whatever breaks their grammar fails the test.
 *
 * Written from the formats' grammar and not from our writer: names and values are what a scraper
 * would see. Samples are counted, and one can be looked for. */
#ifndef TAILSPAN_TESTS_PROMETHEUS_TEXT_READER_H
#define TAILSPAN_TESTS_PROMETHEUS_TEXT_READER_H

#include "source.h"

#include "proto/utf8.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct text_reader {
    const char *at;
    const char *end;
    bool open_metrics;
    char family[256];
    char type[16];
    size_t samples;
    size_t exemplars;
    size_t families;
};

static inline bool reader_is(struct text_reader *r, const char *what)
{
    size_t len = strlen(what);
    if ((size_t)(r->end - r->at) < len || memcmp(r->at, what, len) != 0)
        return false;
    r->at += len;
    return true;
}

static inline void reader_want(struct text_reader *r, const char *what)
{
    if (!reader_is(r, what))
        fail_msg("expected \"%s\" at \"%.60s\"", what, r->at);
}

static inline bool name_char(char c, bool first)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':' ||
           (!first && c >= '0' && c <= '9');
}

static inline size_t reader_name(struct text_reader *r, char *out, size_t room)
{
    size_t n = 0;
    while (r->at < r->end && name_char(*r->at, n == 0)) {
        assert_true(n + 1 < room);
        out[n++] = *r->at++;
    }
    out[n] = 0;
    return n;
}

/* A quoted string; returns its length. Nothing in it but UTF-8 without NUL. */
static inline size_t reader_string(struct text_reader *r, char *out, size_t room)
{
    size_t n = 0;
    reader_want(r, "\"");
    while (r->at < r->end && *r->at != '"') {
        size_t len = utf8_sequence((const uint8_t *)r->at, (size_t)(r->end - r->at));
        assert_int_not_equal(len, 0);
        assert_true(*r->at != '\n' && *r->at != 0);
        if (*r->at == '\\') {
            assert_non_null(memchr("\\\"n", r->at[1], 3));
            char c = r->at[1] == 'n' ? '\n' : r->at[1];
            if (n + 1 < room)
                out[n++] = c;
            r->at += 2;
            continue;
        }
        for (; len > 0; len--, r->at++) {
            if (n + 1 < room)
                out[n++] = *r->at;
        }
    }
    out[n] = 0;
    reader_want(r, "\"");
    return n;
}

static inline double reader_number(struct text_reader *r)
{
    char *end;
    double v = strtod(r->at, &end);
    assert_true(end > r->at && end <= r->end);
    r->at = end;
    return v;
}

/* "{…}": names once each; `quoted` gives the metric's name when it stands inside. */
static inline void reader_labels(struct text_reader *r, char *quoted, size_t room)
{
    char names[64][256], value[4096];
    size_t count = 0;
    if (!reader_is(r, "{"))
        return;
    while (!reader_is(r, "}")) {
        char name[256];
        if (*r->at == '"') {
            reader_string(r, name, sizeof name);
            if (*r->at != '=') {
                assert_non_null(quoted);
                snprintf(quoted, room, "%s", name);
                if (*r->at != '}')
                    reader_want(r, ",");
                continue;
            }
        } else {
            assert_int_not_equal(reader_name(r, name, sizeof name), 0);
            assert_null(strchr(name, ':'));
        }
        for (size_t i = 0; i < count; i++)
            assert_string_not_equal(names[i], name);
        assert_true(count < 64);
        memcpy(names[count++], name, sizeof name);
        reader_want(r, "=");
        reader_string(r, value, sizeof value);
        if (*r->at != '}')
            reader_want(r, ",");
    }
}

static inline void reader_sample(struct text_reader *r)
{
    char name[256];
    reader_name(r, name, sizeof name);
    reader_labels(r, name[0] ? NULL : name, sizeof name);
    size_t family = strlen(r->family);
    assert_memory_equal(name, r->family, family); /* no sample without its family before it */
    const char *suffix = name + family;
    if (strcmp(r->type, "histogram") == 0)
        assert_true(strcmp(suffix, "_bucket") == 0 || strcmp(suffix, "_sum") == 0 ||
                    strcmp(suffix, "_count") == 0);
    else if (r->open_metrics && strcmp(r->type, "counter") == 0)
        assert_string_equal(suffix, "_total");
    else
        assert_string_equal(suffix, "");
    reader_want(r, " ");
    reader_number(r);
    if (*r->at == ' ' && r->at[1] != '#') {
        r->at++;
        reader_number(r);
    }
    if (reader_is(r, " # ")) {
        assert_true(r->open_metrics);
        reader_labels(r, NULL, 0);
        reader_want(r, " ");
        reader_number(r);
        reader_want(r, " ");
        reader_number(r);
        r->exemplars++;
    }
    reader_want(r, "\n");
    r->samples++;
}

static inline void reader_family(struct text_reader *r)
{
    char name[256] = "";
    if (*r->at == '"')
        reader_string(r, r->family, sizeof r->family);
    else
        reader_name(r, r->family, sizeof r->family);
    reader_want(r, " ");
    while (r->at < r->end && *r->at != '\n') {
        assert_true(*r->at != 0);
        r->at++;
    }
    reader_want(r, "\n# TYPE ");
    if (*r->at == '"')
        reader_string(r, name, sizeof name);
    else
        reader_name(r, name, sizeof name);
    assert_string_equal(name, r->family);
    reader_want(r, " ");
    reader_name(r, r->type, sizeof r->type);
    reader_want(r, "\n");
    r->families++;
}

static inline struct text_reader read_text(struct bytes body, bool open_metrics)
{
    struct text_reader r = {.at = (const char *)body.data,
                            .end = (const char *)body.data + body.len,
                            .open_metrics = open_metrics};
    bool ended = false;
    while (r.at < r.end) {
        assert_false(ended);
        if (reader_is(&r, "# EOF\n"))
            ended = true;
        else if (reader_is(&r, "# HELP "))
            reader_family(&r);
        else
            reader_sample(&r);
    }
    assert_int_equal(ended, open_metrics);
    return r;
}

#endif
