/* Configurations from start to graph: what is accepted, and the words for what is not. */
#include "collector/default_config.h"
#include "collector/process.h"
#include "collector/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static bool validate(const char *yaml, struct error *e)
{
    *e = (struct error){0};
    struct process_options o = {.root = yaml_parse(yaml, "t.yaml", e),
                                .data_directory = "/nonexistent"};
    return o.root && process_validate(&o, e);
}

static void expect_valid(const char *yaml)
{
    struct error e;
    if (!validate(yaml, &e))
        fail_msg("%s", e.text);
}

static void expect_error(const char *yaml, const char *part)
{
    struct error e;
    assert_false(validate(yaml, &e));
    if (!strstr(e.text, part))
        fail_msg("\"%s\" lacks \"%s\"", e.text, part);
}

#define RECEIVER "receivers: {otlp: {protocols: {grpc: {endpoint: 127.0.0.1:0}}}}\n"

static void the_default_is_valid(void **state)
{
    (void)state;
    expect_valid(default_config);
}

static void graphs_of_pipelines_are_valid(void **state)
{
    (void)state;
    expect_valid(
        RECEIVER
        "processors: {batch: {}, batch/big: {send_batch_size: 10000}}\n"
        "connectors: {forward: {}, forward/two: }\n"
        "exporters: {nop: {}, debug: {}}\n"
        "service:\n"
        "  telemetry: {metrics: {level: none}}\n"
        "  pipelines:\n"
        "    traces/in: {receivers: [otlp], processors: [batch], exporters: [forward, debug]}\n"
        "    traces/a: {receivers: [forward], exporters: [nop, forward/two]}\n"
        "    traces/b: {receivers: [forward/two], processors: [batch/big], exporters: [nop]}\n");
    expect_valid(
        RECEIVER
        "exporters: {nop: }\n"
        "service:\n"
        "  telemetry:\n"
        "    logs: {level: debug, encoding: json}\n"
        "    metrics: {readers: [{pull: {exporter: {prometheus: {host: 0.0.0.0, port: 9999}}}}]}\n"
        "  pipelines: {traces: {receivers: [otlp], exporters: [nop]}}\n");
}

static void mistakes_are_named_with_file_line_and_key(void **state)
{
    (void)state;
    static const struct {
        const char *yaml, *part;
    } cases[] = {
        {"", "the service section is missing"},
        {"recievers: {}\n", "t.yaml:1: recievers: unknown key \"recievers\"; supported: receivers"},
        {"receivers:\n  kafka: {}\nservice: {}\n",
         "t.yaml:2: receivers::kafka: unknown receiver type \"kafka\"; supported: otlp"},
        {RECEIVER "service: {pipelines: {traces: {receivers: [otlp], exporters: [nop]}}}\n",
         "t.yaml:2: service::pipelines::traces::exporters::[]: \"nop\" is not configured under "
         "exporters"},
        {RECEIVER "exporters: {nop: }\nservice: {pipelines: {logs: {receivers: [otlp], exporters: "
                  "[nop]}}}\n",
         "\"logs\" pipelines are not supported; supported: traces, metrics"},
        {RECEIVER "exporters: {nop: }\nservice: {pipelines: {traces: {exporters: [nop]}}}\n",
         "must have at least one receiver"},
        {RECEIVER
         "exporters: {nop: }\nservice: {pipelines: {traces: {receivers: [otlp], exporters: []}}}\n",
         "must have at least one exporter"},
        {RECEIVER "exporters: {nop: }\nservice: {pipelines: {traces: {receivers: [otlp, otlp], "
                  "exporters: [nop]}}}\n",
         "\"otlp\" stands twice"},
        {RECEIVER "exporters: {nop: {colour: red}}\nservice: {pipelines: {traces: {receivers: "
                  "[otlp], exporters: [nop]}}}\n",
         "t.yaml:2: exporters::nop::colour: unknown key \"colour\""},
        {RECEIVER "exporters: {nop: , otlp_grpc/unused: {}}\n"
                  "service: {pipelines: {traces: {receivers: [otlp], exporters: [nop]}}}\n",
         "otlp_grpc/unused"},
        {RECEIVER
         "connectors: {forward: }\nexporters: {nop: }\n"
         "service: {pipelines: {traces: {receivers: [otlp], exporters: [forward, nop]}}}\n",
         "is used only as an exporter"},
        {RECEIVER "connectors: {forward/a: , forward/b: }\nexporters: {nop: }\n"
                  "service:\n  pipelines:\n"
                  "    traces: {receivers: [otlp, forward/b], exporters: [forward/a]}\n"
                  "    traces/2: {receivers: [forward/a], exporters: [forward/b]}\n",
         "the pipelines form a cycle through"},
        {RECEIVER "exporters: {nop/: }\nservice: {}\n", "the name after \"/\" is missing"},
        {RECEIVER
         "exporters: {nop: }\nservice: {telemetry: {metrics: {readers: [{periodic: {}}]}}}\n",
         "pull::exporter::prometheus"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_error(cases[i].yaml, cases[i].part);
}

static int free_all(void **state)
{
    (void)state;
    config_release();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_default_is_valid),
        cmocka_unit_test(graphs_of_pipelines_are_valid),
        cmocka_unit_test(mistakes_are_named_with_file_line_and_key),
    };
    return cmocka_run_group_tests(tests, NULL, free_all);
}
