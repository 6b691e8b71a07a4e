/* Looking up a member. The rest of the list is not judged: one vendor's mistake should not hide
 * another's member. */
#include "sampling/trace_state.h"

#include "proto/trace_state.h"

bool trace_state_find(struct bytes state, struct bytes key, struct bytes *value)
{
    struct bytes member;
    while (trace_state_next(&state, &member)) {
        if (member.len > key.len && member.data[key.len] == '=' &&
            bytes_equal(bytes_of(member.data, key.len), key)) {
            *value = bytes_of(member.data + key.len + 1, member.len - key.len - 1);
            return true;
        }
    }
    return false;
}
