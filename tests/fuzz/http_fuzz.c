/* Request bodies as a receiver gets them: compressed in some way, protobuf or JSON.
 *
 * The first byte chooses encoding and format, the rest is the body. Whatever it holds, the content
 * stays within the limit, a batch comes out exactly when the answer is success, and nothing stays
 * behind. */
#include "receivers/body.h"

#include <stdlib.h>

enum { LIMIT = 256 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds)
        abort();
}

/* What we made of JSON ourselves is well-formed; anything else either is indexed, with its spans
 * one behind the other inside of the payload, or refused with words. */
static void check_batch(struct batch *b, size_t len, bool json)
{
    struct batch_report report;
    const uint8_t *at = batch_payload(b);
    const uint8_t *end = at + len;
    bool indexed = batch_index(b, len, &report);
    check(indexed || !json);
    check(indexed != report.malformed);
    check(indexed || (b->span_count == 0 && report.where[0]));
    for (uint32_t i = 0; i < b->span_count; i++) {
        struct bytes span = span_bytes(&b->spans[i]);
        check(span.data >= at && span.len <= (size_t)(end - span.data));
        at = span.data + span.len;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct inflater *inflater;
    if (!inflater)
        inflater = inflater_create();
    if (size == 0)
        return 0;
    struct body_format format = {.encoding = data[0] & 3, .json = data[0] >> 2 & 1};
    struct batch *b = NULL;
    size_t len = 0;
    char where[BODY_WHERE] = "";
    enum body_result r =
        body_decode(inflater, format, bytes_of(data + 1, size - 1), LIMIT, &b, &len, where);
    check((b != NULL) == (r == BODY_OK));
    if (r == BODY_MALFORMED)
        check(where[0] != 0);
    if (b) {
        check(len <= LIMIT);
        check_batch(b, len, format.json);
        batch_release(b);
    }
    check(batch_live_bytes() == 0);
    return 0;
}
