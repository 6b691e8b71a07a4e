/* The running process: from a configuration to a drained end. */
#ifndef TAILSPAN_COLLECTOR_PROCESS_H
#define TAILSPAN_COLLECTOR_PROCESS_H

#include "component/config.h"

struct process_options {
    const struct config_value *root;
    const char *data_directory;
};

/* Runs until SIGTERM or SIGINT, then drains; a second signal ends it at once. Returns the exit
 * status: 0 after a clean end, 1 when it could not start (the reason is logged). */
int process_run(const struct process_options *o);

/* Builds the graph and takes it apart again, opening nothing. False with `e` set when something is
 * wrong with the configuration. */
bool process_validate(const struct process_options *o, struct error *e);

#endif
