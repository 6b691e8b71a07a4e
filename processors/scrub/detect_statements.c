/* Statements of SQL within messages, and what databases say of them: "[SQL: INSERT …]",
 * "IDENTIFIED BY 'x'", "Duplicate entry 'x' for key 'users.token'", "Key (token)=(x)". */
#include "processors/scrub/detect_pairs.h"

#include <string.h>

/* ---- whole statements ---- */

enum { STATEMENT_WITHIN = 256 }; /* bytes in which a statement says what it is */

static bool stands_before(const struct scan *s, uint32_t at, const char *text)
{
    uint32_t len = (uint32_t)strlen(text);
    return at >= len && scan_has_exactly(s, at - len, text);
}

/* Statements whose values stand apart from the names that say what they are. */
static bool begins_list_of_values(const struct scan *s, uint32_t at)
{
    static const char *const verbs[] = {"INSERT ", "REPLACE ", "MERGE ", "CALL ", "EXEC "};
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (scan_has_exactly(s, at, verbs[i]))
            return true;
    }
    return false;
}

/* The bracket that closes what began in one: text goes on behind it with a line, or not at all. */
static uint32_t bracket_end(const struct scan *s, uint32_t at)
{
    for (; at < s->end; at++) {
        uint8_t next = at + 1 < s->end ? s->s[at + 1] : '\n';
        if (s->s[at] == ']' &&
            (next == '\n' || next == '\r' || next == '\\' || next == '"' ||
             scan_has_exactly(s, at + 1, " [") || scan_has_exactly(s, at + 1, " (")))
            return at;
    }
    return at;
}

static uint32_t line_end(const struct scan *s, uint32_t at)
{
    while (at < s->end && s->s[at] != '\n' && s->s[at] != '\r')
        at++;
    return at;
}

/* Whether `word`, with blanks around it, stands within [at, end). */
static bool holds_word(const struct scan *s, uint32_t at, uint32_t end, const char *word)
{
    for (; at < end; at++) {
        if (s->s[at] == ' ' && scan_has(s, at + 1, word))
            return true;
    }
    return false;
}

bool is_statement(struct scan *s)
{
    static const struct {
        const char *verb, *then;
    } statements[] = {{"select ", "from "}, {"insert ", "into "}, {"update ", "set "},
                      {"delete ", "from "}, {"merge ", "into "},  {"replace ", "into "}};
    uint32_t near = s->end > STATEMENT_WITHIN ? STATEMENT_WITHIN : s->end;
    s->steps += near;
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
        if (scan_has(s, 0, statements[i].verb))
            return holds_word(s, 0, near, statements[i].then) &&
                   (memchr(s->s, '\'', s->end) || memchr(s->s, '=', s->end));
    }
    return false;
}

void statement_at(struct scan *s, uint32_t at)
{
    uint8_t before = at ? s->s[at - 1] : 0;
    if ((before != 'L' && before != 's' && before != 'y' && before != 't') ||
        !s->d->on[SCRUB_SQL_LITERAL] || at + 2 >= s->end || s->s[at + 1] != ' ')
        return;
    bool bracket = stands_before(s, at, "[SQL") || stands_before(s, at, "[parameters");
    bool named = !bracket && (stands_before(s, at, "SQL") || stands_before(s, at, "uery") ||
                              stands_before(s, at, "tatement"));
    if (!bracket && !(named && begins_list_of_values(s, at + 2)))
        return;
    uint32_t end = bracket ? bracket_end(s, at + 2) : line_end(s, at + 2);
    s->steps += end - at;
    sql_range(s, at + 2, end);
}

/* ---- literals ---- */

static bool is_password_clause(const struct scan *s, uint32_t start, uint32_t end)
{
    bool by = end - start == 2 && scan_has(s, start, "by") && start >= 11 &&
              scan_has(s, start - 11, "identified ");
    return by || (end - start == 8 && scan_has_exactly(s, start, "PASSWORD"));
}

/* What the column of " for key 'users.token'" says of the value before. */
static unsigned traits_of_column(const struct scan *s, uint32_t at)
{
    static const char of[] = " for key ";
    if (!scan_has_exactly(s, at, of))
        return 0;
    uint32_t start = at + (uint32_t)sizeof of - 1, end;
    start += quote_at(s, start);
    for (end = start; end < s->end && end - start < NAME_MAX && is_name(s->s[end]); end++) {
        if (s->s[end] == '.')
            start = end + 1;
    }
    return key_traits(bytes_of(s->s + start, end - start));
}

