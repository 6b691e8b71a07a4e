/* The file exporter: spans in, lines out, every span counted; and its keys. */
#include "local.h"

#include "exporters/exporters.h"
#include "proto/otlp_json.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <zstd.h>

static char directory[64];

static int make_directory(void **state)
{
    (void)state;
    snprintf(directory, sizeof directory, "/tmp/file_test.XXXXXX");
    return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", directory);
    return system(command);
}

static const char *with_path(const char *before, const char *name)
{
    static char line[256];
    snprintf(line, sizeof line, "%s%s/%s", before, directory, name);
    return line;
}

static struct component *made(struct surroundings *s, const struct config_value *config)
{
    struct error e = {0};
    s->spec.config = config;
    struct component *c = file_exporter.create(&s->spec, &e);
    assert_string_equal(e.text, "");
    assert_non_null(c);
    if (!c->ops->start(c, &e))
        fail_msg("%s", e.text);
    return c;
}

static void ended(struct component *c, uint64_t deadline_ns)
{
    c->ops->drain(c, deadline_ns);
    c->ops->stop(c);
    c->ops->destroy(c);
}

static char *content(const char *name, size_t *len)
{
    struct buffer b = {0};
    FILE *f = fopen(with_path("", name), "r");
    assert_non_null(f);
    uint8_t *to;
    size_t n;
    while ((to = buffer_reserve(&b, 4096)) && (n = fread(to, 1, 4096, f)) > 0)
        b.len += n;
    fclose(f);
    return buffer_take(&b, len);
}

static void each_request_becomes_a_line(void **state)
{
    (void)state;
    struct surroundings s;
    local_open(&s, &file_exporter, "file");
    struct component *c = made(&s, CONFIG(with_path("path=", "spans.json"), "flush_interval=1h"));
    for (uint64_t i = 0; i < 10; i++)
        assert_int_equal(component_consume(c, spans_from(i * 10, 10), NULL).verdict,
                         VERDICT_ACCEPTED);
    struct batch *b = spans_from(100, 10); /* and one that is no longer its request */
    static const uint32_t chosen[] = {2, 3, 7};
    struct batch *some = batch_select(b, chosen, 3);
    batch_release(b);
    assert_int_equal(component_consume(c, some, NULL).verdict, VERDICT_ACCEPTED);
    ended(c, seconds_from_now(60));

    static struct tally tally = {.lock = PTHREAD_MUTEX_INITIALIZER};
    char *text = content("spans.json", NULL);
    size_t lines = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"), lines++) {
        struct buffer wire = {0};
        char where[256];
        if (!otlp_json_parse(bytes_of_string(line), OTLP_TRACE_REQUEST, &wire, where, sizeof where))
            fail_msg("%s", where);
        tally_request(&tally, buffer_bytes(&wire));
        buffer_free(&wire);
    }
    free(text);
    assert_int_equal(lines, 11);
    assert_each_once(&tally, 0, 100);
    assert_each_once(&tally, 102, 2);
    assert_each_once(&tally, 107, 1);
    assert_int_equal(tally.spans, 103);
    assert_int_equal(count_of(&s, "otelcol_exporter_sent_spans"), 103);
    assert_int_equal(count_of(&s, "otelcol_exporter_send_failed_spans"), 0);
    assert_int_equal(batch_live_bytes(), 0);
    local_close(&s);
}

static void flushes_by_itself(void **state)
{
    (void)state;
    struct surroundings s;
    local_open(&s, &file_exporter, "file");
    struct component *c = made(&s, CONFIG(with_path("path=", "spans.json"), "flush_interval=1ms"));
    component_consume(c, spans_from(0, 3), NULL);
    eventually(count_of(&s, "otelcol_exporter_sent_spans") == 3);
    struct stat st;
    assert_int_equal(stat(with_path("", "spans.json"), &st), 0);
    assert_true(st.st_size > 0);
    ended(c, seconds_from_now(60));
    local_close(&s);
}

/* Reads one record: its length in four bytes, then so many bytes. */
static struct bytes next_record(const char **at)
{
    uint32_t len;
    memcpy(&len, *at, sizeof len);
    struct bytes record = bytes_of(*at + sizeof len, be32toh(len));
    *at += sizeof len + record.len;
    return record;
}

