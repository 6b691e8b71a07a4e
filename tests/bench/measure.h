/* What benchmarks of single rooms share: giving up, and what a thread and the process use. */
#ifndef TAILSPAN_BENCH_MEASURE_H
#define TAILSPAN_BENCH_MEASURE_H

#include "component/clock.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* Ends the program, saying what failed, unless it is ok. */
static inline void need(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "%s: %s failed\n", program_invocation_short_name, what);
    exit(1);
}

/* Of this thread: what work costs, whatever else the machine does. */
static inline double cpu_ns(void)
{
    return (double)clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

/* Memory that is the process's own, in bytes. */
static inline double anonymous_bytes(void)
{
    char line[256];
    double kib = 0;
    FILE *f = fopen("/proc/self/smaps_rollup", "r");
    need(f != NULL, "/proc/self/smaps_rollup");
    while (fgets(line, sizeof line, f)) {
        if (sscanf(line, "Anonymous: %lf", &kib) == 1)
            break;
    }
    fclose(f);
    return kib * 1024;
}

#endif
