/* The configuration says where the store is and which keys values were hashed with. While a process
 * has the store open it has to do the work itself, so it is asked over HTTP; else the store is
 * opened here, with limits under which retention finds nothing to do. */
#include "collector/erase_command.h"

#include "collector/command_line.h"
#include "collector/process.h"
#include "collector/service.h"
#include "component/endpoint.h"
#include "component/log.h"
#include "query/query.h"
#include "storage/erase.h"
#include "storage/sqlite_exporter.h"

#include <curl/curl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "Removes what is stored about somebody, from every file of the store.\n"
    "\n"
    "  tailspan erase --where TERMS [OPTION]...\n"
    "\n"
    "  --where TERMS          KEY=\"VALUE\" (the attribute is this), KEY~\"TEXT\" (it contains "
    "this);\n"
    "                         KEY may be *: any attribute or name, and with ~ anything in the "
    "span;\n"
    "                         several are joined by `and`, and hold on one span\n"
    "  --dry-run              count, and remove nothing\n"
    "  --traces               remove the whole traces of the spans that match\n"
    "  --config FILE          the configuration of the collector (default: the default one):\n"
    "                         where the store is, and with which key values were hashed\n"
    "  --data-directory DIR   as for the collector\n"
    "  --endpoint URL         of the query API of the collector, for when it runs\n"
    "                         (default: as the configuration has it)\n"
    "\n"
    "What the collector still has in memory, and what it has sent elsewhere, is not touched.\n";

struct arguments {
    struct command_config config;
    const char *where;
    const char *endpoint; /* NULL: as the configuration has it */
    const struct config_value *root;
    struct erase_options options;
};

static int parse(char **argv, struct arguments *a)
{
    int status = 0;
    command_config_init(&a->config);
    for (int i = 1; argv[i] && status == 0; i++) {
        bool missing = false;
        const char *name = argv[i];
        const char *value;
        if (command_config_take(&a->config, argv, &i, &status))
            continue;
        if (strcmp(name, "--dry-run") == 0)
            a->options.dry_run = true;
        else if (strcmp(name, "--traces") == 0)
            a->options.whole_traces = true;
        else if ((value = command_option("--where", argv, &i, &missing)))
            a->where = value;
        else if (!missing && (value = command_option("--endpoint", argv, &i, &missing)))
            a->endpoint = value;
        else
            status =
                command_misuse(missing ? "a value is missing after" : "unknown argument", name);
    }
    return status || a->where ? status : command_misuse("erase needs --where", NULL);
}

/* ---- in this process ---- */

static void report(const struct arguments *a, const struct erase_result *r)
{
    printf("%llu spans of %llu traces %s\n", (unsigned long long)r->spans,
           (unsigned long long)r->traces, a->options.dry_run ? "would be removed" : "were removed");
    if (r->slots_broken)
        printf(
            "%llu files were set aside as broken, and nobody can look into them: *.broken in the "
            "store's directory\n",
            (unsigned long long)r->slots_broken);
}

static bool erase_here(const struct arguments *a, struct store *s, struct error *e)
{
    struct erase_result result;
    if (!store_erase(s, &a->options, &result, e))
        return false;
    report(a, &result);
    return true;
}

static struct store *open_store(const char *directory, struct error *e)
{
    const struct store_options o = {
        .directory = directory,
        .max_age_ns = INT64_MAX / 2,
        .max_bytes = INT64_MAX / 2,
        .slot_ns = INT64_MAX / 4,
        .queue_bytes = 1 << 20,
        .flush_ns = 1,
    };
    return store_open(&o, e);
}

/* ---- in the running one ---- */

/* The query extension of a configuration that answers for an exporter's store; NULL: none does. */
static const struct config_value *find_query(const struct config_value *root, const char *exporter)
{
    const struct config_value *extensions = config_child(root, "extensions");
    const struct config_value *x = extensions ? extensions->children : NULL;
    for (; x; x = x->next) {
        const struct config_value *store = config_child(x, "store");
        if (service_kind(COMPONENT_EXTENSION, x->key) == &query_extension &&
            strcmp(store && store->text ? store->text : "sqlite", exporter) == 0)
            return x;
    }
    return NULL;
}

/* An address that stands for all is asked at this machine's own. */
static void write_url(const struct config_value *query, char *url, size_t len)
{
    const struct config_value *endpoint = config_child(query, "endpoint");
    const char *text = endpoint && endpoint->text ? endpoint->text : "127.0.0.1:16686";
    struct endpoint ep;
    struct error ignored;
    char address[280];
    if (!endpoint_parse(text, &ep, &ignored))
        return;
    if (!ep.host[0] || strcmp(ep.host, "0.0.0.0") == 0 || strcmp(ep.host, "::") == 0)
        snprintf(ep.host, sizeof ep.host, "127.0.0.1");
    endpoint_format(&ep, address, sizeof address);
    snprintf(url, len, "%s://%s", config_child(query, "tls") ? "https" : "http", address);
}

