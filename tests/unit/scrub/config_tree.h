/* A processor's configuration, as the YAML reader would hand it over. */
#ifndef TAILSPAN_TESTS_SCRUB_CONFIG_TREE_H
#define TAILSPAN_TESTS_SCRUB_CONFIG_TREE_H

#include "component/config.h"

static inline struct config_value *node(struct config_value *parent, enum config_type type,
                                        const char *key, const char *text)
{
    struct config_value *v = config_keep(1, sizeof *v);
    *v = (struct config_value){
        .type = type, .key = key, .text = text, .file = "t", .line = 1, .parent = parent};
    struct config_value **end = parent ? &parent->children : NULL;
    while (end && *end)
        end = &(*end)->next;
    if (end)
        *end = v;
    return v;
}

#endif
