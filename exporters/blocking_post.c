#include "exporters/blocking_post.h"

#include "exporters/reply.h"

#include <pthread.h>
#include <stdlib.h>

struct blocking_post {
    struct http_client *client;
    void (*read)(const struct http_result *r, struct send_answer *answer);

    pthread_mutex_t lock; /* guards below */
    pthread_cond_t answered;
    struct send_answer *answer; /* NULL: has come */
};

static void done(void *context, const struct http_result *r)
{
    struct blocking_post *b = context;
    pthread_mutex_lock(&b->lock);
    b->read(r, b->answer);
    b->answer = NULL;
    pthread_cond_signal(&b->answered);
    pthread_mutex_unlock(&b->lock);
}

struct blocking_post *blocking_post_open(const struct http_client_settings *s,
                                         void (*read)(const struct http_result *r,
                                                      struct send_answer *answer),
                                         struct error *e)
{
    struct blocking_post *b = calloc(1, sizeof *b);
    if (!b) {
        error_set(e, "out of memory");
        return NULL;
    }
    b->read = read;
    b->client = http_client_create(s, done, e);
    if (!b->client) {
        free(b);
        return NULL;
    }
    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->answered, NULL);
    return b;
}

void blocking_post_send(struct blocking_post *b, struct bytes body, struct send_answer *answer)
{
    const struct http_body post = {&body, 1, body.len};
    pthread_mutex_lock(&b->lock);
    b->answer = answer;
    pthread_mutex_unlock(&b->lock);
    bool begun = http_client_post(b->client, post, b);
    pthread_mutex_lock(&b->lock);
    while (begun && b->answer)
        pthread_cond_wait(&b->answered, &b->lock);
    b->answer = NULL;
    pthread_mutex_unlock(&b->lock);
    if (!begun) {
        answer->result = SEND_RETRY;
        reply_message(answer, "", bytes_of_string("out of memory, or shutting down"));
    }
}

void blocking_post_cancel(struct blocking_post *b)
{
    http_client_cancel(b->client);
}

void blocking_post_close(struct blocking_post *b)
{
    if (!b)
        return;
    http_client_destroy(b->client);
    pthread_cond_destroy(&b->answered);
    pthread_mutex_destroy(&b->lock);
    free(b);
}
