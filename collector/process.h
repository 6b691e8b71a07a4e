/* The running process: from a configuration to a drained end. */
#ifndef TAILSPAN_COLLECTOR_PROCESS_H
#define TAILSPAN_COLLECTOR_PROCESS_H

#include "component/component.h"
#include "component/config.h"

struct process_options {
    const struct config_value *root;
    const char *data_directory;
};

/* Runs until SIGTERM or SIGINT, then drains; a second signal ends it at once. Returns the exit
 * status: 0 after a clean end, 1 when it could not start (the reason is logged). */
int process_run(const struct process_options *o);

/* Builds the graph, shows its components to `visit`, and takes it apart again, opening nothing. For
 * commands that want to know what is configured. False with `e` set when something is wrong with
 * the configuration, or when `visit` returned false. */
bool process_look(const struct process_options *o,
                  bool (*visit)(void *context, struct component *const *components, size_t count,
                                struct error *e),
                  void *context, struct error *e);

/* Builds the graph and takes it apart again, opening nothing. False with `e` set when something is
 * wrong with the configuration. */
bool process_validate(const struct process_options *o, struct error *e);

#endif
