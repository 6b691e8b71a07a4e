/* `tailspan scrub`: shows what the processor `scrub` would do to spans on disk. */
#ifndef TAILSPAN_COLLECTOR_SCRUB_COMMAND_H
#define TAILSPAN_COLLECTOR_SCRUB_COMMAND_H

/* `argv[0]` is the command's name. Returns the exit status: 0, 1 when something failed, 2 for a
 * misuse. */
int scrub_main(int argc, char **argv);

#endif
