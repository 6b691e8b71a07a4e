#include "proto/consistent.h"

#include "proto/trace_state.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static bool is_ot(struct bytes entry)
{
    return entry.len >= 3 && memcmp(entry.data, "ot=", 3) == 0;
}

/* The next `key:value` of an ot entry's value. */
static bool next_member(struct bytes *rest, struct bytes *member)
{
    if (rest->len == 0)
        return false;
    *member = trace_state_cut(rest, ';');
    return true;
}

static bool has_key(struct bytes member, const char key[3])
{
    return member.len >= 3 && memcmp(member.data, key, 3) == 0;
}

/* Lowercase hex, padded with zeros on the right to 14 digits. */
static bool parse_hex(struct bytes digits, uint64_t *out)
{
    uint64_t v = 0;
    if (digits.len < 1 || digits.len > 14)
        return false;
    for (size_t i = 0; i < 14; i++) {
        uint8_t c = i < digits.len ? digits.data[i] : '0';
        if (c >= '0' && c <= '9')
            v = v << 4 | (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            v = v << 4 | (uint64_t)(c - 'a' + 10);
        else
            return false;
    }
    *out = v;
    return true;
}

static struct bytes member_value(struct bytes member)
{
    return bytes_of(member.data + 3, member.len - 3);
}

static void parse_member(struct bytes member, struct ot_state *s)
{
    if (has_key(member, "rv:") && member.len == 3 + 14)
        s->has_randomness = parse_hex(member_value(member), &s->randomness);
    else if (has_key(member, "th:"))
        s->has_threshold = parse_hex(member_value(member), &s->threshold);
}

struct ot_state ot_parse(struct bytes trace_state)
{
    struct ot_state s = {0};
    struct bytes entry, member;
    if (trace_state.len > TRACE_STATE_MAX)
        return s;
    while (trace_state_next(&trace_state, &entry)) {
        if (!is_ot(entry))
            continue;
        struct bytes value = member_value(entry);
        while (next_member(&value, &member))
            parse_member(member, &s);
        break;
    }
    return s;
}

uint64_t trace_id_randomness(const uint8_t id[16])
{
    uint64_t r = 0;
    for (int i = 9; i < 16; i++)
        r = r << 8 | id[i];
    return r;
}

double adjusted_count(uint64_t threshold)
{
    return ldexp(1, RANDOMNESS_BITS) / (double)(THRESHOLD_LIMIT - threshold);
}

struct writer {
    char *out;
    size_t len;
};

static void put(struct writer *w, const void *data, size_t len)
{
    memcpy(w->out + w->len, data, len);
    w->len += len;
}

static void put_separator(struct writer *w, size_t begin, char separator)
{
    if (w->len > begin)
        w->out[w->len++] = separator;
}

/* The ot entry's value with `th` (empty: none) in the place of the old ones. */
static void put_ot(struct writer *w, struct bytes value, const char *th)
{
    size_t before = w->len;
    put(w, "ot=", 3);
    size_t begin = w->len;
    struct bytes member;
    if (th[0]) {
        put(w, "th:", 3);
        put(w, th, strlen(th));
    }
    while (next_member(&value, &member)) {
        if (has_key(member, "th:") || member.len == 0)
            continue;
        put_separator(w, begin, ';');
        put(w, member.data, member.len);
    }
    if (w->len == begin) /* nothing is left of it */
        w->len = before;
}

static void format_threshold(uint64_t threshold, char out[16])
{
    snprintf(out, 16, "%014llx", (unsigned long long)threshold);
    size_t len = 14;
    while (len > 1 && out[len - 1] == '0')
        len--;
    out[len] = 0;
}

int ot_rewrite(struct bytes trace_state, uint64_t randomness, uint64_t threshold, bool known,
               char *out)
{
    if (trace_state.len > TRACE_STATE_MAX)
        return -1;
    struct ot_state came = ot_parse(trace_state);
    if (came.has_threshold && randomness < came.threshold)
        known = false;
    if (known && came.has_threshold && came.threshold >= threshold)
        return -1;
    char th[16] = "";
    if (known)
        format_threshold(threshold, th);

    /* A changed entry moves to the front, as the W3C asks. */
    struct writer w = {.out = out};
    struct bytes rest = trace_state, entry;
    struct bytes ot = bytes_of(NULL, 0);
    while (trace_state_next(&rest, &entry)) {
        if (is_ot(entry)) {
            ot = member_value(entry);
            break;
        }
    }
    put_ot(&w, ot, th);
    if (w.len > 3 + OT_ENTRY_MAX)
        return -1;
    rest = trace_state;
    bool seen = false;
    while (trace_state_next(&rest, &entry)) {
        if (entry.len == 0 || (is_ot(entry) && !seen)) {
            seen |= entry.len > 0;
            continue;
        }
        put_separator(&w, 0, ',');
        put(&w, entry.data, entry.len);
    }
    if (w.len == trace_state.len && memcmp(out, trace_state.data, w.len) == 0)
        return -1;
    return (int)w.len;
}
