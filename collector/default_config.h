/* What Tailspan runs with when it is given no configuration; `tailspan config default` prints it.
 */
#ifndef TAILSPAN_COLLECTOR_DEFAULT_CONFIG_H
#define TAILSPAN_COLLECTOR_DEFAULT_CONFIG_H

extern const char default_config[];

#endif
