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
        struct bytes name = bytes_of_string(labels->items[i].key);
        if (!naming_is_plain(name) || memchr(name.data, ':', name.len) ||
            (name.len >= 2 && memcmp(name.data, "__", 2) == 0))
            return config_error(config_child(place, labels->items[i].key), e,
                                "\"%s\" cannot be a label's name", labels->items[i].key);
    }
    return true;
}
