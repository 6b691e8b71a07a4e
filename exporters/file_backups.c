/* Rotated files carry their time in their name, and the notation sorts as time does: so the oldest
 * come first by name, and "too old" is one comparison with the name of the limit. */
#include "exporters/file_backups.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define STAMP_LEN 23 /* 2006-01-02T15-04-05.000 */

/* The path's parts: directory, stem, extension (with its dot). All borrow the path. */
struct parts {
    int directory_len;
    const char *stem;
    int stem_len;
    const char *extension;
};

static struct parts split(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    const char *dot = strrchr(base, '.');
    const char *extension = dot && dot > base ? dot : base + strlen(base);
    return (struct parts){.directory_len = (int)(base - path),
                          .stem = base,
                          .stem_len = (int)(extension - base),
                          .extension = extension};
}

static void stamp(const struct file_output_options *o, uint64_t at_ns, char text[STAMP_LEN + 1])
{
    time_t seconds = (time_t)(at_ns / 1000000000);
    struct tm tm = {0};
    if (o->local_time)
        localtime_r(&seconds, &tm);
    else
        gmtime_r(&seconds, &tm);
    size_t len = strftime(text, STAMP_LEN + 1, "%Y-%m-%dT%H-%M-%S", &tm);
    snprintf(text + len, STAMP_LEN + 1 - len, ".%03u", (unsigned)(at_ns / 1000000 % 1000));
}

bool file_backups_name(const struct file_output_options *o, uint64_t now_ns, char *name, size_t len)
{
    struct parts p = split(o->path);
    do {
        char text[STAMP_LEN + 1];
        stamp(o, now_ns, text);
        int n = snprintf(name, len, "%.*s%.*s-%s%s", p.directory_len, o->path, p.stem_len, p.stem,
                         text, p.extension);
        if (n < 0 || (size_t)n >= len)
            return false;
        now_ns += 1000000;
    } while (access(name, F_OK) == 0);
    return true;
}

/* The timestamp within the name of one of our backups; NULL when it is none. */
static const char *stamp_in(const struct parts *p, const char *name)
{
    static const char pattern[] = "0000-00-00T00-00-00.000";
    size_t len = strlen(name);
    size_t expected = (size_t)p->stem_len + 1 + STAMP_LEN + strlen(p->extension);
    if (len != expected || strncmp(name, p->stem, (size_t)p->stem_len) != 0 ||
        name[p->stem_len] != '-' || strcmp(name + len - strlen(p->extension), p->extension) != 0)
        return NULL;
    const char *text = name + p->stem_len + 1;
    for (int i = 0; i < STAMP_LEN; i++) {
        bool digit = text[i] >= '0' && text[i] <= '9';
        if (pattern[i] == '0' ? !digit : text[i] != pattern[i])
            return NULL;
    }
    return text;
}

struct backups {
    char **names;
    size_t count;
};

static bool add(struct backups *b, const char *name)
{
    char **names = realloc(b->names, (b->count + 1) * sizeof *names);
    if (!names)
        return false;
    b->names = names;
    names[b->count] = strdup(name);
    return names[b->count++] != NULL;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Oldest first. False: out of memory, or the directory cannot be read. */
static bool list(const struct file_output_options *o, const struct parts *p, struct backups *out)
{
    char directory[PATH_MAX];
    snprintf(directory, sizeof directory, "%.*s", p->directory_len ? p->directory_len : 1,
             p->directory_len ? o->path : ".");
    DIR *d = opendir(directory);
    bool ok = d != NULL;
    struct dirent *entry;
    while (ok && (entry = readdir(d)))
        if (stamp_in(p, entry->d_name))
            ok = add(out, entry->d_name);
    if (d)
        closedir(d);
    if (ok && out->count > 0)
        qsort(out->names, out->count, sizeof *out->names, compare);
    return ok;
}

void file_backups_prune(const struct file_output_options *o, uint64_t now_ns)
{
    struct parts p = split(o->path);
    struct backups b = {0};
    char oldest[STAMP_LEN + 1] = "";
    if (o->max_age_ns > 0 && now_ns > (uint64_t)o->max_age_ns)
        stamp(o, now_ns - (uint64_t)o->max_age_ns, oldest);
    bool ok = list(o, &p, &b);
    for (size_t i = 0; ok && i < b.count; i++) {
        bool too_many = o->max_backups > 0 && b.count - i > (size_t)o->max_backups;
        bool too_old = strncmp(stamp_in(&p, b.names[i]), oldest, strlen(oldest)) < 0;
        char path[PATH_MAX];
        int n = snprintf(path, sizeof path, "%.*s%s", p.directory_len, o->path, b.names[i]);
        if ((too_many || too_old) && n > 0 && (size_t)n < sizeof path)
            unlink(path);
    }
    for (size_t i = 0; i < b.count; i++)
        free(b.names[i]);
    free(b.names);
}
