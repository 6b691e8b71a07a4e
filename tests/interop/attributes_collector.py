#!/usr/bin/env python3
"""Sends the same random spans through the Collector's attributes and resource processors and through ours:
the same attributes must come out.

    TAILSPAN=build/release/tailspan OTELCOL=/path/to/otelcol tests/interop/attributes_collector.py [SEED]

The Collector has to have both and the file exporter, as contrib's 0.158 has; without it the test is skipped
(exit status 77). The order of attributes may differ: the Collector puts the last in the place of one that it
deletes.
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


def action(what, key=None, **more):
    return {**({"key": key} if key is not None else {}), "action": what, **more}


def attributes(*actions, **more):
    return [{"attributes": {"actions": list(actions), **more}}]


def resource(*actions):
    return [{"resource": {"attributes": list(actions)}}]


MARK = action("upsert", "mark", value=1)
VALUES = {"text": "x", "int": 12, "negative": -3, "double": 1.5, "bool": True, "list": [1, "a", [2.5]], "map": {"k": {"l": False}},
          "quoted": "12", "words": "true story", "large": 9223372036854775807}

CASES = {
    "insert": attributes(action("insert", "id", value="new"), action("insert", "fresh", value=7)),
    "update": attributes(action("update", "id", value="new"), action("update", "fresh", value=7)),
    "upsert": attributes(action("upsert", "id", value="new"), action("UPSERT", "fresh", value=7)),
    "values": attributes(*(action("insert", "v." + k, value=v) for k, v in VALUES.items())),
    "from": attributes(action("insert", "copy", from_attribute="id"), action("upsert", "note", from_attribute="number"),
                       action("update", "text", from_attribute="nobody")),
    "default": attributes(action("insert", "copy", from_attribute="nobody", default_value="d"),
                          action("upsert", "note", from_attribute="id", default_value=[1, 2]),
                          action("update", "text", default_value=2.5)),
    "delete": attributes(action("delete", "id"), action("delete", "nobody")),
    "delete_pattern": attributes(action("delete", pattern=r"^http\."), action("delete", "note", pattern="number|flag")),
    "hash": attributes(*(action("hash", k) for k in ("id", "number", "flag", "double", "list", "empty", "bytes"))),
    "hash_pattern": attributes(action("hash", pattern="^n"), action("hash", "id", pattern="^i")),
    "extract": attributes(action("extract", "http.url", pattern=r"^(?P<scheme>\w+)://(?P<host>[^/?]*)(?P<id>/\d+)?"),
                          action("extract", "number", pattern="(?P<digits>.*)")),
    "to_string": attributes(*(action("convert", k, converted_type="string")
                              for k in ("id", "number", "flag", "double", "list", "map", "empty", "bytes"))),
    "to_int": attributes(*(action("convert", k, converted_type="int")
                           for k in ("id", "number", "flag", "double", "list", "numeral", "empty"))),
    "to_double": attributes(*(action("convert", k, converted_type="double")
                              for k in ("id", "number", "flag", "double", "list", "numeral", "empty"))),
    "in_order": attributes(action("insert", "a", from_attribute="id"), action("delete", "id"), action("hash", "a"),
                           action("upsert", "id", from_attribute="a"), action("delete", "a"),
                           action("insert", "a", value="last"), action("convert", "number", converted_type="string"),
                           action("extract", "number", pattern="(?P<first>.)(?P<a>.?)")),
    "twice": attributes(action("delete", "id")) + attributes(action("insert", "id", value="again")),
    "include_service": attributes(MARK, include={"match_type": "strict", "services": ["shop", "7"]}),
    "include_no_service": attributes(MARK, include={"match_type": "strict", "services": ["<nil-service-name>"]}),
    "exclude_service": attributes(MARK, exclude={"match_type": "regexp", "services": ["^d", "op$"]}),
    "include_name": attributes(MARK, include={"match_type": "strict", "span_names": ["GET", "pay"]}),
    "include_name_regexp": attributes(MARK, include={
        "match_type": "regexp", "span_names": ["^G", "y"], "regexp": {"cacheenabled": True, "cachemaxnumentries": 10}}),
    "include_kind": attributes(MARK, include={"match_type": "strict", "span_kinds": ["SPAN_KIND_CLIENT"]}),
    "exclude_kind": attributes(MARK, exclude={"match_type": "regexp", "span_kinds": ["SER", "UNSPEC"]}),
    "include_attribute": attributes(MARK, include={"match_type": "strict", "attributes": [
        {"key": "id"}, {"key": "number", "value": 12}]}),
    "include_attribute_only": attributes(MARK, include={"attributes": [{"key": "flag"}]}),
    "include_double": attributes(MARK, include={"match_type": "strict", "attributes": [{"key": "double", "value": 1.5}]}),
    "include_list": attributes(MARK, include={"match_type": "strict", "attributes": [{"key": "list", "value": ["a", 1]}]}),
    "include_map": attributes(MARK, include={"match_type": "strict", "attributes": [
        {"key": "map", "value": {"k": "v", "b": True}}]}),
    "exclude_attribute": attributes(MARK, exclude={"match_type": "strict", "attributes": [
        {"key": "flag", "value": True}, {"key": "id"}]}),
    "regexp_attribute": attributes(MARK, include={"match_type": "regexp", "attributes": [
        {"key": "number", "value": "^1"}]}),
    "regexp_flag": attributes(MARK, include={"match_type": "regexp", "attributes": [{"key": "flag", "value": "^tr"}]}),
    "regexp_double": attributes(MARK, include={"match_type": "regexp", "attributes": [
        {"key": "double", "value": r"^-?\d+(\.\d+)?$"}]}),
    "include_resource": attributes(MARK, include={"match_type": "strict", "resources": [
        {"key": "zone", "value": 3}, {"key": "service.name"}]}),
    "include_library": attributes(MARK, include={"match_type": "strict", "libraries": [{"name": "one"}]}),
    "include_version": attributes(MARK, include={"match_type": "regexp", "libraries": [{"name": "o", "version": "^1"}]}),
    "no_version": attributes(MARK, exclude={"match_type": "strict", "libraries": [{"name": "two", "version": ""}]}),
    "two_libraries": attributes(MARK, include={"match_type": "regexp", "libraries": [{"name": "o"}, {"name": "^t"}]}),
    "both_sides": attributes(MARK, include={"match_type": "strict", "services": ["shop", "db"], "span_names": ["GET"]},
                             exclude={"match_type": "regexp", "attributes": [{"key": "note", "value": "."}]}),
    "resource": resource(action("upsert", "zone", value="eu"), action("delete", "service.name"), action("hash", "number"),
                         action("insert", "copy", from_attribute="id")),
    "resource_only": resource(action("update", "nobody", value="x")),
    "resource_pattern": resource(action("delete", pattern="e$"), action("convert", "number", converted_type="string"),
                                 action("extract", "id", pattern="^(?P<id_head>..)")),
}

REFUSED = [
    attributes(), resource(),
    [{"attributes": {}}],
    attributes(action("insert", "a", value=1), **{"unknown": 1}),
]

TEXTS = ["", "x", "12", "+7", "-0", " 5", "1e3", "0x10", "0x1p4", "1_000", "inf", "-Infinity", "NaN", "+nan", "9223372036854775808",
         "-9223372036854775808", "1e999", "0.1", ".5", "5.", "1e", "é", "http://h.example/12?q", "https://h", "ftp://u@h/x/1"]
OTHERS = [0, 12, -7, 1 << 62, 1.5, -2.75, 1e18, 1e19, -1e300, 0.1, 1e21, True, False, None, [], {}, ["a", 1], ["a", 2],
          {"b": True, "k": "v"}, {"k": "v"}, ("enp6",), ("",)]
KEYS = ["id", "note", "number", "numeral", "flag", "double", "list", "map", "empty", "bytes", "http.url", "http.method", "text"]


def random_value(dice, key):
    if key in ("number", "flag", "double", "list", "map", "bytes") and dice.random() < 0.7:
        kinds = {"number": (int,), "flag": (bool,), "double": (float,), "list": (list,), "map": (dict,), "bytes": (tuple,)}[key]
        return dice.choice([v for v in OTHERS if type(v) in kinds])
    if key == "empty" and dice.random() < 0.7:
        return None
    return dice.choice(TEXTS) if dice.random() < 0.7 else dice.choice(OTHERS)


def random_attributes(dice, most):
    return [attribute(k, random_value(dice, k)) for k in dice.sample(KEYS, dice.randrange(most))]


def random_span(dice, number):
    return {
        "traceId": "%032x" % (dice.getrandbits(128) or 1), "spanId": "%016x" % (number + 1),
        "name": dice.choice(["GET", "GETS", "pay", "put"]), "kind": dice.randrange(0, 6),
        "startTimeUnixNano": "1", "endTimeUnixNano": "2", "attributes": random_attributes(dice, 11),
        "events": [{"timeUnixNano": "1", "name": "e", "attributes": random_attributes(dice, 3)}] * dice.randrange(2),
    }


def random_requests(dice):
    for at in range(0, SPANS, A_REQUEST):
        groups = []
        for part in range(at, at + A_REQUEST, 20):
            resource_attributes = random_attributes(dice, 6)
            if dice.random() < 0.8:
                resource_attributes.append(attribute("service.name", dice.choice(["shop", "db", "mail", 7])))
            if dice.random() < 0.5:
                resource_attributes.append(attribute("zone", dice.choice([3, 4, "3"])))
            scope = {"name": dice.choice(["one", "two", "onto"])}
            if dice.random() < 0.7:
                scope["version"] = dice.choice(["1", "1.2", "2"])
            spans = [random_span(dice, i) for i in range(part, part + 20)]
            groups.append({"resource": {"attributes": resource_attributes}, "scopeSpans": [
                {"scope": scope, "spans": spans[:10]}, {"scope": {"name": "one"}, "spans": spans[10:]}]})
        del groups[0]["resource"]
        yield {"resourceSpans": groups}


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else random.randrange(10**9)
    both = beside.programs("attributes", "resource")
    wrong = beside.refusals(both, REFUSED)
    beside.run(both, CASES, list(random_requests(random.Random(seed))))
    compared = marked = 0
    for case in CASES:
        ours, theirs = (p.spans(case) for p in both)
        wrong += beside.compare(case, ours, theirs)
        compared += len(theirs)
        hit = sum("mark" in s["attributes"] for s in theirs.values())
        marked += hit
        if CASES[case][0].get("attributes", {}).get("actions") == [MARK] and hit in (0, len(theirs)):
            wrong.append("%s: chooses %d of %d spans, so says nothing" % (case, hit, len(theirs)))
    for difference in wrong[:20]:
        print(difference)
    print("seed %d: %d spans in %d cases compared, %d differences" % (seed, compared, len(CASES), len(wrong)))
    return 1 if wrong or compared == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
