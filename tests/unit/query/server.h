/* The query extension over a real store, for tests that ask it over HTTP.
 *
 * server_start() and server_stop() are a group's setup and teardown. The store holds the spans of
 * both fixtures, moved to begin ten seconds ago. */
#ifndef TAILSPAN_TESTS_QUERY_SERVER_H
#define TAILSPAN_TESTS_QUERY_SERVER_H

#include "component/config.h"
#include "component/telemetry.h"
#include "fixture.h"
#include "query/query.h"
#include "storage/sqlite_exporter.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define SHOP   "0102030405060708090a0b0c0d0e0f11"
#define ZIPKIN "4bfa"

static struct {
    char directory[64];
    struct telemetry *telemetry;
    struct component *exporter;
    struct component *query;
    time_t second; /* that the fixtures' spans begin in */
    struct config_value *maps[8];
    size_t map_count;
} world;

/* Configuration. */

struct setting {
    const char *key;
    const char *text;
};

/* A map of scalars, which lives until server_stop(). */
static inline const struct config_value *map_of(const struct setting *settings, size_t count)
{
    struct config_value *map = calloc(count + 1, sizeof *map);
    assert_non_null(map);
    assert_true(world.map_count < sizeof world.maps / sizeof world.maps[0]);
    world.maps[world.map_count++] = map;
    *map = (struct config_value){.type = CONFIG_MAP, .key = "test", .file = "test", .line = 1};
    for (size_t i = count; i > 0; i--) {
        map[i] = (struct config_value){
            .type = CONFIG_SCALAR,
            .key = settings[i - 1].key,
            .text = settings[i - 1].text,
            .file = "test",
            .line = (int)i + 1,
            .parent = map,
            .next = map->children,
        };
        map->children = &map[i];
    }
    return map;
}

static inline struct component *find(void *context, enum component_class class, const char *id)
{
    (void)context;
    return class == COMPONENT_EXPORTER && strcmp(id, "sqlite/test") == 0 ? world.exporter : NULL;
}

static inline struct component_spec spec_of(const struct component_kind *kind, const char *id,
                                            const struct config_value *config)
{
    return (struct component_spec){
        .kind = kind,
        .id = id,
        .config = config,
        .telemetry = world.telemetry,
        .data_directory = world.directory,
        .find = find,
    };
}

/* Spans of now: the fixtures' fixed second replaced by a recent one. */

static inline void store_fixture(const char *name)
{
    char *json = fixture_text(name);
    for (char *p = json; (p = strstr(p, "1700000000")); p += 10) {
        char second[21];
        snprintf(second, sizeof second, "%010jd", (intmax_t)world.second);
        memcpy(p, second, 10);
    }
    for (char *p = json; (p = strstr(p, "1699999999")); p += 10) {
        char second[21];
        snprintf(second, sizeof second, "%010jd", (intmax_t)world.second - 1);
        memcpy(p, second, 10);
    }
    struct batch *b = fixture_parse(json);
    free(json);
    assert_int_equal(component_consume(world.exporter, b, NULL).verdict, VERDICT_ACCEPTED);
}

static inline uint64_t in_seconds(unsigned seconds)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return ((uint64_t)now.tv_sec + seconds) * 1000000000 + (uint64_t)now.tv_nsec;
}

static inline int server_start(void **state)
{
    (void)state;
    struct error e = {0};
    strcpy(world.directory, "/tmp/query_test.XXXXXX");
    assert_non_null(mkdtemp(world.directory));
    world.second = time(NULL) - 10;
    world.telemetry = telemetry_create();
    struct setting store[] = {{"directory", world.directory}};
    struct component_spec spec = spec_of(&sqlite_exporter, "sqlite/test", map_of(store, 1));
    world.exporter = sqlite_exporter.create(&spec, &e);
    if (!world.exporter || !world.exporter->ops->start(world.exporter, &e))
        fail_msg("%s", e.text);
    store_fixture("shop.otlp.json");
    store_fixture("zipkin.otlp.json");
    assert_true(store_flush(sqlite_exporter_store(world.exporter), in_seconds(60)));

    static const struct setting query[] = {
        {"endpoint", "127.0.0.1:0"}, {"store", "sqlite/test"}, {"max_limit", "50"}};
    spec = spec_of(&query_extension, "query", map_of(query, 3));
    world.query = query_extension.create(&spec, &e);
    if (!world.query || !world.query->ops->start(world.query, &e))
        fail_msg("%s", e.text);
    return 0;
}

