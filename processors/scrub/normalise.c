/* One form for what can be written in many, so that the same person's hash is the same wherever and
 * however they were written: addresses decoded and in lower case, numbers without what separates
 * their groups, literals without their quotes. What has one form only stays as it is. */
#include "processors/scrub/detect_private.h"

#include "proto/buffer.h"

#include <arpa/inet.h>

enum { ADDRESS_MAX = 45 };

/* The byte at `*at`, percent-decoded as often as it was encoded, or that of \u0040; moves on behind
 * it. */
static uint8_t decoded(struct bytes text, size_t *at)
{
    if (text.len - *at >= 6 && memcmp(text.data + *at, "\\u0040", 6) == 0) {
        *at += 6;
        return '@';
    }
    uint8_t c = text.data[(*at)++];
    while (c == '%' && *at + 2 <= text.len && byte_is_hex(text.data[*at]) &&
           byte_is_hex(text.data[*at + 1])) {
        c = (uint8_t)(byte_hex_value(text.data[*at]) << 4 | byte_hex_value(text.data[*at + 1]));
        *at += 2;
    }
    return c;
}

static void email(struct bytes found, struct buffer *out)
{
    for (size_t at = 0; at < found.len;) {
        uint8_t c = decoded(found, &at);
        if (c > ' ' && c != '<' && c != '>')
            buffer_append_byte(out, byte_lower(c));
    }
}

/* Letters in capitals and digits; a plus where it leads. */
static void number(struct bytes found, struct buffer *out)
{
    bool first = true;
    for (size_t at = 0; at < found.len; first = false) {
        uint8_t c = decoded(found, &at);
        if (byte_is_alnum(c))
            buffer_append_byte(out, byte_is_letter(c) ? c & 0xdf : c);
        else if (c == '+' && first)
            buffer_append_byte(out, c);
    }
}

/* Pairs in small letters; a pair of one digit has lost its zero. */
static void mac(struct bytes found, struct buffer *out)
{
    size_t pairs = 0;
    uint8_t held = 0;
    for (size_t at = 0; at < found.len || held;) {
        uint8_t c = at < found.len ? byte_lower(decoded(found, &at)) : ':';
        bool hex = byte_is_hex(c);
        if (!held) {
            held = hex ? c : 0;
            continue;
        }
        if (pairs++ > 0)
            buffer_append_byte(out, ':');
        buffer_append_byte(out, hex ? held : '0');
        buffer_append_byte(out, hex ? c : held);
        held = 0;
    }
}

static void ipv6(struct bytes found, struct buffer *out)
{
    char text[ADDRESS_MAX + 1];
    uint8_t address[16];
    size_t len = 0, at = 0;
    while (at < found.len && len < ADDRESS_MAX)
        text[len++] = (char)decoded(found, &at);
    text[len] = 0;
    if (at == found.len && inet_pton(AF_INET6, text, address) == 1 &&
        inet_ntop(AF_INET6, address, text, sizeof text)) {
        buffer_append_string(out, text);
        return;
    }
    buffer_append(out, found.data, found.len);
}

/* Behind what may stand before a literal's quote: N'…', U&'…', _utf8'…'. */
static size_t behind_prefix(struct bytes found)
{
    size_t at = 0;
    while (at < found.len &&
           (byte_is_alnum(found.data[at]) || found.data[at] == '_' || found.data[at] == '&'))
        at++;
    return at;
}

/* The length of $tag$ at both ends; 0: it is not there. */
static size_t dollar_tag(struct bytes found)
{
    if (found.len < 2 || found.data[0] != '$')
        return 0;
    const uint8_t *second = memchr(found.data + 1, '$', found.len - 1);
    size_t len = second ? (size_t)(second - found.data) + 1 : 0;
    bool both = found.len >= 2 * len && memcmp(found.data, found.data + found.len - len, len) == 0;
    return both ? len : 0;
}

/* The text from the quote at `at` to the last byte, doubled quotes as one; all of it, where there
 * are no such quotes. */
static void quoted(struct bytes found, size_t at, struct buffer *out)
{
    size_t end = found.len;
    uint8_t quote = at < end ? found.data[at] : 0;
    if ((quote != '\'' && quote != '"') || end < at + 2 || found.data[end - 1] != quote) {
        buffer_append(out, found.data, end);
        return;
    }
    for (at++, end--; at < end; at++) {
        buffer_append_byte(out, found.data[at]);
        if (found.data[at] == quote && at + 1 < end && found.data[at + 1] == quote)
            at++;
    }
}

static void literal(struct bytes found, struct buffer *out)
{
    size_t tag = dollar_tag(found);
    if (tag > 0)
        buffer_append(out, found.data + tag, found.len - 2 * tag);
    else
        quoted(found, behind_prefix(found), out);
}

void scrub_normalise(enum scrub_class class, struct bytes found, struct buffer *out)
{
    switch (class) {
    case SCRUB_EMAIL:
        email(found, out);
        break;
    case SCRUB_MAC:
        mac(found, out);
        break;
    case SCRUB_IPV6:
        ipv6(found, out);
        break;
    case SCRUB_SQL_LITERAL:
        literal(found, out);
        break;
    case SCRUB_COMMAND_ARGUMENT:
        quoted(found, 0, out);
        break;
    case SCRUB_PAYMENT_CARD:
    case SCRUB_IBAN:
    case SCRUB_US_SSN:
    case SCRUB_PHONE:
    case SCRUB_CPF:
    case SCRUB_AADHAAR:
    case SCRUB_PESEL:
    case SCRUB_DNI:
    case SCRUB_NHS:
        number(found, out);
        break;
    default:
        buffer_append(out, found.data, found.len);
    }
}
