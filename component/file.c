#include "component/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