static size_t take(char *data, size_t size, size_t count, void *context)
{
    buffer_append(context, data, size * count);
    return size * count;
}

static char *url_of(const struct arguments *a, const char *endpoint, CURL *curl)
{
    char *where = curl_easy_escape(curl, a->where, 0);
    char *url = NULL;
    if (!where || asprintf(&url, "%s/api/v1/traces?scope=%s&dry_run=%s&where=%s", endpoint,
                           a->options.whole_traces ? "traces" : "spans",
                           a->options.dry_run ? "true" : "false", where) < 0)
        url = NULL;
    curl_free(where);
    return url;
}

static bool read_answer(const struct arguments *a, const char *endpoint, long status,
                        const struct buffer *body, struct error *e)
{
    json_t *json = json_loadb((const char *)body->data, body->len, 0, NULL);
    const char *detail = json_string_value(json_object_get(json, "detail"));
    const struct erase_result result = {
        .spans = (uint64_t)json_integer_value(json_object_get(json, "spans")),
        .traces = (uint64_t)json_integer_value(json_object_get(json, "traces")),
        .slots_broken = (uint64_t)json_integer_value(json_object_get(json, "slotsBroken")),
    };
    bool done = status == 200 && json_object_get(json, "spans");
    if (done)
        report(a, &result);
    else
        error_set(e, "%s answered %ld%s%s", endpoint, status, detail ? ": " : "",
                  detail ? detail : "");
    json_decref(json);
    return done;
}

static bool erase_there(const struct arguments *a, const char *endpoint, struct error *e)
{
    CURL *curl = curl_easy_init();
    char *url = curl ? url_of(a, endpoint, curl) : NULL;
    struct buffer body = {.limit = 1 << 20};
    if (!url) {
        curl_easy_cleanup(curl);
        return error_set(e, "out of memory");
    }
    long status = 0;
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, "DELETE");
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    bool done = code == CURLE_OK ? read_answer(a, endpoint, status, &body, e)
                                 : error_set(e, "%s: %s", endpoint, curl_easy_strerror(code));
    curl_easy_cleanup(curl);
    free(url);
    buffer_free(&body);
    return done;
}

/* ---- the whole ---- */

static bool erase_store(const struct arguments *a, const struct component *exporter,
                        struct error *e)
{
    const char *directory = sqlite_exporter_directory(exporter);
    char endpoint[300] = "http://127.0.0.1:16686";
    struct error there;
    if (access(directory, F_OK) != 0)
        return command_no_store(directory, e);
    struct store *s = open_store(directory, e);
    if (s) {
        bool done = erase_here(a, s, e);
        store_close(s);
        return done;
    }
    write_url(find_query(a->root, exporter->id), endpoint, sizeof endpoint);
    if (erase_there(a, a->endpoint ? a->endpoint : endpoint, &there))
        return true;
    char here[sizeof e->text];
    memcpy(here, e->text, sizeof here);
    return error_set(e,
                     "%.400s; and the collector that may have it open did not do it: %.400s "
                     "(--endpoint names its query API)",
                     here, there.text);
}

static bool erase_all(void *context, struct component *const *components, size_t count,
                      struct error *e)
{
    const struct arguments *a = context;
    bool any = false;
    if (!erase_where_add_pseudonyms(a->options.where))
        return error_set(e, "out of memory");
    for (size_t i = 0; i < count; i++) {
        if (components[i]->kind != &sqlite_exporter)
            continue;
        any = true;
        if (!erase_store(a, components[i], e))
            return false;
    }
    return any || error_set(e, "the configuration has no sqlite exporter: nothing is stored");
}

static bool run(struct arguments *a, struct error *e)
{
    struct erase_where where = {0};
    a->options.where = &where;
    struct process_options o = {.data_directory = a->config.data_directory};
    bool done = erase_where_parse(a->where, &where, e);
    if (done) {
        a->root = o.root = command_config_load(&a->config, e);
        done = o.root && process_look(&o, erase_all, a, e);
    }
    erase_where_free(&where);
    a->options.where = NULL;
    config_release();
    return done;
}

int erase_main(int argc, char **argv)
{
    struct arguments a = {.options.asked = "command"};
    struct error e = {{0}};
    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        fputs(usage, stdout);
        return 0;
    }
    int status = parse(argv, &a);
    if (status != 0)
        return status;
    log_configure(LOG_WARN, LOG_FORMAT_AUTO);
    if (run(&a, &e))
        return 0;
    fprintf(stderr, "tailspan: %s\n", e.text);
    return 1;
}
