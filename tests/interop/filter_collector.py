#!/usr/bin/env python3
"""Sends the same random spans through the Collector's filter and probabilistic_sampler and through
ours: the same spans must come out, with the same events and the same tracestate, and be counted alike.

    TAILSPAN=build/release/tailspan OTELCOL=/path/to/otelcol tests/interop/filter_collector.py [SEED]

The Collector has to have both processors and the file exporter, as contrib's 0.158 has; without it the
test is skipped (exit status 77). Every case is a pipeline of its own behind one receiver, so each
program sees every span once, and what a processor does to a span must not show in another pipeline.

What may differ: the order of a tracestate's members; `th` of a span that came with one above its
randomness and is kept all the same (the Collector writes th:0; here it is erased, as the rules say);
and a tracestate that cannot be read, which is passed on here and which the Collector replaces when its
percentage is 0.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from beside import spans_of_file  # noqa: E402
from process import Process, free_port, send_traces  # noqa: E402

SPANS = 8000
A_REQUEST = 400


def conditions(span=(), spanevent=(), **more):
    traces = {k: list(v) for k, v in (("span", span), ("spanevent", spanevent)) if v}
    return {"filter": {"traces": traces, **more}}


def sampler(percentage, **more):
    return {"probabilistic_sampler": {"sampling_percentage": percentage, **more}}


CASES = {
    "attribute": conditions(span=['attributes["http.route"] == "/health"']),
    "several": conditions(span=['name == "GET"', 'status.code == STATUS_CODE_ERROR', 'kind == SPAN_KIND_CLIENT'],
                          error_mode="ignore"),
    "match": conditions(span=['IsMatch(attributes["http.route"], "^/(cart|pay)/[0-9]+$")'], error_mode="silent"),
    "words": conditions(span=['attributes["count"] > 50 and not (attributes["cached"] == true or name != "pay")',
                              'attributes["http.route"] == nil and resource.attributes["service.name"] == "db"'],
                        error_mode="propagate"),
    "root": conditions(span=["IsRootSpan() and instrumentation_scope.name == \"two\""]),
    "service": conditions(span=['resource.attributes["service.name"] == "mail"']),
    "everything": conditions(span=["true"]),
    "nothing": conditions(span=["false"]),
    "empty": {"filter": {}},
    "events": conditions(spanevent=['name == "retry"', 'attributes["n"] >= 3']),
    "events_of": conditions(spanevent=['span.kind == SPAN_KIND_SERVER and spanevent.name == "exception"']),
    "both": conditions(span=['name == "pay"'], spanevent=['IsMatch(name, "^ex")']),
    "inferred": {"filter": {"trace_conditions": [
        'span.name == "pay"', 'resource.attributes["service.name"] == "db"', 'spanevent.name == "retry"']}},
    "groups": {"filter": {"error_mode": "propagate", "trace_conditions": [
        {"conditions": ['span.attributes["count"] < 20', 'spanevent.attributes["n"] == 1'], "error_mode": "silent"},
        {"context": "span", "conditions": ['name == "GET"']},
        {"context": "spanevent", "conditions": ['name == "exception"']}]}},
}
for mode in ("hash_seed", "equalizing", "proportional"):
    for percentage in (0, 0.01, 3.7, 25, 33.3333, 70, 99.99, 100, 250):
        CASES["%s_%g" % (mode, percentage)] = sampler(percentage, mode=mode)
    for digits in (1, 2, 14):
        CASES["%s_digits_%d" % (mode, digits)] = sampler(12.3, mode=mode, sampling_precision=digits)
    CASES[mode + "_open"] = sampler(40, mode=mode, fail_closed=False)
for seed in (0, 22, 4294967295):
    CASES["seed_%d" % seed] = sampler(50, hash_seed=seed)

REFUSED = [
    {"filter": {"traces": {"span": ['name = "x"']}}},
    {"filter": {"traces": {"span": ['name == "x"']}, "trace_conditions": ['span.name == "x"']}},
    {"filter": {"error_mode": "shrug"}},
    {"filter": {"trace_conditions": [{"context": "galaxy", "conditions": ["true"]}]}},
    sampler(-1), sampler(1e-20), sampler(5, mode="lucky"), sampler(5, sampling_precision=0),
    sampler(5, sampling_precision=15), sampler(5, attribute_source="soul"), sampler(5, hash_seed=-1),
]


# The spans.


def attribute(key, value):
    kind = {bool: "boolValue", int: "intValue", float: "doubleValue", str: "stringValue"}[type(value)]
    return {"key": key, "value": {kind: str(value) if kind == "intValue" else value}}


def random_state(dice):
    hexadecimal = lambda n: "%0*x" % (n, dice.getrandbits(4 * n))  # noqa: E731
    members = dice.sample(["vendor=1", "a@b=c d", "zz=%s" % hexadecimal(8)], dice.randrange(3))
    inner = []
    if dice.random() < 0.4:
        inner.append("rv:" + hexadecimal(14))
    if dice.random() < 0.5:
        inner.append("th:" + (hexadecimal(dice.randrange(1, 15)) if dice.random() < 0.5 else dice.choice("0248c")))
    if dice.random() < 0.2:
        inner.append("x1:Y.z")
    if inner:
        members.insert(dice.randrange(len(members) + 1), "ot=" + ";".join(inner))
    return dice.choice([",", " , ", ",,"]).join(members)


BROKEN = ["=", "a", "A=b", "a=b=c", "ot=", "ot=rv:1", "ot=th:", "ot=th:zz", "ot=th:8;", "ot=x", "ot=th:123456789abcdef",
          "a=" + "b" * 257, "a" * 257 + "=b", ",".join("k%d=%s" % (i, "v" * 40) for i in range(30)), "1=x", "a@1=x"]


def random_span(dice, number):
    span = {
        "traceId": "%032x" % (dice.getrandbits(128) or 1), "spanId": "%016x" % (number + 1),
        "name": dice.choice(["GET", "SELECT", "pay", "put"]), "kind": dice.randrange(1, 6),
        "startTimeUnixNano": "1700000000000000000", "endTimeUnixNano": "1700000000000000007", "attributes": [],
    }
    if dice.random() < 0.5:
        span["parentSpanId"] = "%016x" % (dice.getrandbits(64) or 1)
    if dice.random() < 0.6:
        span["attributes"].append(attribute("http.route", dice.choice(["/health", "/cart/7", "/pay/x", "/pay/12"])))
    if dice.random() < 0.5:
        span["attributes"].append(attribute("count", dice.choice([dice.randrange(100), dice.random() * 100, "51"])))
    if dice.random() < 0.3:
        span["attributes"].append(attribute("cached", dice.random() < 0.5))
    if dice.random() < 0.3:
        priority = dice.choice([0, 1, 2, -1, 0.0, 0.5, -0.5, "0", "1", "1e2", "0x1p3", "-1", " 1", "", "much", "inf", "nan", True])
        span["attributes"].append(attribute("sampling.priority", priority))
    if dice.random() < 0.3:
        span["status"] = {"code": dice.choice([1, 2])}
    if dice.random() < 0.5:
        span["events"] = [
            {"timeUnixNano": str(1 + i), "name": dice.choice(["exception", "retry", "note"]),
             "attributes": [attribute("n", dice.randrange(5))]} for i in range(dice.randrange(1, 5))]
    if dice.random() < 0.5:
        span["traceState"] = random_state(dice)
    elif dice.random() < 0.05:
        span["traceState"] = dice.choice(BROKEN)
    return span


def random_requests(dice):
    for at in range(0, SPANS, A_REQUEST):
        groups = {}
        for i in range(at, at + A_REQUEST):
            place = dice.choice(["shop", "db", "mail"]), dice.choice(["one", "two"])
            groups.setdefault(place, []).append(random_span(dice, i))
        yield {"resourceSpans": [
            {"resource": {"attributes": [attribute("service.name", service)]},
             "scopeSpans": [{"scope": {"name": scope}, "spans": spans}]} for (service, scope), spans in groups.items()]}


# The two programs.


def named(processor, name):
    (kind, settings), = processor.items()
    return {"%s/%s" % (kind, name): settings}


def config_of(cases, directory, ports):
    processors, exporters, pipelines = {}, {}, {}
    for name, processor in cases.items():
        processor = named(processor, name)
        processors.update(processor)
        exporters["file/" + name] = {"path": os.path.join(directory, name + ".json")}
        pipelines["traces/" + name] = {
            "receivers": ["otlp"], "processors": list(processor), "exporters": ["file/" + name]}
    reader = {"pull": {"exporter": {"prometheus": {"host": "127.0.0.1", "port": ports["metrics"]}}}}
    return {
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": "127.0.0.1:%d" % ports["otlp"]}}}},
        "processors": processors, "exporters": exporters,
        "service": {"pipelines": pipelines, "telemetry": {"metrics": {"readers": [reader]}, "logs": {"level": "error"}}},
    }


class Program:
    def __init__(self, name, binary, directory):
        self.name, self.binary = name, binary
        self.directory = os.path.join(directory, name)
        os.mkdir(self.directory)
        self.ports = {"otlp": free_port(), "metrics": free_port()}

    def write(self, cases):
        path = os.path.join(self.directory, "config.yaml")
        with open(path, "w") as f:
            json.dump(config_of(cases, self.directory, self.ports), f)
        return path

    def takes(self, processor):
        path = self.write({"x": processor})
        arguments = ["validate", "--config", path] if self.name == "otelcol" else ["config", "validate", path]
        return subprocess.run([self.binary] + arguments, capture_output=True, timeout=60).returncode == 0

    def start(self, cases):
        self.process = Process([self.binary, "--config", self.write(cases)], os.path.join(self.directory, "log"))
        self.process.wait(lambda: self.send({}))

    def send(self, body):
        send_traces(self.ports["otlp"], body)

    def counters(self):
        """What the processors counted, by name and labels; what is zero may be left out."""
        with urllib.request.urlopen("http://127.0.0.1:%d/metrics" % self.ports["metrics"], timeout=10) as reply:
            lines = reply.read().decode().splitlines()
        wanted = ("otelcol_processor_filter_", "otelcol_processor_probabilistic_",
                  "otelcol_processor_incoming_", "otelcol_processor_outgoing_")
        found = {}
        for line in lines:
            if line.startswith(wanted):
                series, value = line.rsplit(" ", 1)
                name, labels = series.rstrip("}").split("{")
                if float(value):
                    found[name, tuple(sorted(labels.split(",")))] = float(value)
        return found

    def stop(self):
        self.process.stop()

    def spans(self, case):
        """By span id: what is left of the span, with its resource and scope."""
        path = os.path.join(self.directory, case + ".json")
        return spans_of_file(path, left_of) if os.path.exists(path) else {}


def shortened(member):
    """A threshold may be written with zeros behind it."""
    return "th:" + (member[3:].rstrip("0") or "0") if member.startswith("th:") and len(member) > 3 else member


def members(state):
    """A tracestate as a set, its `ot` as another."""
    found = set()
    for member in state.split(","):
        key, _, value = member.strip().partition("=")
        if key:
            found.add((key, frozenset(shortened(m) for m in value.split(";")) if key == "ot" else value))
    return found


def left_of(span, resource, scope):
    events = [(e.get("name"), json.dumps(e.get("attributes"))) for e in span.get("events", [])]
    return {
        "trace": span["traceId"], "name": span["name"], "state": members(span.get("traceState", "")), "events": events,
        "attributes": json.dumps(span.get("attributes", [])),
        "from": (json.dumps(resource["resource"]), scope["scope"]["name"]),
    }


def is_inconsistent(span):
    """Whether it came with a threshold above its randomness."""
    ot = dict(m.split(":", 1) for key, value in members(span.get("traceState", "")) if key == "ot"
              for m in value if ":" in m)
    if span.get("traceState") in BROKEN or "th" not in ot:
        return False
    return int(ot.get("rv", span["traceId"][-14:]), 16) < int(ot["th"].ljust(14, "0"), 16)


def without_threshold(state):
    found = set()
    for key, value in state:
        rest = frozenset(m for m in value if not m.startswith("th:")) if key == "ot" else value
        if rest:
            found.add((key, rest))
    return found


def expected(case, span, came):
    """What may be compared of a span that came with this tracestate."""
    if span and came.get("traceState") in BROKEN and case.endswith("_0"):
        return {**span, "state": None}
    if span and is_inconsistent(came) and case.startswith(("equalizing", "proportional")):
        return {**span, "state": without_threshold(span["state"])}
    return span


def compare(case, ours, theirs, sent):
    differences = []
    for i in sorted(ours.keys() | theirs.keys()):
        a, b = (expected(case, found.get(i), sent[i]) for found in (ours, theirs))
        if a != b:
            keys = [k for k in a if a[k] != b[k]] if a and b else ["name"]
            differences.append("%s: %s: came with %r; ours %s, theirs %s" % (
                case, i, sent[i].get("traceState"), *(s and {k: s[k] for k in keys} for s in (a, b))))
    return differences


def main():
    for variable in ("OTELCOL", "TAILSPAN"):
        if not os.path.exists(os.environ.get(variable, "")):
            print("skipped: %s is not set to a program" % variable)
            return 77
    components = subprocess.run([os.environ["OTELCOL"], "components"], capture_output=True, text=True).stdout
    if "probabilistic_sampler" not in components or "name: filter" not in components:
        print("skipped: the Collector has no filter or no probabilistic_sampler")
        return 77
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else random.randrange(10**9)
    print("seed", seed)
    requests = list(random_requests(random.Random(seed)))
    sent = {s["spanId"]: s for r in requests for group in r["resourceSpans"]
            for s in group["scopeSpans"][0]["spans"]}
    with tempfile.TemporaryDirectory() as directory:
        ours = Program("tailspan", os.environ["TAILSPAN"], directory)
        theirs = Program("otelcol", os.environ["OTELCOL"], directory)
        differences = ["%s takes %s" % (p.name, c) for c in REFUSED for p in (ours, theirs) if p.takes(c)]
        counted = []
        for program in (ours, theirs):
            try:
                program.start(CASES)
                for request in requests:
                    program.send(request)
                counted.append(program.counters())
            finally:
                program.stop()
        for series in sorted(counted[0].keys() | counted[1].keys()):
            values = [c.get(series) for c in counted]
            if values[0] != values[1]:
                differences.append("%s: ours %s, theirs %s" % (series, *values))
        total = 0
        for case in CASES:
            found = ours.spans(case), theirs.spans(case)
            total += len(found[1])
            differences += compare(case, *found, sent)
    for difference in differences[:20]:
        print(difference)
    print("%d cases of %d spans, %d came out of the Collector; %d differences" % (
        len(CASES), len(sent), total, len(differences)))
    return 1 if differences or total == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
