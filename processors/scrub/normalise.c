/* One form for what can be written in many, so that the same person's hash is the same: lower case
 * and decoded for addresses, digits alone for numbers. */
#include "processors/scrub/detect_private.h"

#include "proto/buffer.h"

static void lower_decoded(struct bytes found, struct buffer *out)
{
    for (size_t i = 0; i < found.len; i++) {
        uint8_t c = found.data[i];
        if (c == '%' && i + 2 < found.len && found.data[i + 1] == '4' && found.data[i + 2] == '0') {
            c = '@';
            i += 2;
        }
        if (c != ' ' && c != '<' && c != '>')
            buffer_append_byte(out, c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    }
}

static void alnum_only(struct bytes found, struct buffer *out, bool plus)
{
    for (size_t i = 0; i < found.len; i++) {
        uint8_t c = found.data[i];
        if (byte_is_alnum(c) || (plus && c == '+' && i == 0))
            buffer_append_byte(out, byte_is_letter(c) ? c & 0xdf : c);
    }
}

void scrub_normalise(enum scrub_class class, struct bytes found, struct buffer *out)
{
    switch (class) {
    case SCRUB_EMAIL:
    case SCRUB_IPV6:
    case SCRUB_MAC:
        lower_decoded(found, out);
        break;
    case SCRUB_PAYMENT_CARD:
    case SCRUB_IBAN:
    case SCRUB_US_SSN:
    case SCRUB_CPF:
    case SCRUB_AADHAAR:
    case SCRUB_PESEL:
    case SCRUB_DNI:
    case SCRUB_NHS:
        alnum_only(found, out, false);
        break;
    case SCRUB_PHONE:
        alnum_only(found, out, true);
        break;
    default:
        buffer_append(out, found.data, found.len);
    }
}
