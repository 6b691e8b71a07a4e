/* The command line. */
#include "collector/components.h"
#include "collector/data_directory.h"
#include "collector/default_config.h"
#include "collector/demo/demo.h"
#include "collector/process.h"
#include "collector/yaml.h"
#include "component/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Read by jemalloc, where it is linked: requests and their indexes, some hundred KB each, are taken
 * again warm from their thread's cache instead of going back to the arena. 2 % of a relay. */
extern const char *malloc_conf;
const char *malloc_conf = "tcache_max:1048576";

enum {
    EXIT_USAGE = 2,
    FILES_MAX = 32,
};

static const char usage[] =
    "Tailspan, a distributed-tracing collector.\n"
    "\n"
    "  tailspan [--config FILE]... [--data-directory DIR]\n"
    "                              run; without --config, with the default configuration;\n"
    "                              several files are merged, later ones win;\n"
    "                              the store is in DIR/traces\n"
    "  tailspan config default     print the default configuration\n"
    "  tailspan config validate FILE...\n"
    "                              check a configuration, several files merged, and say what is\n"
    "                              wrong with it\n"
    "  tailspan components         list what this binary can receive, process and export\n"
    "  tailspan demo [OPTION]...   send a small shop's traces to an OTLP endpoint (demo --help)\n"
    "  tailspan --version\n"
    "  tailspan --help\n"
    "\n"
    "The configuration has the OpenTelemetry Collector's schema; see README.md.\n";

static int misuse(const char *what, const char *argument)
{
    fprintf(stderr, "tailspan: %s%s%s\nTry `tailspan --help`.\n", what, argument ? " " : "",
            argument ? argument : "");
    return EXIT_USAGE;
}

/* ---- run ---- */

struct arguments {
    const char *files[FILES_MAX];
    size_t file_count;
    char data_directory[4096];
};

/* The value of `--name VALUE` or `--name=VALUE` at argv[*i]; NULL when it is another option. */
static const char *option_value(const char *name, int argc, char **argv, int *i, bool *missing)
{
    size_t len = strlen(name);
    if (!argv[*i] || strncmp(argv[*i], name, len) != 0)
        return NULL;
    if (argv[*i][len] == '=')
        return argv[*i] + len + 1;
    if (argv[*i][len] != 0)
        return NULL;
    if (*i + 1 < argc)
        return argv[++*i];
    *missing = true;
    return NULL;
}

static int parse_arguments(int argc, char **argv, struct arguments *a)
{
    data_directory_default(a->data_directory, sizeof a->data_directory);
    for (int i = 1; i < argc; i++) {
        bool missing = false;
        const char *file = option_value("--config", argc, argv, &i, &missing);
        const char *directory =
            file || missing ? NULL : option_value("--data-directory", argc, argv, &i, &missing);
        if (missing)
            return misuse("a value is missing after", argv[argc - 1]);
        if (file) {
            if (a->file_count == FILES_MAX)
                return misuse("too many --config files", NULL);
            a->files[a->file_count++] = strncmp(file, "file:", 5) == 0 ? file + 5 : file;
        } else if (directory) {
            snprintf(a->data_directory, sizeof a->data_directory, "%s", directory);
        } else {
            return misuse("unknown argument", argv[i]);
        }
    }
    return 0;
}

static struct config_value *load(const struct arguments *a, struct error *e)
{
    if (a->file_count == 0)
        return yaml_parse(default_config, "default configuration", e);
    return yaml_load(a->files, a->file_count, e);
}

static int run(int argc, char **argv)
{
    struct arguments a = {0};
    int status = parse_arguments(argc, argv, &a);
    if (status != 0)
        return status;
    struct error e = {0};
    struct process_options o = {.root = load(&a, &e), .data_directory = a.data_directory};
    if (o.root) {
        status = process_run(&o);
    } else {
        log_error(NULL, "cannot start", LOG_S("error", e.text));
        status = 1;
    }
    config_release();
    return status;
}

/* ---- the other commands ---- */

static int validate(int argc, char **argv)
{
    struct arguments a = {0};
    if (argc == 0)
        return misuse("config validate needs a file", NULL);
    if (argc > FILES_MAX)
        return misuse("too many files", NULL);
    for (int i = 0; i < argc; i++) {
        if (argv[i][0] == '-')
            return misuse("config validate wants files, not", argv[i]);
        a.files[a.file_count++] = argv[i];
    }
    data_directory_default(a.data_directory, sizeof a.data_directory);
    struct error e = {0};
    struct process_options o = {.root = load(&a, &e), .data_directory = a.data_directory};
    bool ok = o.root && process_validate(&o, &e);
    if (ok)
        printf("%s%s: valid\n", argv[0], argc > 1 ? " and what is merged into it" : "");
    else
        fprintf(stderr, "%s\n", e.text);
    config_release();
    return ok ? 0 : 1;
}

static int config(int argc, char **argv)
{
    if (argc >= 3 && strcmp(argv[2], "default") == 0) {
        fputs(default_config, stdout);
        return 0;
    }
    if (argc >= 3 && strcmp(argv[2], "validate") == 0)
        return validate(argc - 3, argv + 3);
    return misuse("config needs one of: default, validate", NULL);
}

static int list_components(void)
{
    for (enum component_class class = 0; class < COMPONENT_CLASSES; class ++) {
        printf("%ss:\n", component_class_name(class));
        for (size_t i = 0; component_kinds[i]; i++) {
            const struct component_kind *k = component_kinds[i];
            char names[64];
            if (k->class != class)
                continue;
            snprintf(names, sizeof names, "%s%s%s", k->type, k->alias ? ", " : "",
                     k->alias ? k->alias : "");
            printf("  %-24s %s\n", names, k->summary);
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : "";
    if (strcmp(command, "--help") == 0 || strcmp(command, "-h") == 0 ||
        strcmp(command, "help") == 0) {
        fputs(usage, stdout);
        return 0;
    }
    if (strcmp(command, "--version") == 0 || strcmp(command, "version") == 0) {
        puts("tailspan " TAILSPAN_VERSION);
        return 0;
    }
    if (strcmp(command, "config") == 0)
        return config(argc, argv);
    if (strcmp(command, "components") == 0)
        return list_components();
    if (strcmp(command, "demo") == 0)
        return demo_main(argc - 1, argv + 1);
    return run(argc, argv);
}
