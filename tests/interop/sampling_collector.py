#!/usr/bin/env python3
"""Sends the same shuffled random traces through the Collector's tail_sampling and through ours: each
must keep the same traces, by the same policy, for every policy alone and for several together.

    TAILSPAN=build/release/tailspan OTELCOL=/path/to/otelcol tests/interop/sampling_collector.py [SEED]

The Collector has to have tail_sampling and the file exporter, as contrib's 0.158 has; without it the
test is skipped (exit status 77). Every case is a pipeline of its own behind one receiver, so both
programs see every span once. Policies that depend on the clock (rate limits) are not here.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from process import Process, connect, free_port, send_traces  # noqa: E402

TRACES = 1500
WAIT = 60  # seconds: all spans are sent well within
REGEX = "^/(cart|pay)/[0-9]+$"


def policy(name, kind, **section):
    return {"name": name, "type": kind, kind: section}


def text(name, key, *values, **more):
    return policy(name, "string_attribute", key=key, values=list(values), **more)


def errors(name="errors"):
    return policy(name, "status_code", status_codes=["ERROR"])


CASES = {
    "always": [policy("a", "always_sample")],
    "latency": [policy("a", "latency", threshold_ms=500)],
    "latency_range": [policy("a", "latency", threshold_ms=200, upper_threshold_ms=700)],
    "numeric": [policy("a", "numeric_attribute", key="count", min_value=40, max_value=60)],
    "numeric_not": [policy("a", "numeric_attribute", key="count", min_value=10, max_value=90, invert_match=True)],
    "string": [text("a", "http.route", "/cart/7", "/pay/9")],
    "string_resource": [text("a", "service.name", "shop")],
    "string_not": [text("a", "http.route", "/cart/1", "/cart/2", "/pay/3", invert_match=True)],
    "regex": [text("a", "http.route", REGEX, enabled_regex_matching=True, cache_max_size=10)],
    "boolean": [policy("a", "boolean_attribute", key="cached", value=True)],
    "boolean_not": [policy("a", "boolean_attribute", key="cached", value=True, invert_match=True)],
    "errors": [errors()],
    "ok_unset": [policy("a", "status_code", status_codes=["OK"])],
    "probabilistic": [policy("a", "probabilistic", sampling_percentage=25)],
    "probabilistic_salt": [policy("a", "probabilistic", sampling_percentage=12.5, hash_salt="pepper")],
    "probabilistic_none": [policy("a", "probabilistic", sampling_percentage=0)],
    "span_count": [policy("a", "span_count", min_spans=3, max_spans=6)],
    "span_count_min": [policy("a", "span_count", min_spans=9)],
    "trace_state": [policy("a", "trace_state", key="tier", values=["gold", "silver"])],
    "trace_flags": [policy("a", "trace_flags")],
    "and": [{"name": "a", "type": "and", "and": {"and_sub_policy": [
        errors("e"), policy("l", "latency", threshold_ms=300)]}}],
    "not": [{"name": "a", "type": "not", "not": {"not_sub_policy": errors("e")}}],
    "drop": [{"name": "d", "type": "drop", "drop": {"drop_sub_policy": [text("s", "service.name", "shop")]}},
             policy("a", "always_sample")],
    "drop_last": [policy("a", "probabilistic", sampling_percentage=50),
                  {"name": "d", "type": "drop", "drop": {"drop_sub_policy": [
                      errors("e"), policy("l", "latency", threshold_ms=300)]}}],
    "ottl": [policy("a", "ottl_condition", error_mode="ignore",
                    span=['attributes["http.route"] == "/cart/7"', 'IsMatch(name, "^SELECT")'],
                    spanevent=['name == "exception"'])],
    "ottl_more": [policy("a", "ottl_condition", error_mode="ignore",
                         span=['attributes["count"] > 90 and status.code == STATUS_CODE_ERROR',
                               'resource.attributes["service.name"] == "db" and attributes["cached"] == nil'])],
    "composite": [{"name": "a", "type": "composite", "composite": {
        "max_total_spans_per_second": 100000000, "policy_order": ["e", "l", "p"],
        "composite_sub_policy": [errors("e"), policy("l", "latency", threshold_ms=800),
                                 policy("p", "probabilistic", sampling_percentage=5)],
        "rate_allocation": [{"policy": "e", "percent": 40}, {"policy": "l", "percent": 40},
                            {"policy": "p", "percent": 20}]}}],
    "together": [errors(), policy("slow", "latency", threshold_ms=900), text("carts", "http.route", "/cart/7"),
                 policy("large", "span_count", min_spans=11), policy("some", "probabilistic", sampling_percentage=5)],
    # judged as spans arrive; late spans say by which policy here and not there, so only their number is compared
    "ingest_errors": [errors()],
    "ingest_together": [errors(), policy("slow", "latency", threshold_ms=600), text("carts", "http.route", "/cart/7"),
                        policy("large", "span_count", min_spans=8),
                        {"name": "a", "type": "and", "and": {"and_sub_policy": [
                            text("s", "service.name", "shop"), policy("l", "latency", threshold_ms=300)]}}],
    "ingest_drop": [{"name": "d", "type": "drop", "drop": {"drop_sub_policy": [text("s", "service.name", "shop")]}},
                    policy("a", "always_sample")],
}

# Where the Collector keeps more, or less, and why. Fails when it no longer does.
LESS_THERE = {
    "ingest_drop": "it keeps nothing where there is a drop policy; ours asks the others when the wait is over",
}
MORE_THERE = {
    "latency_range": "it looks at a trace's spans one by one, and keeps the trace when those seen so far fit",
}


def attribute(key, value):
    kind = {bool: "boolValue", int: "intValue", float: "doubleValue", str: "stringValue"}[type(value)]
    return {"key": key, "value": {kind: str(value) if kind == "intValue" else value}}


def random_span(dice, trace_id, at, parents):
    start = at + dice.randrange(0, 400_000_000)
    span = {
        "traceId": trace_id, "spanId": f"{dice.getrandbits(64) or 1:016x}",
        "name": dice.choice(["GET", "SELECT items", "pay", "SELECT"]), "kind": dice.randrange(1, 6),
        "startTimeUnixNano": str(start),
        # whole milliseconds and the next nanosecond: a threshold is exclusive
        "endTimeUnixNano": str(start + dice.randrange(0, 700) * 1_000_000 + dice.randrange(0, 2)),
        "attributes": [], "flags": dice.choice([0, 0, 0, 0, 0, 0, 0, 1]),
    }
    if parents:
        span["parentSpanId"] = dice.choice(parents)
    if dice.random() < 0.5:
        span["attributes"].append(attribute("http.route", f"/{dice.choice(['cart', 'pay'])}/{dice.randrange(12)}"))
    if dice.random() < 0.1:
        span["attributes"].append(attribute("http.route2", "/cart/7"))
    if dice.random() < 0.4:
        span["attributes"].append(attribute("count", dice.randrange(1, 100)))
    if dice.random() < 0.1:
        span["attributes"].append(attribute("cached", dice.random() < 0.5))
    if dice.random() < 0.05:
        span["status"] = {"code": 2, "message": "broken"}
    elif dice.random() < 0.3:
        span["status"] = {"code": 1}
    if dice.random() < 0.05:
        span["traceState"] = dice.choice(["tier=gold", "tier=bronze", "a=b,tier=silver", "tier2=gold"])
    if dice.random() < 0.05:
        span["events"] = [{"timeUnixNano": str(start), "name": dice.choice(["exception", "retry"])}]
    return span


def random_requests(dice):
    spans = []
    now = time.time_ns() - 5_000_000_000
    for _ in range(TRACES):
        trace_id = f"{dice.getrandbits(128) or 1:032x}"
        ids = []
        for _ in range(dice.choice([1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12])):
            span = random_span(dice, trace_id, now, ids)
            ids.append(span["spanId"])
            spans.append((dice.choice(["shop", "db", "mail", "front"]), span))
    dice.shuffle(spans)
    for at in range(0, len(spans), 700):
        groups = {}
        for service, span in spans[at:at + 700]:
            groups.setdefault(service, []).append(span)
        yield {"resourceSpans": [
            {"resource": {"attributes": [attribute("service.name", service)]},
             "scopeSpans": [{"scope": {"name": "test"}, "spans": found}]} for service, found in groups.items()]}


def config(directory, port):
    processors, exporters, pipelines = {}, {}, {}
    for name, policies in CASES.items():
        processors[f"tail_sampling/{name}"] = {
            "decision_wait": f"{WAIT}s", "num_traces": 10 * TRACES, "policies": policies,
            "sampling_strategy": "span-ingest" if name.startswith("ingest") else "trace-complete"}
        exporters[f"file/{name}"] = {"path": f"{directory}/{name}.json"}
        pipelines[f"traces/{name}"] = {
            "receivers": ["otlp"], "processors": [f"tail_sampling/{name}"], "exporters": [f"file/{name}"]}
    return {
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{port}"}}}},
        "processors": processors, "exporters": exporters,
        "service": {"pipelines": pipelines, "telemetry": {"metrics": {"level": "none"}}},
    }


class Side:
    def __init__(self, program, *arguments):
        self.directory = tempfile.mkdtemp(prefix="tailspan-sampling-")
        self.port = free_port()
        path = f"{self.directory}/config.yaml"
        with open(path, "w", encoding="utf-8") as f:
            json.dump(config(self.directory, self.port), f)  # JSON is YAML
        more = ["--data-directory", f"{self.directory}/data"] if not arguments else list(arguments)
        self.process = Process([program, "--config", path, *more], f"{self.directory}/log")

    def wait(self):
        self.process.wait(lambda: connect(self.port))

    def send(self, body):
        send_traces(self.port, body)

    def stop(self):
        self.process.stop()

    def kept(self, name):
        """{trace id: (spans, policy)} of a case."""
        found = {}
        with open(f"{self.directory}/{name}.json", encoding="utf-8") as f:
            for line in f:
                for resource in json.loads(line)["resourceSpans"]:
                    for scope in resource["scopeSpans"]:
                        attributes = {a["key"]: a["value"] for a in scope["scope"].get("attributes", [])}
                        by = (attributes.get("tailsampling.policy", {}).get("stringValue"),
                              attributes.get("tailsampling.composite_policy", {}).get("stringValue"))
                        by = None if name.startswith("ingest") else by
                        for span in scope["spans"]:
                            count, _ = found.get(span["traceId"], (0, None))
                            found[span["traceId"]] = (count + 1, by)
        return found


def main():
    otelcol = os.environ.get("OTELCOL")
    if not otelcol or not os.path.exists(otelcol):
        print("skipped: no Collector with tail_sampling (OTELCOL)")
        sys.exit(77)
    offered = subprocess.run([otelcol, "components"], capture_output=True, text=True, check=False).stdout
    if "tail_sampling" not in offered:
        print("skipped: this Collector has no tail_sampling")
        sys.exit(77)
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else random.randrange(1 << 32)
    sides = [Side(os.environ.get("TAILSPAN", "build/release/tailspan")),
             Side(otelcol, "--feature-gates=processor.tailsamplingprocessor.recordpolicy")]
    try:
        for side in sides:
            side.wait()
        began = time.time()
        for request in random_requests(random.Random(seed)):
            body = json.dumps(request).encode()
            for side in sides:
                side.send(body)
        took = time.time() - began
        time.sleep(WAIT + 4)
    finally:
        for side in sides:
            side.stop()
    if took > WAIT - 1:
        sys.exit(f"sending took {took:.1f} s: too slow for the wait of {WAIT} s")
    wrong = 0
    for name in CASES:
        ours, theirs = (side.kept(name) for side in sides)
        different = sorted(t for t in ours.keys() | theirs.keys() if ours.get(t) != theirs.get(t))
        why = MORE_THERE.get(name) or LESS_THERE.get(name)
        if why and different:
            print(f"ok   {name}: {len(ours)} of {TRACES} kept, {len(theirs)} by the Collector: {why}")
            different = [t for t in different if (t in ours or theirs[t][0] == 1 if name in MORE_THERE else t in theirs)]
            wrong += bool(different)
            continue
        if why:
            different = ["(the Collector agrees now)"]
        wrong += bool(different)
        print(f"{'FAIL' if different else 'ok  '} {name}: {len(ours)} of {TRACES} kept"
              + (f", {len(theirs)} by the Collector, {len(different)} differ" if different else ""))
        for trace in different[:3]:
            print(f"     {trace}: ours {ours.get(trace)}, the Collector's {theirs.get(trace)}")
    print(f"{len(CASES) - wrong} of {len(CASES)} cases agree (seed {seed})")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
