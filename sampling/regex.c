/* Matching with bounded effort.
 *
 * What a match writes to (its ovector, its limits) belongs to the thread, so that compiled
 * expressions can be shared without locks. */
#include "sampling/regex.h"

#include <pthread.h>
#include <stdlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

enum {
    STEPS_MAX = 200000, /* of backtracking, in one match */
    HEAP_MAX_KIB = 1024,
    PATTERN_MAX = 16384, /* bytes */
};

struct regex {
    pcre2_code *code;
};

struct scratch {
    pcre2_match_data *data;
    pcre2_match_context *limits;
};

static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static pthread_key_t scratch_key;
static bool have_key;

static void scratch_free(void *memory)
{
    struct scratch *s = memory;
    pcre2_match_data_free(s->data);
    pcre2_match_context_free(s->limits);
    free(s);
}

/* The main thread's is freed by nobody's exit, so at the process's. */
__attribute__((destructor)) static void free_own_scratch(void)
{
    struct scratch *s = have_key ? pthread_getspecific(scratch_key) : NULL;
    if (!s)
        return;
    pthread_setspecific(scratch_key, NULL);
    scratch_free(s);
}

static void make_key(void)
{
    have_key = pthread_key_create(&scratch_key, scratch_free) == 0;
}

static struct scratch *scratch_create(void)
{
    struct scratch *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->data = pcre2_match_data_create(1, NULL);
    s->limits = pcre2_match_context_create(NULL);
    if (!s->data || !s->limits || pthread_setspecific(scratch_key, s) != 0) {
        scratch_free(s);
        return NULL;
    }
    pcre2_set_match_limit(s->limits, STEPS_MAX);
    pcre2_set_heap_limit(s->limits, HEAP_MAX_KIB);
    return s;
}

static struct scratch *scratch_of_thread(void)
{
    pthread_once(&key_once, make_key);
    if (!have_key)
        return NULL;
    struct scratch *s = pthread_getspecific(scratch_key);
    return s ? s : scratch_create();
}

struct regex *regex_compile(struct bytes pattern, struct error *e)
{
    int code = 0;
    PCRE2_SIZE at = 0;
    if (pattern.len > PATTERN_MAX) {
        error_set(e, "the regular expression is longer than %d bytes", PATTERN_MAX);
        return NULL;
    }
    struct regex *r = malloc(sizeof *r);
    if (!r) {
        error_set(e, "out of memory");
        return NULL;
    }
    r->code =
        pcre2_compile((PCRE2_SPTR)(pattern.len ? (const void *)pattern.data : ""), pattern.len,
                      PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_DOLLAR_ENDONLY |
                          PCRE2_NEVER_BACKSLASH_C | PCRE2_NO_AUTO_CAPTURE,
                      &code, &at, NULL);
    if (!r->code) {
        PCRE2_UCHAR text[200];
        pcre2_get_error_message(code, text, sizeof text);
        error_set(e, "the regular expression is wrong at its column %zu: %s", at + 1,
                  (const char *)text);
        free(r);
        return NULL;
    }
    pcre2_jit_compile(r->code, PCRE2_JIT_COMPLETE); /* without it matching is only slower */
    return r;
}

void regex_destroy(struct regex *r)
{
    if (!r)
        return;
    pcre2_code_free(r->code);
    free(r);
}

enum regex_result regex_match(const struct regex *r, struct bytes subject)
{
    struct scratch *s = scratch_of_thread();
    if (!s)
        return REGEX_GAVE_UP;
    int n = pcre2_match(r->code, (PCRE2_SPTR)(subject.len ? (const void *)subject.data : ""),
                        subject.len, 0, 0, s->data, s->limits);
    if (n >= 0)
        return REGEX_YES;
    return n == PCRE2_ERROR_NOMATCH ? REGEX_NO : REGEX_GAVE_UP;
}
