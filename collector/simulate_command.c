/* Traces go through the policies of one configuration, or of two, at the times at which they ended.
 */
#include "collector/simulate_command.h"

#include "collector/command_line.h"
#include "collector/service.h"
#include "collector/simulate_report.h"
#include "collector/simulate_traces.h"
#include "collector/yaml.h"
#include "component/clock.h"
#include "component/log.h"
#include "sampling/sampling.h"
#include "storage/sqlite_exporter.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "Shows what the tail_sampling policies of a configuration would keep and drop.\n"
    "\n"
    "  tailspan sampling simulate --config NEW.yaml [OPTION]...\n"
    "\n"
    "  --config FILE          the configuration to try\n"
    "  --against FILE         the configuration to compare with; without it, what is stored now\n"
    "  --processor ID         which tail_sampling processor of them (default: the first)\n"
    "  --input FILE           traces as OTLP JSON, one request or one a line, as the exporter "
    "`file`\n"
    "                         writes them; without it, those in the store\n"
    "  --data-directory DIR   of the collector whose store it is; it may be running. Without it, "
    "a\n"
    "                         directory of the exporter `sqlite` in one of the configurations "
    "counts\n"
    "  --json                 print JSON\n"
    "\n"
    "Policies see each trace as complete, at the time of its end; what waits too long, comes too\n"
    "late, or is kept for the sake of its journey is not simulated. What the store holds is what\n"
    "was kept until now, unless it is filled before the sampler: then it holds everything.\n";

struct arguments {
    struct command_config config;
    const char *against;
    const char *processor;
    const char *input;
    bool json;
};

static int parse(char **argv, struct arguments *a)
{
    int status = 0;
    command_config_init(&a->config);
    for (int i = 2; argv[i] && status == 0; i++) {
        bool missing = false;
        const char *name = argv[i], *value;
        if (command_config_take(&a->config, argv, &i, &status))
            continue;
        if (strcmp(name, "--json") == 0)
            a->json = true;
        else if ((value = command_option("--against", argv, &i, &missing)))
            a->against = value;
        else if (!missing && (value = command_option("--processor", argv, &i, &missing)))
            a->processor = value;
        else if (!missing && (value = command_option("--input", argv, &i, &missing)))
            a->input = value;
        else
            status =
                command_misuse(missing ? "a value is missing after" : "unknown argument", name);
    }
    if (status == 0 && a->config.file_count == 0)
        status = command_misuse("sampling simulate needs --config", NULL);
    return status;
}

/* Where a configuration keeps its traces; NULL when it does not say. */
static const char *find_store(const struct config_value *root)
{
    const struct config_value *exporters = root ? config_child(root, "exporters") : NULL;
    const struct config_value *x = exporters ? exporters->children : NULL;
    for (; x; x = x->next) {
        const struct config_value *directory = config_child(x, "directory");
        if (service_kind(COMPONENT_EXPORTER, x->key) == &sqlite_exporter && directory &&
            directory->text)
            return directory->text;
    }
    return NULL;
}

static struct simulation *load(const struct config_value *root, const char *id, struct error *e)
{
    const struct config_value *sampler =
        root ? command_find_processor(root, &tail_sampling_processor, id, e) : NULL;
    struct simulation *s = sampler ? simulation_create(sampler, sampler->key, e) : NULL;
    if (s && simulation_on_ingest(s))
        log_warn(sampler->key, "span-ingest is not simulated: traces are judged as complete");
    return s;
}

struct run {
    const char *store; /* its directory, when a configuration says */
    struct simulation *new;
    struct simulation *old; /* NULL: what is stored */
    struct simulation_report report;
    uint64_t now_ns;   /* to the policies */
    uint64_t today_ns; /* to the clock */
    uint64_t shown_ns;
    bool progress; /* somebody is watching */
    bool no_memory;
};

static void show_progress(struct run *r, double done)
{
    enum { WIDTH = 40 };
    static const char bar[] = "########################################";
    uint64_t now_ns = monotonic_ns();
    if (!r->progress || (now_ns - r->shown_ns < 100000000u && done < 1))
        return;
    r->shown_ns = now_ns;
    fprintf(stderr, "\r[%-*.*s] %3.0f%%  %llu traces", WIDTH, (int)(done * WIDTH), bar, done * 100,
            (unsigned long long)r->report.all.traces);
}

