/* Four numbers that are a version, a section or an object's identifier, and no address. What stands
 * around them tells: a word that goes with versions, in several languages, a package's name, a sign
 * that compares, a directory. What does not tell is an address. */
#include "processors/scrub/detect_private.h"

static bool ends_in(const struct scan *s, uint32_t at, const char *word)
{
    uint32_t len = (uint32_t)strlen(word);
    return at >= len && scan_has(s, at - len, word);
}

/* What stands before an address in paths, topics and keys: devices/203.0.113.7. */
static bool is_machine(const struct scan *s, uint32_t start, uint32_t end)
{
    static const char *const words[] = {"device", "devices", "host",  "hosts", "ip",
                                        "ips",    "peer",    "peers", NULL};
    return is_word_of(s->s + start, end - start, words);
}

/* Whether a path goes on at `at` that does not end in the name of a file:
 * devices/203.0.113.7/status, but app/7.2.4.130/app.exe. */
static bool is_way_on(const struct scan *s, uint32_t at)
{
    if (at + 1 >= s->end || s->s[at] != '/' || !byte_is_alnum(s->s[at + 1]))
        return false;
    uint32_t end = at + 1;
    while (end < s->end && end - at < 64 && (byte_is_token(s->s[end]) || s->s[end] == '/'))
        end++;
    return end == s->end || s->s[end] != '.';
}

/* Chrome/126.0.0.0, but not host.example/93.184.216.34:443 as Java writes it. */
static bool is_product(const struct scan *s, uint32_t at, uint32_t end)
{
    uint32_t start = at - 1;
    if (at < 2 || s->s[at - 1] != '/' || !byte_is_alnum(s->s[at - 2]))
        return false;
    if (is_way_on(s, end) || (end + 1 < s->end && s->s[end] == ':' && byte_is_digit(s->s[end + 1])))
        return false;
    for (; start > 0 && at - start < 64 && s->s[start - 1] > ' '; start--) {
        if (s->s[start - 1] == '.' || s->s[start - 1] == '/')
            return false;
    }
    return !is_machine(s, start, at - 1);
}

/* @scope/pkg@1.2.3.4, group.of:artifact:1.2.3.4, registry/app:1.2.3.4, app:1.2.3.4@sha256:…; but
 * not user@8.8.8.8, and not what follows a scheme. */
static bool is_package(const struct scan *s, uint32_t at, uint32_t end)
{
    if (scan_has(s, end, "@sha256:"))
        return true;
    uint8_t sign = at > 1 ? s->s[at - 1] : 0;
    if (sign != '@' && sign != ':')
        return false;
    uint32_t start = at - 1;
    bool path = false, scoped = false, group = false;
    while (start > 0 && at - start < 64) {
        uint8_t c = s->s[start - 1];
        if (!byte_is_token(c) && c != '.' && c != '/' && c != '@' && c != ':')
            break;
        if (c == '/' && start > 1 && s->s[start - 2] == '/')
            return false;
        path |= c == '/';
        group |= c == ':';
        scoped = c == '@';
        start--;
    }
    if (start == at - 1 || s->s[start] == '/')
        return false;
    return sign == '@' ? scoped && path
                       : path || (group && memchr(s->s + start, '.', at - start) != NULL &&
                                  byte_is_letter(s->s[start]) && byte_is_token(s->s[at - 2]));
}

/* "upgraded from 9.1.2.3 to 9.1.2.4": both numbers, and a word that goes with versions. */
static bool is_upgrade(const struct scan *s, uint32_t at, uint32_t end)
{
    static const char *const words[] = {"upgrad", "downgrad", "updated", "bump"};
    bool from = ends_in(s, at, "from ") && scan_has(s, end, " to ") && end + 4 < s->end &&
                (byte_is_digit(s->s[end + 4]) || s->s[end + 4] == 'v');
    bool to = ends_in(s, at, " to ") && at > 4 && byte_is_digit(s->s[at - 5]);
    uint32_t start = at > 48 ? at - 48 : 0;
    for (uint32_t i = start; (from || to) && i < at; i++) {
        for (size_t k = 0; k < sizeof words / sizeof words[0]; k++) {
            if (byte_lower(s->s[i]) == (uint8_t)words[k][0] && scan_has(s, i, words[k]))
                return true;
        }
    }
    return false;
}

/* What stands between two versions; the first was told to be one. */
static bool is_next_version(const struct scan *s, uint32_t at)
{
    static const char *const between[] = {" to ",   " -> ", "->",   " → ",         "\",\"",
                                          "\", \"", "','",  "', '", " but found ", ", found ",
                                          ", got ", " or ", " and "};
    for (size_t i = 0; s->version_end > 0 && i < sizeof between / sizeof between[0]; i++) {
        if (s->version_end + strlen(between[i]) == at && scan_has(s, s->version_end, between[i]))
            return true;
    }
    return false;
}

