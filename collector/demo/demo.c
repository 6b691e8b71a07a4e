/* The command: options, the loop that tells stories at a rate, and plain words about what became of
 * them. */
#include "collector/demo/demo.h"

#include "collector/demo/shop.h"
#include "collector/demo/target.h"
#include "component/clock.h"
#include "component/config.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { EXIT_USAGE = 2, SCENES_MAX = 32 };

static const char usage[] =
    "tailspan demo: send a small shop's traces to an OTLP endpoint\n"
    "\n"
    "  --endpoint URL|HOST:PORT  where to (http://127.0.0.1:4318; with --protocol grpc\n"
    "                            127.0.0.1:4317)\n"
    "  --protocol http|grpc      OTLP/HTTP with protobuf, or OTLP/gRPC (http; grpc when the\n"
    "                            endpoint's port is 4317)\n"
    "  --duration TIME           how long, as 30s or 5m; 0: until stopped (30s)\n"
    "  --rate N                  traces a second (5)\n"
    "  --once                    each scene once, as fast as possible\n"
    "  --seed N                  the same seed sends the same scenes and ids (random)\n"
    "  --list                    name the scenes and send nothing\n"
    "\n"
    "Seven services, HTTP, SQL, Kafka, slow and failing requests; some spans carry planted, "
    "unreal\n"
    "personal data and secrets.\n";

struct options {
    const char *endpoint;
    const struct target_kind *kind;
    int64_t duration_ns; /* 0: until stopped */
    double rate;
    bool once;
    uint64_t seed;
};

struct demo {
    const struct options *options;
    void *target;
    struct shop shop;
    uint64_t traces;
    uint64_t spans;
    uint64_t rejected_spans;
    uint64_t failed_spans;
    bool told_failure; /* one line for a row of failures */
    struct {
        uint64_t delivered;
        char trace_id[33]; /* the last one's */
    } scenes[SCENES_MAX];
};

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
    (void)number;
    stopped = 1;
}

