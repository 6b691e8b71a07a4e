/* A tail sampler beside the server: it has decided SHOP, and ZIPKIN still waits. */
#ifndef TAILSPAN_TESTS_QUERY_SAMPLER_H
#define TAILSPAN_TESTS_QUERY_SAMPLER_H

#include "component/lane.h"
#include "sampling/sampling.h"
#include "server.h"

static struct {
    struct lane *lane;
    struct component *sampler;
    struct component end;
} samplers;

static inline struct outcome sampler_next(struct component *c, struct batch *b, struct receipt *r)
{
    (void)c;
    (void)r;
    batch_release(b);
    return outcome_accepted();
}

/* {type: tail_sampling, num_traces: 1, policies: [{name: all, type: always_sample}]} */
static inline const struct config_value *sampler_config(void)
{
    static struct config_value v[6];
    v[0] = (struct config_value){.type = CONFIG_MAP, .key = "test", .file = "test", .line = 1};
    v[1] = (struct config_value){.type = CONFIG_LIST, .key = "policies", .parent = &v[0]};
    v[2] = (struct config_value){.type = CONFIG_MAP, .parent = &v[1]};
    v[3] = (struct config_value){
        .type = CONFIG_SCALAR, .key = "name", .text = "all", .parent = &v[2], .next = &v[4]};
    v[4] = (struct config_value){
        .type = CONFIG_SCALAR, .key = "type", .text = "always_sample", .parent = &v[2]};
    v[5] = (struct config_value){
        .type = CONFIG_SCALAR, .key = "num_traces", .text = "1", .parent = &v[0]};
    v[0].children = &v[1];
    v[1].children = &v[2];
    v[1].next = &v[5];
    v[2].children = &v[3];
    return v;
}

static inline void sampler_start(void)
{
    static const struct component_ops end_ops = {.consume = sampler_next};
    struct error e = {0};
    grpc_init();
    samplers.lane = lane_create("test");
    struct component_spec spec =
        spec_of(&tail_sampling_processor, "tail_sampling", sampler_config());
    spec.lanes = &samplers.lane;
    spec.lane_count = 1;
    samplers.sampler = tail_sampling_processor.create(&spec, &e);
    if (!samplers.sampler)
        fail_msg("%s", e.text);
    samplers.end.ops = &end_ops;
    samplers.sampler->next = &samplers.end;
    assert_true(samplers.sampler->ops->start(samplers.sampler, &e));
    (void)component_consume(samplers.sampler, fixture_batch("shop.otlp.json"), NULL);
    (void)component_consume(samplers.sampler, fixture_batch("zipkin.otlp.json"), NULL);
}

static inline void sampler_stop(void)
{
    samplers.sampler->ops->stop(samplers.sampler);
    samplers.sampler->ops->destroy(samplers.sampler);
    lane_destroy(samplers.lane);
    grpc_shutdown_blocking();
}

#endif
