/* What is worth writing for AVX-512, with which 64 bytes are one load and a class of bytes is one
 * comparison. Built for machines that have it, so nothing here is called for a detector that is not
 * wide. */
#define BYTE_CLASS_WIDE
#include "processors/scrub/glance.h"
#include "processors/scrub/key_facts.h"

bool glance_wide(const struct detector *d, struct bytes value, size_t before, bool numbers)
{
    (void)before;
    if (value.len < DETECT_SHORTEST)
        return true;
    return value.len <= GLANCE_MAX && glance(d, value, numbers);
}

/* Whether a text that begins at `w->before` has nothing in it. */
static ALWAYS_INLINE bool is_clean(const struct detector *d, const struct window *w,
                                   struct bytes text, bool numbers)
{
    const struct looked_at seen = look_at_window(d, w, text, numbers, 1);
    return seen.clean && (!seen.marks || are_of_url(text, seen.marks));
}

/* One load has the whole KeyValue: its opening is compared, and its value looked at, in the same
 * register. */
const uint8_t *pass_plain_wide(struct key_table *t, const struct scrub_rules *r, const uint8_t *at,
                               const uint8_t *end)
{
    const uint8_t tag = *at;
    const bool numbers = r->detector->numbers;
    struct key_slot *s = t->last;
    while (end - at > 2 && at[0] == tag) {
        const uint8_t *body = at + 2;
        const uint32_t len = at[1];
        struct key_slot *next = s->next;
        if (len - 1 >= LANES || len > (size_t)(end - body) || next->rules != r->id ||
            !next->facts.plain)
            break;
        const struct window w = {.all = load_up_to(body, len), .before = next->len + 3U};
        const uint64_t same = _mm512_cmpeq_epi8_mask(w.all, _mm512_load_si512(next->opening));
        if (~same << (LANES - next->len))
            break;
        const uint32_t left = len - next->len; /* an AnyValue and its length */
        if (left == 0 || body[next->len] != left - 1)
            break;
        if (left > NOTHING_ANY + 1) {
            const uint8_t *any = body + next->len + 1;
            const struct bytes text = bytes_of(any + 2, left - 3);
            if (any[0] != WIRE_TAG(1, WIRE_LENGTH) || any[1] != text.len ||
                (text.len >= DETECT_SHORTEST &&
                 !is_clean(r->detector, &w, text, numbers && !next->facts.agent)))
                break;
        }
        s = next;
        at = body + len;
    }
    t->last = s;
    return at;
}