/* `at`: a quote behind a word and a blank. */
static void literal_at(struct scan *s, uint32_t at)
{
    uint32_t name = at;
    if (!(s->d->on[SCRUB_SENSITIVE_KEY] || s->numbers) || name < s->floor + 3)
        return;
    name--;
    uint32_t start = word_start(s, name);
    if (name - start < 2 || !(scan_has(s, start, "entry") || scan_has(s, start, "by") ||
                              key_may_matter(s->s[name - 2], s->s[name - 1])))
        return;
    uint32_t value = at + 1, end = quoted_end(s, value, at, 1);
    uint32_t most = end - value > VALUE_MAX ? value + VALUE_MAX : end;
    s->steps += most - start;
    if (end >= s->end || end > most || is_placeholder(s->s + value, end - value))
        return;
    bool entry = start >= s->floor + 10 && scan_has(s, start - 10, "duplicate entry");
    unsigned traits = key_traits(bytes_of(s->s + start, name - start));
    bool told = traits & KEY_SENSITIVE && is_told_secret(s->s + value, end - value);
    unsigned column = entry ? traits_of_column(s, end + 1) : 0;
    if (is_password_clause(s, start, name) || told || column & (KEY_SENSITIVE | KEY_SESSION)) {
        if (s->d->on[SCRUB_SENSITIVE_KEY])
            secret_add(s, value, end, SCRUB_SENSITIVE_KEY, traits);
    } else if (column & KEY_NAMED_NUMBER && s->numbers) {
        named_number(s, column, value, end);
    }
}

/* A quote behind a blank. */
void quote_in_text_at(struct scan *s, uint32_t at)
{
    if (!listed_value_at(s, at) && !quoted_number_at(s, at))
        literal_at(s, at);
}

/* ---- rows ---- */

/* The next name and the next value of "(a, b)=(1, 2)". */
static uint32_t item_end(const struct scan *s, uint32_t at, uint32_t limit)
{
    while (at < limit && s->s[at] != ',')
        at++;
    return at;
}

enum { ROW_MAX = 512 };

/* What stands before it in the row is looked at first, so that findings are in order, and not again
 * when the pass comes there. */
static void row_value(struct scan *s, unsigned traits, uint32_t value, uint32_t end)
{
    bool secret = traits & (KEY_SENSITIVE | KEY_SESSION) && s->d->on[SCRUB_SENSITIVE_KEY];
    bool number = !secret && traits & KEY_NAMED_NUMBER && s->numbers;
    if (!secret && !number)
        return;
    scan_kept(s, s->next, value);
    s->next = value > s->next ? value : s->next;
    if (secret)
        secret_add(s, value, end, SCRUB_SENSITIVE_KEY, traits);
    else
        named_number(s, traits, value, end);
}

/* The sign of "Key (email, token)=(a@b.example, x) already exists": values stand in the names'
 * order. */
void row_at(struct scan *s, uint32_t at)
{
    if (at < s->floor + 6 || s->s[at - 1] != ')' || at + 2 >= s->end || s->s[at + 1] != '(')
        return;
    uint32_t name = at - 1, value = at + 2;
    while (name > s->floor && at - name < ROW_MAX && s->s[name - 1] != '(')
        name--;
    if (name < 5 || !scan_has_exactly(s, name - 5, "Key ("))
        return;
    uint32_t limit = s->end - value > ROW_MAX ? value + ROW_MAX : s->end;
    const uint8_t *close = memmem(s->s + value, limit - value, ") ", 2);
    limit = close ? (uint32_t)(close - s->s) : limit;
    if (!close && s->s[limit - 1] == ')')
        limit--;
    s->steps += limit - name;
    s->next = value > s->next ? value : s->next;
    while (name < at - 1 && value < limit) {
        uint32_t name_end = item_end(s, name, at - 1), end = item_end(s, value, limit);
        row_value(s, key_traits(bytes_of(s->s + name, name_end - name)), value, end);
        name = behind_blanks(s, name_end + 1);
        value = behind_blanks(s, end + 1);
    }
}
