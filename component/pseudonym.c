#include "component/pseudonym.h"

#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards the list */
static struct pseudonymiser *first;

void pseudonym_register(struct pseudonymiser *p)
{
    pthread_mutex_lock(&lock);
    p->next = first;
    first = p;
    pthread_mutex_unlock(&lock);
}

void pseudonym_unregister(struct pseudonymiser *p)
{
    pthread_mutex_lock(&lock);
    struct pseudonymiser **at = &first;
    while (*at && *at != p)
        at = &(*at)->next;
    if (*at)
        *at = p->next;
    pthread_mutex_unlock(&lock);
}

void pseudonym_each(struct bytes value, void (*each)(void *context, struct bytes form),
                    void *context)
{
    pthread_mutex_lock(&lock);
    for (struct pseudonymiser *p = first; p; p = p->next)
        p->forms(p, value, each, context);
    pthread_mutex_unlock(&lock);
}
