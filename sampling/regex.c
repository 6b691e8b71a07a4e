/* Matching with bounded effort.
 *
 * What a match writes to (its ovector, its limits, the JIT's stack) belongs to the thread, so that
 * compiled expressions can be shared without locks.
 *
 * PCRE2's limit counts backtracking from one place where a match may start, and begins anew at the
 * next, so `[a-z]+@` takes a second for some hundred thousand letters without ever reaching it.
 * In a long subject few starts are therefore looked at at a time, and the processor's clock in
 * between. Nor does compiled code count how often a repetition of one character gives one back, so
 * `a.*b.*c` may take as long from a single start. Of long subjects such expressions are therefore
 * interpreted, which counts that. */
#include "sampling/regex.h"

#include "component/clock.h"
#include "proto/utf8.h"

#include <ctype.h>
#include <pthread.h>
#include <stdlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

enum {
    STEPS_MAX = 200000, /* of backtracking, in one match */
    HEAP_MAX_KIB = 1024,
    PATTERN_MAX = 16384,   /* bytes */
    STACK_MIN = 32 * 1024, /* the JIT's, bytes */
    STACK_MAX = 512 * 1024,

    LONG_SUBJECT = 512,  /* bytes; shorter ones are looked at at once */
    STARTS_AT_ONCE = 64, /* places where a match may start */
    SEARCH_NS = 200000,  /* for a subject, besides */
    SEARCH_NS_A_BYTE = 50,

    /* the same where it is interpreted */
    COUNTED_STEPS_MAX = 50000, /* and two for each byte: to its end and back */
    COUNTED_STARTS_AT_ONCE = 16,
    COUNTED_NS_A_BYTE = 200,
};

/* Of these bytes below 128 a subject has at least one. */
struct one_of {
    bool known;
    uint64_t low, high;
};

struct regex {
    pcre2_code *code;
    uint32_t min_len;    /* of a match, in characters */
    struct one_of first; /* that a match begins with */
    struct one_of last;  /* that it has anywhere */
    bool anchored;       /* a match begins where the subject does */
    bool is_heavy;       /* two repetitions or more have no bound */
    unsigned groups;     /* that are kept */
};

struct scratch {
    pcre2_match_data *data;
    pcre2_match_context *limits;
    pcre2_jit_stack *stack;
};

static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static pthread_key_t scratch_key;
static bool have_key;

