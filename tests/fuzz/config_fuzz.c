/* Configurations from hostile hands: parsed, checked, and made into components that never start. */
#include "collector/graph.h"
#include "collector/yaml.h"
#include "component/lane.h"
#include "component/log.h"
#include "component/telemetry.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct lane *lanes[1];

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    grpc_init();
    lanes[0] = lane_create("fuzz");
    log_configure(LOG_ERROR + 1, LOG_FORMAT_JSON);
    return 0;
}

static void build(const struct config_value *root)
{
    struct error e = {0};
    static struct service_config service;
    if (!service_read(root, &service, &e))
        return;
    struct telemetry *t = telemetry_create();
    struct graph_options o = {.root = root,
                              .service = &service,
                              .lanes = lanes,
                              .lane_count = 1,
                              .telemetry = t,
                              .data_directory = "/nonexistent"};
    struct graph *g = graph_create(&o, &e);
    if (g)
        graph_destroy(g);
    telemetry_destroy(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error e = {0};
    char *text = malloc(size + 1);
    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = 0;
    const struct config_value *root = yaml_parse(text, "fuzz.yaml", &e);
    free(text);
    if (root)
        build(root);
    config_release();
    return 0;
}
