#include "collector/environment.h"

#include "component/config.h"
#include "component/log.h"
#include "proto/buffer.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { EXPANDED_MAX = 1 << 20 };

static bool is_name(const char *s, size_t len)
{
    if (len == 0 || len > 255 || isdigit((unsigned char)s[0]))
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!isalnum((unsigned char)s[i]) && s[i] != '_')
            return false;
    }
    return true;
}

/* What stands between ${ and }. */
static bool append_reference(struct buffer *out, const char *ref, size_t len, struct error *e)
{
    const char *at = ref;
    size_t left = len;
    if (len >= 4 && memcmp(ref, "env:", 4) == 0) {
        at += 4;
        left -= 4;
    } else if (memchr(ref, ':', len)) {
        return error_set(e,
                         "${%.*s} is not supported; supported: ${env:NAME}, ${env:NAME:-default}",
                         (int)(len > 100 ? 100 : len), ref);
    }
    const char *fallback = memmem(at, left, ":-", 2);
    size_t name_len = fallback ? (size_t)(fallback - at) : left;
    if (!is_name(at, name_len))
        return error_set(e, "${%.*s} does not name an environment variable",
                         (int)(len > 100 ? 100 : len), ref);
    char name[256];
    memcpy(name, at, name_len);
    name[name_len] = 0;
    const char *value = getenv(name);
    if (value)
        buffer_append_string(out, value);
    else if (fallback)
        buffer_append(out, fallback + 2, left - name_len - 2);
    else
        log_warn(NULL,
                 "an environment variable of the configuration is not set; it counts as empty",
                 LOG_S("name", name));
    return true;
}

const char *environment_expand(const char *text, bool *whole, struct error *e)
{
    *whole = false;
    if (!strchr(text, '$'))
        return text;
    struct buffer out = {.limit = EXPANDED_MAX};
    const char *at = text;
    while (*at) {
        const char *dollar = strchr(at, '$');
        if (!dollar) {
            buffer_append_string(&out, at);
            break;
        }
        buffer_append(&out, at, (size_t)(dollar - at));
        at = dollar + 1;
        const char *end = *at == '{' ? strchr(at, '}') : NULL;
        if (end) {
            if (!append_reference(&out, at + 1, (size_t)(end - at - 1), e)) {
                buffer_free(&out);
                return NULL;
            }
            *whole = dollar == text && end[1] == 0;
            at = end + 1;
        } else {
            buffer_append_byte(&out, '$');
            at += *at == '$';
        }
    }
    if (out.failed) {
        error_set(e, "the expanded value is over 1 MiB");
        buffer_free(&out);
        return NULL;
    }
    char *kept = config_keep(out.len + 1, 1);
    if (out.len)
        memcpy(kept, out.data, out.len);
    buffer_free(&out);
    return kept;
}
