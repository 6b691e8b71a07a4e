/* The kinds of policies: the table, and making one from a configuration. */
#include "sampling/policy_kind.h"

#include "component/log.h"

#include <stdlib.h>

static const struct policy_kind *const kinds[] = {
    &always_sample_policy,
    &latency_policy,
    &numeric_attribute_policy,
    &string_attribute_policy,
    &boolean_attribute_policy,
    &status_code_policy,
    &probabilistic_policy,
    &rate_limiting_policy,
    &bytes_limiting_policy,
    &span_count_policy,
    &trace_state_policy,
    &trace_flags_policy,
    &ottl_condition_policy,
    &and_policy,
    &not_policy,
    &drop_policy,
    &composite_policy,
    &ema_dynamic_policy,
    &ema_throughput_policy,
    &windowed_throughput_policy,
};
enum { KIND_COUNT = sizeof kinds / sizeof *kinds };

const struct policy_kind *policy_kind_find(const char *type)
{
    for (unsigned i = 0; i < KIND_COUNT; i++) {
        if (strcmp(kinds[i]->type, type) == 0)
            return kinds[i];
    }
    return NULL;
}

void policy_kind_list(char *list, size_t len)
{
    size_t used = 0;
    list[0] = 0;
    for (unsigned i = 0; i < KIND_COUNT && used < len; i++)
        used += (size_t)snprintf(list + used, len - used, "%s%s", i ? ", " : "", kinds[i]->type);
}

void *policy_allocate(size_t size, struct error *e)
{
    void *p = calloc(1, size);
    if (!p)
        error_set(e, "out of memory");
    return p;
}

bool policy_add_predicate(struct policy_maker *m, const struct config_value *place,
                          struct predicate *wanted, struct error *e)
{
    if (predicates_full(m->predicates))
        return config_error(place, e, "more than %d conditions on spans in all policies together",
                            PREDICATES_MAX);
    return predicates_add(m->predicates, wanted) || error_set(e, "out of memory");
}

/* The section that belongs to the type. The Collector allows the sections of other types beside it
 * and pays them no heed, so they are no error here, but somebody should know. */
static bool find_section(const struct policy_maker *m, const struct config_value *v,
                         const struct policy_kind *kind, const struct config_value **section,
                         struct error *e)
{
    for (const struct config_value *c = v->children; c; c = c->next) {
        const struct policy_kind *other = policy_kind_find(c->key);
        if (strcmp(c->key, "name") == 0 || strcmp(c->key, "type") == 0)
            continue;
        if (!other)
            return config_error(c, e, "unknown key \"%s\"; supported: name, type, %s", c->key,
                                kind->type);
        if (other == kind)
            *section = c;
        else
            log_warn(m->component_id, "a policy has a section that its type does not use",
                     LOG_S("type", kind->type), LOG_S("section", c->key));
    }
    if (*section && kind->no_section && (*section)->children)
        return config_error(*section, e, "there is nothing to configure here");
    return true;
}

static bool read_scalar(const struct config_value *v, const char *key, const char **out,
                        struct error *e)
{
    const struct config_value *c = config_child(v, key);
    *out = "";
    if (!c || c->type == CONFIG_NULL)
        return true;
    if (c->type != CONFIG_SCALAR)
        return config_error(c, e, "is not a single value");
    *out = c->text;
    return true;
}

/* The policy's kind, and its name; NULL with `e` set. */
static const struct policy_kind *read_head(const struct config_value *v, const char **name,
                                           struct error *e)
{
    const char *type = "";
    if (v->type != CONFIG_MAP) {
        config_error(v, e, "is not a policy: {name: …, type: …}");
        return NULL;
    }
    if (!read_scalar(v, "name", name, e) || !read_scalar(v, "type", &type, e))
        return NULL;
    const struct policy_kind *kind = policy_kind_find(type);
    if (kind)
        return kind;
    char list[512];
    policy_kind_list(list, sizeof list);
    const struct config_value *place = config_child(v, "type");
    config_error(place ? place : v, e, "policy \"%s\" has %s%s%s; supported: %s", *name,
                 *type ? "the unknown type \"" : "no type", type, *type ? "\"" : "", list);
    return NULL;
}

struct policy *policy_create(struct policy_maker *m, const struct config_value *v, struct error *e)
{
    const char *name = "";
    const struct config_value *section = NULL;
    const struct policy_kind *kind = read_head(v, &name, e);
    if (!kind || !find_section(m, v, kind, &section, e))
        return NULL;
    if (m->depth == POLICY_MAX_DEPTH) {
        config_error(v, e, "policies are nested more than %d deep", POLICY_MAX_DEPTH);
        return NULL;
    }
    if (m->depth > 0 && kind == &drop_policy) {
        config_error(v, e, "a drop policy cannot be part of another policy");
        return NULL;
    }
    m->depth++;
    struct policy *p = kind->create(m, v, section, e);
    m->depth--;
    if (!p)
        return NULL;
    p->kind = kind;
    p->name = name;
    p->stateful = p->stateful || kind->stateful;
    return p;
}

void policy_destroy(struct policy *p)
{
    if (p)
        p->kind->destroy(p);
}

static bool fill(struct policy_list *list, struct policy_maker *m, const struct config_value *first,
                 struct error *e)
{
    for (const struct config_value *c = first; c; c = c->next) {
        list->items[list->count] = policy_create(m, c, e);
        if (!list->items[list->count])
            return false;
        list->count++;
    }
    return true;
}

bool policy_list_create(struct policy_list *list, struct policy_maker *m,
                        const struct config_value *place, const struct config_value *v,
                        const char *what, unsigned max, struct error *e)
{
    const struct config_value *first = v ? v->children : NULL;
    unsigned count = (unsigned)config_count(v);
    *list = (struct policy_list){0};
    if (v && v->type != CONFIG_LIST && v->type != CONFIG_NULL)
        return config_error(v, e, "is not a list of policies");
    if (count == 0)
        return config_error(v ? v : place, e, "at least one policy is needed in %s", what);
    if (count > max)
        return config_error(v, e, "%u policies; at most %u are supported", count, max);
    list->items = calloc(count, sizeof *list->items);
    if (!list->items)
        return error_set(e, "out of memory");
    if (fill(list, m, first, e))
        return true;
    policy_list_destroy(list);
    return false;
}

void policy_list_destroy(struct policy_list *list)
{
    for (unsigned i = 0; i < list->count; i++)
        policy_destroy(list->items[i]);
    free(list->items);
    *list = (struct policy_list){0};
}
