#include "processors/scrub/arguments.h"

#include "processors/scrub/detect_private.h"

#include <stdlib.h>
#include <string.h>

/* ---- programs ---- */

/* The letters of options, by what their arguments are. */
struct program {
    const char *name;
    const char *secret;
    const char *attached; /* of secrets that are written without a blank: -phunter2 */
    const char *login;
    const char *cookies;
    bool only_login; /* nothing of this but behind the word `login` */
};

/* Sorted by name. */
static const struct program programs[] = {
    {"7z", "", "p", "", "", false},
    {"aws", "", "", "", "", false},
    {"az", "p", "", "", "", true},
    {"bcp", "P", "P", "", "", false},
    {"beeline", "p", "", "", "", false},
    {"buildah", "p", "", "", "", true},
    {"cf", "p", "", "", "", true},
    {"cqlsh", "p", "", "", "", false},
    {"crane", "p", "", "", "", true},
    {"curl", "", "", "uU", "b", false},
    {"docker", "p", "", "", "", true},
    {"helm", "p", "", "", "", true},
    {"http", "", "", "a", "", false},
    {"isql", "P", "P", "", "", false},
    {"keydb-cli", "a", "", "", "", false},
    {"ldapadd", "w", "", "", "", false},
    {"ldapcompare", "w", "", "", "", false},
    {"ldapdelete", "w", "", "", "", false},
    {"ldapmodify", "w", "", "", "", false},
    {"ldappasswd", "was", "", "", "", false},
    {"ldapsearch", "w", "", "", "", false},
    {"ldapwhoami", "w", "", "", "", false},
    {"mariadb", "", "p", "", "", false},
    {"mariadb-admin", "", "p", "", "", false},
    {"mariadb-dump", "", "p", "", "", false},
    {"mongo", "p", "", "", "", false},
    {"mongodump", "p", "", "", "", false},
    {"mongoexport", "p", "", "", "", false},
    {"mongoimport", "p", "", "", "", false},
    {"mongorestore", "p", "", "", "", false},
    {"mongosh", "p", "", "", "", false},
    {"mongostat", "p", "", "", "", false},
    {"mosquitto_pub", "P", "", "", "", false},
    {"mosquitto_sub", "P", "", "", "", false},
    {"mysql", "", "p", "", "", false},
    {"mysqladmin", "", "p", "", "", false},
    {"mysqldump", "", "p", "", "", false},
    {"mysqlimport", "", "p", "", "", false},
    {"mysqlpump", "", "p", "", "", false},
    {"mysqlsh", "", "p", "", "", false},
    {"mysqlshow", "", "p", "", "", false},
    {"nerdctl", "p", "", "", "", true},
    {"oc", "p", "", "", "", true},
    {"openssl", "kK", "", "", "", false},
    {"oras", "p", "", "", "", true},
    {"osql", "P", "P", "", "", false},
    {"podman", "p", "", "", "", true},
    {"rabbitmqadmin", "p", "", "", "", false},
    {"redis-cli", "a", "", "", "", false},
    {"rsync", "", "", "", "", false},
    {"scp", "", "", "", "", false}, /* behind sshpass: from here on the options are its own */
    {"sftp", "", "", "", "", false},
    {"skopeo", "p", "", "", "", true},
    {"sqlcmd", "P", "P", "", "", false},
    {"ssh", "", "", "", "", false},
    {"sshpass", "p", "p", "", "", false},
    {"twine", "p", "", "", "", false},
    {"unzip", "P", "", "", "", false},
    {"valkey-cli", "a", "", "", "", false},
    {"zip", "P", "", "", "", false},
};

struct named {
    const uint8_t *name;
    size_t len;
};

static int compare_name(const void *key, const void *element)
{
    const struct named *n = key;
    const char *name = ((const struct program *)element)->name;
    int order = strncmp((const char *)n->name, name, n->len);
    return order ? order : name[n->len] ? -1 : 0;
}

static const struct program *program_named(struct bytes word)
{
    const uint8_t *slash = memrchr(word.data, '/', word.len);
    const uint8_t *name = slash ? slash + 1 : word.data;
    const struct named n = {name, word.len - (size_t)(name - word.data)};
    if (n.len < 2 || n.len > 16 || memchr(name, 0, n.len))
        return NULL;
    return bsearch(&n, programs, sizeof programs / sizeof programs[0], sizeof programs[0],
                   compare_name);
}

void arguments_note(struct arguments *a, struct bytes word)
{
    if (word.len == 0)
        return;
    const struct program *p = program_named(word);
    if (p) {
        a->program = p;
        a->login = false;
    } else if (bytes_equal_string(word, "login")) {
        a->login = true;
    } else if (a->program && strcmp(a->program->name, "aws") == 0 &&
               key_traits(word) & KEY_SENSITIVE) {
        a->next = ARGUMENT_SECRET; /* configure set aws_secret_access_key … */
    }
}

/* ---- options ---- */

static bool has_letter(const char *letters, uint8_t c)
{
    return c && strchr(letters, c);
}

static enum argument_kind letter_argument(const struct arguments *a, struct bytes option,
                                          size_t *attached)
{
    const struct program *p = a->program;
    uint8_t letter = option.data[1];
    if (!p || (p->only_login && !a->login))
        return ARGUMENT_PLAIN;
    if (option.len > 2) {
        *attached = 2;
        return has_letter(p->attached, letter) ? ARGUMENT_SECRET : ARGUMENT_PLAIN;
    }
    return has_letter(p->secret, letter)    ? ARGUMENT_SECRET
           : has_letter(p->login, letter)   ? ARGUMENT_LOGIN
           : has_letter(p->cookies, letter) ? ARGUMENT_COOKIES
                                            : ARGUMENT_PLAIN;
}

