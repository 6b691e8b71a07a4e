#include "collector/data_directory.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SYSTEM_DIRECTORY "/var/lib/tailspan"

static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value && value[0] ? value : NULL;
}

void data_directory_default(char *path, size_t len)
{
    const char *own = variable("TAILSPAN_DATA_DIRECTORY");
    const char *state = variable("XDG_STATE_HOME");
    const char *home = variable("HOME");
    if (own)
        snprintf(path, len, "%s", own);
    else if (access(SYSTEM_DIRECTORY, W_OK) == 0 ||
             (access(SYSTEM_DIRECTORY, F_OK) != 0 && access("/var/lib", W_OK) == 0))
        snprintf(path, len, "%s", SYSTEM_DIRECTORY);
    else if (state)
        snprintf(path, len, "%s/tailspan", state);
    else if (home)
        snprintf(path, len, "%s/.local/state/tailspan", home);
    else
        snprintf(path, len, "tailspan-data");
}
