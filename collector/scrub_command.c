/* Values that are shown are what senders chose: none may tell a terminal what to do. */
#include "collector/scrub_command.h"

#include "collector/command_line.h"
#include "collector/otlp_file.h"
#include "collector/terminal_text.h"
#include "processors/scrub/scrub.h"
#include "processors/scrub/walk.h"
#include "proto/json_writer.h"
#include "proto/rewrite.h"

#include <stdio.h>
#include <string.h>

static const char help[] =
    "Shows what the processor `scrub` would do to spans on disk, and why.\n"
    "\n"
    "  tailspan scrub FILE [OPTION]...\n"
    "\n"
    "  FILE                   requests as OTLP JSON, one a line or one in all\n"
    "  --config FILE          the configuration with the processor (default: `scrub: {}`)\n"
    "  --processor ID         which one, when there are several (default: the first)\n"
    "  --format text|json     (default: text)\n"
    "\n"
    "It prints the values that are to be hidden, beside what becomes of them, and of how many.\n";

struct arguments {
    struct command_config config;
    const char *file;
    const char *processor;
    bool json;
};

static bool take_format(struct arguments *a, const char *format)
{
    a->json = strcmp(format, "json") == 0;
    return a->json || strcmp(format, "text") == 0;
}

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
        if (name[0] != '-' && !a->file)
            a->file = name;
        else if ((value = command_option("--processor", argv, &i, &missing)))
            a->processor = value;
        else if (!missing && (value = command_option("--format", argv, &i, &missing)))
            status = take_format(a, value) ? 0 : command_misuse("unknown format", value);
        else
            status =
                command_misuse(missing ? "a value is missing after" : "unknown argument", name);
    }
    return status || a->file ? status : command_misuse("scrub needs a file", NULL);
}

static struct scrub_rules *load(const struct arguments *a, struct error *e)
{
    static const struct config_value usual = {.type = CONFIG_MAP, .file = "scrub: {}"};
    if (a->config.file_count == 0)
        return scrub_rules_create(&usual, e);
    const struct config_value *root = command_config_load(&a->config, e);
    const struct config_value *scrub =
        root ? command_find_processor(root, &scrub_processor, a->processor, e) : NULL;
    return scrub ? scrub_rules_create(scrub, e) : NULL;
}

/* ---- showing ---- */

struct showing {
    const struct scrub_rules *rules;
    struct scrub_hits hits; /* of the value that is looked at */
    uint64_t found[SCRUB_RULES_MAX];
    uint64_t changed;
    uint64_t findings;
    uint64_t spans;
    uint64_t values; /* that were looked at */
    bool json;
    struct json_writer writer;
    struct buffer text;
};

static void print(struct bytes s)
{
    for (size_t i = 0; i < s.len;) {
        size_t n = terminal_character(s.data + i, s.len - i);
        if (n > 0)
            fwrite(s.data + i, 1, n, stdout);
        else
            printf("\\x%02x", s.data[i]);
        i += n ? n : 1;
    }
}

static void show_text(const struct showing *s, const struct rewrite_item *item, struct bytes before,
                      const struct bytes *after)
{
    printf("%s%s", rewrite_place_name(item->place), item->key.len ? " " : "");
    print(item->key);
    for (size_t i = 0; i < s->hits.count; i++) {
        fputs(i ? ", " : ": ", stdout);
        print(bytes_of_string(scrub_rule_name(s->rules, s->hits.items[i].rule)));
    }
    fputs("\n  - ", stdout);
    print(before);
    fputs("\n  + ", stdout);
    if (after)
        print(*after);
    else
        fputs("(removed)", stdout);
    putchar('\n');
}

