/* One form for what can be written in many, so that the same person's hash is the same wherever and
 * however they were written: addresses decoded and in lower case, numbers without what separates
 * their groups. What has one form only stays as it is. */
#include "processors/scrub/detect_private.h"

#include "proto/buffer.h"

#include <arpa/inet.h>

enum { ADDRESS_MAX = 45 };

/* The byte at `*at`, percent-decoded as often as it was encoded; moves on behind it. */
static uint8_t decoded(struct bytes text, size_t *at)
{
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

static void mac(struct bytes found, struct buffer *out)
{
    size_t digits = 0;
    for (size_t i = 0; i < found.len; i++) {
        if (!byte_is_hex(found.data[i]))
            continue;
        if (digits > 0 && digits % 2 == 0)
            buffer_append_byte(out, ':');
        buffer_append_byte(out, byte_lower(found.data[i]));
        digits++;
    }
}

static void ipv6(struct bytes found, struct buffer *out)
{
    char text[ADDRESS_MAX + 1];
    uint8_t address[16];
    if (found.len <= ADDRESS_MAX) {
        memcpy(text, found.data, found.len);
        text[found.len] = 0;
        if (inet_pton(AF_INET6, text, address) == 1 &&
            inet_ntop(AF_INET6, address, text, sizeof text)) {
            buffer_append_string(out, text);
            return;
        }
    }
    buffer_append(out, found.data, found.len);
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
