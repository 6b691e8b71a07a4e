#include "component/error.h"

#include <stdarg.h>
#include <stdio.h>

bool error_set(struct error *e, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(e->text, sizeof e->text, format, args);
    va_end(args);
    return false;
}

bool error_at(struct error *e, const char *where)
{
    struct error cause = *e;
    return error_set(e, "%.300s: %.700s", where, cause.text);
}
