#include "component/grpc_log.h"

#include "component/log.h"

#include <grpc/support/log.h>

/* One message for all, so that all of them share the allowance of a repeated line. What C core
 * calls an error is mostly a client's. */
static void write_line(gpr_log_func_args *args)
{
    enum log_level level = args->severity == GPR_LOG_SEVERITY_ERROR  ? LOG_WARN
                           : args->severity == GPR_LOG_SEVERITY_INFO ? LOG_INFO
                                                                     : LOG_DEBUG;
    log_at(level, NULL, "gRPC", LOG_S("text", args->message));
}

void grpc_log_take_over(void)
{
    gpr_set_log_function(write_line);
}
