/* One batch on its way through a `redaction` processor.
 *
 * A message is first looked through in place; only when something in it has to change, or to be
 * told, is it written anew, and then judged once more as it is. So what nobody objects to is judged
 * once and leaves byte for byte.
 *
 * A key's standing is found once a batch, as keys are few and patterns are slow. One thread. */
#ifndef TAILSPAN_PROCESSORS_REDACTION_PASS_H
#define TAILSPAN_PROCESSORS_REDACTION_PASS_H

#include "processors/redaction_summary.h"
#include "proto/rewrite.h"
#include "proto/value_text.h"

enum { KEY_SLOTS = 256 };

struct key_slot {
    struct bytes key;
    bool used;
    uint8_t flags;
};

/* Told of each attribute, pair, name or message that is removed or masked. `rule` is an index of
 * blocked_values, or one of those below. */
enum { RULE_NOT_ALLOWED = -2, RULE_BLOCKED_KEY = -1 };
struct redaction_pass {
    const struct redaction_rules *rules;
    void (*hit)(void *context, int rule, enum rewrite_place place);
    void *context;

    /* the pass's own; zero-initialise */
    struct redaction_work work;
    struct buffer lines;
    struct value_text text;
    struct pieces pieces;
    struct redaction_summary outer; /* of the message's own list, which may go on behind events */
    struct redaction_summary inner; /* of the event or link that is being written */
    bool top_masked;                /* the attribute that is being written has been counted */
    bool failed;                    /* out of memory */
    struct key_slot slots[KEY_SLOTS];
};
void redaction_pass_free(struct redaction_pass *p);

enum redaction_decision {
    DECIDED_KEEP,
    DECIDED_IGNORED,
    DECIDED_ALLOWED,
    DECIDED_ENTER, /* an array or map: ask about what is in it */
    DECIDED_REMOVE,
    DECIDED_MASK,
};

/* Judges one item. When masked, `masked` is what its value becomes, borrowed until the next call,
 * and `rule` says by what. */
enum redaction_decision redaction_decide(struct redaction_pass *p, const struct rewrite_item *item,
                                         struct value *masked, int *rule);

/* Whether anything in the message has to change. In doubt (failed): yes. */
bool redaction_objects_to_resource(struct redaction_pass *p, struct bytes resource);
bool redaction_objects_to_scope(struct redaction_pass *p, struct bytes scope);
bool redaction_objects_to_span(struct redaction_pass *p, const struct span_view *span);

/* Writes it anew. False: out of memory, and the batch is only good for release. */
bool redaction_apply_to_resource(struct redaction_pass *p, struct batch *b, uint32_t resource);
bool redaction_apply_to_scope(struct redaction_pass *p, struct batch *b, uint32_t scope);
bool redaction_apply_to_span(struct redaction_pass *p, struct batch *b, uint32_t span);

#endif
