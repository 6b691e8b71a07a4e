/* The shop: which scenes there are, how often each is played, and what carries over from one to the
 * next. The same seed plays the same scenes with the same ids. One thread. */
#ifndef TAILSPAN_COLLECTOR_DEMO_SHOP_H
#define TAILSPAN_COLLECTOR_DEMO_SHOP_H

#include "collector/demo/story.h"

struct shop {
    uint64_t seed;
    uint64_t told;
    int64_t next_offset; /* of Kafka messages; ever growing */
};

struct scene {
    const char *title;
    unsigned weight; /* how often, of the sum of all */
    void (*tell)(struct shop *shop, struct story *s);
};

extern const struct scene shop_scenes[];
extern const size_t shop_scene_count;

void shop_open(struct shop *shop, uint64_t seed);
/* The next scene, an index into shop_scenes. */
size_t shop_choose(struct shop *shop);
/* Plays a scene; the story is the caller's to free. */
struct story *shop_tell(struct shop *shop, size_t scene);

/* The scenes. */
void scene_browse(struct shop *shop, struct story *s);
void scene_add_to_cart(struct shop *shop, struct story *s);
void scene_order(struct shop *shop, struct story *s);
void scene_order_linked(struct shop *shop, struct story *s);
void scene_order_context_lost(struct shop *shop, struct story *s);
void scene_order_offset_unknown(struct shop *shop, struct story *s);
void scene_batch_shipping(struct shop *shop, struct story *s);
void scene_slow_search(struct shop *shop, struct story *s);
void scene_payment_declined(struct shop *shop, struct story *s);
void scene_deadlock(struct shop *shop, struct story *s);
void scene_poison_message(struct shop *shop, struct story *s);
void scene_login(struct shop *shop, struct story *s);
void scene_leaky_payment(struct shop *shop, struct story *s);
void scene_leaky_export(struct shop *shop, struct story *s);

#endif
