/* openapi.json, as it was when the program was built. */
#ifndef TAILSPAN_QUERY_OPENAPI_H
#define TAILSPAN_QUERY_OPENAPI_H

#include "proto/bytes.h"

struct bytes openapi_document(void);

#endif
