/* Backtracking, as patterns are short and the person's own. The steps are counted, because the
 * texts are not: a pattern of many stars must not make a hostile name expensive. */
#include "metrics/glob.h"

enum { STEPS_MAX = 4096, ALTERNATIVES_DEPTH = 8 };

/* The ] of the class that the [ at `p` begins, or the pattern's end. */
static const char *class_end(const char *p)
{
    p += p[1] == '!' ? 2 : 1;
    while (*p && *p != ']')
        p++;
    return p;
}

const char *glob_check(const char *p)
{
    unsigned depth = 0;
    for (; *p; p++) {
        if (*p == '\\') {
            if (!*++p)
                return "ends in a backslash";
            continue;
        }
        if (*p == '{' && ++depth > ALTERNATIVES_DEPTH)
            return "has too many { within each other";
        if (*p == '}' && depth-- == 0)
            return "has a } without {";
        if (*p == '[') {
            const char *end = class_end(p);
            if (end == p + (p[1] == '!' ? 2 : 1))
                return "has an empty []";
            if (!*end)
                return "has a [ without ]";
            p = end;
        }
    }
    return depth ? "has a { without }" : NULL;
}

/* What follows a `{…}` is on a list, so that each alternative goes on with it. */
struct rest {
    const char *pattern;
    const struct rest *next;
};

struct match {
    const uint8_t *end;
    unsigned steps;
};

static bool matches(struct match *m, const char *p, const struct rest *rest, const uint8_t *at);

/* Behind the } that closes the { before `p`, or at the comma before it. */
static const char *alternative_end(const char *p, bool all)
{
    for (unsigned depth = 0; *p; p++) {
        if (*p == '\\' && p[1])
            p++;
        else if (*p == '[')
            p = class_end(p);
        else if (*p == '{')
            depth++;
        else if ((*p == '}' && depth-- == 0) || (*p == ',' && depth == 0 && !all))
            return p;
    }
    return p;
}

static bool any_alternative(struct match *m, const char *p, const struct rest *rest,
                            const uint8_t *at)
{
    struct rest behind = {.pattern = alternative_end(p, true) + 1, .next = rest};
    for (;;) {
        if (matches(m, p, &behind, at))
            return true;
        p = alternative_end(p, false);
        if (*p != ',')
            return false;
        p++;
    }
}

static bool star(struct match *m, const char *p, const struct rest *rest, const uint8_t *at)
{
    bool across = *p == '*';
    while (*p == '*')
        p++;
    for (;; at++) {
        if (matches(m, p, rest, at))
            return true;
        if (at == m->end || (*at == '.' && !across) || m->steps == 0)
            return false;
    }
}

/* Whether `c` is of the class at `*p`, which is moved to its ]. */
static bool in_class(const char **p, uint8_t c)
{
    const char *at = *p;
    bool negated = *at == '!', found = false;
    at += negated;
    for (; *at != ']'; at++) {
        if (at[1] == '-' && at[2] != ']') {
            found |= (uint8_t)at[0] <= c && c <= (uint8_t)at[2];
            at += 2;
        } else {
            found |= (uint8_t)*at == c;
        }
    }
    *p = at;
    return found != negated;
}

/* The end of an alternative is a , or } while there is a rest. */
static bool matches(struct match *m, const char *p, const struct rest *rest, const uint8_t *at)
{
    for (;; p++) {
        if (m->steps == 0)
            return false;
        m->steps--;
        while (rest && (*p == ',' || *p == '}')) {
            p = rest->pattern;
            rest = rest->next;
        }
        if (*p == '*')
            return star(m, p + 1, rest, at);
        if (*p == '{')
            return any_alternative(m, p + 1, rest, at);
        if (!*p || at == m->end)
            return !*p && at == m->end;
        uint8_t c = *at++;
        if (*p == '?') {
            if (c == '.')
                return false;
        } else if (*p == '[') {
            p++;
            if (!in_class(&p, c))
                return false;
        } else {
            p += *p == '\\';
            if ((uint8_t)*p != c)
                return false;
        }
    }
}

bool glob_match(const char *pattern, struct bytes text)
{
    struct match m = {.end = text.data + text.len, .steps = STEPS_MAX};
    return matches(&m, pattern, NULL, text.data);
}
