/* What the commands share: options on the command line, and configurations named there. */
#ifndef TAILSPAN_COLLECTOR_COMMAND_LINE_H
#define TAILSPAN_COLLECTOR_COMMAND_LINE_H

#include "component/component.h"
#include "component/config.h"

enum {
    EXIT_USAGE = 2,
    CONFIG_FILES_MAX = 32,
};

/* Says on standard error what is wrong with the arguments; returns EXIT_USAGE. */
int command_misuse(const char *what, const char *argument);

/* The value of `--name VALUE` or `--name=VALUE` at argv[*i], which then names the last word used.
 * NULL when it is another option, or, with `missing` set, when the value is missing. argv ends with
 * NULL. */
const char *command_option(const char *name, char **argv, int *i, bool *missing);

/* Files of --config, in order, and --data-directory. */
struct command_config {
    const char *files[CONFIG_FILES_MAX];
    size_t file_count;
    char data_directory[4096];
    bool data_directory_said; /* on the command line */
};

void command_config_init(struct command_config *c);

/* Takes argv[*i] when it is one of the two. `status` is not 0 when it is and is wrong; that was
 * said then. */
bool command_config_take(struct command_config *c, char **argv, int *i, int *status);

/* The tree of the files, or of the default configuration when there are none; NULL with `e` set. */
struct config_value *command_config_load(const struct command_config *c, struct error *e);

/* The error when nothing is stored at `directory`: what to say instead. Returns false. */
bool command_no_store(const char *directory, struct error *e);

/* The configuration of the first processor of this kind in `root`, or of the one with this id when
 * `id` is not NULL; NULL with `e` set when there is none. */
const struct config_value *command_find_processor(const struct config_value *root,
                                                  const struct component_kind *kind, const char *id,
                                                  struct error *e);

#endif
