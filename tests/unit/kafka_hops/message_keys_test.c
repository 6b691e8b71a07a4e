/* A key means the same wherever it stands and whatever stood there before. */
#include "processors/kafka_hops/message_keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct {
    const char *key;
    enum message_field field;
} cases[] = {
    {"messaging.system", MESSAGE_FIELD_SYSTEM},
    {"messaging.source", MESSAGE_FIELD_TOPIC},
    {"messaging.sources", MESSAGE_FIELD_UNKNOWN},
    {"messaging.message.id", MESSAGE_FIELD_ID},
    {"messaging.message_id", MESSAGE_FIELD_ID},
    {"messaging.message-id", MESSAGE_FIELD_UNKNOWN},
    {"messaging.operation.type", MESSAGE_FIELD_OPERATION_TYPE},
    {"messaging.operation.name", MESSAGE_FIELD_OPERATION},
    {"messaging.kafka.message.offset", MESSAGE_FIELD_OFFSET},
    {"messaging.kafka.consumer.group", MESSAGE_FIELD_GROUP},
    {"messaging.kafka.destination.partition", MESSAGE_FIELD_PARTITION},
    {"messaging.header.retry_topic-attempts", MESSAGE_FIELD_HEADER},
    {"messaging.header.", MESSAGE_FIELD_UNKNOWN},
    {"messaging.", MESSAGE_FIELD_UNKNOWN},
    {"messagingxsystem", MESSAGE_FIELD_UNKNOWN},
    {"server.address", MESSAGE_FIELD_ADDRESSES},
    {"a", MESSAGE_FIELD_UNKNOWN},
    {"", MESSAGE_FIELD_UNKNOWN},
    {"messaging.header.a-name-that-is-of-46-bytes-xx", MESSAGE_FIELD_HEADER},
    {"messaging.header.a-name-that-is-of-47-bytes-xxx", MESSAGE_FIELD_HEADER},
};

enum { CASES = sizeof cases / sizeof cases[0] };

static void keys_mean_what_they_say(void **state)
{
    (void)state;
    for (unsigned i = 0; i < CASES; i++)
        assert_int_equal(message_field_of(bytes_of_string(cases[i].key)), cases[i].field);
}

/* All pairs, one behind the other in one place, and beyond the places that are kept. */
static void what_stood_there_changes_nothing(void **state)
{
    (void)state;
    static const unsigned positions[] = {0, MESSAGE_KEYS - 1, MESSAGE_KEYS, 100000};
    for (unsigned p = 0; p < sizeof positions / sizeof positions[0]; p++) {
        struct message_keys keys = {0};
        for (unsigned n = 0; n < CASES * CASES; n++) {
            unsigned pair[] = {n / CASES, n % CASES};
            for (unsigned i = 0; i < 2; i++)
                assert_int_equal(
                    message_keys_field(&keys, positions[p], bytes_of_string(cases[pair[i]].key)),
                    cases[pair[i]].field);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_mean_what_they_say),
        cmocka_unit_test(what_stood_there_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
