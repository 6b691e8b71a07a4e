/* Where a scrape's body is kept while sources are walked: compressed, because that is a twentieth
 * of it, and no source is ever made to wait for a reader's network.
 *
 * What is written lies in `raw` first; spool_settle() packs it whenever there is enough of it. A
 * body that ends below the reader's threshold is never packed. A reader who does not take gzip is
 * given the packed body unpacked again, piece by piece, while he reads. */
#ifndef TAILSPAN_METRICS_PROMETHEUS_SPOOL_H
#define TAILSPAN_METRICS_PROMETHEUS_SPOOL_H

#include "component/http_server.h"

struct isal_zstream;

struct spool {
    struct buffer raw;
    struct buffer packed;
    struct isal_zstream *gzip;
    uint8_t *gzip_memory;
    size_t threshold;
    bool wants_gzip;
    bool failed;
};

/* `limit` bounds the packed body, in bytes. */
void spool_init(struct spool *s, bool wants_gzip, size_t limit);

/* Packs what has gathered. False: out of memory, or over the limit. */
bool spool_settle(struct spool *s);

/* Makes the reply's body of it, with the headers about its coding, and frees the spool. False when
 * out of memory, or over the limit; the reply is then as it was. */
bool spool_finish(struct spool *s, struct http_reply *reply);
void spool_free(struct spool *s);

#endif
