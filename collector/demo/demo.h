/* `tailspan demo`: sends the traces of a small shop to an OTLP endpoint, so that a newcomer sees
 * something without having an application at hand. */
#ifndef TAILSPAN_COLLECTOR_DEMO_DEMO_H
#define TAILSPAN_COLLECTOR_DEMO_DEMO_H

/* argv[0] is the command's name. The process' exit status: 0 when spans were delivered, 1 when none
 * could be, 2 for wrong arguments. */
int demo_main(int argc, char **argv);

#endif
