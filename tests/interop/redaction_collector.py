#!/usr/bin/env python3
"""Sends the same random and hand-made spans through the Collector's redaction and through ours: the same
attributes must come out of spans, events, resources and scopes, with the same summaries.

    TAILSPAN=build/release/tailspan OTELCOL=/path/to/otelcol tests/interop/redaction_collector.py [SEED]

The Collector has to have redaction and the file exporter, as contrib's 0.158 has; without it the test is
skipped (exit status 77).

Ours looks where the Collector does not: into links, arrays and maps, names and status messages. Spans for
the comparison have nothing to hide there; a span of its own shows that there the Collector leaks and ours
does not.
"""

import os
import random
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import beside  # noqa: E402
from beside import attribute  # noqa: E402

SPANS = 3000
A_REQUEST = 100
CARDS = r"\b4[0-9]{12}(?:[0-9]{3})?\b"
MAIL = r"[a-z0-9._%+-]+@[a-z0-9.-]+\.[a-z]{2,}"
KEY = "0123456789abcdef" * 4


def redaction(**settings):
    return [{"redaction": settings}]


def both_ways(**settings):
    return redaction(allow_all_keys=True, blocked_values=[CARDS, MAIL, "(?i)token=[^&]*"], summary="debug", **settings)


CASES = {
    "nothing": redaction(),
    "nothing_debug": redaction(summary="debug"),
    "everything": redaction(allow_all_keys=True),
    "allowed": redaction(allowed_keys=["id", "note", "http.url", "service.name"], summary="debug"),
    "allowed_info": redaction(allowed_keys=["id", "note"], summary="info"),
    "allowed_blocked": redaction(allowed_keys=["note", "mail", "card", "redaction.allowed.keys"],
                                 blocked_values=[CARDS], allowed_values=["^zzz"], summary="debug"),
    "values": redaction(allow_all_keys=True, blocked_values=[CARDS, MAIL]),
    "values_silent": redaction(allow_all_keys=True, blocked_values=[CARDS, MAIL], summary="silent"),
    "values_info": redaction(allow_all_keys=True, blocked_values=[CARDS, MAIL], summary="info"),
    "values_debug": both_ways(),
    "md5": both_ways(hash_function="md5"),
    "sha1": both_ways(hash_function="SHA1"),
    "sha3": both_ways(hash_function="sha3"),
    "hmac256": both_ways(hash_function="hmac-sha256", hmac_key=KEY[:32]),
    "hmac512": both_ways(hash_function="hmac-sha512", hmac_key=KEY),
    "hashed_keys": redaction(allow_all_keys=True, blocked_key_patterns=["^pass", "secret"], hash_function="md5",
                             summary="debug"),
    "ignored": both_ways(ignored_keys=["mail", "note"], ignored_key_patterns=[r"^http\.", "_id$"]),
    "ignored_not_allowed": redaction(ignored_keys=["mail"], ignored_key_patterns=["card"], summary="info"),
    "keys": both_ways(blocked_key_patterns=["pass.*", "(?i)SECRET", "^n"]),
    "allowed_values": both_ways(allowed_values=[r"@example\.com", "^41"], blocked_key_patterns=["mail"]),
    "allowed_empty": redaction(allow_all_keys=True, allowed_values=["^$"], summary="debug"),
    "all_types": redaction(allow_all_keys=True, redact_all_types=True, summary="debug",
                           blocked_values=[CARDS, MAIL, "tru", r"^-?[0-9.]+e", r'"k\w*":'], allowed_values=["^12"],
                           blocked_key_patterns=["secret"]),
    "all_types_hashed": redaction(allow_all_keys=True, redact_all_types=True, blocked_key_patterns=["id|note|text|^n|λ|^my"],
                                  hash_function="sha1"),
    "empty_match": redaction(allow_all_keys=True, blocked_values=["q*"], summary="debug"),
    "empty_value": redaction(allow_all_keys=True, blocked_values=["^$"], hash_function="sha3", summary="debug"),
    "mask_again": redaction(allow_all_keys=True, blocked_values=[r"\*+", "[0-9]", r"\*\*"], summary="debug"),
    "same": redaction(allow_all_keys=True, blocked_values=[r"^\*{4}$"], summary="debug"),
    "lines": redaction(allow_all_keys=True, blocked_values=["(?m)^line.*$"], blocked_key_patterns=["text"],
                       summary="debug"),
    "text": redaction(allow_all_keys=True, blocked_values=["(?s)one.+two"], summary="debug"),
    "unicode": redaction(allow_all_keys=True, blocked_values=[r"\p{Greek}+", r"[^\x00-\x7f]", r"(?i)straße"],
                         summary="debug"),
    "syntax": redaction(allow_all_keys=True, summary="debug", blocked_values=[
        r"(?U)a+b", r"[[:digit:]]{4}-", r"\bzz\b", r"(?P<word>one|two)\s+\d", r"\Qa.b\E", r"x{2,3}?", r"\pL\d$",
        r"[^[:alnum:]\s]{3}", r"\x{3b1}", r"(?i:KEY)=\S+"]),
    "chained": redaction(allow_all_keys=True, blocked_values=[CARDS], summary="debug") + redaction(
        allow_all_keys=True, blocked_values=[MAIL, "token"], ignored_keys=["id"], summary="debug"),
    "chained_info": redaction(allow_all_keys=True, blocked_values=[CARDS], summary="info") + redaction(
        allow_all_keys=True, blocked_values=[MAIL], summary="debug") + redaction(
        allow_all_keys=True, blocked_values=["note", "[0-9]{3}"], summary="info"),
    "chained_allowed": redaction(allow_all_keys=True, allowed_values=["^4"], summary="debug") + redaction(
        allowed_keys=["note", "mail"], summary="debug"),
    "chained_blocked": redaction(allow_all_keys=True, blocked_values=[CARDS], summary="debug") + redaction(
        allow_all_keys=True, blocked_key_patterns=["count$", "keys"], summary="debug"),
    "chained_ignored": redaction(allow_all_keys=True, blocked_values=[CARDS], summary="debug") + redaction(
        allow_all_keys=True, ignored_key_patterns=[r"^redaction\."], blocked_values=[MAIL], summary="debug"),
}

