/* Conditions in OTTL, the transformation language of the OpenTelemetry Collector: the part of it
 * that reads a span or an event and says yes or no.
 *
 *   paths        attributes["k"], name, kind, kind.string, status.code, status.message,
 *                trace_id.string, span_id.string, parent_span_id.string, trace_state,
 *                trace_state["k"], start_time_unix_nano, end_time_unix_nano, flags;
 *                resource.attributes["k"]; instrumentation_scope.name, .version, .attributes["k"]
 *                (also as scope.…). A path may begin with "span."; of an event: spanevent.name,
 *                spanevent.attributes["k"], spanevent.time_unix_nano.
 *                In the context OTTL_SPANEVENT a path without a prefix is the event's.
 *   literals     "text", 1, 1.5, true, false, nil, and the names of kinds and status codes
 *   operators    == != < <= > >=, and, or, not, parentheses
 *   functions    IsMatch(value, "regular expression"), IsRootSpan()
 *
 * Anything else is an error at compile time that names the column. Comparison is the Collector's:
 * values of different types are unequal and in no order, except integers with floats; an absent
 * attribute is nil. Regular expressions: see regex.h.
 *
 * A compiled condition is never changed by evaluating it: any number of threads may. */
#ifndef TAILSPAN_SAMPLING_OTTL_H
#define TAILSPAN_SAMPLING_OTTL_H

#include "component/error.h"
#include "proto/attribute.h"
#include "proto/batch.h"

#define OTTL_MAX_LENGTH 16384 /* bytes of a condition */
#define OTTL_MAX_DEPTH  64    /* nested parentheses and operators */

enum ottl_context {
    OTTL_SPAN,
    OTTL_SPANEVENT,
};

enum ottl_result {
    OTTL_FALSE,
    OTTL_TRUE,
    OTTL_ERROR, /* it could not be told, e.g. IsMatch gave up at its limits; error_mode applies */
};

struct ottl;

/* NULL with `e` set: "column 14: …". Both strings may go away afterwards. */
struct ottl *ottl_compile(const char *text, enum ottl_context context, struct error *e);
void ottl_destroy(struct ottl *o);

/* `event`: an event of this span in the context OTTL_SPANEVENT, else NULL. */
enum ottl_result ottl_evaluate(const struct ottl *o, const struct batch *b, uint32_t span,
                               const struct event_view *event);

#endif
