/* The lists of services and operations, from the slots' small name tables. */
#include "storage/listing.h"

#include "storage/sql.h"

#include <stdlib.h>
#include <string.h>

char *name_copy(struct bytes b)
{
    char *s = malloc(b.len + 1);
    if (s && b.len)
        memcpy(s, b.data, b.len);
    if (s)
        s[b.len] = '\0';
    return s;
}

static bool grow(void **items, size_t count, size_t item)
{
    if (count & (count - 1))
        return true;
    void *larger = reallocarray(*items, count ? count * 2 : 1, item);
    if (!larger)
        return false;
    *items = larger;
    return true;
}

int name_compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool add_name(struct store_names *n, struct bytes name)
{
    char *s = name_copy(name);
    if (!s || !grow((void **)&n->items, n->count, sizeof *n->items)) {
        free(s);
        return false;
    }
    n->items[n->count++] = s;
    return true;
}

static void unique_names(struct store_names *n)
{
    size_t kept = 0;
    if (n->count)
        qsort(n->items, n->count, sizeof *n->items, name_compare);
    for (size_t i = 0; i < n->count; i++) {
        if (kept && strcmp(n->items[kept - 1], n->items[i]) == 0)
            free(n->items[i]);
        else
            n->items[kept++] = n->items[i];
    }
    n->count = kept;
}

bool listing_services(struct store_reader *r, bool nameless, struct store_names *out)
{
    bool done = true;
    *out = (struct store_names){0};
    for (size_t i = 0; done && i < r->slot_count; i++) {
        sqlite3_stmt *q = reader_statement(&r->slots[i], READ_SERVICES);
        while (done && reader_step(r, &r->slots[i], q)) {
            struct bytes name = sql_blob(q, 1);
            if (name.len > 0 || nameless)
                done = add_name(out, name);
        }
    }
    unique_names(out);
    return done;
}

bool store_services(struct store_reader *r, struct store_names *out)
{
    *out = (struct store_names){0};
    bool done = reader_begin(r) && listing_services(r, false, out);
    reader_end(r);
    if (!done)
        store_names_free(out);
    return done;
}

void store_names_free(struct store_names *n)
{
    for (size_t i = 0; i < n->count; i++)
        free(n->items[i]);
    free(n->items);
    *n = (struct store_names){0};
}

/* The code of a service in this slot; 0: none. */
static int64_t code_of(struct store_reader *r, struct reader_slot *s, const char *service)
{
    sqlite3_stmt *q = reader_statement(s, READ_SERVICE);
    int64_t code = 0;
    if (!q)
        return 0;
    sql_bind_bytes(q, 1, bytes_of_string(service));
    if (reader_step(r, s, q))
        code = sqlite3_column_int64(q, 0);
    sqlite3_reset(q);
    return code;
}

static bool add_operations(struct store_reader *r, struct reader_slot *s, const char *service,
                           int kind, struct store_operations *out)
{
    int64_t wanted = service ? code_of(r, s, service) : -1;
    sqlite3_stmt *q = wanted ? reader_statement(s, READ_OPERATIONS) : NULL;
    while (reader_step(r, s, q)) {
        uint8_t its_kind = (uint8_t)sqlite3_column_int(q, 1);
        if ((kind >= 0 && its_kind != kind) || (wanted > 0 && sqlite3_column_int64(q, 2) != wanted))
            continue;
        char *name = name_copy(sql_blob(q, 0));
        if (!name || !grow((void **)&out->items, out->count, sizeof *out->items)) {
            free(name);
            return false;
        }
        out->items[out->count++] = (struct store_operation){name, its_kind};
    }
    return true;
}

static int compare_operations(const void *a, const void *b)
{
    const struct store_operation *x = a;
    const struct store_operation *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : x->kind - y->kind;
}

static void unique_operations(struct store_operations *o)
{
    size_t kept = 0;
    if (o->count)
        qsort(o->items, o->count, sizeof *o->items, compare_operations);
    for (size_t i = 0; i < o->count; i++) {
        if (kept && compare_operations(&o->items[kept - 1], &o->items[i]) == 0)
            free(o->items[i].name);
        else
            o->items[kept++] = o->items[i];
    }
    o->count = kept;
}

bool store_operations(struct store_reader *r, const char *service, int kind,
                      struct store_operations *out)
{
    *out = (struct store_operations){0};
    bool done = reader_begin(r);
    for (size_t i = 0; done && i < r->slot_count; i++)
        done = add_operations(r, &r->slots[i], service, kind, out);
    reader_end(r);
    unique_operations(out);
    if (!done)
        store_operations_free(out);
    return done;
}

void store_operations_free(struct store_operations *o)
{
    for (size_t i = 0; i < o->count; i++)
        free(o->items[i].name);
    free(o->items);
    *o = (struct store_operations){0};
}
