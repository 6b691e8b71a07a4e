#include "metrics/prometheus/families.h"

#include "component/log.h"

#include <stdlib.h>

static enum family_type type_of(enum metric_type type)
{
    return type == METRIC_SUM     ? FAMILY_COUNTER
           : type == METRIC_GAUGE ? FAMILY_GAUGE
                                  : FAMILY_HISTOGRAM;
}

static char *name_of(const struct naming *naming, const struct metric_family *f)
{
    struct buffer name = {0};
    naming_metric(naming, f, &name);
    char *text = buffer_take(&name, NULL);
    buffer_free(&name);
    return text;
}

static struct family *find(struct families *f, const char *name)
{
    for (size_t i = 0; i < f->count; i++) {
        if (strcmp(f->items[i].name, name) == 0)
            return &f->items[i];
    }
    return NULL;
}

/* Takes over `name`. */
static struct family *add(struct families *f, char *name, const struct metric_family *from)
{
    struct family *items = realloc(f->items, (f->count + 1) * sizeof *items);
    if (!items) {
        free(name);
        return NULL;
    }
    f->items = items;
    items[f->count] = (struct family){
        .name = name, .help = from->help ? from->help : "", .type = type_of(from->type)};
    return &items[f->count++];
}

static bool add_part(struct family *family, struct metric_source *source, size_t index)
{
    struct family_part *parts = realloc(family->parts, (family->part_count + 1) * sizeof *parts);
    if (!parts)
        return false;
    family->parts = parts;
    parts[family->part_count++] = (struct family_part){source, index};
    return true;
}

static bool add_family(struct families *f, struct metric_source *source, size_t index,
                       const struct naming *naming, const char *id)
{
    const struct metric_family *from = &source->families[index];
    char *name = name_of(naming, from);
    if (!name)
        return false;
    struct family *family = find(f, name);
    bool clash =
        strcmp(name, f->target_info) == 0 || (family && family->type != type_of(from->type));
    if (clash)
        log_error(id, "metrics of two kinds have one name; the second is left out",
                  LOG_S("name", name), LOG_S("metric", from->name));
    if (clash || family) {
        free(name);
        return clash || add_part(family, source, index);
    }
    family = add(f, name, from);
    return family && add_part(family, source, index);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct family *)a)->name, ((const struct family *)b)->name);
}

bool families_make(struct families *f, struct metric_source *const *sources, size_t count,
                   const struct naming *naming, const char *id)
{
    static const struct metric_family target_info = {
        .name = "target.info", .unit = "", .help = "", .type = METRIC_GAUGE};
    *f = (struct families){.target_info = name_of(naming, &target_info)};
    if (naming->utf8 && f->target_info) /* is called so whatever the others may be called */
        *strrchr(f->target_info, '.') = '_';
    bool done = f->target_info != NULL;
    for (size_t s = 0; done && s < count; s++) {
        for (size_t i = 0; done && i < sources[s]->family_count; i++)
            done = add_family(f, sources[s], i, naming, id);
    }
    if (done && f->count > 0)
        qsort(f->items, f->count, sizeof *f->items, by_name);
    return done;
}

void families_free(struct families *f)
{
    for (size_t i = 0; i < f->count; i++) {
        free(f->items[i].name);
        free(f->items[i].parts);
    }
    free(f->items);
    free(f->target_info);
    *f = (struct families){0};
}
