#include "collector/demo/shop.h"

const struct scene shop_scenes[] = {
    {"a visitor browses", 40, scene_browse},
    {"something goes into the cart", 15, scene_add_to_cart},
    {"an order, through Kafka to shipping and email in one trace", 6, scene_order},
    {"an order whose consumers link back to it", 6, scene_order_linked},
    {"an order whose trace is cut at Kafka (partition and offset known)", 5,
     scene_order_context_lost},
    {"an order whose trace is cut at Kafka (only topic and key known)", 2,
     scene_order_offset_unknown},
    {"shipping takes several orders in one batch", 3, scene_batch_shipping},
    {"a slow search", 5, scene_slow_search},
    {"a payment that is declined", 5, scene_payment_declined},
    {"a database deadlock, tried again", 4, scene_deadlock},
    {"a message that cannot be processed", 3, scene_poison_message},
    {"a login with personal data in its spans", 3, scene_login},
    {"a payment with a card number and a token in its spans", 2, scene_leaky_payment},
    {"an export with cloud keys and a password in its spans", 1, scene_leaky_export},
};
const size_t shop_scene_count = sizeof shop_scenes / sizeof *shop_scenes;

/* A story's own seed, well apart from its neighbours'. */
static uint64_t seed_of(const struct shop *shop)
{
    uint64_t z = shop->seed + (shop->told + 1) * 0xd1b54a32d192ed03u;
    z = (z ^ (z >> 32)) * 0xda942042e4dd58b5u;
    return z ^ (z >> 29);
}

void shop_open(struct shop *shop, uint64_t seed)
{
    *shop = (struct shop){.seed = seed, .next_offset = (int64_t)(seed % 1000000 * 1000)};
}

size_t shop_choose(struct shop *shop)
{
    unsigned sum = 0;
    for (size_t i = 0; i < shop_scene_count; i++)
        sum += shop_scenes[i].weight;
    unsigned at = (unsigned)((seed_of(shop) >> 33) % sum);
    for (size_t i = 0;; i++) {
        if (at < shop_scenes[i].weight)
            return i;
        at -= shop_scenes[i].weight;
    }
}

struct story *shop_tell(struct shop *shop, size_t scene)
{
    struct story *s = story_create(seed_of(shop));
    shop_scenes[scene].tell(shop, s);
    shop->told++;
    return s;
}
