/* A graph from a configuration, with what it needs around it. */
#ifndef TAILSPAN_TESTS_COLLECTOR_SURROUNDINGS_H
#define TAILSPAN_TESTS_COLLECTOR_SURROUNDINGS_H

#include "collector/graph.h"
#include "collector/yaml.h"
#include "component/clock.h"
#include "component/config.h"
#include "component/lane.h"
#include "component/telemetry.h"

#include <grpc/grpc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define RECEIVER "receivers: {otlp: {protocols: {grpc: {endpoint: 127.0.0.1:0}}}}\n"

struct surroundings {
    struct service_config service;
    struct lane *lane;
    struct telemetry *telemetry;
    struct graph *graph; /* NULL: `error` says why */
    struct error error;
};

static inline void surroundings_open(struct surroundings *s, const char *yaml)
{
    *s = (struct surroundings){0};
    grpc_init();
    const struct config_value *root = yaml_parse(yaml, "t.yaml", &s->error);
    if (!root || !service_read(root, &s->service, &s->error))
        fail_msg("%s", s->error.text);
    s->lane = lane_create("test");
    assert_true(lane_start(s->lane));
    s->telemetry = telemetry_create();
    s->graph = graph_create(&(struct graph_options){.root = root,
                                                    .service = &s->service,
                                                    .lanes = &s->lane,
                                                    .lane_count = 1,
                                                    .telemetry = s->telemetry,
                                                    .data_directory = "/nonexistent"},
                            &s->error);
}

static inline void surroundings_close(struct surroundings *s)
{
    if (s->graph)
        graph_destroy(s->graph);
    lane_destroy(s->lane);
    telemetry_destroy(s->telemetry);
    config_release();
    grpc_shutdown_blocking();
}

#endif
