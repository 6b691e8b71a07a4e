/* A scrape walks its sources and never waits in them: what they show is written into memory and
 * packed there (spool.h). So a lane is held up no longer by a scraper that reads slowly, or not at
 * all, than by a fast one.
 *
 * target_info is made of the resources that come by, and written when all have. */
#include "metrics/prometheus/scrape.h"

#include "component/clock.h"
#include "metrics/prometheus/series_set.h"
#include "metrics/prometheus/spool.h"

enum {
    CLOCK_EVERY = 256, /* points */
    TARGETS_MAX = 16 << 20,
};

struct scrape {
    struct metric_visitor visitor; /* first */
    const struct scrape_options *options;
    struct scrape_report *report;
    enum scrape_result result;

    struct exposition exposition;
    struct spool spool;
    struct label_builder labels;
    struct buffer text; /* the labels */
    struct buffer identity;
    struct series_set shown;
    uint64_t now_ns; /* CLOCK_REALTIME, when it began */
    uint64_t visited;

    /* the family that is being walked */
    const struct family *family;
    const struct family_part *part;
    bool family_begun;

    struct series_set resources; /* of which target_info is known */
    struct series_set targets;   /* job and instance that have one */
    uint64_t last_resource;
    const struct metric_source *last_source;
    struct buffer infos; /* labels for target_info: see note_labels() */
};

static bool fail(struct scrape *s, enum scrape_result result)
{
    s->result = result;
    return false;
}

/* ---- target_info ---- */

static void note_number(struct scrape *s, size_t n)
{
    uint32_t number = (uint32_t)n;
    buffer_append(&s->infos, &number, sizeof number);
}

/* How many, then for each the lengths of its name and value, and both. */
static void note_labels(struct scrape *s)
{
    size_t len = 0;
    for (size_t i = 0; i < s->labels.count; i++)
        len += s->labels.items[i].name.len + s->labels.items[i].value.len + 8;
    if (s->infos.len + len > TARGETS_MAX) {
        s->report->targets++;
        return;
    }
    note_number(s, s->labels.count);
    for (size_t i = 0; i < s->labels.count; i++) {
        const struct series_label *l = &s->labels.items[i];
        note_number(s, l->name.len);
        note_number(s, l->value.len);
        buffer_append(&s->infos, l->name.data, l->name.len);
        buffer_append(&s->infos, l->value.data, l->value.len);
    }
}

static struct bytes label_value(const struct scrape *s, const char *name)
{
    for (size_t i = 0; i < s->labels.count; i++) {
        if (bytes_equal_string(s->labels.items[i].name, name))
            return s->labels.items[i].value;
    }
    return bytes_of(NULL, 0);
}

static bool is_new_target(struct scrape *s)
{
    struct bytes job = label_value(s, "job"), instance = label_value(s, "instance");
    s->text.len = 0;
    buffer_append(&s->text, job.data, job.len);
    buffer_append_byte(&s->text, 0xff); /* is in no UTF-8 */
    buffer_append(&s->text, instance.data, instance.len);
    return !s->text.failed && series_set_add(&s->targets, buffer_bytes(&s->text)) == SERIES_NEW;
}

static void note_resource(struct scrape *s, const struct metric_resource *r)
{
    const struct {
        const struct metric_source *source;
        uint64_t id;
    } key = {s->part->source, r->id};
    if (s->last_source == key.source && s->last_resource == key.id)
        return;
    s->last_source = key.source;
    s->last_resource = key.id;
    if (series_set_add(&s->resources, bytes_of(&key, sizeof key)) != SERIES_NEW)
        return;
    if (label_builder_target(&s->labels, r) && is_new_target(s))
        note_labels(s);
}

static size_t take_number(const struct scrape *s, size_t *at)
{
    uint32_t number;
    memcpy(&number, s->infos.data + *at, sizeof number);
    *at += sizeof number;
    return number;
}

/* Labels that were noted, back in the builder, which has had as many before. */
static size_t recall_labels(struct scrape *s, size_t at)
{
    s->labels.count = take_number(s, &at);
    for (size_t i = 0; i < s->labels.count; i++) {
        struct series_label *l = &s->labels.items[i];
        l->name.len = take_number(s, &at);
        l->value.len = take_number(s, &at);
        l->name.data = s->infos.data + at;
        l->value.data = l->name.data + l->name.len;
        at += l->name.len + l->value.len;
    }
    return at;
}

