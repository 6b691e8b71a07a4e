/* What is written to standard error between two places of a test; one at a time. */
#ifndef TAILSPAN_TESTS_CAPTURED_STDERR_H
#define TAILSPAN_TESTS_CAPTURED_STDERR_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct captured_stderr {
    FILE *file;
    int kept; /* the descriptor that it is put back from */
};

static inline struct captured_stderr capture_stderr(void)
{
    struct captured_stderr c = {.file = tmpfile(), .kept = dup(STDERR_FILENO)};
    assert_non_null(c.file);
    fflush(stderr);
    dup2(fileno(c.file), STDERR_FILENO);
    return c;
}

/* Ends it. The caller frees the text. */
static inline char *captured_text(struct captured_stderr *c)
{
    fflush(stderr);
    dup2(c->kept, STDERR_FILENO);
    close(c->kept);
    assert_int_equal(fseek(c->file, 0, SEEK_END), 0);
    size_t len = (size_t)ftell(c->file);
    char *text = malloc(len + 1);
    assert_non_null(text);
    rewind(c->file);
    assert_int_equal(fread(text, 1, len, c->file), len);
    text[len] = 0;
    fclose(c->file);
    return text;
}

/* How many lines of a text hold `part`; `last` is made the last of them, with its end. */
static inline unsigned lines_with(const char *text, const char *part, char last[1024])
{
    unsigned n = 0;
    for (const char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
        const char *found = strstr(line, part);
        if (!found || found > end)
            continue;
        snprintf(last, 1024, "%.*s", (int)(end + 1 - line), line);
        n++;
    }
    return n;
}

#endif