static void protobuf_has_a_length_in_front(void **state)
{
    (void)state;
    struct surroundings s;
    local_open(&s, &file_exporter, "file");
    struct component *c = made(&s, CONFIG(with_path("path=", "spans.pb"), "format=proto"));
    component_consume(c, spans_from(0, 5), NULL);
    component_consume(c, spans_from(5, 5), NULL);
    ended(c, seconds_from_now(60));

    static struct tally tally = {.lock = PTHREAD_MUTEX_INITIALIZER};
    size_t len;
    char *text = content("spans.pb", &len);
    const char *at = text;
    tally_request(&tally, next_record(&at));
    tally_request(&tally, next_record(&at));
    assert_int_equal(at - text, len);
    free(text);
    assert_each_once(&tally, 0, 10);
    local_close(&s);
}

static void zstd_compresses_each_record(void **state)
{
    (void)state;
    struct surroundings s;
    local_open(&s, &file_exporter, "file");
    struct component *c = made(&s, CONFIG(with_path("path=", "spans.zst"), "compression=zstd",
                                          "compression_params.level=1"));
    component_consume(c, spans_from(0, 50), NULL);
    ended(c, seconds_from_now(60));

    size_t len;
    char *text = content("spans.zst", &len);
    const char *at = text;
    struct bytes record = next_record(&at);
    assert_int_equal(at - text, len);
    static char plain[65536];
    size_t n = ZSTD_decompress(plain, sizeof plain, record.data, record.len);
    assert_false(ZSTD_isError(n));
    free(text);
    static struct tally tally = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct buffer wire = {0};
    char where[256];
    assert_true(
        otlp_json_parse(bytes_of(plain, n), OTLP_TRACE_REQUEST, &wire, where, sizeof where));
    tally_request(&tally, buffer_bytes(&wire));
    buffer_free(&wire);
    assert_each_once(&tally, 0, 50);
    local_close(&s);
}

static void a_full_disk_degrades_and_counts(void **state)
{
    (void)state;
    struct surroundings s;
    local_open(&s, &file_exporter, "file/full");
    struct component *c = made(&s, CONFIG("path=/dev/full", "flush_interval=1ms"));
    component_consume(c, spans_from(0, 7), NULL);
    eventually(count_of(&s, "otelcol_exporter_send_failed_spans") == 7);
    eventually(component_report(c).state == STATE_DEGRADED);
    assert_string_equal(component_report(c).error,
                        "cannot write to /dev/full: No space left on device");
    assert_int_equal(dropped(&s, "write_failed"), 7);
    assert_int_equal(count_of(&s, "otelcol_exporter_sent_spans"), 0);
    ended(c, seconds_from_now(60));
    assert_int_equal(batch_live_bytes(), 0);
    local_close(&s);
}

/* A pipe without a reader is a file that cannot be written; no span shows that it can be again. */
static void recovers_without_spans(void **state)
{
    (void)state;
    char fifo[256];
    snprintf(fifo, sizeof fifo, "%s", with_path("", "fifo"));
    assert_int_equal(mkfifo(fifo, 0600), 0);
    int reader = open(fifo, O_RDONLY | O_NONBLOCK);
    struct surroundings s;
    local_open(&s, &file_exporter, "file");
    struct component *c =
        made(&s, CONFIG(with_path("path=", "fifo"), "append=true", "flush_interval=1ms"));
    close(reader);
    component_consume(c, spans_from(0, 7), NULL);
    eventually(component_report(c).state == STATE_DEGRADED);
    assert_non_null(strstr(component_report(c).error, "Broken pipe"));
    reader = open(fifo, O_RDONLY | O_NONBLOCK);
    eventually(component_report(c).state == STATE_OK);
    assert_int_equal(count_of(&s, "otelcol_exporter_sent_spans"), 0);
    assert_int_equal(dropped(&s, "write_failed"), 7);
    ended(c, seconds_from_now(60));
    close(reader);
    local_close(&s);
}

