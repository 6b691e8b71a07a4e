/* What the trace store costs, and how fast it answers.
 *
 *     store_bench [--traces N] [--spans-per-trace N] [--rate N] [--directory D]
 *
 * First N traces are written as fast as the store takes them, each request made anew, so that no
 * value comes twice for the dictionary's sake. The cost is the CPU time of the writer's thread:
 * grouping, compressing, SQLite. Disk is what lies in the directory after closing. Then the store
 * is opened again and asked, while another thread writes `rate` spans a second into it. */
#include "component/error.h"
#include "component/lane.h"
#include "storage/store.h"
#include "tests/bench/measure.h"
#include "tests/bench/spans.h"

#include <dirent.h>
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { REQUEST_SPANS = 504, SAMPLES = 4096 };

static uint64_t traces = 20000;
static uint32_t spans_per_trace = 9;
static uint64_t rate = 20000;
static char directory[512];
static uint8_t samples[SAMPLES][16];
static atomic_bool stop;

static void die(const char *what)
{
    fprintf(stderr, "store_bench: %s\n", what);
    exit(1);
}

static double cpu_seconds(int who)
{
    struct rusage u;
    getrusage(who, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static struct store *open_store(void)
{
    struct error e = {{0}};
    struct store *s = store_open(
        &(struct store_options){
            .directory = directory,
            .max_age_ns = 72ll * 3600 * 1000000000,
            .max_bytes = 16ll << 30,
            .slot_ns = 3ll * 3600 * 1000000000,
            .queue_bytes = 64 << 20,
            .flush_ns = 200000000,
        },
        &e);
    if (!s)
        die(e.text);
    return s;
}

static struct batch *make_batch(struct random *random, uint64_t now_ns)
{
    struct request request;
    struct batch_report report;
    request_build(&request, &(struct request_shape){REQUEST_SPANS, spans_per_trace}, random);
    request_refresh(&request, random, now_ns);
    struct batch *b =
        batch_from_request((struct bytes){.data = request.data, .len = request.len}, &report);
    request_free(&request);
    if (!b)
        die(report.where);
    return b;
}

static void write_one(struct store *s, struct batch *b)
{
    struct store_stats stats;
    for (;;) {
        store_stats(s, &stats);
        if (stats.queued_bytes < 48 << 20)
            break;
        usleep(1000);
    }
    if (!store_write(s, b))
        die("the queue is full");
}

static uint64_t disk_bytes(void)
{
    uint64_t total = 0;
    DIR *d = opendir(directory);
    for (struct dirent *e; d && (e = readdir(d));) {
        char path[1024];
        struct stat st;
        snprintf(path, sizeof path, "%s/%s", directory, e->d_name);
        if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
            total += (uint64_t)st.st_size;
    }
    if (d)
        closedir(d);
    return total;
}

static void remove_files(void)
{
    DIR *d = opendir(directory);
    for (struct dirent *e; d && (e = readdir(d));) {
        char path[1024];
        snprintf(path, sizeof path, "%s/%s", directory, e->d_name);
        unlink(path);
    }
    if (d)
        closedir(d);
    rmdir(directory);
}

static void fill(void)
{
    struct store *s = open_store();
    struct random random = {.state = 1};
    uint64_t requests = (traces * spans_per_trace + REQUEST_SPANS - 1) / REQUEST_SPANS;
    uint64_t wire = 0;
    double cpu = cpu_seconds(RUSAGE_SELF) - cpu_seconds(RUSAGE_THREAD);
    uint64_t begun = monotonic_ns();
    for (uint64_t i = 0; i < requests; i++) {
        struct batch *b = make_batch(&random, realtime_ns());
        wire += b->span_bytes;
        memcpy(samples[random_below(&random, SAMPLES)], b->spans[0].trace_id, 16);
        write_one(s, b);
    }
    if (!store_flush(s, monotonic_ns() + 60000000000u))
        die("the store does not keep up");
    struct store_stats stats;
    store_stats(s, &stats);
    store_close(s);
    cpu = cpu_seconds(RUSAGE_SELF) - cpu_seconds(RUSAGE_THREAD) - cpu;
    double spans = (double)stats.spans_written;
    printf("written        %.0f spans of %.0f bytes, %" PRIu32 " a trace, in %.1f s, %" PRIu64
           " dropped\n",
           spans, (double)wire / spans, spans_per_trace, (double)(monotonic_ns() - begun) / 1e9,
           stats.spans_dropped_queue + stats.spans_dropped_failed);
    printf("write CPU      %.2f s per million spans\n", cpu / spans * 1e6);
    printf("disk           %.1f bytes a span\n", (double)disk_bytes() / spans);
}

/* Keeps the store busy beside the queries. */
static void *write_at_rate(void *store)
{
    struct random random = {.state = 2};
    uint64_t next = monotonic_ns();
    while (!stop && rate > 0) {
        store_write(store, make_batch(&random, realtime_ns()));
        next += REQUEST_SPANS * 1000000000ull / rate;
        while (!stop && monotonic_ns() < next)
            usleep(1000);
    }
    return NULL;
}

static int compare_times(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void report(const char *what, uint64_t *times, size_t count, double cpu, const char *note)
{
    qsort(times, count, sizeof *times, compare_times);
    printf("%-34s p50 %8.2f ms   p99 %8.2f ms   max %8.2f ms   CPU %8.3f ms   %s\n", what,
           (double)times[count / 2] / 1e6, (double)times[count * 99 / 100] / 1e6,
           (double)times[count - 1] / 1e6, cpu / (double)count, note);
}

static void ask_traces(struct store_reader *r)
{
    uint64_t times[2000];
    size_t found = 0;
    char note[64];
    static const uint8_t none[16];
    double cpu = cpu_ns();
    for (size_t i = 0; i < 2000; i++) {
        const uint8_t *id = samples[(i * 2654435761u) % SAMPLES];
        uint64_t begun = monotonic_ns();
        struct batch *b = store_trace(r, id);
        times[i] = monotonic_ns() - begun;
        found += b != NULL || memcmp(id, none, 16) == 0;
        if (b)
            batch_release(b);
    }
    snprintf(note, sizeof note, "%zu of 2000 found", found);
    report("trace by id", times, 2000, (cpu_ns() - cpu) / 1e6, note);
}

static void ask_search(struct store_reader *r, const char *what, struct store_query q, size_t times)
{
    uint64_t *taken = calloc(times, sizeof *taken);
    char note[64];
    size_t found = 0;
    q.start_max_ns = UINT64_MAX;
    if (!q.duration_max_ns)
        q.duration_max_ns = UINT64_MAX;
    q.limit = 20;
    double cpu = cpu_ns();
    for (size_t i = 0; taken && i < times; i++) {
        struct store_results results;
        struct error e = {{0}};
        uint64_t begun = monotonic_ns();
        if (!store_search(r, &q, 60000000000u, &results, &e))
            die(e.text);
        taken[i] = monotonic_ns() - begun;
        found = results.count;
        store_results_free(&results);
        usleep(2000);
    }
    snprintf(note, sizeof note, "%zu traces", found);
    report(what, taken, times, (cpu_ns() - cpu) / 1e6, note);
    free(taken);
}

static void ask_dependencies(struct store_reader *r)
{
    struct store_dependencies d;
    char note[64];
    uint64_t begun = monotonic_ns();
    double cpu = cpu_ns();
    if (!store_dependencies(r, 0, UINT64_MAX, &d))
        die("no dependencies");
    uint64_t taken = monotonic_ns() - begun;
    snprintf(note, sizeof note, "%zu edges", d.count);
    report("dependencies of everything", &taken, 1, (cpu_ns() - cpu) / 1e6, note);
    store_dependencies_free(&d);
}

static void ask(void)
{
    uint64_t begun = monotonic_ns();
    struct store *s = open_store();
    printf("opened in      %.1f ms\n", (double)(monotonic_ns() - begun) / 1e6);
    struct store_reader *r = store_reader_open(s);
    pthread_t writer;
    if (!r || pthread_create(&writer, NULL, write_at_rate, s) != 0)
        die("out of memory");
    sleep(1);
    struct store_tag nobody = {"user.id", "nobody"};
    struct store_tag foreign = {"db.system.name", "postgresql"};
    struct store_tag rare = {"messaging.kafka.message.key", "customer-000042"};
    struct store_tag failed = {"error", "true"};
    ask_traces(r);
    ask_search(r, "newest 20 of a service", (struct store_query){.service = "checkout"}, 200);
    ask_search(r, "newest 20 of an operation",
               (struct store_query){.service = "inventory", .operation = "SELECT shop.cart"}, 200);
    ask_search(r, "newest 20 that failed",
               (struct store_query){.service = "checkout", .tags = &failed, .tag_count = 1}, 200);
    ask_search(r, "tag that nobody has", (struct store_query){.tags = &nobody, .tag_count = 1}, 20);
    ask_search(r, "tag that the service has not",
               (struct store_query){.service = "frontend", .tags = &foreign, .tag_count = 1}, 20);
    ask_search(r, "tag of a few traces", (struct store_query){.tags = &rare, .tag_count = 1}, 20);
    ask_search(r, "duration that none has", (struct store_query){.duration_min_ns = 3600000000000u},
               20);
    ask_search(r, "duration that few have",
               (struct store_query){.service = "shipping", .duration_min_ns = 85000000}, 20);
    ask_dependencies(r);
    stop = true;
    pthread_join(writer, NULL);
    store_flush(s, monotonic_ns() + 60000000000u);
    struct store_stats stats;
    store_stats(s, &stats);
    printf("meanwhile      %" PRIu64 " spans written, %" PRIu64 " dropped, %" PRIu64 " slots\n",
           stats.spans_written, stats.spans_dropped_queue + stats.spans_dropped_failed,
           stats.slots);
    store_reader_close(r);
    store_close(s);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"traces", required_argument, NULL, 't'},
        {"spans-per-trace", required_argument, NULL, 's'},
        {"rate", required_argument, NULL, 'r'},
        {"directory", required_argument, NULL, 'd'},
        {0},
    };
    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (o == 't')
            traces = strtoull(optarg, NULL, 10);
        else if (o == 's')
            spans_per_trace = (uint32_t)strtoul(optarg, NULL, 10);
        else if (o == 'r')
            rate = strtoull(optarg, NULL, 10);
        else if (o == 'd')
            snprintf(directory, sizeof directory, "%s", optarg);
        else
            return 2;
    }
    if (traces == 0 || spans_per_trace == 0 || spans_per_trace > REQUEST_SPANS)
        die("nothing to do");
    bool ours = !*directory;
    if (ours) {
        snprintf(directory, sizeof directory, "%s/store_bench.XXXXXX",
                 getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
        if (!mkdtemp(directory))
            die("no temporary directory");
    }
    fill();
    ask();
    if (ours)
        remove_files();
    return 0;
}