static bool is_curl(const struct arguments *a)
{
    return a->program && a->program->cookies[0];
}

/* What no key is called. */
static enum argument_kind own_name_argument(const struct arguments *a, struct bytes name)
{
    static const char *const secrets[] = {
        "storepass",   "keypass",    "srcstorepass", "deststorepass", "srckeypass", "destkeypass",
        "requirepass", "masterauth", "primaryauth",  "accountpass",   NULL};
    static const char *const sources[] = {"pass", "passin", "passout", NULL};
    static const char *const logins[] = {"user", "proxy-user", NULL};
    static const char *const cookies[] = {"cookie", NULL};
    if (is_word_of(name.data, (uint32_t)name.len, secrets))
        return ARGUMENT_SECRET;
    if (is_curl(a) && is_word_of(name.data, (uint32_t)name.len, logins))
        return ARGUMENT_LOGIN;
    if (is_curl(a) && is_word_of(name.data, (uint32_t)name.len, cookies))
        return ARGUMENT_COOKIES;
    return a->program && strcmp(a->program->name, "openssl") == 0 &&
                   is_word_of(name.data, (uint32_t)name.len, sources)
               ? ARGUMENT_SOURCE
               : ARGUMENT_PLAIN;
}

static bool is_name_of_option(struct bytes name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (!byte_is_token(name.data[i]))
            return false;
    }
    return name.len >= 3 && name.len <= 64 && byte_is_letter(name.data[0]);
}

static enum argument_kind name_argument(const struct arguments *a, struct bytes name)
{
    enum argument_kind kind = own_name_argument(a, name);
    if (kind != ARGUMENT_PLAIN)
        return kind;
    unsigned traits = key_traits(name);
    return traits & (KEY_SENSITIVE | KEY_AUTHORIZATION | KEY_SESSION) ? ARGUMENT_SECRET
           : traits & KEY_COOKIE                                      ? ARGUMENT_COOKIES
                                                                      : ARGUMENT_PLAIN;
}

enum argument_kind option_argument(const struct arguments *a, struct bytes option, size_t *attached)
{
    *attached = 0;
    if (option.len < 2)
        return ARGUMENT_PLAIN;
    bool twofold = option.data[1] == '-';
    struct bytes name = bytes_of(option.data + 1 + twofold, option.len - 1 - twofold);
    enum argument_kind kind = twofold ? ARGUMENT_PLAIN : letter_argument(a, option, attached);
    if (kind == ARGUMENT_PLAIN && is_name_of_option(name)) {
        *attached = 0;
        kind = name_argument(a, name);
    }
    return kind;
}

/* ---- arguments ---- */

/* What a sentence, or a description of the command, puts behind an option. */
static bool is_told_of_options(struct bytes text)
{
    static const char *const words[] = {
        "is",       "to",       "or",      "and",      "if",        "for",    "with", "when",
        "must",     "flag",     "option",  "argument", "parameter", "not",    "was",  "has",
        "in",       "on",       "are",     "cannot",   "can",       "should", "the",  "instead",
        "requires", "required", "missing", "value",    "needs",     "from",   "as",   "a",
        "an",       "may",      "will",    "but",      "options",   "flags",  NULL};
    static const char *const told[] = {"PASS", "TOKEN", "SECRET", "KEY", "VALUE", "STRING", NULL};
    bool capitals = true, named = false;
    if (is_word_of(text.data, (uint32_t)text.len, words))
        return true;
    for (size_t i = 0; i < text.len; i++)
        capitals &= byte_is_upper(text.data[i]) || text.data[i] == '_';
    for (size_t i = 0; capitals && told[i]; i++)
        named |= memmem(text.data, text.len, told[i], strlen(told[i])) != NULL;
    return named;
}

bool argument_is(enum argument_kind kind, struct bytes text, size_t *from)
{
    *from = 0;
    if (text.len == 0)
        return false;
    switch (kind) {
    case ARGUMENT_PLAIN:
        return false;
    case ARGUMENT_SECRET:
        return !is_placeholder(text.data, (uint32_t)text.len) && !is_told_of_options(text);
    case ARGUMENT_LOGIN:
        return has_password(text.data, (uint32_t)text.len);
    case ARGUMENT_COOKIES:
        return memchr(text.data, '=', text.len);
    case ARGUMENT_SOURCE:
        *from = 5;
        return text.len > 5 && memcmp(text.data, "pass:", 5) == 0;
    }
    return false;
}

enum scrub_class argument_class(enum argument_kind kind)
{
    return kind == ARGUMENT_LOGIN     ? SCRUB_URL_CREDENTIALS
           : kind == ARGUMENT_COOKIES ? SCRUB_COOKIE
                                      : SCRUB_SENSITIVE_KEY;
}

enum argument_kind arguments_take(struct arguments *a, struct bytes argument, size_t *from)
{
    enum argument_kind kind = a->next;
    a->next = ARGUMENT_PLAIN;
    *from = 0;
    if (argument.len > 1 && argument.data[0] == '-') {
        kind = option_argument(a, argument, from);
        if (*from)
            return kind;
        a->next = kind;
        return ARGUMENT_PLAIN;
    }
    if (argument_is(kind, argument, from))
        return kind;
    arguments_note(a, argument);
    return ARGUMENT_PLAIN;
}