static void write_targets(struct scrape *s)
{
    static const struct metric_family target_info = {.name = "target_info", .type = METRIC_GAUGE};
    struct exposition *x = &s->exposition;
    const struct family family = {
        .name = s->options->families->target_info, .help = "Target metadata", .type = FAMILY_GAUGE};
    const struct metric_point one = {.value = 1, .time_ns = 0};
    if (s->infos.len == 0 || s->infos.failed)
        return;
    x->format->begin_family(x, &family);
    for (size_t at = 0; at < s->infos.len && spool_settle(&s->spool);) {
        at = recall_labels(s, at);
        s->text.len = 0;
        label_builder_write(&s->labels, &s->text);
        x->format->point(x, &target_info, &one, &s->labels, buffer_bytes(&s->text));
    }
    x->format->end_family(x);
}

/* ---- points ---- */

static bool is_expired(const struct scrape *s, const struct metric_point *p)
{
    uint64_t most = s->options->expiration_ns;
    return most && p->time_ns && p->time_ns < s->now_ns && s->now_ns - p->time_ns > most;
}

/* Writes the point unless its series was shown already. */
static bool show(struct scrape *s, const struct metric_point *p)
{
    struct exposition *x = &s->exposition;
    s->text.len = 0;
    if (!label_builder_point(&s->labels, s->part->source->scope, p))
        return fail(s, SCRAPE_TOO_LARGE);
    label_builder_write(&s->labels, &s->text);
    struct bytes identity =
        label_builder_identity(&s->labels, buffer_bytes(&s->text), &s->identity);
    if (s->text.failed || s->identity.failed)
        return fail(s, SCRAPE_TOO_LARGE);
    enum series_new new = series_set_add(&s->shown, identity);
    if (new != SERIES_NEW) {
        s->report->duplicates += new == SERIES_KNOWN;
        return new == SERIES_KNOWN || fail(s, SCRAPE_TOO_LARGE);
    }
    if (!s->family_begun)
        x->format->begin_family(x, s->family);
    s->family_begun = true;
    const struct metric_family *f = &s->part->source->families[s->part->index];
    if (x->format->point(x, f, p, &s->labels, buffer_bytes(&s->text)))
        s->report->points++;
    else
        s->report->unsayable++;
    return spool_settle(&s->spool) || fail(s, SCRAPE_TOO_LARGE);
}

static bool visit(struct metric_visitor *v, const struct metric_point *p)
{
    struct scrape *s = (struct scrape *)v;
    if (s->result != SCRAPE_DONE)
        return false;
    if (s->visited++ % CLOCK_EVERY == 0 && monotonic_ns() > s->options->deadline_ns)
        return fail(s, SCRAPE_LATE);
    if (is_expired(s, p)) {
        s->report->expired++;
        return true;
    }
    if (p->resource)
        note_resource(s, p->resource);
    return show(s, p);
}

static void walk_family(struct scrape *s, const struct family *f)
{
    s->family = f;
    s->family_begun = false;
    series_set_clear(&s->shown);
    for (size_t i = 0; i < f->part_count && s->result == SCRAPE_DONE; i++) {
        s->part = &f->parts[i];
        s->part->source->collect(s->part->source, s->part->index, &s->visitor);
        if (s->visitor.incomplete)
            fail(s, SCRAPE_TOO_LARGE);
    }
    if (s->family_begun)
        s->exposition.format->end_family(&s->exposition);
}

enum scrape_result scrape_run(const struct scrape_options *o, struct http_reply *reply,
                              struct scrape_report *report)
{
    *report = (struct scrape_report){0};
    struct scrape s = {
        .visitor.point = visit, .options = o, .report = report, .now_ns = realtime_ns()};
    spool_init(&s.spool, o->gzip, o->limit);
    s.exposition =
        (struct exposition){.format = o->format, .out = &s.spool.raw, .timestamps = o->timestamps};
    label_builder_init(&s.labels, o->rules);
    for (size_t i = 0; i < o->families->count && s.result == SCRAPE_DONE; i++)
        walk_family(&s, &o->families->items[i]);
    if (s.result == SCRAPE_DONE) {
        write_targets(&s);
        o->format->end(&s.exposition);
        reply->content_type =
            o->rules->utf8 ? o->format->content_type_utf8 : o->format->content_type;
        if (!spool_finish(&s.spool, reply))
            s.result = SCRAPE_TOO_LARGE;
    }
    spool_free(&s.spool);
    exposition_free(&s.exposition);
    label_builder_free(&s.labels);
    buffer_free(&s.text);
    buffer_free(&s.identity);
    buffer_free(&s.infos);
    series_set_free(&s.shown);
    series_set_free(&s.resources);
    series_set_free(&s.targets);
    return s.result;
}