/* A FIFO whose reader does not read holds the writer up, as a hanging disk does. */
static void a_full_queue_is_busy_and_what_is_left_at_the_end_is_counted(void **state)
{
    (void)state;
    char fifo[256];
    snprintf(fifo, sizeof fifo, "%s", with_path("", "fifo"));
    assert_int_equal(mkfifo(fifo, 0600), 0);
    int reader = open(fifo, O_RDONLY | O_NONBLOCK);
    assert_true(reader >= 0);

    struct surroundings s;
    local_open(&s, &file_exporter, "file");
    struct component *c = made(&s, CONFIG(with_path("path=", "fifo"), "append=true",
                                          "flush_interval=0s", "queue_bytes=512KiB"));
    uint64_t accepted = 0;
    struct outcome answer;
    for (;;) {
        struct batch *b = spans_from(0, 500);
        struct outcome why;
        bool room = component_has_room(c, b, &why);
        if (!room)
            assert_int_equal(why.verdict, VERDICT_BUSY);
        answer = component_consume(c, b, NULL);
        if (answer.verdict != VERDICT_ACCEPTED)
            break;
        accepted += 500;
    }
    assert_int_equal(answer.verdict, VERDICT_BUSY);
    assert_string_equal(answer.message, "file: the queue is full");
    assert_int_equal(component_report(c).state, STATE_DEGRADED);
    assert_true(accepted >= 500);

    c->ops->drain(c, monotonic_ns()); /* the deadline is over */
    assert_true(dropped(&s, "shutdown") > 0);
    close(reader); /* ends the write that hangs, with an error */
    c->ops->stop(c);
    assert_int_equal(count_of(&s, "otelcol_exporter_sent_spans") +
                         count_of(&s, "otelcol_exporter_send_failed_spans"),
                     accepted);
    assert_int_equal(count_of(&s, "otelcol_exporter_send_failed_spans"),
                     dropped(&s, "shutdown") + dropped(&s, "write_failed"));
    c->ops->destroy(c);
    assert_int_equal(batch_live_bytes(), 0);
    local_close(&s);
}

static void refuses(struct surroundings *s, const struct config_value *config, const char *words)
{
    struct error e = {0};
    s->spec.config = config;
    assert_null(file_exporter.create(&s->spec, &e));
    if (!strstr(e.text, words))
        fail_msg("\"%s\" does not say \"%s\"", e.text, words);
}

static void keys_that_cannot_be_honoured_are_errors(void **state)
{
    (void)state;
    struct surroundings s;
    local_open(&s, &file_exporter, "file");
    refuses(&s, CONFIG("format=json"), "path is missing");
    refuses(&s, CONFIG("path=x", "format=text"), "supported: json, proto");
    refuses(&s, CONFIG("path=x", "compression=gzip"), "none, zstd");
    refuses(&s, CONFIG("path=x", "append=true", "rotation.max_days=1"), "cannot be combined");
    refuses(&s, CONFIG("path=x", "group_by.enabled=true"), "is not supported");
    refuses(&s, CONFIG("path=x", "directory_permissions=0700"), "needs create_directory");
    refuses(&s, CONFIG("path=x", "create_directory=true", "directory_permissions=0800"),
            "not an octal file mode");
    refuses(&s, CONFIG("path=x", "encoding=otlp_json"), "encoding");
    local_close(&s);
}

static void a_path_that_cannot_be_opened_fails_at_the_start(void **state)
{
    (void)state;
    struct surroundings s;
    local_open(&s, &file_exporter, "file");
    s.spec.config = CONFIG(with_path("path=", "missing/spans.json"), "group_by.enabled=false");
    struct error e = {0};
    struct component *c = file_exporter.create(&s.spec, &e);
    assert_non_null(c);
    assert_false(c->ops->start(c, &e));
    assert_non_null(strstr(e.text, "No such file or directory"));
    ended(c, seconds_from_now(1));
    local_close(&s);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
#define in_directory(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)
    const struct CMUnitTest tests[] = {
        in_directory(each_request_becomes_a_line),
        in_directory(flushes_by_itself),
        in_directory(protobuf_has_a_length_in_front),
        in_directory(zstd_compresses_each_record),
        in_directory(a_full_disk_degrades_and_counts),
        in_directory(recovers_without_spans),
        in_directory(a_full_queue_is_busy_and_what_is_left_at_the_end_is_counted),
        in_directory(keys_that_cannot_be_honoured_are_errors),
        in_directory(a_path_that_cannot_be_opened_fails_at_the_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
