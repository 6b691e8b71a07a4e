#!/usr/bin/env python3
"""Sends the same random traces through the Collector's span_metrics and service_graph, each with a prometheus
exporter behind it, and through ours: both must show the same series, labels and values at /metrics.

    TAILSPAN=build/release/tailspan OTELCOL=/path/to/otelcol tests/interop/metrics_collector.py [SEED]

Left aside are labels that name the process (collector.instance.id) and the scope, and # HELP. The Collector has to
have the connectors and the exporter, as contrib's 0.158 has; without them the test is skipped (exit status 77).
Every case is a connector of its own behind one receiver, so both programs see every span once.
"""

import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from process import Process, connect, free_port, send_traces  # noqa: E402

TRACES = 400
TTL = 30  # seconds that an edge waits: all spans are sent well within
SETTLE = 60  # seconds that both have to show the same

SPANS = {
    "default": {},
    "seconds": {"histogram": {"unit": "s", "explicit": {"buckets": ["10ms", "50ms", "100ms", "250ms"]}}},
    "one_bucket": {"histogram": {"explicit": {}}},
    "exponential": {"histogram": {"unit": "s", "exponential": {"max_size": 20}}},
    "calls_only": {"histogram": {"disable": True}, "namespace": ""},
    "dimensions": {"dimensions": [{"name": "http.method", "default": "none"}, {"name": "region"}, {"name": "count"}],
                   "exclude_dimensions": ["status.code"]},
    "own_dimensions": {"calls_dimensions": [{"name": "http.method"}], "histogram": {"dimensions": [{"name": "count"}]}},
    "globs": {"dimensions": [{"glob": "http.*"}, {"glob": "r*"}], "histogram": {"disable": True}},
    "events": {"events": {"enabled": True, "dimensions": [{"name": "exception.type"}, {"name": "region"}]}},
    "overflow": {"aggregation_cardinality_limit": 7},
    "method": {"enable_metrics_sampling_method": True},
    "key_attributes": {"resource_metrics_key_attributes": ["service.name", "service.instance.id"]},
    "scope": {"include_instrumentation_scope": ["test"]},
}

GRAPHS = {
    "graph": {},
    "graph_labels": {"dimensions": ["region", "http.method"], "virtual_node_extra_label": True,
                     "latency_histogram_buckets": ["10ms", "100ms"]},
    "graph_peers": {"virtual_node_peer_attributes": ["region", "peer.service"], "database_name_attributes": ["table"]},
    "graph_no_nodes": {"virtual_node_peer_attributes": []},
    "graph_exponential": {"exponential_histogram_max_size": 30},
}


def attribute(key, value):
    kind = {bool: "boolValue", int: "intValue", float: "doubleValue", str: "stringValue"}[type(value)]
    return {"key": key, "value": {kind: str(value) if kind == "intValue" else value}}


def maybe(dice, chance, *attributes):
    return [attribute(*dice.choice(attributes))] if dice.random() < chance else []


def random_span(dice, trace_id, at, parents):
    start = at + dice.randrange(0, 400_000_000)
    span = {
        "traceId": trace_id, "spanId": f"{dice.getrandbits(64) or 1:016x}",
        "name": dice.choice(["GET", "SELECT items", "pay"]), "kind": dice.randrange(0, 6),
        "startTimeUnixNano": str(start),
        # quarters of a millisecond, so that sums do not depend on their order; bounds are met exactly
        "endTimeUnixNano": str(start + dice.choice([0, 8, 40, 200, 400, 1000, dice.randrange(4000)]) * 250_000),
        "attributes": maybe(dice, 0.5, ("http.method", "GET"), ("http.method", "POST"))
        + maybe(dice, 0.3, ("region", "eu"), ("region", "us")) + maybe(dice, 0.3, ("count", 1), ("count", 2))
        + maybe(dice, 0.2, ("db.name", "orders"), ("table", "items")) + maybe(dice, 0.2, ("peer.service", "bank")),
    }
    if parents and dice.random() < 0.9:
        span["parentSpanId"] = dice.choice(parents)
    elif dice.random() < 0.2:
        span["parentSpanId"] = f"{dice.getrandbits(64) or 1:016x}"
    if dice.random() < 0.3:
        span["status"] = {"code": dice.choice([1, 2])}
    if dice.random() < 0.2:
        span["traceState"] = dice.choice(["ot=rv:ffffffffffffff;th:8", "a=b,ot=rv:ffffffffffffff;th:c", "ot=th:0", "x=y"])
    if dice.random() < 0.2:
        span["events"] = [{"timeUnixNano": str(start), "name": "exception", "attributes": maybe(
            dice, 0.8, ("exception.type", "Oops"), ("exception.type", "Ouch"), ("region", "mars"))}]
    return span


def resource(service):
    if service is None:
        return {"attributes": [attribute("host.name", "h")]}
    return {"attributes": [attribute("service.name", service), attribute("service.instance.id", service + "-1"),
                           attribute("region", "home")]}


def random_requests(dice):
    spans = []
    now = time.time_ns() - 5_000_000_000
    for _ in range(TRACES):
        trace_id = f"{dice.getrandbits(128) or 1:032x}"
        ids = []
        for _ in range(dice.randrange(1, 12)):
            span = random_span(dice, trace_id, now, ids)
            ids.append(span["spanId"])
            spans.append((dice.choice(["shop", "bank", "mail", "front", None]), span))
    dice.shuffle(spans)
    for at in range(0, len(spans), 300):
        groups = {}
        for service, span in spans[at:at + 300]:
            groups.setdefault(service, []).append(span)
        yield {"resourceSpans": [
            {"resource": resource(service), "scopeSpans": [{"scope": {"name": "test"}, "spans": found}]}
            for service, found in groups.items()]}