REFUSED = [
    redaction(hash_function="sha2"),
    redaction(hash_function="hmac-sha256"),
    redaction(hash_function="hmac-sha256", hmac_key="short"),
    redaction(hash_function="hmac-sha512", hmac_key=KEY[:63]),
    redaction(allow_keys=True),
]

LEAKY = redaction(allow_all_keys=True, blocked_values=["s3cr[a-z0-9]+"], blocked_key_patterns=["^hidden$"])

TEXTS = [
    "", "zzz", "zz top", "note", "4111111111111111", "41111111111111112", "pay with 4222222222222 and 4111111111111111.",
    "jo@example.com", "a@b.de, c@d.fr", "<jo.doe+x@mail.example.org>", "token=abc&next=1", "TOKEN=x&token=y",
    "line one\nline two\n", "\n\n", "text\n\nwith a gap", "one\ntwo", "one 1 two 2", "αβγ and δ", "Straße", "STRASSE ſ",
    "aab aaab ab", "1234-5678", "a.b axb", "xxxx xx xxxxx", "key=value KEY=other", "---", "***", "****", "é1", "qqq", "aqbqq",
    "2024-01-01T00:00:00Z", "https://x.example/a?token=1#f", '{"k": "v"}', "\t\r\n ", "a\u2028b\u2029c", "<&>", "\x7f\x01",
]
KEYS = ["id", "note", "mail", "card", "http.url", "http.method", "user_id", "password", "my.secret", "SECRET", "text",
        "n1", "n2", "κλειδί", "service.name", "a b", ""]
OTHERS = [None, True, False, 0, 12, -7, 4111111111111111, 1.5, 1e300, -2.5e-9, 0.1, 1e21, 1e20, [], {}, ["zzz", 1, None],
          {"kz": "zzz", "a": [True, 0.5]}, [["zzz"], {"b": {}}], ("enp6eg==",), ("",)]


def random_value(dice):
    if dice.random() < 0.3:
        return dice.choice(OTHERS)
    return " ".join(dice.choice(TEXTS) for _ in range(dice.choice([1, 1, 1, 2, 3])))


