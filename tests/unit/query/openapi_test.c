/* Holds openapi.json against the server: what it describes is answered as it says, and every route
 * of the native API is in it. */
#include "server.h"

#include "query/router.h"
#include "tests/unit/query/sampler.h"

#include <ctype.h>

static json_t *document;

static json_t *resolve(json_t *schema)
{
    const char *name = json_string_value(json_object_get(schema, "$ref"));
    if (!name)
        return schema;
    static const char prefix[] = "#/components/schemas/";
    assert_memory_equal(name, prefix, sizeof prefix - 1);
    json_t *schemas = json_object_get(json_object_get(document, "components"), "schemas");
    json_t *found = json_object_get(schemas, name + sizeof prefix - 1);
    assert_non_null(found);
    return found;
}

static const char *type_of(const json_t *j)
{
    static const char *const types[] = {
        [JSON_OBJECT] = "object",   [JSON_ARRAY] = "array", [JSON_STRING] = "string",
        [JSON_INTEGER] = "integer", [JSON_REAL] = "number", [JSON_TRUE] = "boolean",
        [JSON_FALSE] = "boolean",   [JSON_NULL] = "null",
    };
    return types[json_typeof(j)];
}

/* The value has the schema's type and required members, and others only where it allows them. */
static void check_value(json_t *value, json_t *schema)
{
    schema = resolve(schema);
    assert_string_equal(type_of(value), json_string_value(json_object_get(schema, "type")));
    bool closed = json_is_false(json_object_get(schema, "additionalProperties"));
    json_t *properties = json_object_get(schema, "properties");
    json_t *items = json_object_get(schema, "items");
    json_t *element;
    const char *key;
    size_t i;
    json_array_foreach(json_object_get(schema, "required"), i, element)
    {
        if (!json_object_get(value, json_string_value(element)))
            fail_msg("%s is missing", json_string_value(element));
    }
    json_object_foreach(json_is_object(value) ? value : NULL, key, element)
    {
        json_t *property = json_object_get(properties, key);
        if (property)
            check_value(element, property);
        else if (closed)
            fail_msg("%s is not described", key);
    }
    json_array_foreach(items ? value : NULL, i, element)
    {
        check_value(element, items);
    }
}

/* A path's one operation, and its method. */
static json_t *operation_of(const char *path, char method[16])
{
    json_t *item = json_object_get(json_object_get(document, "paths"), path);
    if (!item)
        fail_msg("%s is not described", path);
    assert_int_equal(json_object_size(item), 1);
    void *first = json_object_iter(item);
    snprintf(method, 16, "%s", json_object_iter_key(first));
    for (char *c = method; *c; c++)
        *c = (char)toupper(*c);
    return json_object_iter_value(first);
}

/* Asks `url`, which is an instance of `path`, and holds the answer against the description. */
static void check_answer(const char *path, const char *url, const char *accept, int status)
{
    char code[4];
    char header[128] = "";
    snprintf(code, sizeof code, "%d", status);
    if (accept)
        snprintf(header, sizeof header, "Accept: %s\r\n", accept);
    char method[16];
    json_t *operation = operation_of(path, method);
    struct answer a = ask(method, url, header, NULL);
    assert_int_equal(a.status, status);
    json_t *described = json_object_get(json_object_get(operation, "responses"), code);
    if (!described)
        fail_msg("%s: status %s is not described", path, code);
    const char *type;
    json_t *content;
    bool matched = false;
    json_object_foreach(json_object_get(described, "content"), type, content)
    {
        char line[128];
        snprintf(line, sizeof line, "Content-Type: %s", type);
        if (!has_header(&a, line))
            continue;
        matched = true;
        if (strstr(type, "json")) {
            json_t *value = parse(&a);
            check_value(value, json_object_get(content, "schema"));
            json_decref(value);
        }
    }
    if (!matched)
        fail_msg("%s: the content type is not described: %s", path, a.head);
    free(a.head);
}

