/* C core's log lines as ours. Left alone it writes to standard error what clients sent it,
 * unescaped and as often as they like. */
#ifndef TAILSPAN_COMPONENT_GRPC_LOG_H
#define TAILSPAN_COMPONENT_GRPC_LOG_H

/* Before grpc_init(). */
void grpc_log_take_over(void);

#endif
