/* Email addresses: a local part, @ in whatever encoding, a domain with a top level.
 *
 * Not: git@host:path, pkg@1.2.3, image@sha256:…, icon@2x.png, nodes of clusters. The user of a URL
 * is url.c's. Other scripts are letters; where text without blanks runs into an address (CJK), it
 * ends where the script changes. */
#include "processors/scrub/detect_private.h"

enum { LOCAL_MAX = 64, DOMAIN_MAX = 253 };

static bool is_local(uint8_t c)
{
    return byte_is_alnum(c) || c == '.' || c == '_' || c == '-' || c == '+' || c == '\'' ||
           c == '!' || c == '~' || c == '*' || c == '#';
}

/* The character that ends before `at`, from `floor` on; its length in *len. */
static uint32_t character_before(const struct scan *s, uint32_t at, uint32_t *len)
{
    uint32_t code = 0, shift = 0;
    for (*len = 1; *len <= 4 && at >= s->floor + *len; ++*len) {
        uint8_t c = s->s[at - *len];
        if ((c & 0xc0) == 0x80) {
            code |= (uint32_t)(c & 0x3f) << shift;
            shift += 6;
            continue;
        }
        uint32_t mask = *len == 2 ? 0x1f : *len == 3 ? 0x0f : 0x07;
        return *len == 1 ? c : code | (c & mask) << shift;
    }
    *len = 1;
    return 0;
}

/* A byte, which may be percent-encoded; its length there in *len. */
static uint8_t byte_at(const struct scan *s, uint32_t at, uint32_t *len)
{
    *len = at < s->end && s->s[at] == '%' && escape_at(s, at) == 3 ? 3 : 1;
    if (*len == 3)
        return (uint8_t)(byte_hex_value(s->s[at + 1]) << 4 | byte_hex_value(s->s[at + 2]));
    return at < s->end ? s->s[at] : 0;
}

