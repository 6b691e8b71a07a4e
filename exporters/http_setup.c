#include "exporters/http_setup.h"

#include "exporters/loopback.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum {
    UPLOAD_BUFFER = 128 << 10,
};

/* ---- handles ---- */

static void set_blob(CURL *easy, CURLoption option, char *pem)
{
    struct curl_blob blob = {.data = pem, .flags = CURL_BLOB_NOCOPY};
    if (!pem)
        return;
    blob.len = strlen(pem);
    curl_easy_setopt(easy, option, &blob);
}

static void set_tls(CURL *easy, const struct http_setup *c)
{
    const struct tls_client_settings *s = &c->settings->tls;
    curl_easy_setopt(easy, CURLOPT_SSLVERSION,
                     s->min_version == TLS_1_3 ? (long)CURL_SSLVERSION_TLSv1_3
                                               : (long)CURL_SSLVERSION_TLSv1_2);
    if (s->insecure_skip_verify) {
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (c->pem.roots) {
        set_blob(easy, CURLOPT_CAINFO_BLOB, c->pem.roots);
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
    set_blob(easy, CURLOPT_SSLCERT_BLOB, c->pem.cert);
    set_blob(easy, CURLOPT_SSLKEY_BLOB, c->pem.key);
}

static void set_connection(CURL *easy, const struct http_setup *c)
{
    const struct http_client_settings *s = c->settings;
    curl_easy_setopt(easy, CURLOPT_URL, c->url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(s->timeout_ns / 1000000));
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)UPLOAD_BUFFER);
    if (s->idle_conn_timeout_ns)
        curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN,
                         (long)((s->idle_conn_timeout_ns + 999999999) / 1000000000));
    if (s->disable_keep_alives)
        curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    if (s->proxy_url || c->loopback)
        curl_easy_setopt(easy, CURLOPT_PROXY, s->proxy_url ? s->proxy_url : "");
    if (c->connect_to)
        curl_easy_setopt(easy, CURLOPT_CONNECT_TO, c->connect_to);
}

void http_setup_apply(const struct http_setup *c, CURL *easy)
{
    set_connection(easy, c);
    set_tls(easy, c);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "tailspan/" TAILSPAN_VERSION);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, c->headers);
}

/* ---- URL and headers ---- */

/* Splits a URL into host and port. */
static bool split_url(CURLU *url, char **host, char **port)
{
    return curl_url_get(url, CURLUPART_HOST, host, 0) == CURLUE_OK &&
           curl_url_get(url, CURLUPART_PORT, port, CURLU_DEFAULT_PORT) == CURLUE_OK;
}

/* server_name_override changes whom TLS expects, not where the request goes nor its Host: so the
 * URL gets the other name, and is connected to the first. */
static bool override_name(struct http_setup *c, CURLU *url)
{
    const char *name = c->settings->tls.server_name_override;
    char *host = NULL, *port = NULL, *line = NULL, *header = NULL, *changed = NULL;
    bool done = split_url(url, &host, &port) &&
                asprintf(&line, "%s:%s:%s:%s", name, port, host, port) > 0 &&
                asprintf(&header, "Host: %s:%s", host, port) > 0 &&
                curl_url_set(url, CURLUPART_HOST, name, 0) == CURLUE_OK &&
                curl_url_get(url, CURLUPART_URL, &changed, 0) == CURLUE_OK;
    if (done) {
        struct curl_slist *headers = curl_slist_append(c->headers, header);
        c->headers = headers ? headers : c->headers;
        c->connect_to = curl_slist_append(NULL, line);
        free(c->url);
        c->url = strdup(changed);
        done = headers && c->connect_to && c->url;
    }
    curl_free(host);
    curl_free(port);
    curl_free(changed);
    free(line);
    free(header);
    return done;
}

static bool set_url(struct http_setup *c)
{
    c->url = strdup(c->settings->url);
    CURLU *url = curl_url();
    char *host = NULL;
    bool done = url && c->url && curl_url_set(url, CURLUPART_URL, c->url, 0) == CURLUE_OK &&
                curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK;
    c->loopback = done && is_loopback(host);
    if (done && c->settings->tls.server_name_override)
        done = override_name(c, url);
    curl_free(host);
    curl_url_cleanup(url);
    return done;
}

static bool add_header(struct http_setup *c, const char *name, const char *value)
{
    char *line = NULL;
    int n = value[0] ? asprintf(&line, "%s: %s", name, value) : asprintf(&line, "%s;", name);
    struct curl_slist *headers = n > 0 ? curl_slist_append(c->headers, line) : NULL;
    if (n > 0)
        free(line);
    if (headers)
        c->headers = headers;
    return headers != NULL;
}

static bool make_headers(struct http_setup *c)
{
    const struct http_client_settings *s = c->settings;
    c->headers = curl_slist_append(NULL, "Expect:");
    bool done = c->headers && add_header(c, "Content-Type", s->content_type) &&
                (!s->content_encoding || add_header(c, "Content-Encoding", s->content_encoding));
    for (size_t i = 0; done && i < s->headers.count; i++)
        done = add_header(c, s->headers.items[i].key, s->headers.items[i].value);
    return done;
}

bool http_setup_open(struct http_setup *c, const struct http_client_settings *s, struct error *e)
{
    *c = (struct http_setup){.settings = s};
    if (!client_pem_load(&c->pem, &s->tls, e))
        return false;
    return (make_headers(c) && set_url(c)) ||
           error_set(e, "libcurl cannot be set up for %s", s->url);
}

void http_setup_free(struct http_setup *c)
{
    curl_slist_free_all(c->headers);
    curl_slist_free_all(c->connect_to);
    client_pem_free(&c->pem);
    free(c->url);
}

/* ---- checking settings ---- */

static bool is_token(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "!#$%&'*+-.^_`|~";
    return name[0] && name[strspn(name, allowed)] == 0;
}

static bool is_header_value(const char *value)
{
    for (const char *at = value; *at; at++) {
        if ((unsigned char)*at < 0x20 && *at != '\t')
            return false;
    }
    return true;
}

static bool is_ours(const char *name)
{
    static const char *const ours[] = {"content-type",      "content-encoding", "content-length",
                                       "transfer-encoding", "expect",           "connection"};
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        if (strcasecmp(name, ours[i]) == 0)
            return true;
    }
    return false;
}

static bool check_headers(const struct http_client_settings *s, const struct config_value *place,
                          struct error *e)
{
    for (size_t i = 0; i < s->headers.count; i++) {
        const char *name = s->headers.items[i].key;
        const struct config_value *at = config_child(place, name);
        if (!is_token(name) || is_ours(name))
            return config_error(at, e, "\"%s\" cannot be an HTTP header of one's own", name);
        if (!is_header_value(s->headers.items[i].value))
            return config_error(at, e, "the value has characters that a header cannot have");
    }
    return true;
}

bool http_client_is_url(const char *text)
{
    CURLU *url = curl_url();
    char *scheme = NULL, *host = NULL, *port = NULL;
    bool good = url && curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK &&
                curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0) &&
                split_url(url, &host, &port);
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(url);
    return good;
}

bool http_client_check(const struct http_client_settings *s, const struct config_value *config,
                       struct error *e)
{
    return check_headers(s, config_child(config, "headers"), e) &&
           client_pem_check(&s->tls, config_child(config, "tls"), e);
}