def random_attributes(dice, most):
    found = [attribute(k, random_value(dice)) for k in dice.sample(KEYS, dice.randrange(most))]
    if dice.random() < 0.1:
        found.insert(0, attribute("redaction.masked.keys", dice.choice(["x", "b,a", "", ",", 7, "jo@example.com"])))
        found.append(attribute("redaction.masked.count", dice.choice([1, 2, "3"])))
    if dice.random() < 0.05:
        found.append(attribute("redaction.ignored.count", 5))
        found.append(attribute("redaction.allowed.keys", "q"))
    return found


def random_span(dice, number):
    return {
        "traceId": "%032x" % (dice.getrandbits(128) or 1), "spanId": "%016x" % (number + 1), "name": "zzz", "kind": 1,
        "startTimeUnixNano": "1", "endTimeUnixNano": "2", "attributes": random_attributes(dice, 9),
        "events": [{"timeUnixNano": "1", "name": "zzz", "attributes": random_attributes(dice, 4)}
                   for _ in range(dice.choice([0, 0, 1, 2]))],
        "links": [{"traceId": "%032x" % 1, "spanId": "%016x" % 1} for _ in range(dice.choice([0, 0, 1]))],
    }


def random_requests(dice):
    for at in range(0, SPANS, A_REQUEST):
        spans = [random_span(dice, i) for i in range(at, at + A_REQUEST)]
        half = dice.randrange(A_REQUEST)
        yield {"resourceSpans": [
            {"resource": {"attributes": random_attributes(dice, 5)},
             "scopeSpans": [{"scope": {"name": "zzz", "attributes": random_attributes(dice, 3)}, "spans": part}]}
            for part in (spans[:half], spans[half:]) if part]}


def leaky_request():
    secret, hidden = "a s3cret1 b", {"hidden": "all of it"}
    return {"resourceSpans": [{"resource": {}, "scopeSpans": [{"scope": {}, "spans": [{
        "traceId": "%032x" % 1, "spanId": "%016x" % (1 << 60), "name": secret, "kind": 1,
        "status": {"code": 2, "message": secret},
        "attributes": [attribute("list", ["x", secret, [secret]]), attribute("map", {"k": {"l": secret}, **hidden})],
        "events": [{"name": secret, "timeUnixNano": "1", "attributes": [attribute("list", [secret])]}],
        "links": [{"traceId": "%032x" % 1, "spanId": "%016x" % 1, "attributes": [attribute("k", secret)]}],
    }]}]}]}


def leaks(both):
    """The Collector lets all of these through; ours none, and keeps what is beside them."""
    ours, theirs = (list(p.spans("leaky").values())[-1] for p in both)
    wrong = []
    if str(theirs).count("s3cret1") != 8 or "all of it" not in str(theirs):
        wrong.append("leaky: the Collector leaks otherwise than it did: %s" % theirs)
    if "s3cret1" in str(ours) or "all of it" in str(ours) or str(ours).count("a **** b") != 8:
        wrong.append("leaky: ours leaks: %s" % ours)
    return wrong


def expected(case, span):
    """What ours makes of what the Collector left: an expression that matches nothing at all matches in names, too."""
    if case != "empty_match":
        return span
    name = "****z****z****z****"
    return {**span, "name": name, "events": [(name, attributes) for _, attributes in span["events"]]}


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else random.randrange(10**9)
    both = beside.programs("redaction")
    wrong = beside.refusals(both, REFUSED)
    beside.run(both, {**CASES, "leaky": LEAKY}, list(random_requests(random.Random(seed))) + [leaky_request()])
    compared = 0
    for case in CASES:
        ours, theirs = (p.spans(case) for p in both)
        for found in (ours, theirs):
            found.pop("%016x" % (1 << 60))
        wrong += beside.compare(case, ours, theirs, expected)
        compared += len(theirs)
    wrong += leaks(both)
    for difference in wrong[:20]:
        print(difference)
    print("seed %d: %d spans in %d cases compared, %d differences" % (seed, compared, len(CASES), len(wrong)))
    return 1 if wrong or compared == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
