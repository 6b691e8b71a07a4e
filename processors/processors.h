/* The processors: kinds for the table in collector/components.c. */
#ifndef TAILSPAN_PROCESSORS_PROCESSORS_H
#define TAILSPAN_PROCESSORS_PROCESSORS_H

#include "component/component.h"

extern const struct component_kind memory_limiter_processor;
extern const struct component_kind batch_processor;
extern const struct component_kind filter_processor;
extern const struct component_kind probabilistic_sampler_processor;
extern const struct component_kind attributes_processor;
extern const struct component_kind redaction_processor;
extern const struct component_kind resource_processor;

/* Reads a `batch` processor's keys into the settings that the exporters behind it carry out. */
bool batch_processor_settings(const struct config_value *config, struct batch_settings *out,
                              struct error *e);

#endif
