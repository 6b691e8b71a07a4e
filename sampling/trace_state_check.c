/* Judging a tracestate as a whole. Source: W3C Trace Context, "tracestate header field values", and
 * OpenTelemetry's "TraceState handling". */
#include "sampling/trace_state.h"

#include "proto/trace_state.h"

#define KEY_MAX    256
#define TENANT_MAX 241
#define SYSTEM_MAX 14
#define VALUE_MAX  256
#define HEX_DIGITS 14

static bool is_lower(uint8_t c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool are_key_characters(struct bytes b)
{
    for (size_t i = 0; i < b.len; i++) {
        uint8_t c = b.data[i];
        if (!is_lower(c) && !is_digit(c) && c != '_' && c != '-' && c != '*' && c != '/')
            return false;
    }
    return true;
}

static bool is_part_of_key(struct bytes b, size_t max, bool digit_first)
{
    return b.len > 0 && b.len <= max &&
           (is_lower(b.data[0]) || (digit_first && is_digit(b.data[0]))) && are_key_characters(b);
}

static bool is_key(struct bytes key)
{
    if (!memchr(key.data, '@', key.len))
        return is_part_of_key(key, KEY_MAX, false);
    struct bytes system = key;
    struct bytes tenant = trace_state_cut(&system, '@');
    return is_part_of_key(tenant, TENANT_MAX, true) && is_part_of_key(system, SYSTEM_MAX, false);
}

static bool is_value(struct bytes value)
{
    for (size_t i = 0; i < value.len; i++) {
        uint8_t c = value.data[i];
        if (c < 0x20 || c > 0x7e || c == ',' || c == '=')
            return false;
    }
    return value.len > 0 && value.len <= VALUE_MAX;
}

static bool is_hex(struct bytes b)
{
    for (size_t i = 0; i < b.len; i++) {
        if (!is_digit(b.data[i]) && !(b.data[i] >= 'a' && b.data[i] <= 'f'))
            return false;
    }
    return true;
}

static bool is_ot_member(struct bytes key, struct bytes value)
{
    if (key.len == 0 || !is_lower(key.data[0]))
        return false;
    for (size_t i = 0; i < key.len; i++) {
        if (!is_lower(key.data[i]) && !is_digit(key.data[i]))
            return false;
    }
    for (size_t i = 0; i < value.len; i++) {
        uint8_t c = value.data[i];
        if (!is_lower(c | 0x20) && !is_digit(c) && c != '.' && c != '_' && c != '-')
            return false;
    }
    if (bytes_equal_string(key, "rv"))
        return value.len == HEX_DIGITS && is_hex(value);
    if (bytes_equal_string(key, "th"))
        return value.len > 0 && value.len <= HEX_DIGITS && is_hex(value);
    return true;
}

static bool is_ot(struct bytes value)
{
    if (value.len > 0 && value.data[value.len - 1] == ';')
        return false;
    while (value.len > 0) {
        struct bytes member = trace_state_cut(&value, ';');
        if (member.len == 0 || !memchr(member.data, ':', member.len))
            return false;
        struct bytes key = trace_state_cut(&member, ':');
        if (!is_ot_member(key, member))
            return false;
    }
    return true;
}

bool trace_state_is_valid(struct bytes state)
{
    if (state.len > TRACE_STATE_VALID_MAX)
        return false;
    struct bytes value;
    for (unsigned members = 1; trace_state_next(&state, &value); members++) {
        if (members > TRACE_STATE_MEMBERS)
            return false;
        if (value.len == 0)
            continue;
        if (!memchr(value.data, '=', value.len))
            return false;
        struct bytes key = trace_state_cut(&value, '=');
        if (!is_key(key) || !is_value(value) || (bytes_equal_string(key, "ot") && !is_ot(value)))
            return false;
    }
    return true;
}
