#include "metrics/prometheus/naming_settings.h"

const char *const naming_strategies[] = {"",
                                         "UnderscoreEscapingWithSuffixes",
                                         "UnderscoreEscapingWithoutSuffixes",
                                         "NoUTF8EscapingWithSuffixes",
                                         "NoTranslation",
                                         NULL};

struct naming naming_of_settings(const struct naming_settings *s)
{
    static const struct {
        bool suffixes;
        bool utf8;
    } strategies[] = {{0}, {true, false}, {false, false}, {true, true}, {false, true}};
    struct naming n = {.namespace = s->namespace, .suffixes = s->add_metric_suffixes};
    if (s->strategy > 0) {
        n.suffixes = strategies[s->strategy].suffixes;
        n.utf8 = strategies[s->strategy].utf8;
    }
    return n;
}

bool naming_check_labels(const struct config_pairs *labels, const struct config_value *place,
                         struct error *e)
{
    for (size_t i = 0; i < labels->count; i++) {
        if (!labels->items[i].key[0])
            return config_error(place, e, "a label needs a name");
    }
    return true;
}