/* Before a sign that compares, and blanks: "< ", ">=", "~> "; `at`: there is none. */
static uint32_t comparison_start(const struct scan *s, uint32_t at)
{
    uint32_t end = at;
    while (end > 0 && at - end < 2 && s->s[end - 1] == ' ')
        end--;
    uint32_t start = end;
    while (start > 0 && end - start < 3 && s->s[start - 1] && strchr("<>~!=^", s->s[start - 1]))
        start--;
    return start < end ? start : at;
}

/* The next bound of a range: ">= 1.0, < 1.2.3.4", but not ", <192.0.2.7>" and ",=192.0.2.7". */
static bool is_bound(const struct scan *s, uint32_t at, uint32_t end)
{
    uint32_t start = comparison_start(s, at), before = start;
    while (before > 0 && start - before < 2 && s->s[before - 1] == ' ')
        before--;
    bool framed = s->s[at - 1] == '<' && end < s->end && s->s[end] == '>';
    bool equal = s->s[start] == '=' && s->s[start + 1] != '=';
    return start < at && before > 0 && s->s[before - 1] == ',' && !framed && !equal;
}

/* ^1.2.3.4, >= 1.2.3.4, ==1.2.3.4, (,1.2.3.4] of ranges */
static bool is_compared(const struct scan *s, uint32_t at, uint32_t end)
{
    if (at == 0)
        return false;
    if (ends_in(s, at, ">= ") || ends_in(s, at, "<= ") || ends_in(s, at, "~> ") ||
        is_bound(s, at, end))
        return true;
    uint8_t sign = s->s[at - 1], before = at > 1 ? s->s[at - 2] : 0;
    return sign == '^' || sign == '~' || (sign == '=' && before && strchr("<>~!=^", before)) ||
           (sign == '>' && before == '~');
}

/* Where the name of the directory before begins, which ends at `end`. */
static uint32_t directory_before(const struct scan *s, uint32_t end)
{
    uint32_t start = end;
    while (start > 0 && end - start < 32 && (byte_is_token(s->s[start - 1])))
        start--;
    return start;
}

/* lib/16.9.81.34/…, vue/3.4.5.6/vue.min.js, java/11.0.20.1/bin */
static bool is_directory(const struct scan *s, uint32_t at, uint32_t end)
{
    static const char *const before[] = {"lib",      "libs",     "release", "releases", "version",
                                         "versions", "packages", "dist",    "gems"};
    static const char *const behind[] = {"bin", "lib", "jre", "include", "share", "dist"};
    if (at < 2 || end >= s->end || s->s[at - 1] != '/' || s->s[end] != '/')
        return false;
    uint32_t start = directory_before(s, at - 1), len = at - 1 - start;
    if (len == 0)
        return false;
    for (size_t i = 0; i < sizeof before / sizeof before[0]; i++) {
        if (bytes_are(s->s + start, len, before[i]))
            return true;
    }
    for (size_t i = 0; i < sizeof behind / sizeof behind[0]; i++) {
        uint32_t stop = end + 1 + (uint32_t)strlen(behind[i]);
        if (scan_has(s, end + 1, behind[i]) && (stop == s->end || !byte_is_token(s->s[stop])))
            return true;
    }
    return s->end - end > len && memcmp(s->s + start, s->s + end + 1, len) == 0;
}

/* C:\App\7.2.4.130\app.exe, also with each backslash doubled; but not \\8.8.8.8\share. */
static bool is_windows_directory(const struct scan *s, uint32_t at, uint32_t end)
{
    uint32_t start = at;
    while (start > 0 && at - start < 2 && s->s[start - 1] == '\\')
        start--;
    return start < at && start > 0 && byte_is_token(s->s[start - 1]) && end < s->end &&
           s->s[end] == '\\' && !(escape_at(s, end) && at - start == 1);
}

/* 1.3.6.1, 2.5.4.3, 2.5.29.17: where the identifiers of X.500 and the internet begin. */
static bool is_object_identifier(const struct scan *s, uint32_t at, uint32_t end)
{
    return (end - at == 7 && scan_has_exactly(s, at, "1.3.6.1")) ||
           (end - at <= 8 && scan_has_exactly(s, at, "2.5.4.")) ||
           (end - at <= 9 && scan_has_exactly(s, at, "2.5.29."));
}

