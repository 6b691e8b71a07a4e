/* Surroundings for exporters that stay in the process: no lane, so no gRPC, whose own threads
 * ThreadSanitizer cannot see into. */
#ifndef TAILSPAN_TESTS_EXPORTERS_LOCAL_H
#define TAILSPAN_TESTS_EXPORTERS_LOCAL_H

#include "fixture.h"

static inline void local_open(struct surroundings *s, const struct component_kind *kind,
                              const char *id)
{
    *s = (struct surroundings){.telemetry = telemetry_create()};
    s->spec = (struct component_spec){.kind = kind, .id = id, .telemetry = s->telemetry};
}

static inline void local_close(struct surroundings *s)
{
    telemetry_destroy(s->telemetry);
}

#endif
