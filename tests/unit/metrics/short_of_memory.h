/* A source that is asked while memory runs out. */
#ifndef TAILSPAN_TESTS_METRICS_SHORT_OF_MEMORY_H
#define TAILSPAN_TESTS_METRICS_SHORT_OF_MEMORY_H

#include "tests/unit/metrics/rig.h"
#include "tests/unit/proto/failing_malloc.h"

struct counted_points {
    struct metric_visitor visitor;
    size_t count;
};

static inline bool count_point(struct metric_visitor *v, const struct metric_point *p)
{
    (void)p;
    ((struct counted_points *)v)->count++;
    return true;
}

/* With every allocation failing in turn: either all is shown, or the visitor knows that it is not.
 */
static inline void assert_want_of_memory_is_told(struct rig *r, size_t family)
{
    struct counted_points all = {.visitor.point = count_point};
    r->source->collect(r->source, family, &all.visitor);
    assert_false(all.visitor.incomplete);
    for (long left = 0;; left++) {
        struct counted_points some = {.visitor.point = count_point};
        allocations_left = left;
        r->source->collect(r->source, family, &some.visitor);
        bool enough = allocations_left > 0;
        allocations_left = -1;
        assert_true(some.visitor.incomplete || some.count == all.count);
        assert_true(left > 0 || some.visitor.incomplete);
        if (enough) {
            assert_false(some.visitor.incomplete);
            return;
        }
    }
}

#endif
