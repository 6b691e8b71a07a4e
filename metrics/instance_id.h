/* Which process counted: the value of collector.instance.id, a random UUID, the same as long as the
 * process lives. Any thread. */
#ifndef TAILSPAN_METRICS_INSTANCE_ID_H
#define TAILSPAN_METRICS_INSTANCE_ID_H

#include "proto/bytes.h"

struct bytes instance_id(void);

#endif