static inline void remove_directory(const char *path)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", path);
    assert_int_equal(system(command), 0);
}

static inline int server_stop(void **state)
{
    (void)state;
    world.query->ops->stop(world.query);
    world.query->ops->destroy(world.query);
    if (world.exporter->ops->drain)
        world.exporter->ops->drain(world.exporter, in_seconds(10));
    world.exporter->ops->stop(world.exporter);
    world.exporter->ops->destroy(world.exporter);
    telemetry_destroy(world.telemetry);
    while (world.map_count)
        free(world.maps[--world.map_count]);
    remove_directory(world.directory);
    return 0;
}

/* HTTP, one request a connection. */

struct answer {
    int status;
    char *head; /* status line and headers; owns the memory */
    char *body;
    size_t body_len;
};

static inline int connect_to_query(void)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(query_port(world.query)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static inline struct answer exchange(const char *request, size_t len)
{
    struct buffer in = {0};
    int fd = connect_to_query();
    while (len > 0) {
        ssize_t sent = send(fd, request, len, MSG_NOSIGNAL);
        if (sent <= 0)
            break; /* refused on the way: the answer says why */
        request += sent;
        len -= (size_t)sent;
    }
    ssize_t got;
    uint8_t *room;
    while ((room = buffer_reserve(&in, 65536)) && (got = recv(fd, room, 65536, 0)) > 0)
        in.len += (size_t)got;
    close(fd);
    size_t total;
    struct answer a = {.head = buffer_take(&in, &total)};
    assert_true(total > 12);
    a.status = atoi(a.head + 9);
    char *end = strstr(a.head, "\r\n\r\n");
    assert_non_null(end);
    *end = 0;
    a.body = end + 4;
    a.body_len = total - (size_t)(a.body - a.head);
    return a;
}

static inline struct answer ask(const char *method, const char *path, const char *headers,
                                const char *body)
{
    struct buffer request = {0};
    buffer_printf(&request, "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s", method,
                  path, headers);
    if (body)
        buffer_printf(&request, "Content-Length: %zu\r\n", strlen(body));
    buffer_append_string(&request, "\r\n");
    if (body)
        buffer_append_string(&request, body);
    struct answer a = exchange((const char *)request.data, request.len);
    buffer_free(&request);
    return a;
}

static inline struct answer get(const char *path)
{
    return ask("GET", path, "", NULL);
}

static inline void check(const char *path, int status, const char *body)
{
    struct answer a = get(path);
    assert_string_equal(a.body, body);
    assert_int_equal(a.status, status);
    free(a.head);
}

static inline void check_status(const char *path, int status)
{
    struct answer a = get(path);
    if (a.status != status)
        fail_msg("%s answers %d: %s", path, a.status, a.body);
    free(a.head);
}

static inline json_t *parse(const struct answer *a)
{
    json_error_t e;
    json_t *j = json_loadb(a->body, a->body_len, 0, &e);
    if (!j)
        fail_msg("%s at %d of %s", e.text, e.position, a->body);
    return j;
}

static inline json_t *get_json(const char *path)
{
    struct answer a = get(path);
    if (a.status != 200)
        fail_msg("%s answers %d: %s", path, a.status, a.body);
    assert_non_null(strstr(a.head, "Content-Type: application/json"));
    json_t *j = parse(&a);
    free(a.head);
    return j;
}

static inline bool has_header(const struct answer *a, const char *line)
{
    return strstr(a->head, line) != NULL;
}

#endif
