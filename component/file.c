#include "component/file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FILE_MAX = 1 << 20 };

char *file_read(const char *path, struct error *e)
{
    FILE *f = fopen(path, "rbe");
    if (!f) {
        error_set(e, "cannot read %s: %s", path, strerror(errno));
        return NULL;
    }
    char *text = malloc(FILE_MAX + 1);
    size_t len = text ? fread(text, 1, FILE_MAX, f) : 0;
    bool whole = text && !ferror(f) && fgetc(f) == EOF;
    fclose(f);
    if (!whole) {
        free(text);
        error_set(e, "cannot read %s: it is over 1 MiB or unreadable", path);
        return NULL;
    }
    text[len] = 0;
    char *fitted = realloc(text, len + 1);
    return fitted ? fitted : text;
}

bool file_make_parents(const char *path, mode_t mode, struct error *e)
{
    char partial[PATH_MAX];
    size_t len = strlen(path);
    if (len == 0 || len >= sizeof partial)
        return error_set(e, "%s: the path is %s", path, len ? "too long" : "empty");
    memcpy(partial, path, len + 1);
    for (char *slash = strchr(partial + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(partial, mode) != 0 && errno != EEXIST)
            return error_set(e, "cannot create %s: %s", partial, strerror(errno));
        *slash = '/';
    }
    return true;
}
