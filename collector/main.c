/* The command line. */
#include "collector/command_line.h"
#include "collector/components.h"
#include "collector/default_config.h"
#include "collector/demo/demo.h"
#include "collector/erase_command.h"
#include "collector/process.h"
#include "collector/scrub_command.h"
#include "collector/simulate_command.h"
#include "component/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Read by jemalloc, where it is linked: requests and their indexes, some hundred KB each, are taken
 * again warm from their thread's cache instead of going back to the arena. 2 % of a relay. */
extern const char *malloc_conf;
const char *malloc_conf = "tcache_max:1048576";

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
    "  tailspan erase --where TERMS [OPTION]...\n"
    "                              remove what is stored about somebody (erase --help)\n"
    "  tailspan sampling simulate --config NEW.yaml [OPTION]...\n"
    "                              show what other policies would keep and drop\n"
    "  tailspan scrub FILE [OPTION]...\n"
    "                              show what `scrub` would hide in OTLP JSON, and why\n"
    "  tailspan --version\n"
    "  tailspan --help\n"
    "\n"
    "The configuration has the OpenTelemetry Collector's schema; see README.md.\n";

/* ---- run ---- */

static int run(int argc, char **argv)
{
    struct command_config config;
    int status = 0;
    command_config_init(&config);
    for (int i = 1; i < argc && status == 0; i++) {
        if (!command_config_take(&config, argv, &i, &status))
            status = command_misuse("unknown argument", argv[i]);
    }
    if (status != 0)
        return status;
    struct error e = {0};
    struct process_options o = {.root = command_config_load(&config, &e),
                                .data_directory = config.data_directory};
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

static void tell_missing_file(const char *why)
{
    fprintf(stderr, "%s (on this machine)\n", why);
}

static int validate(int argc, char **argv)
{
    struct command_config a;
    command_config_init(&a);
    if (argc == 0)
        return command_misuse("config validate needs a file", NULL);
    if (argc > CONFIG_FILES_MAX)
        return command_misuse("too many files", NULL);
    for (int i = 0; i < argc; i++) {
        if (argv[i][0] == '-')
            return command_misuse("config validate wants files, not", argv[i]);
        a.files[a.file_count++] = argv[i];
    }
    struct error e = {0};
    config_let_files_miss(tell_missing_file);
    struct process_options o = {.root = command_config_load(&a, &e),
                                .data_directory = a.data_directory};
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
    return command_misuse("config needs one of: default, validate", NULL);
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
    if (strcmp(command, "erase") == 0)
        return erase_main(argc - 1, argv + 1);
    if (strcmp(command, "sampling") == 0)
        return sampling_main(argc - 1, argv + 1);
    if (strcmp(command, "scrub") == 0)
        return scrub_main(argc - 1, argv + 1);
    return run(argc, argv);
}
