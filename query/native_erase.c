/* DELETE /api/v1/traces: spans about somebody go from the store for good.
 *
 * Only who is on this machine may ask, unless the configuration says otherwise: the port is often
 * open to all who may look at traces. Browsers never may: no answer allows a page of elsewhere this
 * method. */
#include "query/native.h"

#include "proto/json_writer.h"
#include "query/params.h"
#include "storage/erase.h"

#include <string.h>

static bool allowed(const struct call *c)
{
    switch (c->limits->erase) {
    case ERASE_ALWAYS:
        return true;
    case ERASE_LOCAL:
        return http_peer_is_local(c->http) && !http_header(c->http, "Origin");
    default:
        return false;
    }
}

static bool read_scope(struct call *c, bool *whole_traces)
{
    const char *scope = call_query(c, "scope");
    *whole_traces = scope && strcmp(scope, "traces") == 0;
    if (!scope || *whole_traces || strcmp(scope, "spans") == 0)
        return true;
    native_error(c, 400, "scope is spans or traces");
    return false;
}

static bool read_dry_run(struct call *c, bool *dry_run)
{
    const char *text = call_query(c, "dry_run");
    *dry_run = text && strcmp(text, "true") == 0;
    if (!text || *dry_run || strcmp(text, "false") == 0)
        return true;
    native_error(c, 400, "dry_run is true or false");
    return false;
}

static void write_number(struct json_writer *w, const char *key, uint64_t n)
{
    json_key(w, key);
    json_uint(w, n);
}

static void answer(struct call *c, const struct erase_options *o, const struct erase_result *result)
{
    struct json_writer w;
    call_json(c, &w, false);
    json_object_begin(&w);
    json_key(&w, "dryRun");
    json_bool(&w, o->dry_run);
    write_number(&w, "spans", result->spans);
    write_number(&w, "traces", result->traces);
    write_number(&w, "slotsSearched", result->slots_searched);
    write_number(&w, "slotsRewritten", result->slots_rewritten);
    write_number(&w, "slotsBroken", result->slots_broken);
    json_object_end(&w);
    call_finish(c, native_error);
}

static void erase(struct call *c, struct erase_options *o)
{
    struct error e = {{0}};
    struct erase_result result;
    if (!erase_where_add_pseudonyms(o->where))
        native_error(c, 500, "out of memory");
    else if (store_erase(c->limits->store, o, &result, &e))
        answer(c, o, &result);
    else
        native_error(c, 500, e.text);
}

void native_erase(struct call *c)
{
    static const char *const parameters[] = {"where", "scope", "dry_run", NULL};
    struct erase_where where = {0};
    struct erase_options o = {.where = &where, .asked = "http"};
    struct error e = {{0}};
    const char *text = call_query(c, "where");
    if (!allowed(c))
        native_error(c, 403,
                     "erasing is not allowed from here (see `erase` of the query extension)");
    else if (!native_parameters_are(c, parameters))
        return;
    else if (!text)
        native_error(c, 400, "where is missing: it has to say what to erase");
    else if (!erase_where_parse(text, &where, &e))
        native_error(c, 400, e.text);
    else if (read_scope(c, &o.whole_traces) && read_dry_run(c, &o.dry_run))
        erase(c, &o);
    erase_where_free(&where);
}
