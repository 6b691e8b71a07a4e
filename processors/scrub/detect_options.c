/* Secrets among the arguments of a command in a text: --password hunter2, mysql -phunter2,
 * curl -u user:hunter2, ["sshpass","-p","hunter2"]. What options mean is in arguments.c. */
#include "processors/scrub/detect_pairs.h"

#include <string.h>

/* ---- whose options they are ---- */

static bool is_part_of_word(uint8_t c)
{
    return byte_is_token(c) || c == '.' || c == '/';
}

/* Reads on to `at`: the program that was named last. Each byte is read once. */
static void read_words(struct scan *s, uint32_t at)
{
    uint32_t word = s->words_read;
    s->steps += at - s->words_read;
    for (uint32_t i = s->words_read; i < at; i++) {
        if (is_part_of_word(s->s[i]))
            continue;
        arguments_note(&s->arguments, bytes_of(s->s + word, i - word));
        word = i + 1;
        if (s->s[i] == ';' || s->s[i] == '|' || s->s[i] == '&' || s->s[i] == '\n')
            s->arguments = (struct arguments){0};
    }
    s->words_read = at;
}

/* ---- an option and its argument ---- */

/* Where the argument begins behind an option that ends at `at`: behind blanks, or as the next
 * string of a list. 0: there is none. */
static uint32_t argument_start(const struct scan *s, uint32_t option, uint32_t at)
{
    uint32_t start = at;
    if (at >= s->end)
        return 0;
    if (s->s[at] == '"' || s->s[at] == '\'') {
        if (option == 0 || s->s[option - 1] != s->s[at] || at + 1 >= s->end || s->s[at + 1] != ',')
            return 0;
        start = behind_blanks(s, at + 2);
        return start < s->end && s->s[start] == s->s[at] ? start : 0;
    }
    while (start < s->end && s->s[start] == ' ' && start - at < ALIGNED_MAX)
        start++;
    return start > at && start < s->end && s->s[start] != '-' ? start : 0;
}

/* `--password <password>` describes the command; the name in it is no element's. */
static bool pass_description(struct scan *s, uint32_t at)
{
    uint32_t limit = s->end - at > NAME_MAX ? at + NAME_MAX : s->end;
    const uint8_t *close = s->s[at] == '<' ? memchr(s->s + at, '>', limit - at) : NULL;
    if (close)
        s->next = (uint32_t)(close - s->s) + 1;
    return close;
}

static void report_argument(struct scan *s, uint32_t at, enum argument_kind kind)
{
    if (pass_description(s, at))
        return;
    uint32_t quote = quote_at(s, at), start = at + quote;
    uint32_t end = quote ? quoted_end(s, start, at, quote) : bare_end(s, start);
    size_t from;
    if (!quote && at < end && s->s[at] == '[' && end < s->end && s->s[end] == ']')
        end++; /* [REDACTED] */
    s->steps += end - at;
    if (start >= s->floor && argument_is(kind, bytes_of(s->s + start, end - start), &from))
        secret_add(s, start + (uint32_t)from, end, argument_class(kind), 0);
}

/* Whether a word may be an option by what stands before. The first look does not see double quotes,
 * so a list of arguments has to begin the value, or stand in an object. */
static bool is_apart(const struct scan *s, uint32_t at)
{
    uint8_t before = at ? s->s[at - 1] : ' ';
    return before == ' ' || before == '\'' || (before == '"' && (s->s[0] | 0x20) == '{') ||
           (s->s[at + 1] == '-' && !byte_is_token(before));
}

/* Of one letter, only these are anybody's. */
static bool may_matter(uint8_t letter)
{
    static const bool letters[256] = {
        ['p'] = true, ['P'] = true, ['a'] = true, ['w'] = true, ['u'] = true,
        ['U'] = true, ['b'] = true, ['k'] = true, ['K'] = true, ['s'] = true};
    return letters[letter];
}

void option_at(struct scan *s, uint32_t at)
{
    uint32_t end = at;
    size_t attached;
    if (at + 2 >= s->end || !is_apart(s, at))
        return;
    while (end < s->end && end - at < NAME_MAX && byte_is_token(s->s[end]))
        end++;
    s->steps += end - at;
    bool goes_on = end < s->end && s->s[end] > ' ' && !strchr(",)]}", s->s[end]) &&
                   !(at > 0 && s->s[end] == s->s[at - 1]);
    uint32_t len = end - at + (end - at == 2 && goes_on); /* -p'x', -p$PASSWORD */
    bool letter = s->s[at + 1] != '-';
    if (len < 2 || (letter && len < 4 && !may_matter(s->s[at + 1])))
        return;
    read_words(s, at);
    enum argument_kind kind = option_argument(&s->arguments, bytes_of(s->s + at, len), &attached);
    if (kind == ARGUMENT_PLAIN || !s->d->on[argument_class(kind)])
        return;
    uint32_t start = attached ? at + (uint32_t)attached : argument_start(s, at, end);
    if (start)
        report_argument(s, start, kind);
}