static const struct {
    const char *path;
    const char *url;
    const char *accept;
    int status;
} answers[] = {
    {"/api/v1/services", "/api/v1/services", NULL, 200},
    {"/api/v1/services", "/api/v1/services?limit=1", NULL, 400},
    {"/api/v1/search", "/api/v1/search", NULL, 200},
    {"/api/v1/search", "/api/v1/search?service=nobody", NULL, 200},
    {"/api/v1/search", "/api/v1/search?unknown=1", NULL, 400},
    {"/api/v1/traces/{id}", "/api/v1/traces/" SHOP, NULL, 200},
    {"/api/v1/traces/{id}", "/api/v1/traces/" SHOP, "application/json", 200},
    {"/api/v1/traces/{id}", "/api/v1/traces/" SHOP, "application/x-protobuf", 200},
    {"/api/v1/traces/{id}", "/api/v1/traces/nothing", NULL, 400},
    {"/api/v1/traces/{id}", "/api/v1/traces/" SHOP "?raw=true", NULL, 400},
    {"/api/v1/traces/{id}", "/api/v1/traces/123456", NULL, 404},
    {"/api/v1/traces/{id}", "/api/v1/traces/" SHOP, "image/png", 406},
    {"/api/v1/traces/{id}/decision", "/api/v1/traces/" SHOP "/decision", NULL, 200},
    {"/api/v1/traces/{id}/decision", "/api/v1/traces/" ZIPKIN "/decision", NULL, 200},
    {"/api/v1/traces/{id}/decision", "/api/v1/traces/123456/decision", NULL, 404},
    {"/api/v1/traces/{id}/decision", "/api/v1/traces/nothing/decision", NULL, 400},
    {"/api/v1/traces/{id}/decision", "/api/v1/traces/" SHOP "/decision?x=1", NULL, 400},
    {"/api/v1/journeys/{id}", "/api/v1/journeys/" SHOP, NULL, 200},
    {"/api/v1/journeys/{id}", "/api/v1/journeys/nothing", NULL, 400},
    {"/api/v1/journeys/{id}", "/api/v1/journeys/123456", NULL, 404},
    {"/api/v1/journeys/{id}", "/api/v1/journeys/" SHOP "?limit=1", NULL, 400},
    {"/api/v1/openapi.json", "/api/v1/openapi.json", NULL, 200},
    {"/api/v1/openapi.json", "/api/v1/openapi.json?pretty", NULL, 400},
    {"/api/v1/traces", "/api/v1/traces?dry_run=true&where=a%3D%22b%22", NULL, 200},
    {"/api/v1/traces", "/api/v1/traces", NULL, 400},
    {"/api/v1/traces", "/api/v1/traces?where=a%3D%22b%22", "*/*\r\nX-Forwarded-For: 192.0.2.1",
     403},
};

static void answers_are_as_described(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++)
        check_answer(answers[i].path, answers[i].url, answers[i].accept, answers[i].status);
}

/* What the description promises and no request can bring about at will. */
static bool is_server_trouble(const char *status)
{
    return status[0] == '5';
}

static void every_described_answer_is_asked_for(void **state)
{
    (void)state;
    const char *path;
    json_t *item;
    json_object_foreach(json_object_get(document, "paths"), path, item)
    {
        const char *status;
        json_t *response;
        char method[16];
        json_object_foreach(json_object_get(operation_of(path, method), "responses"), status,
                            response)
        {
            bool asked = is_server_trouble(status);
            for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++)
                asked |= strcmp(answers[i].path, path) == 0 && answers[i].status == atoi(status);
            if (!asked)
                fail_msg("nothing asks %s for %s", path, status);
        }
    }
}

static void routes_and_paths_are_the_same(void **state)
{
    (void)state;
    size_t documented = 0;
    for (const struct route *r = routes; r->method; r++) {
        bool native = strncmp(r->pattern, "/api/v1/", 8) == 0;
        assert_int_equal(r->documented, native);
        if (r->documented) {
            char method[16];
            operation_of(r->pattern, method);
            assert_string_equal(r->method, method);
            documented++;
        }
    }
    assert_int_equal(json_object_size(json_object_get(document, "paths")), documented);
}

/* Each of the search's parameters is read: it is no unknown one. */
static void every_described_parameter_is_read(void **state)
{
    (void)state;
    char method[16];
    json_t *parameters = json_object_get(operation_of("/api/v1/search", method), "parameters");
    json_t *parameter;
    size_t i;
    assert_true(json_array_size(parameters) > 0);
    json_array_foreach(parameters, i, parameter)
    {
        char url[128];
        snprintf(url, sizeof url, "/api/v1/search?%s=1",
                 json_string_value(json_object_get(parameter, "name")));
        struct answer a = get(url);
        assert_null(strstr(a.body, "unknown parameter"));
        free(a.head);
    }
}

static int start(void **state)
{
    server_start(state);
    sampler_start();
    document = get_json("/api/v1/openapi.json");
    assert_string_equal(json_string_value(json_object_get(document, "openapi")), "3.1.0");
    return 0;
}

static int stop(void **state)
{
    json_decref(document);
    sampler_stop();
    return server_stop(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_as_described),
        cmocka_unit_test(every_described_answer_is_asked_for),
        cmocka_unit_test(routes_and_paths_are_the_same),
        cmocka_unit_test(every_described_parameter_is_read),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
