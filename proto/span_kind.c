#include "proto/span_kind.h"

static const struct {
    const char *name, *title, *constant;
} kinds[SPAN_KINDS] = {
    {"", "Unspecified", "SPAN_KIND_UNSPECIFIED"},   {"internal", "Internal", "SPAN_KIND_INTERNAL"},
    {"server", "Server", "SPAN_KIND_SERVER"},       {"client", "Client", "SPAN_KIND_CLIENT"},
    {"producer", "Producer", "SPAN_KIND_PRODUCER"}, {"consumer", "Consumer", "SPAN_KIND_CONSUMER"},
};

static const struct {
    const char *name, *constant;
} statuses[SPAN_STATUSES] = {
    {"unset", "STATUS_CODE_UNSET"},
    {"ok", "STATUS_CODE_OK"},
    {"error", "STATUS_CODE_ERROR"},
};

static unsigned known_kind(unsigned kind)
{
    return kind < SPAN_KINDS ? kind : SPAN_KIND_UNSPECIFIED;
}

static unsigned known_status(unsigned status)
{
    return status < SPAN_STATUSES ? status : SPAN_STATUS_UNSET;
}

const char *span_kind_name(unsigned kind)
{
    return kinds[known_kind(kind)].name;
}

const char *span_kind_title(unsigned kind)
{
    return kinds[known_kind(kind)].title;
}

const char *span_kind_constant(unsigned kind)
{
    return kinds[known_kind(kind)].constant;
}

const char *span_status_name(unsigned status)
{
    return statuses[known_status(status)].name;
}

const char *span_status_constant(unsigned status)
{
    return statuses[known_status(status)].constant;
}

int span_kind_of_constant(struct bytes constant)
{
    for (int i = 0; i < SPAN_KINDS; i++) {
        if (bytes_equal_string(constant, kinds[i].constant))
            return i;
    }
    return -1;
}

int span_status_of_constant(struct bytes constant)
{
    for (int i = 0; i < SPAN_STATUSES; i++) {
        if (bytes_equal_string(constant, statuses[i].constant))
            return i;
    }
    return -1;
}
