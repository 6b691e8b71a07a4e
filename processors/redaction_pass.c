/* Writing messages anew: what redaction_decide() says becomes the rewriter's verdicts, and what
 * happened to a list becomes its summary. */
#include "processors/redaction_pass.h"

void redaction_pass_free(struct redaction_pass *p)
{
    redaction_work_free(&p->work);
    buffer_free(&p->lines);
    value_text_free(&p->text);
    pieces_free(&p->pieces);
    redaction_summary_free(&p->outer);
    redaction_summary_free(&p->inner);
}

static bool is_judged(enum rewrite_place place)
{
    return rewrite_place_is_attribute(place) || place == PLACE_SPAN_NAME ||
           place == PLACE_EVENT_NAME || place == PLACE_STATUS_MESSAGE;
}

static struct redaction_summary *summary_of(struct redaction_pass *p, enum rewrite_place place)
{
    return place == PLACE_EVENT_ATTRIBUTE || place == PLACE_LINK_ATTRIBUTE ? &p->inner : &p->outer;
}

/* What happened to an attribute itself, or to something within it. */
static void note(struct redaction_pass *p, const struct rewrite_item *item,
                 enum redaction_fate fate)
{
    if (!rewrite_place_is_attribute(item->place) ||
        (item->depth > 0 && (fate != FATE_MASKED || p->top_masked)))
        return;
    p->top_masked = fate == FATE_MASKED;
    redaction_summary_add(summary_of(p, item->place), fate, item->top_key);
}

/* One of the summary's own attributes that came: it is written again behind the list. */
static enum rewrite_verdict hand_over(struct redaction_pass *p, enum rewrite_place place, int index,
                                      const struct value *v)
{
    redaction_summary_came(summary_of(p, place), index, v);
    return REWRITE_REMOVE;
}

/* Nothing is hidden of it; a summary's attribute moves all the same. */
static enum rewrite_verdict pass_on(struct redaction_pass *p, const struct rewrite_item *item,
                                    enum redaction_decision d, int own)
{
    if (d == DECIDED_IGNORED || d == DECIDED_ALLOWED)
        note(p, item, d == DECIDED_IGNORED ? FATE_IGNORED : FATE_ALLOWED);
    if (own < 0)
        return d == DECIDED_ENTER ? REWRITE_ENTER : REWRITE_KEEP;
    return d == DECIDED_ENTER ? REWRITE_REMOVE : hand_over(p, item->place, own, &item->value);
}

static enum rewrite_verdict hide(struct redaction_pass *p, const struct rewrite_item *item,
                                 struct value masked, int own, struct rewrite_change *change)
{
    masked.bytes = pieces_copy(&p->pieces, masked.bytes);
    note(p, item, FATE_MASKED);
    if (own >= 0)
        return hand_over(p, item->place, own, &masked);
    change->value = masked;
    return REWRITE_SET;
}

static enum rewrite_verdict visit(void *context, const struct rewrite_item *item,
                                  struct rewrite_change *change)
{
    struct redaction_pass *p = context;
    struct value masked;
    int rule = 0;
    bool list = rewrite_place_is_attribute(item->place);
    if (!list && (!is_judged(item->place) || item->value.bytes.len == 0))
        return REWRITE_KEEP;
    int own = list && item->depth == 0 ? redaction_summary_index(item->key) : -1;
    if (item->depth == 0)
        p->top_masked = false;
    enum redaction_decision d = redaction_decide(p, item, &masked, &rule);
    if (d != DECIDED_REMOVE && d != DECIDED_MASK)
        return pass_on(p, item, d, own);
    p->hit(p->context, rule, item->place);
    if (d == DECIDED_MASK)
        return hide(p, item, masked, own, change);
    note(p, item, FATE_REDACTED);
    return REWRITE_REMOVE;
}

static size_t append(void *context, enum rewrite_place place,
                     const struct link_attribute **attributes)
{
    struct redaction_pass *p = context;
    struct redaction_summary *s = summary_of(p, place);
    struct link_attribute *own = NULL;
    size_t count = redaction_summary_write(s, &p->pieces, &own);
    redaction_summary_reset(s);
    *attributes = own;
    return count;
}

static struct rewriter begin(struct redaction_pass *p)
{
    if (p->pieces.newest)
        pieces_reset(&p->pieces);
    redaction_summary_begin(&p->outer, p->rules->summary);
    redaction_summary_begin(&p->inner, p->rules->summary);
    return (struct rewriter){.context = p, .visit = visit, .append = append};
}

/* What could not be remembered for want of memory may be missing from what was written. */
static bool is_whole(const struct redaction_pass *p)
{
    return !p->failed && !p->pieces.failed && !p->outer.failed && !p->inner.failed;
}

bool redaction_apply_to_resource(struct redaction_pass *p, struct batch *b, uint32_t resource)
{
    struct rewriter w = begin(p);
    return resource_rewrite(b, resource, &w) && is_whole(p);
}

bool redaction_apply_to_scope(struct redaction_pass *p, struct batch *b, uint32_t scope)
{
    struct rewriter w = begin(p);
    return scope_rewrite(b, scope, &w) && is_whole(p);
}

bool redaction_apply_to_span(struct redaction_pass *p, struct batch *b, uint32_t span)
{
    struct rewriter w = begin(p);
    return span_rewrite(b, span, &w) && is_whole(p);
}