/* The character that begins at `at`, and its length there in *len; 0: it is none. */
static uint32_t character_at(const struct scan *s, uint32_t at, uint32_t *len)
{
    uint8_t c = byte_at(s, at, len);
    unsigned bytes = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    uint32_t code = c & (0xffu >> (bytes + 1)), end = at + *len;
    if (c < 0xc0)
        return 0;
    for (unsigned i = 1; i < bytes; i++) {
        uint32_t more;
        uint8_t next = byte_at(s, end, &more);
        if ((next & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (next & 0x3f);
        end += more;
    }
    *len = end - at;
    return code;
}

/* Scripts whose letters go with Latin ones in one word. */
static bool is_latin(uint32_t code)
{
    return code >= 0xc0 && code <= 0x24f && code != 0xd7 && code != 0xf7;
}

static bool is_other_letter(uint32_t code)
{
    return code >= 0x370 && !(code >= 0x2000 && code <= 0x206f) &&
           !(code >= 0x2190 && code <= 0x2bff) && !(code >= 0x3000 && code <= 0x3004) &&
           !(code >= 0x3008 && code <= 0x3030) && !(code >= 0xff00 && code <= 0xff20) &&
           !(code >= 0xff3b && code <= 0xff40) && !(code >= 0xff5b && code <= 0xff65) &&
           code < 0x1f000;
}

/* A percent-encoded byte that may be in a local part: + - _ . ' and bytes of other scripts. */
static bool is_encoded(const struct scan *s, uint32_t at)
{
    if (s->s[at] != '%' || !byte_is_hex(s->s[at + 1]) || !byte_is_hex(s->s[at + 2]))
        return false;
    unsigned c = byte_hex_value(s->s[at + 1]) << 4 | byte_hex_value(s->s[at + 2]);
    bool inside = c == '\'' && at > 0 && byte_is_letter(s->s[at - 1]); /* o%27brien */
    return c == '+' || c == '-' || c == '_' || c == '.' || inside || c >= 0x80;
}

/* C:\Users, \\server\share: a drive or two backslashes begin the word that ends in `backslash`. */
static bool is_path_before(const struct scan *s, uint32_t backslash)
{
    uint32_t start = backslash;
    while (start > s->floor && backslash - start < LOCAL_MAX &&
           (byte_is_token(s->s[start - 1]) || s->s[start - 1] == '\\' || s->s[start - 1] == ' '))
        start--;
    return start > 1 && s->s[start - 1] == ':' && byte_is_letter(s->s[start - 2]) &&
           s->s[start] == '\\' && (start == 2 || !byte_is_alnum(s->s[start - 3]));
}

static uint32_t local_start(struct scan *s, uint32_t at)
{
    uint32_t start = at;
    bool ascii = false, other = false;
    while (start > s->floor && at - start < LOCAL_MAX * 3) {
        uint8_t c = s->s[start - 1];
        if (start >= s->floor + 3 && s->s[start - 3] == '%' && byte_is_hex(c) &&
            byte_is_hex(s->s[start - 2])) {
            if (!is_encoded(s, start - 3))
                break; /* an encoded separator */
            start -= 3;
        } else if (is_local(c)) {
            if (other && byte_is_alnum(c))
                break;
            ascii |= byte_is_alnum(c);
            start--;
        } else if (c >= 0x80) {
            uint32_t len, code = character_before(s, start, &len);
            if (!is_latin(code) && (ascii || !is_other_letter(code)))
                break;
            other |= !is_latin(code);
            start -= len;
        } else {
            break;
        }
    }
    s->steps += at - start;
    while (start < at &&
           (s->s[start] == '.' || s->s[start] == '-' || s->s[start] == '\'' || s->s[start] == '*' ||
            s->s[start] == '#' || s->s[start] == '!' || s->s[start] == '~' || s->s[start] == '+'))
        start++;
    /* \n, \t, \u003c of text that was escaped; but not of C:\Users\nina@example.com */
    uint32_t escape = start > 0 && s->s[start - 1] == '\\' && !is_path_before(s, start - 1)
                          ? escape_at(s, start - 1)
                          : 0;
    return escape > 0 && start - 1 + escape < at ? start - 1 + escape : start;
}

/* "john doe"@, also with its quotes escaped or encoded: where it begins; `at`: there is none. */
static uint32_t quoted_start(struct scan *s, uint32_t at)
{
    static const char *const quotes[] = {"\\\"", "\"", "%22"};
    for (size_t i = 0; i < sizeof quotes / sizeof quotes[0]; i++) {
        uint32_t len = (uint32_t)strlen(quotes[i]), start = at - len;
        if (at < s->floor + len || !scan_has_exactly(s, start, quotes[i]))
            continue;
        while (start > s->floor && at - start < LOCAL_MAX * 3 && s->s[start - 1] >= ' ') {
            if (scan_has_exactly(s, --start, quotes[i]))
                break;
        }
        s->steps += at - start;
        bool begins = at - start > 2 * len && scan_has_exactly(s, start, quotes[i]);
        return begins && byte_is_alnum(s->s[start + len]) ? start : at;
    }
    return at;
}

/* Ends of file names that are no top-level domains. */
static bool is_extension(const uint8_t *label, uint32_t len)
{
    static const char *const names[] = {
        "png", "jpg", "jpeg", "gif", "svg", "webp", "js", "css", "json", "html", "htm", "xml",
        "yml", "yaml", "jar", "exe", "dll", "txt", "log", "pdf", "csv", "lock", "tgz", "gz", "tar",
        "local", "localdomain", "class", "map",
        /* of systemd's units: getty@tty1.service */
        "service", "socket", "timer", "mount", "automount", "slice", "scope", "swap", "device"};
    const char first = (char)byte_lower(label[0]);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i][0] == first && bytes_are(label, len, names[i]))
            return true;
    }
    return false;
}

/* The length of a byte of another script, which may be percent-encoded: 1 or 3; 0: it is none. */
static uint32_t high_length(const struct scan *s, uint32_t at)
{
    if (s->s[at] >= 0x80)
        return 1;
    bool encoded = s->s[at] == '%' && escape_at(s, at) == 3 && byte_hex_value(s->s[at + 1]) >= 8;
    return encoded ? 3 : 0;
}

static bool is_top_level(const struct scan *s, uint32_t start, uint32_t end)
{
    uint32_t len = end - start;
    if (len < 2 || is_extension(s->s + start, len))
        return false;
    if (len > 4 && scan_has(s, start, "xn--"))
        return true;
    for (uint32_t i = start; i < end; i++) {
        uint32_t high = high_length(s, i);
        if (high > 0) {
            i += high - 1;
            continue;
        }
        if (!byte_is_letter(s->s[i]))
            return false;
        /* fooBar is a method behind an object's address */
        if (i > start && byte_is_upper(s->s[i]) && !byte_is_upper(s->s[i - 1]))
            return false;
    }
    return true;
}

