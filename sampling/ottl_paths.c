/* The paths that a condition may name. */
#include "sampling/ottl_private.h"

#define FIELD(name_, path_)                                                                        \
    {                                                                                              \
        .name = name_, .path = path_                                                               \
    }
#define KEYED(name_, path_)                                                                        \
    {                                                                                              \
        .name = name_, .path = path_, .needs_key = true, .takes_key = true                         \
    }

/* Names without their context. */
static const struct ottl_path_name span_paths[] = {
    KEYED("attributes", PATH_SPAN_ATTRIBUTE),
    FIELD("name", PATH_SPAN_NAME),
    FIELD("kind", PATH_KIND),
    FIELD("kind.string", PATH_KIND_STRING),
    FIELD("kind.deprecated_string", PATH_KIND_DEPRECATED_STRING),
    FIELD("status.code", PATH_STATUS_CODE),
    FIELD("status.message", PATH_STATUS_MESSAGE),
    FIELD("trace_id.string", PATH_TRACE_ID),
    FIELD("span_id.string", PATH_SPAN_ID),
    FIELD("parent_span_id.string", PATH_PARENT_SPAN_ID),
    {.name = "trace_state", .path = PATH_TRACE_STATE, .takes_key = true},
    FIELD("start_time_unix_nano", PATH_START_TIME),
    FIELD("end_time_unix_nano", PATH_END_TIME),
    FIELD("flags", PATH_FLAGS),
};

static const struct ottl_path_name resource_paths[] = {
    KEYED("attributes", PATH_RESOURCE_ATTRIBUTE),
};

static const struct ottl_path_name scope_paths[] = {
    FIELD("name", PATH_SCOPE_NAME),
    FIELD("version", PATH_SCOPE_VERSION),
    KEYED("attributes", PATH_SCOPE_ATTRIBUTE),
};

static const struct ottl_path_name event_paths[] = {
    FIELD("name", PATH_EVENT_NAME),
    KEYED("attributes", PATH_EVENT_ATTRIBUTE),
    FIELD("time_unix_nano", PATH_EVENT_TIME),
};

#define COUNT(list) (sizeof(list) / sizeof *(list))

static const struct context_paths {
    const char *prefix;
    const struct ottl_path_name *paths;
    size_t count;
} contexts[] = {
    {"span.", span_paths, COUNT(span_paths)},
    {"spanevent.", event_paths, COUNT(event_paths)},
    {"resource.", resource_paths, COUNT(resource_paths)},
    {"instrumentation_scope.", scope_paths, COUNT(scope_paths)},
    {"scope.", scope_paths, COUNT(scope_paths)},
};
enum { SPAN_CONTEXT, EVENT_CONTEXT };

static const struct ottl_path_name *find_in(const struct context_paths *c, struct bytes name)
{
    for (size_t i = 0; i < c->count; i++) {
        if (bytes_equal_string(name, c->paths[i].name))
            return &c->paths[i];
    }
    return NULL;
}

const struct ottl_path_name *ottl_path_find(struct bytes name, enum ottl_context context)
{
    for (size_t i = 0; i < COUNT(contexts); i++) {
        size_t len = strlen(contexts[i].prefix);
        if (i == EVENT_CONTEXT && context != OTTL_SPANEVENT)
            continue;
        if (name.len > len && memcmp(name.data, contexts[i].prefix, len) == 0)
            return find_in(&contexts[i], bytes_of(name.data + len, name.len - len));
    }
    return find_in(&contexts[context == OTTL_SPANEVENT ? EVENT_CONTEXT : SPAN_CONTEXT], name);
}
