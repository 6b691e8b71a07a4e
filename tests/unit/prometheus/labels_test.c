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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_joined_in_their_order),
        cmocka_unit_test(joining_is_linear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
