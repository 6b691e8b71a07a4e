#include "metrics/prometheus/naming.h"

#include "proto/utf8.h"

enum {
    TOKENS_MAX = 64,
    TOKEN_MAX = 200, /* bytes of a unit's word */
};

static bool is_letter_or_digit(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_metric_char(uint8_t c)
{
    return is_letter_or_digit(c) || c == ':';
}

static size_t step(struct bytes text, size_t at)
{
    size_t len = utf8_sequence(text.data + at, text.len - at);
    return len ? len : 1;
}

/* ---- text ---- */

void naming_clean(struct bytes text, struct buffer *out)
{
    size_t at = 0, clean = 0;
    while (at < text.len) {
        uint8_t c = text.data[at];
        size_t len = c == 0 ? 0 : c < 0x80 ? 1 : utf8_sequence(text.data + at, text.len - at);
        if (len > 0) {
            at += len;
            continue;
        }
        buffer_append(out, text.data + clean, at - clean);
        buffer_append_string(out, "\xef\xbf\xbd");
        clean = ++at;
    }
    buffer_append(out, text.data + clean, text.len - clean);
}

bool naming_is_plain(struct bytes name)
{
    if (name.len == 0 || (name.data[0] >= '0' && name.data[0] <= '9'))
        return false;
    for (size_t i = 0; i < name.len; i++) {
        if (!is_metric_char(name.data[i]) && name.data[i] != '_')
            return false;
    }
    return true;
}

/* ---- labels ---- */

static bool is_underscores(struct bytes name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (name.data[i] != '_')
            return false;
    }
    return true;
}

void naming_label(struct bytes name, bool utf8, struct buffer *out)
{
    /* "__" is Prometheus' own; of the rest, what the Collector refuses gets its prefix, too. */
    if (is_underscores(name) || (!utf8 && name.data[0] >= '0' && name.data[0] <= '9'))
        buffer_append_string(out, "key_");
    else if (name.len >= 2 && memcmp(name.data, "__", 2) == 0)
        buffer_append_string(out, "key");
    if (utf8) {
        naming_clean(name, out);
        return;
    }
    for (size_t at = 0; at < name.len; at += step(name, at))
        buffer_append_byte(out, is_letter_or_digit(name.data[at]) ? name.data[at] : '_');
}

/* ---- units ---- */

struct word {
    const char *unit;
    const char *word;
};

/* UCUM's abbreviations, and Prometheus' words for them. */
static const struct word words[] = {
    {"d", "days"},
    {"h", "hours"},
    {"min", "minutes"},
    {"s", "seconds"},
    {"ms", "milliseconds"},
    {"us", "microseconds"},
    {"ns", "nanoseconds"},
    {"By", "bytes"},
    {"KiBy", "kibibytes"},
    {"MiBy", "mebibytes"},
    {"GiBy", "gibibytes"},
    {"TiBy", "tibibytes"},
    {"KBy", "kilobytes"},
    {"MBy", "megabytes"},
    {"GBy", "gigabytes"},
    {"TBy", "terabytes"},
    {"m", "meters"},
    {"V", "volts"},
    {"A", "amperes"},
    {"J", "joules"},
    {"W", "watts"},
    {"g", "grams"},
    {"Cel", "celsius"},
    {"Hz", "hertz"},
    {"1", ""},
    {"%", "percent"},
    {NULL, NULL},
};

static const struct word per_words[] = {
    {"s", "second"}, {"m", "minute"}, {"h", "hour"}, {"d", "day"},
    {"w", "week"},   {"mo", "month"}, {"y", "year"}, {NULL, NULL},
};

static struct bytes trim(struct bytes text)
{
    while (text.len > 0 && text.data[0] == ' ')
        text = bytes_of(text.data + 1, text.len - 1);
    while (text.len > 0 && text.data[text.len - 1] == ' ')
        text.len--;
    return text;
}

static struct bytes find_word(const struct word *list, struct bytes unit)
{
    unit = trim(unit);
    if (unit.len == 0 || memchr(unit.data, '{', unit.len) || memchr(unit.data, '}', unit.len))
        return bytes_of(NULL, 0);
    for (; list->unit; list++) {
        if (bytes_equal_string(unit, list->unit))
            return bytes_of_string(list->word);
    }
    return unit;
}

struct unit_words {
    struct bytes unit;
    struct bytes per; /* without its "per_" */
};

static struct unit_words split_unit(const char *unit)
{
    const char *slash = strchr(unit, '/');
    struct unit_words u = {0};
    u.unit = find_word(words, bytes_of(unit, slash ? (size_t)(slash - unit) : strlen(unit)));
    if (slash)
        u.per = find_word(per_words, bytes_of_string(slash + 1));
    return u;
}

/* ---- metrics: words joined by underscores ---- */

struct tokens {
    struct bytes items[TOKENS_MAX];
    size_t count;
};

static void add_token(struct tokens *t, struct bytes token)
{
    if (token.len > 0 && t->count < TOKENS_MAX)
        t->items[t->count++] = token;
}

static bool has_token(const struct tokens *t, struct bytes token)
{
    for (size_t i = 0; i < t->count; i++) {
        if (bytes_equal(t->items[i], token))
            return true;
    }
    return false;
}