class Side:
    def __init__(self, program, *arguments):
        self.directory = tempfile.mkdtemp(prefix="tailspan-metrics-")
        self.port = free_port()
        self.ports = {name: free_port() for name in [*SPANS, *GRAPHS]}
        path = f"{self.directory}/config.yaml"
        with open(path, "w", encoding="utf-8") as f:
            json.dump(self.config(), f)  # JSON is YAML
        more = ["--data-directory", f"{self.directory}/data"] if not arguments else list(arguments)
        self.process = Process([program, "--config", path, *more], f"{self.directory}/log")

    def config(self):
        connectors, exporters, pipelines = {}, {}, {}
        graph = {"store": {"ttl": f"{TTL}s", "max_items": 100000}, "store_expiration_loop": "500ms"}
        for name in self.ports:
            connector = f"spanmetrics/{name}" if name in SPANS else f"servicegraph/{name}"
            settings = SPANS[name] if name in SPANS else {**graph, **GRAPHS[name]}
            connectors[connector] = {"metrics_flush_interval": "1s", **settings}
            exporters[f"prometheus/{name}"] = {"endpoint": f"127.0.0.1:{self.ports[name]}"}
            pipelines[f"metrics/{name}"] = {"receivers": [connector], "exporters": [f"prometheus/{name}"]}
        pipelines["traces"] = {"receivers": ["otlp"], "exporters": list(connectors)}
        return {
            "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{self.port}"}}}},
            "connectors": connectors, "exporters": exporters,
            "service": {"pipelines": pipelines, "telemetry": {"metrics": {"level": "none"}}},
        }

    def wait(self):
        for port in [self.port, *self.ports.values()]:
            self.process.wait(lambda p=port: connect(p))

    def send(self, body):
        send_traces(self.port, body)

    def stop(self):
        self.process.stop()

    def shown(self, name):
        """{series: value}, and {# TYPE line: 1}."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[name]}/metrics", timeout=30) as reply:
            text = reply.read().decode()
        found = {}
        for line in text.splitlines():
            if line.startswith("# TYPE"):
                found[line] = 1.0
            elif not line.startswith("#"):
                series, value = line.rsplit(" ", 1)
                found[canonical(series)] = float(value)
        return found


def canonical(series):
    """Labels in order, without those of process and scope."""
    name, _, labels = series.partition("{")
    pairs = re.findall(r'([a-zA-Z_0-9]+)="((?:[^"\\]|\\.)*)"', labels)
    kept = sorted(p for p in pairs if p[0] != "collector_instance_id" and not p[0].startswith("otel_scope"))
    return name + "{" + ",".join(f'{k}="{v}"' for k, v in kept) + "}"


def differences(ours, theirs):
    found = []
    for series in sorted(ours.keys() | theirs.keys()):
        a, b = ours.get(series), theirs.get(series)
        if a is None or b is None or abs(a - b) > 1e-9 * max(abs(a), abs(b)):
            found.append(f"{series}: ours {a}, the Collector's {b}")
    return found


def settle(sides, name, deadline):
    """Differences that remain, and how many series there are. The Collector shows what its last flush said, and a new
    series as 0 at first."""
    while True:
        ours, theirs = (side.shown(name) for side in sides)
        different = differences(ours, theirs)
        if (ours and not different) or time.time() > deadline:
            return different or ([] if ours else ["nothing is shown"]), len(ours)
        time.sleep(0.5)


def main():
    otelcol = os.environ.get("OTELCOL")
    if not otelcol or not os.path.exists(otelcol):
        print("skipped: no Collector with span_metrics (OTELCOL)")
        sys.exit(77)
    offered = subprocess.run([otelcol, "components"], capture_output=True, text=True, check=False).stdout
    if "span_metrics" not in offered or "prometheus" not in offered:
        print("skipped: this Collector has no span_metrics, service_graph and prometheus")
        sys.exit(77)
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else random.randrange(1 << 32)
    wrong = 0
    sides = [Side(os.environ.get("TAILSPAN", "build/release/tailspan")), Side(otelcol, "--feature-gates=")]
    try:
        for side in sides:
            side.wait()
        began = time.time()
        for request in random_requests(random.Random(seed)):
            body = json.dumps(request).encode()
            for side in sides:
                side.send(body)
        took = time.time() - began
        if took > TTL - 1:
            sys.exit(f"sending took {took:.1f} s: too slow for edges that wait {TTL} s")
        time.sleep(TTL + 1)  # edges expire
        deadline = time.time() + SETTLE
        for name in [*SPANS, *GRAPHS]:
            different, series = settle(sides, name, deadline)
            wrong += bool(different)
            print(f"{'FAIL' if different else 'ok  '} {name}: {series} lines"
                  + (f", {len(different)} differ" if different else ""))
            for line in different[:6]:
                print(f"     {line}")
    finally:
        for side in sides:
            side.stop()
    print(f"{len(SPANS) + len(GRAPHS) - wrong} of {len(SPANS) + len(GRAPHS)} cases agree (seed {seed})")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
