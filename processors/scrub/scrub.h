/* `processors: scrub`: takes personal data and secrets out of spans before anything else sees them.
 */
#ifndef TAILSPAN_PROCESSORS_SCRUB_SCRUB_H
#define TAILSPAN_PROCESSORS_SCRUB_SCRUB_H

#include "component/component.h"

extern const struct component_kind scrub_processor;

#endif