/* With suffixes, runs of underscores become one; without, underscores stay as they are. */
static void split_name(const char *name, bool keep_underscores, struct tokens *t)
{
    struct bytes text = bytes_of_string(name);
    size_t begin = 0;
    for (size_t at = 0; at <= text.len; at++) {
        if (at < text.len &&
            (is_metric_char(text.data[at]) || (keep_underscores && text.data[at] == '_')))
            continue;
        add_token(t, bytes_of(text.data + begin, at - begin));
        begin = at + 1;
    }
}

/* The word moves to the end. */
static void end_with(struct tokens *t, const char *word)
{
    size_t kept = 0;
    for (size_t i = 0; i < t->count; i++) {
        if (!bytes_equal_string(t->items[i], word))
            t->items[kept++] = t->items[i];
    }
    t->count = kept;
    add_token(t, bytes_of_string(word));
}

/* A unit's word with everything that a name cannot have as single underscores, none at the ends. */
static struct bytes clean_word(struct bytes word, char out[TOKEN_MAX])
{
    size_t len = 0;
    for (size_t at = 0; at < word.len && len < TOKEN_MAX; at += step(word, at)) {
        bool good = is_metric_char(word.data[at]);
        if (good || (len > 0 && out[len - 1] != '_'))
            out[len++] = good ? (char)word.data[at] : '_';
    }
    while (len > 0 && out[len - 1] == '_')
        len--;
    return bytes_of(out, len);
}

static void add_unit(struct tokens *t, const char *unit, char memory[2][TOKEN_MAX + 4])
{
    struct unit_words u = split_unit(unit);
    struct bytes word = clean_word(u.unit, memory[0]);
    if (!has_token(t, word))
        add_token(t, word);
    memcpy(memory[1], "per_", 4);
    struct bytes per = clean_word(u.per, memory[1] + 4);
    if (per.len == 0)
        return;
    per = bytes_of(memory[1], per.len + 4);
    if (!has_token(t, per))
        add_token(t, per);
}

static void append_tokens(const struct tokens *t, size_t from, struct buffer *out)
{
    for (size_t i = 0; i < t->count; i++) {
        bool first = out->len == from;
        if (!first || (t->items[i].data[0] >= '0' && t->items[i].data[0] <= '9'))
            buffer_append_byte(out, '_');
        buffer_append(out, t->items[i].data, t->items[i].len);
    }
}

static void escaped_name(const struct naming *n, const struct metric_family *f, struct buffer *out)
{
    struct tokens t = {.count = 0};
    char memory[2][TOKEN_MAX + 4];
    size_t from = out->len;
    if (n->namespace) {
        split_name(n->namespace, !n->suffixes, &t);
        append_tokens(&t, from, out);
        t.count = 0;
    }
    split_name(f->name, !n->suffixes, &t);
    if (n->suffixes) {
        add_unit(&t, f->unit, memory);
        if (f->type == METRIC_SUM)
            end_with(&t, "total");
        if (f->type == METRIC_GAUGE && strcmp(f->unit, "1") == 0)
            end_with(&t, "ratio");
    }
    append_tokens(&t, from, out);
    if (out->len == from)
        buffer_append_byte(out, '_');
}

/* ---- metrics: as they are, with suffixes ---- */

static bool ends_with(const struct buffer *b, size_t from, struct bytes suffix)
{
    return b->len - from >= suffix.len && suffix.len > 0 &&
           memcmp(b->data + b->len - suffix.len, suffix.data, suffix.len) == 0;
}

/* Takes a suffix and the character before it off. */
static void take_off(struct buffer *b, size_t from, struct bytes suffix)
{
    if (ends_with(b, from, suffix) && b->len - from > suffix.len + 1)
        b->len -= suffix.len + 1;
}

static void append_word(struct buffer *out, const char *prefix, struct bytes word)
{
    buffer_append_string(out, prefix);
    buffer_append(out, word.data, word.len);
}

static void suffixed_name(const struct metric_family *f, size_t from, struct buffer *out)
{
    const char *last = f->type == METRIC_SUM                                  ? "total"
                       : f->type == METRIC_GAUGE && strcmp(f->unit, "1") == 0 ? "ratio"
                                                                              : "";
    take_off(out, from, bytes_of_string(last));
    struct unit_words u = split_unit(f->unit);
    char memory[TOKEN_MAX + 4] = "per_";
    if (u.per.len > 0 && u.per.len <= TOKEN_MAX) {
        memcpy(memory + 4, u.per.data, u.per.len);
        take_off(out, from, bytes_of(memory, u.per.len + 4));
    }
    if (u.unit.len > 0 && !ends_with(out, from, u.unit))
        append_word(out, "_", u.unit);
    if (u.per.len > 0)
        append_word(out, "_per_", u.per);
    if (last[0])
        append_word(out, "_", bytes_of_string(last));
}

void naming_metric(const struct naming *n, const struct metric_family *f, struct buffer *out)
{
    if (!n->utf8) {
        escaped_name(n, f, out);
        return;
    }
    size_t from = out->len;
    if (n->namespace && n->namespace[0]) {
        naming_clean(bytes_of_string(n->namespace), out);
        buffer_append_byte(out, '_');
    }
    naming_clean(bytes_of_string(f->name), out);
    if (n->suffixes)
        suffixed_name(f, from, out);
    if (out->len == from)
        buffer_append_byte(out, '_');
}
