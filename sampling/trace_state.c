/* Looking up a member. The rest of the list is not judged: one vendor's mistake should not hide
 * another's member. */
#include "sampling/trace_state.h"

static struct bytes trim(struct bytes b)
{
    while (b.len > 0 && (b.data[0] == ' ' || b.data[0] == '\t')) {
        b.data++;
        b.len--;
    }
    while (b.len > 0 && (b.data[b.len - 1] == ' ' || b.data[b.len - 1] == '\t'))
        b.len--;
    return b;
}

bool trace_state_find(struct bytes state, struct bytes key, struct bytes *value)
{
    while (state.len > 0) {
        const uint8_t *comma = memchr(state.data, ',', state.len);
        size_t len = comma ? (size_t)(comma - state.data) : state.len;
        struct bytes member = trim(bytes_of(state.data, len));
        if (member.len > key.len && member.data[key.len] == '=' &&
            bytes_equal(bytes_of(member.data, key.len), key)) {
            *value = bytes_of(member.data + key.len + 1, member.len - key.len - 1);
            return true;
        }
        len += comma != NULL;
        state = bytes_of(state.data + len, state.len - len);
    }
    return false;
}