/* Returns early when a signal comes. */
static void sleep_until(uint64_t at_ns)
{
    struct timespec until = {.tv_sec = (time_t)(at_ns / 1000000000u),
                             .tv_nsec = (long)(at_ns % 1000000000u)};
    while (!stopped && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
        ;
}

/* ---- options ---- */

static int misuse(const char *what, const char *value)
{
    fprintf(stderr, "tailspan demo: %s%s%s\nTry `tailspan demo --help`.\n", what, value ? ": " : "",
            value ? value : "");
    return EXIT_USAGE;
}

static bool ends_in_grpc_port(const char *endpoint)
{
    size_t len = strlen(endpoint);
    while (len > 0 && endpoint[len - 1] == '/')
        len--;
    return len >= 5 && strncmp(endpoint + len - 5, ":4317", 5) == 0;
}

static bool parse_number(const char *text, double *out)
{
    char *end;
    *out = strtod(text, &end);
    return end != text && *end == 0;
}

static int take_option(struct options *o, int c, const char *value)
{
    double number;
    char *end;
    switch (c) {
    case 'e':
        o->endpoint = value;
        return 0;
    case 'p':
        if (strcmp(value, "http") != 0 && strcmp(value, "grpc") != 0)
            return misuse("--protocol is http or grpc, not", value);
        o->kind = *value == 'g' ? &target_grpc : &target_http;
        return 0;
    case 'd':
        if (strcmp(value, "0") == 0)
            o->duration_ns = 0;
        else if (!config_parse_duration(value, &o->duration_ns) || o->duration_ns <= 0)
            return misuse("--duration wants a time like 30s", value);
        return 0;
    case 'r':
        if (!parse_number(value, &number) || !(number > 0) || number > 100000)
            return misuse("--rate wants traces a second, up to 100000", value);
        o->rate = number;
        return 0;
    case 's':
        o->seed = strtoull(value, &end, 10);
        return end != value && *end == 0 ? 0 : misuse("--seed wants a number", value);
    default:
        return EXIT_USAGE;
    }
}

static void list_scenes(void)
{
    for (size_t i = 0; i < shop_scene_count; i++)
        puts(shop_scenes[i].title);
}

/* 0: go on; else the exit status, or -1 for success without sending. */
static int parse_options(struct options *o, int argc, char **argv)
{
    static const struct option options[] = {
        {"endpoint", required_argument, NULL, 'e'},
        {"protocol", required_argument, NULL, 'p'},
        {"duration", required_argument, NULL, 'd'},
        {"rate", required_argument, NULL, 'r'},
        {"seed", required_argument, NULL, 's'},
        {"once", no_argument, NULL, '1'},
        {"list", no_argument, NULL, 'l'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int c, status = 0;
    optind = 1;
    opterr = 0;
    while (status == 0 && (c = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        if (c == '1')
            o->once = true;
        else if (c == 'h')
            return fputs(usage, stdout), -1;
        else if (c == 'l')
            return list_scenes(), -1;
        else if (c == '?' || c == ':')
            return misuse(c == '?' ? "unknown option" : "a value is missing after",
                          argv[optind - 1]);
        else
            status = take_option(o, c, optarg);
    }
    if (status == 0 && optind < argc)
        return misuse("unknown argument", argv[optind]);
    if (!o->kind)
        o->kind = o->endpoint && ends_in_grpc_port(o->endpoint) ? &target_grpc : &target_http;
    if (!o->endpoint)
        o->endpoint = o->kind == &target_grpc ? "127.0.0.1:4317" : "http://127.0.0.1:4318";
    return status;
}

/* ---- sending ---- */

static void note_failure(struct demo *d, size_t spans, const struct send_outcome *outcome)
{
    d->failed_spans += spans;
    if (!d->told_failure)
        fprintf(stderr, "Not delivered: %s. Going on.\n", outcome->message);
    d->told_failure = true;
}

static void note_delivery(struct demo *d, size_t scene, const struct story *s,
                          const struct send_outcome *outcome)
{
    d->told_failure = false;
    d->traces += story_traces(s);
    d->spans += story_spans(s) - (uint64_t)outcome->rejected_spans;
    d->rejected_spans += (uint64_t)outcome->rejected_spans;
    if (outcome->rejected_spans > 0)
        fprintf(stderr, "%" PRId64 " spans were rejected: %s\n", outcome->rejected_spans,
                outcome->message);
    d->scenes[scene].delivered++;
    story_trace_id(s, d->scenes[scene].trace_id);
}

/* Tells one scene to the target. Returns how many traces it had, 0 when the target cannot be
 * reached. */
static size_t send_scene(struct demo *d, size_t scene)
{
    struct story *s = shop_tell(&d->shop, scene);
    size_t len, traces = story_traces(s);
    uint8_t *request = story_request(s, realtime_ns(), &len);
    struct send_outcome outcome = {0};
    d->options->kind->send(d->target, request, len, &outcome);
    if (outcome.rejected_spans < 0 || (uint64_t)outcome.rejected_spans > story_spans(s))
        outcome.rejected_spans = (int64_t)story_spans(s);
    if (outcome.delivered)
        note_delivery(d, scene, s, &outcome);
    else if (outcome.unreachable && d->spans == 0)
        traces = 0;
    else
        note_failure(d, story_spans(s), &outcome);
    if (traces == 0)
        fprintf(stderr,
                "Nothing takes traces at %s (%s).\n"
                "Start Tailspan there (`tailspan`), or name another place with --endpoint,\n"
                "with --protocol grpc if it speaks that on a port other than 4317.\n",
                d->options->endpoint, outcome.message);
    free(request);
    story_free(s);
    return traces;
}

static void send_each_once(struct demo *d)
{
    for (size_t i = 0; i < shop_scene_count && !stopped; i++)
        if (send_scene(d, i) == 0)
            return;
}

static void send_for_a_while(struct demo *d)
{
    const struct options *o = d->options;
    uint64_t start_ns = monotonic_ns(), due_ns = start_ns;
    while (!stopped) {
        uint64_t now_ns = monotonic_ns();
        if (o->duration_ns && due_ns - start_ns >= (uint64_t)o->duration_ns)
            return;
        if (due_ns > now_ns) {
            sleep_until(due_ns);
            continue;
        }
        size_t traces = send_scene(d, shop_choose(&d->shop));
        if (traces == 0)
            return;
        due_ns += (uint64_t)((double)traces / o->rate * 1e9);
    }
}

/* ---- words ---- */

/* Where Tailspan's look-up is, if it runs there as it does by default. */
static void print_where_to_look(const struct demo *d)
{
    const char *endpoint = d->options->endpoint, *host = strstr(endpoint, "://");
    host = host ? host + 3 : endpoint;
    int len = (int)(*host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/"));
    printf("Look at  http://%.*s:16686/api/traces?service=checkout&limit=5\n", len, host);
    printf("or at one trace of each kind, http://%.*s:16686/api/v1/traces/ID:\n", len, host);
    for (size_t i = 0; i < shop_scene_count; i++)
        if (d->scenes[i].delivered)
            printf("  %s  %s\n", d->scenes[i].trace_id, shop_scenes[i].title);
}

static int conclude(const struct demo *d)
{
    if (d->spans)
        printf("Sent %" PRIu64 " traces, %" PRIu64 " spans to %s.\n", d->traces, d->spans,
               d->options->endpoint);
    if (d->rejected_spans || d->failed_spans)
        printf("%" PRIu64 " spans were rejected, %" PRIu64 " could not be delivered.\n",
               d->rejected_spans, d->failed_spans);
    if (d->spans)
        print_where_to_look(d);
    return d->spans ? 0 : 1;
}

int demo_main(int argc, char **argv)
{
    struct options o = {.duration_ns = 30000000000, .rate = 5};
    if (getrandom(&o.seed, sizeof o.seed, 0) != sizeof o.seed)
        o.seed = realtime_ns();
    int status = parse_options(&o, argc, argv);
    if (status != 0)
        return status < 0 ? 0 : status;
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    struct demo d = {.options = &o};
    shop_open(&d.shop, o.seed);
    char message[256];
    if (!(d.target = o.kind->open(o.endpoint, message, sizeof message))) {
        fprintf(stderr, "tailspan demo: %s\n", message);
        return 1;
    }
    printf("Sending a small shop's traces to %s%s.\n", o.endpoint, o.once ? "" : "; Ctrl-C stops");
    fflush(stdout);
    if (o.once)
        send_each_once(&d);
    else
        send_for_a_while(&d);
    o.kind->close(d.target);
    return conclude(&d);
}
