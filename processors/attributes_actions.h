/* The actions of the processors `attributes` and `resource`: what is done to a list of attributes,
 * in order, each seeing what the ones before it did. The Collector's keys and meaning.
 *
 * A text that is hashed can still be asked for: its hash is a pseudonym (component/pseudonym.h).
 *
 * A pattern that runs into its limit of effort counts as a match where the action takes something
 * away (delete, hash), and as none where it adds. */
#ifndef TAILSPAN_PROCESSORS_ATTRIBUTES_ACTIONS_H
#define TAILSPAN_PROCESSORS_ATTRIBUTES_ACTIONS_H

#include "component/config.h"
#include "processors/attributes_list.h"

struct attribute_actions;

/* From a list of actions; `parent`, under which `key` is to be found, says where in an error. NULL:
 * wrong or missing. */
struct attribute_actions *attribute_actions_create(const struct config_value *parent,
                                                   const char *key, struct error *e);
void attribute_actions_destroy(struct attribute_actions *a);

/* Any thread; out of memory shows in the list. */
void attribute_actions_apply(const struct attribute_actions *a, struct attribute_list *l);

#endif