/* Before the signs that may stand between a name and its value: `version = "`, `<version>`,
 * `versions":["`, `Version%3D`, `版本：`. */
static uint32_t signs_start(const struct scan *s, uint32_t at)
{
    uint32_t end = at;
    while (end > 0 && at - end < 8) {
        uint8_t byte = s->s[end - 1];
        uint32_t len = byte_is_alnum(byte) ? escape_before(s, end, &byte) : 1;
        if (byte == 0x9a && end >= 3 && memcmp(s->s + end - 3, "：", 3) == 0)
            len = 3;
        else if (len == 0 || byte == 0 || !strchr(" =:\".'(>[", byte))
            break;
        end -= len;
    }
    return end;
}

/* Where the word begins that ends at `end`. */
static uint32_t word_start(const struct scan *s, uint32_t end)
{
    uint32_t start = end;
    while (start > 0 && end - start < 40 &&
           (byte_is_letter(s->s[start - 1]) || s->s[start - 1] >= 0x80))
        start--;
    return start;
}

/* The end of the name before `at`; "version number is" has two more words. */
static uint32_t name_end(const struct scan *s, uint32_t at)
{
    static const char *const words[] = {"number", "no", "nr",  "num", "nummer", "numero", "número",
                                        "numéro", "is", "ist", "est", "es",     "was",    NULL};
    uint32_t end = signs_start(s, at);
    for (unsigned i = 0; i < 2; i++) {
        uint32_t start = word_start(s, end);
        if (!is_word_of(s->s + start, end - start, words))
            break;
        end = signs_start(s, start);
    }
    return end;
}

/* The word version in whatever form and compound: Versionsnummer, wersji, 版本号. */
static bool is_form_of_version(const struct scan *s, uint32_t end)
{
    static const char *const stems[] = {"version", "versión", "versão",     "versõe", "versie",
                                        "versjon", "verze",   "verzi",      "wersj",  "верси",
                                        "Верси",   "версі",   "Версі",      "έκδοσ",  "Έκδοσ",
                                        "sürüm",   "版本",    "バージョン", "버전"};
    enum { ENDING_MAX = 12 };
    uint32_t start = word_start(s, end);
    for (uint32_t at = start; at < end; at++) {
        for (size_t i = 0; i < sizeof stems / sizeof stems[0]; i++) {
            uint32_t stop = at + (uint32_t)strlen(stems[i]);
            if (byte_lower(s->s[at]) == (uint8_t)stems[i][0] && stop <= end &&
                end - stop <= ENDING_MAX && scan_has(s, at, stems[i]))
                return true;
        }
    }
    return false;
}

static bool is_name_of_version(const struct scan *s, uint32_t end)
{
    static const char *const words[] = {"versi",       "ver",
                                        "release",     "build",
                                        "revision",    "rev",
                                        "firmware",    "upgrade",
                                        "oid",         "sdk",
                                        "driver",      "runtime",
                                        "schema",      "library",
                                        "openjdk",     "jdk",
                                        "jre",         "java",
                                        "chrome",      "chromium",
                                        "firefox",     "safari",
                                        "opera",       "android",
                                        "windows",     "skype",
                                        "section",     "chapter",
                                        "clause",      "appendix",
                                        "kapitel",     "abschnitt",
                                        "§",           "openssl",
                                        "zlib",        "glibc",
                                        "kernel",      "bios",
                                        "hotfix",      "installed",
                                        "candidate",   "figure",
                                        "article",     "annex",
                                        "libcurl",     "microsoft sql server",
                                        "upgraded to", "downgraded to",
                                        "bumped to",   "版",
                                        "संस्करण",       "الإصدار",
                                        "เวอร์ชัน",      "phiên bản"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        uint32_t len = (uint32_t)strlen(words[i]);
        if (ends_in(s, end, words[i]) && (len > 5 || !scan_in_word(s, end - len)))
            return true;
    }
    /* <v> is any value */
    return is_form_of_version(s, end) ||
           (ends_in(s, end, "v") && !scan_in_word(s, end - 1) && !strchr(">([", (char)s->s[end]));
}

bool is_version(const struct scan *s, uint32_t at, uint32_t end)
{
    if (is_product(s, at, end) || is_package(s, at, end) || is_upgrade(s, at, end) ||
        is_next_version(s, at) || is_compared(s, at, end) || is_directory(s, at, end) ||
        is_windows_directory(s, at, end) || is_object_identifier(s, at, end))
        return true;
    uint32_t name = name_end(s, comparison_start(s, at));
    bool apart = name < at || (at > 0 && s->s[at - 1] >= 0x80);
    return apart && is_name_of_version(s, name);
}