/* The end of the domain that starts at `at`; 0: it is none. */
static uint32_t domain_end(struct scan *s, uint32_t at)
{
    uint32_t start = at, label = at, end = 0, labels = 0, numeric = 0;
    bool digits = true;
    for (;; at++) {
        uint8_t c = at < s->end && at - start <= DOMAIN_MAX ? s->s[at] : 0;
        if (byte_is_alnum(c) || (c == '-' && at > label)) {
            digits &= byte_is_digit(c);
            continue;
        }
        if (c >= 0x80 || (c == '%' && high_length(s, at))) {
            uint32_t len, code = character_at(s, at, &len);
            bool ascii = at > label && s->s[at - 1] < 0x80 && scan_before(s, at) < 0x80;
            if (is_latin(code) || (is_other_letter(code) && !ascii && labels + (at > label) > 0) ||
                (is_other_letter(code) && at == label)) {
                digits = false;
                at += len - 1;
                continue;
            }
        }
        uint32_t label_end = at;
        while (label_end > label && s->s[label_end - 1] == '-')
            label_end--;
        if (label_end == label)
            break;
        bool encoded = c == '%' && scan_has(s, at, "%2e");
        /* versions: v1.2.x, 18.2.0-rc.beta */
        bool version =
            labels == 0 && (digits || (byte_lower(s->s[label]) == 'v' && at - label > 1 &&
                                       byte_is_digit(s->s[label + 1])));
        if (labels == 1 && numeric && byte_is_digit(s->s[label]))
            return 0;
        numeric += version;
        if (labels > 0 && is_top_level(s, label, label_end))
            end = label_end;
        else if (labels > 0)
            end = 0;
        labels++;
        if ((c != '.' && !encoded) || label_end != at)
            break;
        at += encoded ? 2 : 0;
        label = at + 1;
        digits = true;
    }
    s->steps += at - start;
    return end;
}

static bool is_name(const struct scan *s, uint32_t start, uint32_t end, const char *name)
{
    return end - start == strlen(name) && scan_has(s, start, name);
}

/* What has the form of an address and is none. */
static bool is_machine(const struct scan *s, uint32_t start, uint32_t at, uint32_t end)
{
    bool service = is_name(s, start, at, "git") || is_name(s, start, at, "hg");
    bool node = is_name(s, start, at, "celery") || is_name(s, start, at, "rabbit");
    bool path =
        end + 1 < s->end && s->s[end] == ':' && (s->s[end + 1] == '/' || s->s[end + 1] == '~');
    return service || node || path;
}

/* user:password@tcp(host:3306)/db, as Go's drivers have it, and jdbc:oracle:thin:user/password@…:
 * URLs without the ://. */
static void driver_url_at(struct scan *s, uint32_t at)
{
    static const char thin[] = "oracle:thin:";
    uint32_t start = at;
    bool go = scan_has(s, at + 1, "tcp(") || scan_has(s, at + 1, "unix(");
    bool host = at + 1 < s->end && (s->s[at + 1] == '/' || byte_is_alnum(s->s[at + 1]));
    if (!s->d->on[SCRUB_URL_CREDENTIALS] || (!go && !host))
        return;
    while (start > s->floor && at - start < 128 && s->s[start - 1] > ' ' &&
           s->s[start - 1] != '"' && s->s[start - 1] != '\'' && s->s[start - 1] != '=' &&
           s->s[start - 1] != '@')
        start--;
    s->steps += at - start;
    const uint8_t *oracle = go ? NULL : memmem(s->s + start, at - start, thin, sizeof thin - 1);
    if (oracle)
        scan_add(s, (uint32_t)(oracle - s->s) + sizeof thin - 1, at, SCRUB_URL_CREDENTIALS);
    else if (go)
        scan_add(s, start, at, SCRUB_URL_CREDENTIALS);
}

/* An escaped @ counts in the values of JSON's pairs, where there is a colon for the glance to see.
 */
static bool is_in_pair(const struct scan *s, uint32_t start)
{
    uint32_t at = start;
    while (at > 0 && start - at < 8 && s->s[at - 1] && strchr("\"\\[ ", (char)s->s[at - 1]))
        at--;
    return at < start && at > 0 && s->s[start - 1] == '"' && s->s[at - 1] == ':';
}

void email_at(struct scan *s, uint32_t at, uint32_t sign_len)
{
    driver_url_at(s, at);
    if (!s->d->on[SCRUB_EMAIL] || at < s->next || at + sign_len >= s->end)
        return;
    uint32_t start = local_start(s, at);
    if (start == at)
        start = quoted_start(s, at);
    if (start == at || s->s[at - 1] == '.' || (s->s[at] == '\\' && !is_in_pair(s, start)))
        return;
    uint32_t end = domain_end(s, at + sign_len);
    if (end && !is_machine(s, start, at, end))
        scan_add(s, start, end, SCRUB_EMAIL);
}