static void scratch_free(void *memory)
{
    struct scratch *s = memory;
    pcre2_match_data_free(s->data);
    pcre2_jit_stack_free(s->stack);
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
    s->data = pcre2_match_data_create(REGEX_GROUPS_MAX + 1, NULL);
    s->limits = pcre2_match_context_create(NULL);
    s->stack = pcre2_jit_stack_create(STACK_MIN, STACK_MAX, NULL);
    if (!s->data || !s->limits || !s->stack || pthread_setspecific(scratch_key, s) != 0) {
        scratch_free(s);
        return NULL;
    }
    pcre2_set_heap_limit(s->limits, HEAP_MAX_KIB);
    pcre2_jit_stack_assign(s->limits, NULL, s->stack);
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

static void include_byte(struct one_of *o, uint32_t byte)
{
    o->known = true;
    if (byte < 64)
        o->low |= UINT64_C(1) << byte;
    else if (byte < 128)
        o->high |= UINT64_C(1) << (byte - 64);
}

/* PCRE2 does not say whether it means the other case as well. */
static struct one_of either_case(uint32_t unit)
{
    struct one_of o = {0};
    include_byte(&o, unit);
    if (unit < 128 && isalpha((int)unit))
        include_byte(&o, unit ^ ('a' ^ 'A'));
    return o;
}

/* What PCRE2 found out about all matches. */
static void learn(struct regex *r)
{
    uint32_t type = 0, unit = 0, options = 0;
    const uint8_t *bitmap = NULL;
    pcre2_pattern_info(r->code, PCRE2_INFO_ALLOPTIONS, &options);
    r->anchored = options & PCRE2_ANCHORED;
    pcre2_pattern_info(r->code, PCRE2_INFO_MINLENGTH, &r->min_len);
    pcre2_pattern_info(r->code, PCRE2_INFO_FIRSTCODETYPE, &type);
    pcre2_pattern_info(r->code, PCRE2_INFO_FIRSTBITMAP, &bitmap);
    if (type == 1) {
        pcre2_pattern_info(r->code, PCRE2_INFO_FIRSTCODEUNIT, &unit);
        r->first = either_case(unit);
    } else if (bitmap) {
        r->first.known = true;
        for (unsigned i = 0; i < 128; i++) {
            if (bitmap[i / 8] >> (i % 8) & 1)
                include_byte(&r->first, i);
        }
    }
    pcre2_pattern_info(r->code, PCRE2_INFO_LASTCODETYPE, &type);
    if (type == 1) {
        pcre2_pattern_info(r->code, PCRE2_INFO_LASTCODEUNIT, &unit);
        r->last = either_case(unit);
    }
}

/* The end of the class that begins at `at`: a ] that comes first is of it. */
static size_t class_end(struct bytes pattern, size_t at)
{
    size_t from = at + 1;
    if (from < pattern.len && pattern.data[from] == '^')
        from++;
    for (at = from; at < pattern.len && (pattern.data[at] != ']' || at == from); at++)
        at += pattern.data[at] == '\\';
    return at;
}

/* {2,} */
static bool is_open_range(struct bytes pattern, size_t at)
{
    for (at++; at < pattern.len && isdigit(pattern.data[at]); at++)
        ;
    return at + 1 < pattern.len && pattern.data[at] == ',' && pattern.data[at + 1] == '}';
}

static bool repeats_without_bound_twice(struct bytes pattern)
{
    unsigned repetitions = 0;
    for (size_t at = 0; at < pattern.len; at++) {
        uint8_t c = pattern.data[at];
        if (c == '\\')
            at++;
        else if (c == '[')
            at = class_end(pattern, at);
        else
            repetitions += c == '*' || c == '+' || (c == '{' && is_open_range(pattern, at));
    }
    return repetitions >= 2;
}

static struct regex *compile(struct bytes pattern, uint32_t options, struct error *e)
{
    int code = 0;
    PCRE2_SIZE at = 0;
    if (pattern.len > PATTERN_MAX) {
        error_set(e, "the regular expression is longer than %d bytes", PATTERN_MAX);
        return NULL;
    }
    struct regex *r = calloc(1, sizeof *r);
    if (!r) {
        error_set(e, "out of memory");
        return NULL;
    }
    r->code = pcre2_compile(
        (PCRE2_SPTR)(pattern.len ? (const void *)pattern.data : ""), pattern.len,
        PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_ALT_CIRCUMFLEX |
            PCRE2_NEVER_BACKSLASH_C | PCRE2_USE_OFFSET_LIMIT | options,
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
    learn(r);
    r->is_heavy = repeats_without_bound_twice(pattern);
    return r;
}

struct regex *regex_compile(struct bytes pattern, struct error *e)
{
    return compile(pattern, PCRE2_NO_AUTO_CAPTURE, e);
}

struct regex *regex_compile_groups(struct bytes pattern, struct error *e)
{
    struct regex *r = compile(pattern, 0, e);
    if (!r)
        return NULL;
    uint32_t groups = 0, named = 0;
    pcre2_pattern_info(r->code, PCRE2_INFO_CAPTURECOUNT, &groups);
    pcre2_pattern_info(r->code, PCRE2_INFO_NAMECOUNT, &named);
    r->groups = groups;
    if (groups > 0 && groups == named && groups <= REGEX_GROUPS_MAX)
        return r;
    if (groups == 0)
        error_set(e, "the regular expression has no named group, as in (?P<name>...)");
    else if (groups > REGEX_GROUPS_MAX)
        error_set(e, "the regular expression has more than %d groups", REGEX_GROUPS_MAX);
    else
        error_set(e, "the regular expression has a group without a name; write (?P<name>...) or "
                     "(?:...)");
    regex_destroy(r);
    return NULL;
}

unsigned regex_groups(const struct regex *r)
{
    return r->groups;
}

/* PCRE2's table: for each name two bytes of the group's number, then the name and a NUL. */
struct bytes regex_group_name(const struct regex *r, unsigned group)
{
    const uint8_t *entry = NULL;
    uint32_t size = 0;
    pcre2_pattern_info(r->code, PCRE2_INFO_NAMETABLE, &entry);
    pcre2_pattern_info(r->code, PCRE2_INFO_NAMEENTRYSIZE, &size);
    for (unsigned i = 0; i < r->groups; i++, entry += size) {
        if ((unsigned)(entry[0] << 8 | entry[1]) == group + 1)
            return bytes_of_string((const char *)entry + 2);
    }
    return bytes_of(NULL, 0);
}

void regex_destroy(struct regex *r)
{
    if (!r)
        return;
    pcre2_code_free(r->code);
    free(r);
}

struct regex_glance regex_glance(struct bytes subject)
{
    struct regex_glance g = {.len = subject.len};
    uint8_t all = 0;
    for (size_t i = 0; i < subject.len; i++) {
        uint8_t c = subject.data[i];
        uint64_t bit = UINT64_C(1) << (c & 63), high = -(uint64_t)(c >> 6 & 1);
        g.low |= bit & ~high;
        g.high |= bit & high;
        all |= c;
    }
    g.ascii = all < 128;
    return g;
}

static bool has_one_of(const struct regex_glance *g, const struct one_of *o)
{
    return !o->known || (g->low & o->low) || (g->high & o->high);
}

bool regex_may_match(const struct regex *r, const struct regex_glance *g)
{
    return g->len >= r->min_len &&
           (!g->ascii || (has_one_of(g, &r->first) && has_one_of(g, &r->last)));
}

static PCRE2_SPTR text_of(struct bytes subject)
{
    return (PCRE2_SPTR)(subject.len ? (const void *)subject.data : "");
}

static enum regex_result result_of(int n)
{
    if (n >= 0)
        return REGEX_YES;
    return n == PCRE2_ERROR_NOMATCH ? REGEX_NO : REGEX_GAVE_UP;
}

void regex_search_begin(struct regex_search *s, const struct regex *r, struct bytes subject)
{
    *s = (struct regex_search){.regex = r, .subject = subject};
}

/* Where the character at or behind `at` begins. */
static size_t character(struct bytes subject, size_t at)
{
    while (at < subject.len && (subject.data[at] & 0xc0) == 0x80)
        at++;
    return at;
}

/* The thread's clock asks the kernel, so it is looked at when the other, which it never overtakes,
 * says that it may be time. */
static bool is_late(struct regex_search *s)
{
    uint64_t now_ns = monotonic_ns(), allowed_ns = 0;
    if (s->deadline_ns == 0) {
        unsigned a_byte = s->regex->is_heavy ? COUNTED_NS_A_BYTE : SEARCH_NS_A_BYTE;
        allowed_ns = SEARCH_NS + s->subject.len * a_byte;
        s->deadline_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) + allowed_ns;
    } else if (now_ns > s->look_ns) {
        uint64_t used_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
        if (used_ns > s->deadline_ns)
            return true;
        allowed_ns = s->deadline_ns - used_ns;
    } else {
        return false;
    }
    s->look_ns = now_ns + allowed_ns;
    return false;
}

/* The first match that starts at or behind `from`. */
static enum regex_result find(struct regex_search *s, size_t from, struct scratch *scratch)
{
    size_t len = s->subject.len;
    bool counted = len > LONG_SUBJECT && s->regex->is_heavy;
    size_t starts = counted ? COUNTED_STARTS_AT_ONCE : STARTS_AT_ONCE;
    size_t steps = counted ? COUNTED_STEPS_MAX + 2 * len : STEPS_MAX;
    uint32_t options = PCRE2_NO_UTF_CHECK | (counted ? PCRE2_NO_JIT : 0);
    pcre2_set_match_limit(scratch->limits, steps < UINT32_MAX ? (uint32_t)steps : UINT32_MAX);
    for (;;) {
        bool rest = len <= LONG_SUBJECT || len - from < starts || s->regex->anchored;
        pcre2_set_offset_limit(scratch->limits, rest ? PCRE2_UNSET : from + starts - 1);
        enum regex_result result =
            result_of(pcre2_match(s->regex->code, text_of(s->subject), len, from, options,
                                  scratch->data, scratch->limits));
        if (result != REGEX_NO || rest)
            return result;
        if (is_late(s))
            return REGEX_GAVE_UP;
        from = character(s->subject, from + starts);
    }
}

enum regex_result regex_match(const struct regex *r, struct bytes subject)
{
    struct scratch *scratch = scratch_of_thread();
    struct buffer copy = {0};
    struct regex_search s;
    if (subject.len > LONG_SUBJECT) {
        struct regex_glance glance = regex_glance(subject);
        if (!regex_may_match(r, &glance))
            return REGEX_NO;
    }
    regex_search_begin(&s, r, utf8_readable(subject, &copy));
    enum regex_result result = scratch && !copy.failed ? find(&s, 0, scratch) : REGEX_GAVE_UP;
    buffer_free(&copy);
    return result;
}

enum regex_result regex_match_groups(const struct regex *r, struct bytes subject,
                                     struct regex_span *groups)
{
    enum regex_result result = regex_match(r, subject);
    if (result != REGEX_YES)
        return result;
    const PCRE2_SIZE *found = pcre2_get_ovector_pointer(scratch_of_thread()->data);
    for (unsigned i = 0; i < r->groups; i++) {
        found += 2;
        bool took_part = found[0] != PCRE2_UNSET && found[0] <= found[1];
        groups[i] = took_part ? (struct regex_span){found[0], found[1]} : (struct regex_span){0};
    }
    return REGEX_YES;
}

enum regex_result regex_search_next(struct regex_search *s, struct regex_span *found)
{
    struct scratch *scratch = scratch_of_thread();
    if (!scratch)
        return REGEX_GAVE_UP;
    while (s->at <= s->subject.len) {
        enum regex_result result = find(s, s->at, scratch);
        if (result != REGEX_YES)
            return result;
        const PCRE2_SIZE *at = pcre2_get_ovector_pointer(scratch->data);
        if (at[0] > at[1] || at[1] < s->at) /* \K can do that */
            return REGEX_GAVE_UP;
        *found = (struct regex_span){at[0], at[1]};
        bool fresh = found->end > s->behind || found->start == 0;
        s->behind = found->end;
        s->at = found->end > s->at ? found->end : character(s->subject, s->at + 1);
        if (++s->matches % STARTS_AT_ONCE == 0 && is_late(s))
            return REGEX_GAVE_UP;
        if (fresh)
            return REGEX_YES;
    }
    return REGEX_NO;
}
