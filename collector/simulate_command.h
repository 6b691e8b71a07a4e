/* `tailspan sampling simulate`: what another configuration would keep and drop. */
#ifndef TAILSPAN_COLLECTOR_SIMULATE_COMMAND_H
#define TAILSPAN_COLLECTOR_SIMULATE_COMMAND_H

/* argv[0] is "sampling"; returns the exit status. */
int sampling_main(int argc, char **argv);

#endif
