#include "metrics/prometheus/negotiation.h"

#include <stdlib.h>
#include <strings.h>

enum { ITEMS_MAX = 64 };

/* One item of such a header: a value and its parameters. */
struct item {
    struct bytes value;
    struct bytes version;
    struct bytes proto;
    struct bytes encoding;
    struct bytes escaping;
    double q;
};

static bool is(struct bytes text, const char *what)
{
    return text.len == strlen(what) && strncasecmp((const char *)text.data, what, text.len) == 0;
}

static struct bytes trim(struct bytes text)
{
    while (text.len > 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = bytes_of(text.data + 1, text.len - 1);
    while (text.len > 0 && (text.data[text.len - 1] == ' ' || text.data[text.len - 1] == '\t'))
        text.len--;
    return text;
}

/* Cuts off what lies before the next `separator` outside of quotes, and moves behind it. */
static struct bytes cut(struct bytes *rest, char separator)
{
    size_t i = 0;
    bool quoted = false;
    for (; i < rest->len && (quoted || rest->data[i] != (uint8_t)separator); i++)
        quoted ^= rest->data[i] == '"';
    struct bytes part = trim(bytes_of(rest->data, i));
    size_t behind = i < rest->len ? i + 1 : i;
    *rest = bytes_of(rest->data + behind, rest->len - behind);
    return part;
}

static double parse_q(struct bytes text)
{
    char copy[16] = {0};
    memcpy(copy, text.data, text.len < sizeof copy - 1 ? text.len : sizeof copy - 1);
    char *end;
    double q = strtod(copy, &end);
    return end != copy && q >= 0 && q <= 1 ? q : 0;
}

static void read_parameter(struct item *item, struct bytes parameter)
{
    struct bytes rest = parameter;
    struct bytes name = cut(&rest, '=');
    struct bytes value = trim(rest);
    if (value.len >= 2 && value.data[0] == '"' && value.data[value.len - 1] == '"')
        value = bytes_of(value.data + 1, value.len - 2);
    if (is(name, "q"))
        item->q = parse_q(value);
    else if (is(name, "version"))
        item->version = value;
    else if (is(name, "proto"))
        item->proto = value;
    else if (is(name, "encoding"))
        item->encoding = value;
    else if (is(name, "escaping"))
        item->escaping = value;
}

static struct item next_item(struct bytes *header)
{
    struct bytes rest = cut(header, ',');
    struct item item = {.value = cut(&rest, ';'), .q = 1};
    while (rest.len > 0)
        read_parameter(&item, cut(&rest, ';'));
    return item;
}

static const struct exposition_format *format_of(const struct item *item, bool open_metrics)
{
    struct bytes version = item->version;
    if (is(item->value, "application/vnd.google.protobuf"))
        return is(item->proto, "io.prometheus.client.MetricFamily") &&
                       is(item->encoding, "delimited")
                   ? &exposition_protobuf
                   : NULL;
    if (is(item->value, "application/openmetrics-text"))
        return open_metrics && (version.len == 0 || is(version, "1.0.0") || is(version, "0.0.1"))
                   ? &exposition_open_metrics
                   : NULL;
    if (is(item->value, "text/plain"))
        return version.len == 0 || is(version, "0.0.4") || is(version, "1.0.0") ? &exposition_text
                                                                                : NULL;
    return is(item->value, "text/*") || is(item->value, "*/*") ? &exposition_text : NULL;
}

struct negotiated negotiate_format(const char *accept, bool open_metrics)
{
    struct negotiated best = {.format = &exposition_text};
    double q = 0;
    struct bytes rest = bytes_of_string(accept ? accept : "");
    for (size_t i = 0; rest.len > 0 && i < ITEMS_MAX; i++) {
        struct item item = next_item(&rest);
        const struct exposition_format *format = format_of(&item, open_metrics);
        if (!format || item.q <= q)
            continue;
        q = item.q;
        best = (struct negotiated){format, is(item.escaping, "allow-utf-8")};
    }
    return best;
}

bool negotiate_gzip(const char *accept_encoding)
{
    struct bytes rest = bytes_of_string(accept_encoding ? accept_encoding : "");
    double gzip = -1, any = 0;
    for (size_t i = 0; rest.len > 0 && i < ITEMS_MAX; i++) {
        struct item item = next_item(&rest);
        if (is(item.value, "gzip") || is(item.value, "x-gzip"))
            gzip = item.q;
        else if (is(item.value, "*"))
            any = item.q;
    }
    return (gzip < 0 ? any : gzip) > 0;
}
