/* Conditions from hostile hands: compiled in either context and, if they are any, put to a span.
 *
 * The first byte chooses the context, the rest is the text. */
#include "sampling/ottl.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct batch *sample;

/* One span with an attribute "k" = "v", and an event named "e". */
static const uint8_t request[] = {
    0x0a, 66, /* resource_spans */
    0x12, 64, /* scope_spans */
    0x12, 62, /* span */
    0x0a, 16, 1,    2,   3,   4,    5,   6,    7,   8,
    9,    10, 11,   12,  13,  14,   15,  16,             /* trace_id */
    0x12, 8,  1,    2,   3,   4,    5,   6,    7,   8,   /* span_id */
    0x1a, 8,  'v',  'e', 'n', 'd',  '=', '1',  ',', 'a', /* trace_state */
    0x2a, 1,  'n',                                       /* name */
    0x30, 2,                                             /* kind */
    0x4a, 8,  0x0a, 1,   'k', 0x12, 3,   0x0a, 1,   'v', /* attribute */
    0x5a, 3,  0x12, 1,   'e',                            /* event */
    0x7a, 2,  0x18, 2,                                   /* status */
};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    struct batch_report report;
    sample = batch_from_request(bytes_of(request, sizeof request), &report);
    if (!sample || sample->span_count != 1)
        abort();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    char *text = malloc(size);
    if (!text)
        return 0;
    memcpy(text, data + 1, size - 1);
    text[size - 1] = 0;
    struct error e = {0};
    enum ottl_context context = data[0] & 1 ? OTTL_SPANEVENT : OTTL_SPAN;
    struct ottl *o = ottl_compile(text, context, &e);
    if (!o && !*e.text)
        abort(); /* refused without a word */
    if (o) {
        struct span_cursor c;
        struct event_view event;
        span_events_begin(&c, span_bytes(&sample->spans[0]));
        event_next(&c, &event);
        ottl_evaluate(o, sample, 0, context == OTTL_SPANEVENT ? &event : NULL);
    }
    ottl_destroy(o);
    free(text);
    return 0;
}
