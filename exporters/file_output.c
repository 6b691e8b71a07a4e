/* The file exporter's file. The file is opened for appending and its length of whole records is
 * known, so a write that fails in its middle (a full disk, as a rule) can be undone and the next
 * record starts on a line of its own. */
#include "exporters/file_output.h"

#include "component/clock.h"
#include "component/file.h"
#include "exporters/file_backups.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define FILE_MODE   0600        /* spans are not for everybody */
#define WAITING_MAX (256 << 10) /* bytes gathered before a write */
#define PROBE_BYTES (64 << 10)

static bool open_file(struct file_output *o, int flags, struct error *e)
{
    const char *path = o->options.path;
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | flags, FILE_MODE);
    if (fd < 0)
        return error_set(e, "cannot open %s: %s", path, strerror(errno));
    struct stat st;
    if (fstat(fd, &st) != 0) {
        error_set(e, "cannot read the size of %s: %s", path, strerror(errno));
        close(fd);
        return false;
    }
    if (o->fd >= 0)
        close(o->fd);
    o->fd = fd;
    o->size = st.st_size;
    return true;
}

bool file_output_open(struct file_output *o, const struct file_output_options *options,
                      struct error *e)
{
    *o = (struct file_output){.options = *options, .fd = -1};
    if (options->create_directory && !file_make_parents(options->path, options->directory_mode, e))
        return false;
    if (!open_file(o, options->append || options->rotate ? 0 : O_TRUNC, e))
        return false;
    if (options->rotate)
        file_backups_prune(options, realtime_ns());
    return true;
}

/* Writes all of it; on failure what was written of it is cut off again. */
static bool write_whole(struct file_output *o, struct bytes data, struct error *e)
{
    size_t done = 0;
    while (done < data.len) {
        ssize_t n = write(o->fd, data.data + done, data.len - done);
        if (n > 0) {
            done += (size_t)n;
        } else if (n == 0 || errno != EINTR) {
            error_set(e, "cannot write to %s: %s", o->options.path,
                      n == 0 ? "nothing was written" : strerror(errno));
            /* Fails on what is no regular file, where nothing could be cut off anyway. */
            if (done > 0 && ftruncate(o->fd, o->size) != 0)
                o->size += (int64_t)done;
            return false;
        }
    }
    o->size += (int64_t)data.len;
    return true;
}

bool file_output_flush(struct file_output *o, struct error *e)
{
    bool ok = write_whole(o, buffer_bytes(&o->waiting), e);
    if (ok)
        o->written_spans += o->waiting_spans;
    else
        o->lost_spans += o->waiting_spans;
    o->waiting_spans = 0;
    if (o->waiting.capacity > FILE_KEPT_MAX)
        buffer_free(&o->waiting);
    o->waiting.len = 0;
    return ok;
}

/* The current file gets its backup's name first, so that nothing is lost if a new one cannot be
 * opened: then it gets its own name back. */
static bool rotate(struct file_output *o, struct error *e)
{
    char backup[PATH_MAX];
    if (!file_backups_name(&o->options, realtime_ns(), backup, sizeof backup))
        return error_set(e, "cannot name a backup of %s: the path is too long", o->options.path);
    if (rename(o->options.path, backup) != 0)
        return error_set(e, "cannot rename %s: %s", o->options.path, strerror(errno));
    if (!open_file(o, 0, e)) {
        if (rename(backup, o->options.path) != 0)
            error_set(e, "cannot open %s, its spans are in %s: %s", o->options.path, backup,
                      strerror(errno));
        return false;
    }
    file_backups_prune(&o->options, realtime_ns());
    return true;
}

static bool make_room(struct file_output *o, size_t len, struct error *e)
{
    int64_t used = o->size + (int64_t)o->waiting.len;
    if (!o->options.rotate || used == 0 || used + (int64_t)len <= o->options.max_bytes)
        return true;
    return file_output_flush(o, e) && rotate(o, e);
}

bool file_output_append(struct file_output *o, struct bytes record, uint64_t spans, struct error *e)
{
    bool ok = make_room(o, record.len, e);
    if (ok && o->waiting.len + record.len > WAITING_MAX)
        ok = file_output_flush(o, e);
    if (ok && !buffer_reserve(&o->waiting, record.len)) {
        o->waiting.failed = false;
        ok = error_set(e, "out of memory");
    }
    if (!ok) {
        o->lost_spans += spans;
        return false;
    }
    buffer_append(&o->waiting, record.data, record.len);
    o->waiting_spans += spans;
    return true;
}

/* Room is set aside as a write would need it, so quotas and full disks show. Not all file systems
 * can: there the free space has to do. */
static bool has_room(struct file_output *o)
{
    if (fallocate(o->fd, FALLOC_FL_KEEP_SIZE, o->size, PROBE_BYTES) == 0)
        return true;
    if (errno != EOPNOTSUPP)
        return false;
    struct statvfs fs;
    if (fstatvfs(o->fd, &fs) != 0)
        return false;
    errno = ENOSPC;
    return (uint64_t)fs.f_bavail * fs.f_frsize >= PROBE_BYTES;
}

/* A write of nothing makes devices say what they would say to one of something; a pipe's missing
 * reader only shows in poll(). */
static bool takes_something(struct file_output *o)
{
    struct pollfd p = {.fd = o->fd, .events = POLLOUT};
    if (poll(&p, 1, 0) == 1 && p.revents & (POLLERR | POLLHUP)) {
        errno = EPIPE;
        return false;
    }
    return write(o->fd, "", 0) == 0;
}

bool file_output_probe(struct file_output *o, struct error *e)
{
    struct stat st;
    bool ok = fstat(o->fd, &st) == 0 && (S_ISREG(st.st_mode) ? has_room(o) : takes_something(o));
    return ok || error_set(e, "cannot write to %s: %s", o->options.path, strerror(errno));
}

void file_output_close(struct file_output *o)
{
    buffer_free(&o->waiting);
    if (o->fd >= 0)
        close(o->fd);
    o->fd = -1;
}
