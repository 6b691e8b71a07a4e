/* The load generator.
 *
 *     loadgen [options] IPV4:PORT
 *
 * Sends OTLP requests and prints one line of JSON at the end. Every line that it gets on standard
 * input is answered with its totals so far. */
#include "tests/bench/load.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

static const char usage[] =
    "usage: loadgen [options] IPV4:PORT\n"
    "  --http              OTLP/HTTP with protobuf bodies; default: OTLP/gRPC\n"
    "  --gzip              send requests compressed in advance (their ids repeat)\n"
    "  --connections N     gRPC connections (4)\n"
    "  --in-flight N       requests at once, over all connections (8); HTTP: the connections\n"
    "  --rate N            open loop at N spans a second; default: closed loop\n"
    "  --seconds S         how long (10)\n"
    "  --warmup S          latencies of the first S seconds are not counted (0)\n"
    "  --spans N           stop after N spans\n"
    "  --batch N           spans a request (512)\n"
    "  --trace N           spans a trace (8)\n"
    "  --pool N            distinct requests (32)\n"
    "  --seed N            of ids and values (1)\n";

static bool parse_options(struct load_options *o, int argc, char **argv)
{
    static const struct option options[] = {
        {"http", no_argument, NULL, 'h'},
        {"gzip", no_argument, NULL, 'z'},
        {"connections", required_argument, NULL, 'c'},
        {"in-flight", required_argument, NULL, 'm'},
        {"rate", required_argument, NULL, 'r'},
        {"seconds", required_argument, NULL, 's'},
        {"warmup", required_argument, NULL, 'w'},
        {"spans", required_argument, NULL, 'n'},
        {"batch", required_argument, NULL, 'b'},
        {"trace", required_argument, NULL, 't'},
        {"pool", required_argument, NULL, 'p'},
        {"seed", required_argument, NULL, 'x'},
        {NULL, 0, NULL, 0},
    };
    int c;
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        double v = optarg ? strtod(optarg, NULL) : 0;
        if (c == '?' || v < 0)
            return false;
        switch (c) {
        case 'h':
            o->http = true;
            break;
        case 'z':
            o->gzip = true;
            break;
        case 'c':
            o->connections = (unsigned)v;
            break;
        case 'm':
            o->in_flight = (unsigned)v;
            break;
        case 'r':
            o->rate = v;
            break;
        case 's':
            o->duration_ns = (uint64_t)(v * 1e9);
            break;
        case 'w':
            o->warmup_ns = (uint64_t)(v * 1e9);
            break;
        case 'n':
            o->span_limit = (uint64_t)v;
            break;
        case 'b':
            o->shape.spans = (uint32_t)v;
            break;
        case 't':
            o->shape.spans_per_trace = (uint32_t)v;
            break;
        case 'p':
            o->pool = (unsigned)v;
            break;
        case 'x':
            o->seed = (uint64_t)v;
            break;
        }
    }
    if (optind != argc - 1)
        return false;
    o->endpoint = argv[optind];
    return o->connections && o->in_flight && o->shape.spans && o->shape.spans_per_trace;
}

static void *answer_lines(void *load)
{
    char line[64];
    while (fgets(line, sizeof line, stdin))
        load_report(load, false);
    return NULL;
}

int main(int argc, char **argv)
{
    struct load_options o = {
        .connections = 4,
        .in_flight = 8,
        .pool = 32,
        .duration_ns = 10000000000u,
        .seed = 1,
        .shape = {.spans = 512, .spans_per_trace = 8},
    };
    if (!parse_options(&o, argc, argv)) {
        fputs(usage, stderr);
        return 2;
    }
    static struct load l;
    load_begin(&l, &o);
    pthread_t lines;
    pthread_create(&lines, NULL, answer_lines, &l);
    pthread_detach(lines);
    (o.http ? load_run_http : load_run_grpc)(&l);
    load_report(&l, true);
    return l.totals.acked ? 0 : 1;
}