static uint64_t end_of(const struct batch *b)
{
    uint64_t end_ns = 0;
    for (uint32_t i = 0; i < b->span_count; i++)
        end_ns = b->spans[i].end_ns > end_ns ? b->spans[i].end_ns : end_ns;
    return end_ns;
}

static struct kept_now decide_now(struct run *r, const struct batch *trace)
{
    bool ignored;
    struct sampling_decision d = simulation_decide(r->old, trace, r->now_ns, &ignored);
    struct kept_now now = {.kept = d.verdict == SAMPLING_SAMPLED};
    if (now.kept)
        now.by = bytes_of_string(policy_set_name(simulation_policies(r->old), d.policy));
    return now;
}

/* A trace whose clock is ahead of today is judged, but does not stop the time of those after it. */
static bool try_trace(void *context, struct batch *trace, double done)
{
    struct run *r = context;
    uint64_t end_ns = end_of(trace);
    bool too_large;
    if (end_ns > r->now_ns && end_ns <= r->today_ns)
        r->now_ns = end_ns;
    struct kept_now now =
        r->old ? decide_now(r, trace) : (struct kept_now){.kept = true, .by = report_keeper(trace)};
    struct sampling_decision then = simulation_decide(r->new, trace, r->now_ns, &too_large);
    bool counted =
        report_add(&r->report, trace, &now, &then, simulation_policies(r->new), !too_large);
    r->no_memory = !counted;
    show_progress(r, done);
    return counted;
}

static bool replay_store(const struct arguments *a, struct run *r, struct error *e)
{
    char directory[4200];
    bool said = r->store && !a->config.data_directory_said;
    snprintf(directory, sizeof directory, said ? "%s" : "%s/traces",
             said ? r->store : a->config.data_directory);
    if (access(directory, F_OK) != 0)
        return command_no_store(directory, e);
    return traces_of_store(directory, try_trace, r, e);
}

static bool replay(const struct arguments *a, struct run *r, struct error *e)
{
    r->today_ns = realtime_ns();
    r->progress = isatty(STDERR_FILENO);
    bool done = a->input ? traces_of_file(a->input, try_trace, r, e) : replay_store(a, r, e);
    if (r->progress)
        fputs("\r\033[K", stderr);
    return done || (r->no_memory ? error_set(e, "out of memory") : false);
}

static bool simulate(const struct arguments *a, struct run *r, struct error *e)
{
    const struct config_value *new = yaml_load(a->config.files, a->config.file_count, e);
    if (!(r->new = load(new, a->processor, e)))
        return false;
    const struct config_value *old = a->against ? yaml_load(&a->against, 1, e) : NULL;
    if (a->against && !(r->old = load(old, a->processor, e)))
        return false;
    r->store = find_store(old) ? find_store(old) : find_store(new);
    const struct policy_set *policies = simulation_policies(r->new);
    if (!report_init(&r->report, policies))
        return error_set(e, "out of memory");
    if (!replay(a, r, e))
        return false;
    (a->json ? report_print_json : report_print)(&r->report, policies, r->old != NULL);
    return true;
}

int sampling_main(int argc, char **argv)
{
    struct arguments a = {0};
    struct run r = {0};
    struct error e = {{0}};
    if (argc < 2 || strcmp(argv[1], "simulate") != 0) {
        bool help = argc >= 2 && strcmp(argv[1], "--help") == 0;
        if (help)
            fputs(usage, stdout);
        return help ? 0 : command_misuse("sampling needs one of: simulate", NULL);
    }
    if (argc >= 3 && strcmp(argv[2], "--help") == 0) {
        fputs(usage, stdout);
        return 0;
    }
    int status = parse(argv, &a);
    if (status != 0)
        return status;
    log_configure(LOG_WARN, LOG_FORMAT_AUTO);
    if (!simulate(&a, &r, &e)) {
        fprintf(stderr, "tailspan: %s\n", e.text);
        status = 1;
    }
    report_free(&r.report);
    simulation_destroy(r.new);
    simulation_destroy(r.old);
    config_release();
    return status;
}
