/* Labels of a point, made by a builder and looked at without a format. */
#include "metrics/prometheus/labels.h"
#include "source.h"

static const struct label_rules plain;

static void build(struct label_builder *b, const struct metric_label *labels, size_t count)
{
    const struct metric_point p = {.labels = labels, .label_count = count};
    assert_true(label_builder_point(b, NULL, &p));
}

static void assert_label(const struct label_builder *b, size_t i, const char *name,
                         const char *value)
{
    assert_true(bytes_equal_string(b->items[i].name, name));
    assert_true(bytes_equal_string(b->items[i].value, value));
}

static void values_are_joined_in_their_order(void **state)
{
    (void)state;
    static const struct metric_label labels[] = {LABEL("b", "x"),   LABEL("a.b", "1"),
                                                 LABEL("a_b", ""),  LABEL("a", ""),
                                                 LABEL("a-b", "3"), LABEL("a/b", "")};
    struct label_builder b;
    label_builder_init(&b, &plain);
    build(&b, labels, 6);
    assert_int_equal(b.count, 3);
    assert_label(&b, 0, "a", "");
    assert_label(&b, 1, "a_b", "1;;3;");
    assert_label(&b, 2, "b", "x");
    label_builder_free(&b);
}

/* What a stranger chooses to call his attributes costs no more than its length. */
static void joining_is_linear(void **state)
{
    (void)state;
    enum { MANY = 20000 };
    struct metric_label *labels = calloc(MANY, sizeof *labels);
    for (size_t i = 0; i < MANY; i++)
        labels[i] = (struct metric_label)LABEL(".", "v");
    struct label_builder b;
    label_builder_init(&b, &plain);
    build(&b, labels, MANY);
    assert_int_equal(b.count, 1);
    assert_int_equal(b.items[0].value.len, 2 * MANY - 1);
    assert_true(b.arena.len < 10 * MANY);
    label_builder_free(&b);
    free(labels);
}

/* At a character's end, and never so that two become one. */
static void long_values_are_cut(void **state)
{
    (void)state;
    const struct label_rules rules = {.value_limit = 64};
    struct label_builder b;
    char texts[3][101], values[3][101];
    label_builder_init(&b, &rules);
    for (size_t i = 0; i < 3; i++) {
        memset(texts[i], 'x', 100);
        texts[i][100] = 0;
        const struct metric_label label = {.name = bytes_of_string("a"),
                                           .value = text_value(texts[i])};
        memcpy(texts[i] + 46, "\xe2\x82\xac", 3); /* bytes 46 to 48; 47 are kept */
        texts[i][99] = (char)('0' + i);
        build(&b, &label, 1);
        assert_in_range(b.items[0].value.len, 48, 64);
        assert_memory_equal(b.items[0].value.data, texts[i], 46);
        assert_int_equal(b.items[0].value.data[46], '~');
        snprintf(values[i], sizeof values[i], "%.*s", (int)b.items[0].value.len,
                 (const char *)b.items[0].value.data);
    }
    assert_string_not_equal(values[0], values[1]);
    const struct metric_label label = {
        .name = bytes_of_string("a"),
        .value = {.type = VALUE_STRING, .bytes = bytes_of(texts[0], 64)}};
    build(&b, &label, 1);
    assert_memory_equal(b.items[0].value.data, texts[0], 64);
    label_builder_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_joined_in_their_order),
        cmocka_unit_test(joining_is_linear),
        cmocka_unit_test(long_values_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
