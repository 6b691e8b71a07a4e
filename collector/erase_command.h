/* `tailspan erase`: removes what is stored about somebody. */
#ifndef TAILSPAN_COLLECTOR_ERASE_COMMAND_H
#define TAILSPAN_COLLECTOR_ERASE_COMMAND_H

/* argv[0] is "erase"; returns the exit status: 0 erased (or counted), 1 not or not completely, 2
 * misuse. */
int erase_main(int argc, char **argv);

#endif
