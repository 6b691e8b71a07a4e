#include "collector/command_line.h"

#include "collector/data_directory.h"
#include "collector/default_config.h"
#include "collector/service.h"
#include "collector/yaml.h"

#include <stdio.h>
#include <string.h>

int command_misuse(const char *what, const char *argument)
{
    fprintf(stderr, "tailspan: %s%s%s\nTry `tailspan --help`.\n", what, argument ? " " : "",
            argument ? argument : "");
    return EXIT_USAGE;
}

const char *command_option(const char *name, char **argv, int *i, bool *missing)
{
    size_t len = strlen(name);
    if (!argv[*i] || strncmp(argv[*i], name, len) != 0)
        return NULL;
    if (argv[*i][len] == '=')
        return argv[*i] + len + 1;
    if (argv[*i][len] != 0)
        return NULL;
    if (argv[*i + 1])
        return argv[++*i];
    *missing = true;
    return NULL;
}

void command_config_init(struct command_config *c)
{
    *c = (struct command_config){0};
    data_directory_default(c->data_directory, sizeof c->data_directory);
}

static void take_directory(struct command_config *c, const char *directory)
{
    snprintf(c->data_directory, sizeof c->data_directory, "%s", directory);
    c->data_directory_said = true;
}

bool command_config_take(struct command_config *c, char **argv, int *i, int *status)
{
    bool missing = false;
    const char *name = argv[*i];
    const char *file = command_option("--config", argv, i, &missing);
    const char *directory =
        file || missing ? NULL : command_option("--data-directory", argv, i, &missing);
    if (missing)
        *status = command_misuse("a value is missing after", name);
    else if (file && c->file_count == CONFIG_FILES_MAX)
        *status = command_misuse("too many --config files", NULL);
    else if (file)
        c->files[c->file_count++] = strncmp(file, "file:", 5) == 0 ? file + 5 : file;
    else if (directory)
        take_directory(c, directory);
    return file || directory || missing;
}

struct config_value *command_config_load(const struct command_config *c, struct error *e)
{
    if (c->file_count == 0)
        return yaml_parse(default_config, "default configuration", e);
    return yaml_load(c->files, c->file_count, e);
}

bool command_no_store(const char *directory, struct error *e)
{
    return error_set(e,
                     "there is no store at %.800s; name the directory that the collector was "
                     "started with: --data-directory",
                     directory);
}

const struct config_value *command_find_processor(const struct config_value *root,
                                                  const struct component_kind *kind, const char *id,
                                                  struct error *e)
{
    const struct config_value *processors = config_child(root, "processors");
    const struct config_value *p = processors ? processors->children : NULL;
    for (; p; p = p->next) {
        if (service_kind(COMPONENT_PROCESSOR, p->key) == kind && (!id || strcmp(id, p->key) == 0))
            return p;
    }
    error_set(e, "%s: there is no %s processor%s%s", root->file, kind->type, id ? " named " : "",
              id ? id : "");
    return NULL;
}