static void show_json(struct showing *s, const struct rewrite_item *item, struct bytes before,
                      const struct bytes *after)
{
    struct json_writer *w = &s->writer;
    json_object_begin(w);
    json_key(w, "place");
    json_text(w, rewrite_place_name(item->place));
    if (item->key.len) {
        json_key(w, "key");
        json_bytes(w, item->key);
    }
    json_key(w, "findings");
    json_array_begin(w);
    for (size_t i = 0; i < s->hits.count; i++) {
        json_object_begin(w);
        json_key(w, "rule");
        json_text(w, scrub_rule_name(s->rules, s->hits.items[i].rule));
        json_key(w, "start");
        json_uint(w, s->hits.items[i].start);
        json_key(w, "length");
        json_uint(w, s->hits.items[i].len);
        json_object_end(w);
    }
    json_array_end(w);
    json_key(w, "before");
    json_bytes(w, before);
    json_key(w, "after");
    if (after)
        json_bytes(w, *after);
    else
        json_nil(w);
    json_object_end(w);
}

static void note_hit(void *context, const struct rewrite_item *item, struct bytes value,
                     const struct scrub_hit *hit)
{
    struct showing *s = context;
    (void)item, (void)value;
    s->found[hit->rule]++;
    s->findings++;
    if (s->hits.count < sizeof s->hits.items / sizeof s->hits.items[0])
        s->hits.items[s->hits.count++] = *hit;
}

static void show_change(void *context, const struct rewrite_item *item, struct bytes before,
                        const struct bytes *after)
{
    struct showing *s = context;
    s->changed++;
    if (s->json)
        show_json(s, item, before, after);
    else
        show_text(s, item, before, after);
    s->hits.count = 0;
}

static void show_totals(const struct showing *s)
{
    printf("%s%llu findings in %llu of %llu values of %llu spans\n", s->changed ? "\n" : "",
           (unsigned long long)s->findings, (unsigned long long)s->changed,
           (unsigned long long)s->values, (unsigned long long)s->spans);
    for (unsigned rule = 0; rule < SCRUB_CLASSES + s->rules->pattern_count; rule++)
        if (s->found[rule])
            printf("  %-20s %llu\n", scrub_rule_name(s->rules, rule),
                   (unsigned long long)s->found[rule]);
}

static enum rewrite_verdict count_value(void *context, const struct rewrite_item *item,
                                        struct rewrite_change *change)
{
    (void)change;
    struct showing *s = context;
    if (item->value.type == VALUE_ARRAY || item->value.type == VALUE_MAP)
        return REWRITE_ENTER;
    s->values++;
    return REWRITE_KEEP;
}

static bool count_values(struct showing *s, struct batch *b)
{
    const struct rewriter counter = {.context = s, .visit = count_value};
    bool done = true;
    for (uint32_t i = 0; i < b->resource_count && done; i++)
        done = resource_rewrite(b, i, &counter);
    for (uint32_t i = 0; i < b->scope_count && done; i++)
        done = scope_rewrite(b, i, &counter);
    for (uint32_t i = 0; i < b->span_count && done; i++)
        done = span_rewrite(b, i, &counter);
    s->spans += b->span_count;
    return done;
}

static bool show(struct showing *s, struct otlp_batches *all, struct error *e)
{
    struct scrub_walk walk = {s->rules, s, note_hit, show_change};
    bool done = true;
    json_begin(&s->writer, &s->text, true);
    json_array_begin(&s->writer);
    for (uint32_t i = 0; i < all->count && done; i++)
        done = count_values(s, all->items[i]) && scrub_batch(&walk, all->items[i]);
    json_array_end(&s->writer);
    if (!done || s->text.failed)
        return error_set(e, "out of memory");
    if (s->json) {
        fwrite(s->text.data, 1, s->text.len, stdout);
        putchar('\n');
    } else {
        show_totals(s);
    }
    return true;
}

int scrub_main(int argc, char **argv)
{
    struct arguments a = {0};
    struct error e = {{0}};
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        fputs(help, stdout);
        return 0;
    }
    int status = parse(argv, &a);
    if (status)
        return status;
    struct otlp_batches all = {0};
    struct showing s = {.json = a.json};
    struct scrub_rules *rules = load(&a, &e);
    s.rules = rules;
    if (!rules || !otlp_file_read(a.file, &all, &e) || !show(&s, &all, &e)) {
        fprintf(stderr, "tailspan: %s\n", e.text);
        status = 1;
    }
    buffer_free(&s.text);
    otlp_batches_free(&all);
    scrub_rules_destroy(rules);
    config_release();
    return status;
}
