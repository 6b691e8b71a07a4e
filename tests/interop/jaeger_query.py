#!/usr/bin/env python3
"""Sends the same spans to Tailspan and to a real Jaeger, asks both the same, compares the answers.

    TAILSPAN=build/release/tailspan JAEGER=/path/to/jaeger tests/interop/jaeger_query.py

JAEGER is a Jaeger of late 2026, whose answers are ours; JAEGER_V1 is a 2.13, which still has v1's
services, operations and search. One of them has to be set, else the test is skipped (exit status
77). With -v every comparison is named.

What may differ: the order of spans, resources and processes (neither side promises one), and what
DIFFERENT lists, each with its reason.
"""

import json
import os
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from process import Process, free_port  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
FIXTURES = os.path.join(HERE, "..", "unit", "query", "fixtures")
VERBOSE = "-v" in sys.argv
SHOP = "0102030405060708090a0b0c0d0e0f11"
ZIPKIN = "4bfa"

JAEGER_CONFIG = """
service:
  extensions: [jaeger_storage, jaeger_query]
  pipelines:
    traces: {receivers: [otlp], exporters: [jaeger_storage_exporter]}
  telemetry:
    metrics: {level: none}
    logs: {level: error}
extensions:
  jaeger_query:
    storage: {traces: memory}
    http: {endpoint: "127.0.0.1:%(query)d"}
    grpc: {endpoint: "127.0.0.1:%(grpc)d"}
  jaeger_storage:
    backends: {memory: {memory: {max_traces: 100000}}}
receivers:
  otlp: {protocols: {http: {endpoint: "127.0.0.1:%(otlp)d"}}}
exporters:
  jaeger_storage_exporter: {trace_storage: memory}
"""

TAILSPAN_CONFIG = """
receivers:
  otlp: {protocols: {http: {endpoint: "127.0.0.1:%(otlp)d"}}}
exporters:
  sqlite: {directory: "%(directory)s"}
extensions:
  query: {endpoint: "127.0.0.1:%(query)d", store: sqlite}
service:
  extensions: [query]
  telemetry:
    metrics: {level: none}
  pipelines:
    traces: {receivers: [otlp], exporters: [sqlite]}
"""


class Server:
    """A program under comparison, on ports and in a directory of its own."""

    def __init__(self, name, binary, config, directory):
        self.name = name
        ports = {k: free_port() for k in ("otlp", "query", "grpc")}
        path = os.path.join(directory, name + ".yaml")
        with open(path, "w") as f:
            f.write(config % {**ports, "directory": os.path.join(directory, name + "-store")})
        self.otlp = "http://127.0.0.1:%d/v1/traces" % ports["otlp"]
        self.base = "http://127.0.0.1:%d" % ports["query"]
        self.process = Process([binary, "--config", path], os.path.join(directory, name + ".log"))

    def wait(self):
        self.process.wait(lambda: self.get("/api/v3/services"))

    def stop(self):
        self.process.stop()

    def send(self, body):
        request = urllib.request.Request(self.otlp, json.dumps(body).encode(),
                                         {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as reply:
            reply.read()

    def get(self, path, method="GET", body=None):
        """Status and text."""
        request = urllib.request.Request(self.base + path, body, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as e:
            return e.code, e.read().decode()

    def json(self, path, method="GET", body=None):
        status, text = self.get(path, method, body)
        if status != 200:
            raise AssertionError("%s: %s answers %d: %s" % (self.name, path, status, text[:300]))
        return json.loads(text)


# The spans.


def attribute(key, **value):
    return {"key": key, "value": value}


def span(trace, number, parent, name, kind, start, length, **more):
    s = {"traceId": trace, "spanId": "%016x" % number, "name": name, "kind": kind,
         "startTimeUnixNano": str(start), "endTimeUnixNano": str(start + length), **more}
    if parent:
        s["parentSpanId"] = "%016x" % parent
    return s


def resource(service, spans, scope=None, **attributes):
    keys = [attribute("service.name", stringValue=service)]
    keys += [attribute(k, stringValue=v) for k, v in attributes.items()]
    return {"resource": {"attributes": keys}, "scopeSpans": [{"scope": scope or {}, "spans": spans}]}


def orders(base):
    """Ordinary traces: a front end, its API and a database, some slow, some failing."""
    for i in range(12):
        trace = "%032x" % (0xABCDEF0000000000000000000000 + i)
        start = base + i * 1_000_000_000
        failing = i % 4 == 0
        length = (i + 1) * 10_000_000
        status = {"status": {"code": 2, "message": "refused"}} if failing else {}
        tags = [attribute("http.response.status_code", intValue=str(500 if failing else 200)),
                attribute("order", intValue=str(i)), attribute("vip", boolValue=i % 3 == 0),
                attribute("weight", doubleValue=i / 2), attribute("colour", stringValue="red")]
        events = [{"timeUnixNano": str(start + 5), "name": "cache",
                   "attributes": [attribute("cache.key", stringValue="k%d" % (i % 2))]}]
        yield {"resourceSpans": [
            resource("front", [span(trace, 1, 0, "GET /order", 2, start, length, **status)],
                     host_name="a"),
            resource("api", [span(trace, 2, 1, "order", 2, start + 1000, length - 5000,
                                  attributes=tags, events=events, **status),
                             span(trace, 3, 2, "SELECT", 3, start + 2000, length - 9000)],
                     scope={"name": "scope-%d" % (i % 2), "version": "1.%d" % i}),
            resource("worker", [span(trace, 4, 3, "job", 5, start + 3000, 1000,
                                     links=[{"traceId": "%032x" % 0xFEED, "spanId": "%016x" % 9}]),
                                span(trace, 5, 4, "produce", 4, start + 3100, 100)])]}


def misnamed(resource_spans):
    """Whether the service's name is no string, or empty. Jaeger gives such services names of their
    own; here all that have no name are one."""
    for a in resource_spans["resource"].get("attributes", []):
        if a["key"] == "service.name":
            return not a["value"].get("stringValue")
    return False


def all_spans(base):
    for name in ("shop", "zipkin"):
        with open(os.path.join(FIXTURES, name + ".otlp.json")) as f:
            text = f.read()
        seconds = base // 1_000_000_000
        text = text.replace('"1699999999', '"%d' % (seconds - 1))
        body = json.loads(text.replace('"1700000000', '"%d' % seconds))
        body["resourceSpans"] = [r for r in body["resourceSpans"] if not misnamed(r)]
        yield body
    yield from orders(base)


# Comparison.

failures = []
compared = 0


def difference(a, b, path=""):
    """The first place where two JSON values differ, in words; None when they don't."""
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted(set(a) | set(b)):
            if key not in a or key not in b:
                return "%s/%s is only in %s" % (path, key, "theirs" if key in b else "ours")
            found = difference(a[key], b[key], path + "/" + key)
            if found:
                return found
        return None
    if isinstance(a, list) and isinstance(b, list):
        if len(a) != len(b):
            return "%s has %d elements, theirs %d" % (path, len(a), len(b))
        for i, (x, y) in enumerate(zip(a, b)):
            found = difference(x, y, "%s/%d" % (path, i))
            if found:
                return found
        return None
    return None if a == b else "%s is %r, theirs %r" % (path, a, b)


def same(what, ours, theirs):
    global compared
    compared += 1
    found = difference(ours, theirs)
    if VERBOSE or found:
        print("%-4s %s%s" % ("FAIL" if found else "ok", what, ": " + found if found else ""))
    if found:
        failures.append(what)


def plain_v1(trace):
    """A v1 trace with each span's process in place of its number."""
    spans = []
    for s in trace["spans"]:
        s = dict(s)
        process = dict(trace["processes"][s.pop("processID")])
        process["tags"] = sorted(process["tags"], key=lambda t: t["key"])
        spans.append({**s, "process": process})
    spans.sort(key=lambda s: s["spanID"])
    return {"traceID": trace["traceID"], "warnings": trace["warnings"], "spans": spans}


def plain_v1_traces(reply):
    reply = dict(reply)
    reply["data"] = sorted(map(plain_v1, reply["data"]), key=lambda t: t["traceID"])
    return reply


def plain_v3(reply):
    """Spans with their resource and scope. Jaeger's memory store forgets schema URLs."""
    spans = []
    for r in reply["result"]["resourceSpans"]:
        attributes = sorted(r["resource"].get("attributes", []), key=lambda a: a["key"])
        for s in r["scopeSpans"]:
            for x in s["spans"]:
                spans.append({"resource": attributes, "scope": s["scope"], "span": x})
    return sorted(spans, key=lambda s: (s["span"]["traceId"], s["span"]["spanId"]))


def ids_v3(reply):
    return sorted({s["span"]["traceId"] for s in plain_v3(reply)})


def plain_summaries(summaries):
    """By trace id, without zipkin's, which has a span twice: Jaeger leaves such copies out before
    it counts, we count what came."""
    return sorted((s for s in summaries if int(s["traceId"], 16) != int(ZIPKIN, 16)),
                  key=lambda s: s["traceId"])


def query_string(**parameters):
    return urllib.parse.urlencode(parameters, doseq=True)


# What is asked.


def window(base):
    def rfc3339(seconds):
        return time.strftime("%Y-%m-%dT%H:%M:%S.5Z", time.gmtime(seconds))
    seconds = base // 1_000_000_000
    return {"query.startTimeMin": rfc3339(seconds - 60), "query.startTimeMax": rfc3339(seconds + 60)}


def compare_names(ours, theirs):
    path = "/api/v3/services"
    same(path, sorted(ours.json(path)["services"]), sorted(theirs.json(path)["services"]))
    for service in ("shop", "front", "api", "worker", "missing-service-name", "nobody", ""):
        for kind in ("", "server", "client", "producer", "consumer", "internal", "nonsense"):
            path = "/api/v3/operations?" + query_string(service=service, spanKind=kind)
            key = lambda o: (o["name"], o["spanKind"])
            same(path, sorted(ours.json(path)["operations"], key=key),
                 sorted(theirs.json(path)["operations"], key=key))


def compare_traces_by_id(ours, theirs):
    ids = [SHOP, ZIPKIN, "abcdef0000000000000000000000", "ABCDEF0000000000000000000000",
           "AQIDBAUGBwgJCgsMDQ4PEQ==", "AQIDBAUGBwgJCgsMDQ4PEQ"]
    for trace in ids:
        for raw in ("false", "true"):
            path = "/api/traces/%s?raw=%s" % (trace, raw)
            same(path, plain_v1_traces(ours.json(path)), plain_v1_traces(theirs.json(path)))
            path = "/api/v3/traces/%s?rawTraces=%s" % (trace, raw)
            same(path, plain_v3(ours.json(path)), plain_v3(theirs.json(path)))
    now_ms = int(time.time() * 1000)
    for path in ("/api/traces/%s?start=%d&end=%d" % (SHOP, now_ms - 3600000, now_ms),
                 "/api/traces/%s?prettyPrint=true" % SHOP):
        same(path, plain_v1_traces(ours.json(path)), plain_v1_traces(theirs.json(path)))


SEARCHES = [
    {}, {"query.serviceName": "front"}, {"query.serviceName": "nobody"},
    {"query.serviceName": "missing-service-name", "query.operationName": "noservice"},
    {"query.serviceName": "api", "query.operationName": "SELECT"},
    {"query.serviceName": "front", "query.operationName": "SELECT"},
    {"query.operationName": "empty-span-name"}, {"query.service_name": "worker"},
    {"query.durationMin": "55ms"}, {"query.durationMax": "200us"},
    {"query.durationMin": "10ms", "query.durationMax": "30ms", "query.serviceName": "api"},
    {"query.durationMin": "2s", "query.durationMax": "1s"},
    {"query.duration_min": "100ms", "query.service_name": "front"},
    {"query.rawTraces": "true", "query.serviceName": "front"},
] + [{"query.attributes": json.dumps(a)} for a in (
    {"error": "true"}, {"error": "false"}, {"order": "7"}, {"vip": "true"}, {"weight": "2.5"},
    {"colour": "red", "order": "3"}, {"colour": "green"}, {"host_name": "a"}, {"cache.key": "k1"},
    {"span.kind": "producer"}, {"http.response.status_code": "500"}, {"sa": "x"}, {"z": "zz"},
    {"small": "-5"}, {"d": "1.5"}, {"b": "true"}, {"bin": "AAEC/w=="}, {"q": "1"}, {"order": "70"},
    {"arr": '["a",2,2.5,true,"AQI="]'}, {"opentracing.ref_type": "child_of"},
)]


def compare_search(ours, theirs, base):
    for search in SEARCHES:
        path = "/api/v3/traces?" + query_string(**{**window(base), **search})
        a, b = ours.get(path), theirs.get(path)
        same("status of " + path, a[0], b[0])
        if a[0] == b[0] == 200:
            same(path, plain_v3(json.loads(a[1])), plain_v3(json.loads(b[1])))
        else:
            same("answer of " + path, a[1], b[1])
        path = path.replace("/traces", "/trace-summaries")
        mine, other = ours.json(path)["summaries"], theirs.json(path)["summaries"]
        same(path, plain_summaries(mine), plain_summaries(other))
        starts = [int(s["minStartTimeUnixNano"]) for s in mine]
        same("newest first: " + path, starts, sorted(starts, reverse=True))
    path = "/api/v3/trace-summaries?" + query_string(
        **{**window(base), "query.searchDepth": 3, "query.serviceName": "front"})
    same(path, [s["traceId"] for s in ours.json(path)["summaries"]],
         ["%032x" % (0xABCDEF0000000000000000000000 + i) for i in (11, 10, 9)])


def compare_dependencies(ours, theirs, base):
    end = base // 1_000_000 + 60000
    for more in ({}, {"service": "api"}, {"service": "nobody"}):
        path = "/api/dependencies?" + query_string(endTs=end, lookback=180000, **more)
        key = lambda d: (d["parent"], d["child"])
        a, b = ours.json(path), theirs.json(path)
        same(path, sorted(a.pop("data"), key=key), sorted(b.pop("data"), key=key))
        same("envelope of " + path, a, b)
    path = "/api/dependencies?endTs=1000000&lookback=1000"
    same(path, ours.json(path), theirs.json(path))


# Both status and body have to be the same.
REFUSED = [
    "/api/traces/xyz", "/api/traces/0", "/api/traces/123456", "/api/traces/%s00" % SHOP,
    "/api/traces/abc?start=x", "/api/traces/abc?end=1.5", "/api/traces/abc?raw=maybe",
    "/api/traces/AQID%2FAUGBwgJCgsMDQ4PEA==", "/api/traces/", "/api/traces/abc/def", "/api/nothing", "/api/v3/nothing",
    "/api/dependencies?endTs=x", "/api/dependencies?lookback=x", "/api/dependencies?lookback=-5",
    "/api/metrics/latencies", "/api/metrics/calls", "/api/metrics/errors",
    "/api/metrics/latencies?service=a&quantile=x", "/api/metrics/latencies?service=a&quantile=0.9",
    "/api/metrics/calls?service=a&step=x", "/api/metrics/calls?service=a&spanKind=x",
    "/api/metrics/calls?service=a&groupByOperation=x", "/api/metrics/errors?service=a&ratePer=1",
    "/api/v3/traces/xyz", "/api/v3/traces/123456", "/api/v3/traces/abc?startTime=1",
    "/api/v3/traces/abc?start_time=2020-01-01", "/api/v3/traces/abc?endTime=2020-13-01T00:00:00Z",
    "/api/v3/traces/abc?rawTraces=1x", "/api/v3/traces", "/api/v3/trace-summaries",
    "/api/v3/traces?query.startTimeMin=a&query.startTimeMax=b",
    "/api/v3/traces?query.startTimeMin=2020-01-01T00:00:00Z",
    "/api/v3/traces?query.startTimeMin=2020-01-01T00:00:00&query.startTimeMax=2021-01-01T00:00:00Z",
    "/api/v3/traces?query.startTimeMin=2020-01-01T00:00:00Z&query.startTimeMax=2019-01-01T00:00:00Z",
    "POST /api/archive/xyz", "POST /api/archive/abc",
]

BAD_SEARCHES = [
    {"query.searchDepth": "a"}, {"query.num_traces": "1x"}, {"query.search_depth": "1.5"},
    {"query.durationMin": "1"}, {"query.durationMin": "abc"}, {"query.durationMax": "5y"},
    {"query.duration_max": "-"}, {"query.rawTraces": "x"}, {"query.attributes": '{"a":1}'},
    {"query.attributes": '{"a":true}'},
]

# Only the status has to be the same: the words are those of a JSON parser.
ONLY_STATUS = [
    {"query.attributes": "x"}, {"query.attributes": "[]"}, {"query.attributes": '{"a":'},
    {"query.filter": "{}"},
]

# What we answer otherwise, and why: (path, our status, Jaeger's).
DIFFERENT = [
    # A parameter that is wrong is the client's fault.
    ({"query.searchDepth": "0"}, 400, 500),
    ({"query.searchDepth": "-1"}, 400, 500),
    ({"query.searchDepth": "9999999"}, 400, 500),
]


def ask(server, what):
    method, _, path = what.rpartition(" ")
    return server.get(path, method or "GET", b"" if method == "POST" else None)


def compare_refusals(ours, theirs, base):
    for what in REFUSED:
        same(what, list(ask(ours, what)), list(ask(theirs, what)))
    for path in ("/api/v3/traces?", "/api/v3/trace-summaries?"):
        for search in BAD_SEARCHES:
            what = path + query_string(**{**window(base), **search})
            same(what, list(ours.get(what)), list(theirs.get(what)))
        for search in ONLY_STATUS:
            what = path + query_string(**{**window(base), **search})
            same("status of " + what, ours.get(what)[0], theirs.get(what)[0])
        for search, mine, other in DIFFERENT:
            what = path + query_string(**{**window(base), **search})
            same("our status of " + what, ours.get(what)[0], mine)
            same("their status of " + what, theirs.get(what)[0], other)


def compare_transform(ours, theirs):
    for name in ("shop", "zipkin"):
        with open(os.path.join(FIXTURES, name + ".otlp.json"), "rb") as f:
            body = f.read()
        if name == "zipkin":  # a duration below zero, which Jaeger only mends when it stores
            body = body.replace(b'"1700000000900000000"', b'"1700000000960000000"')
        same("transform of " + name,
             plain_v1_traces(ours.json("/api/transform", "POST", body)),
             plain_v1_traces(theirs.json("/api/transform", "POST", body)))
    for body in (b"", b"{", b"[]"):
        same("transform of %r" % body, ours.get("/api/transform", "POST", body)[0],
             theirs.get("/api/transform", "POST", body)[0])
    same("transform of {}", ours.json("/api/transform", "POST", b"{}"),
         theirs.json("/api/transform", "POST", b"{}"))


# Of ordinary traces only: 2.13 adjusts unusual ones otherwise than its successors, whom we follow.
# An error=true in 2.13's memory store finds nothing.
V1_SEARCHES = [
    {"service": "front"}, {"service": "nobody"}, {"service": "api", "operation": "SELECT"},
    {"service": "api", "tags": '{"order":"7"}'}, {"service": "api", "tag": "order:7"},
    {"service": "api", "tag": ["colour:red", "vip:true"]}, {"service": "worker", "raw": "true"},
    {"service": "front", "minDuration": "55ms"}, {"service": "front", "maxDuration": "30ms"},
    {"service": "front", "minDuration": "20ms", "maxDuration": "50ms"},
    {"traceID": ["abcdef0000000000000000000003", "ABCDEF0000000000000000000004"]},
    {"traceID": ["123456", "abcdef0000000000000000000001", SHOP[:-1] + "2"]},
    {"traceID": "123456"},
]

V1_REFUSED = [
    "/api/operations", "/api/traces?service=a&start=x", "/api/traces?service=a&end=x",
    "/api/traces?service=a&limit=x", "/api/traces?service=a&minDuration=1",
    "/api/traces?service=a&maxDuration=x", "/api/traces?service=a&minDuration=2s&maxDuration=1s",
    "/api/traces?service=a&tag=x", "/api/traces?traceID=" + SHOP + "00",
    "/api/traces?service=a&raw=x",
]


# What 2.13 refuses as its successors do.
V1_PREFIXES = ("/api/traces/abc?", "/api/traces/0", "/api/traces/1", "/api/dependencies",
               "POST /api/archive/abc")


def sort_tags(reply):
    """2.13 sorts all tags by key, its successors only the attributes among them."""
    for trace in reply["data"]:
        for s in trace["spans"]:
            s["tags"].sort(key=lambda t: t["key"])
            for log in s["logs"]:
                log["fields"].sort(key=lambda t: t["key"])
    return reply


def compare_v1(ours, theirs, base):
    a, b = ours.json("/api/services"), theirs.json("/api/services")
    same("/api/services", sorted(a.pop("data")), sorted(b.pop("data")))
    same("envelope of /api/services", a, b)
    for service in ("front", "api", "worker", "nobody"):
        path = "/api/services/%s/operations" % service
        a, b = ours.json(path), theirs.json(path)
        # Jaeger says null for a service without operations, which Grafana's plugin stumbles over.
        same(path, sorted(a.pop("data")), sorted(b.pop("data") or []))
        same("envelope of " + path, a, b)
        for kind in ("", "server", "client", "nonsense"):
            path = "/api/operations?" + query_string(service=service, spanKind=kind)
            key = lambda o: (o["name"], o["spanKind"])
            a, b = ours.json(path), theirs.json(path)
            same(path, sorted(a.pop("data"), key=key), sorted(b.pop("data"), key=key))
            same("envelope of " + path, a, b)
    start = base // 1000
    for search in V1_SEARCHES:
        path = "/api/traces?" + query_string(start=start - 60000000, end=start + 60000000, **search)
        same(path, sort_tags(plain_v1_traces(ours.json(path))),
             sort_tags(plain_v1_traces(theirs.json(path))))
    path = "/api/traces?" + query_string(start=start - 60000000, end=start + 60000000,
                                         service="front", limit=3)
    same(path, [t["traceID"] for t in ours.json(path)["data"]],
         ["%032x" % (0xABCDEF0000000000000000000000 + i) for i in (11, 10, 9)])
    for trace in ("abcdef0000000000000000000004", "ABCDEF0000000000000000000005"):
        for raw in ("false", "true"):
            path = "/api/traces/%s?raw=%s" % (trace, raw)
            same(path, sort_tags(plain_v1_traces(ours.json(path))),
                 sort_tags(plain_v1_traces(theirs.json(path))))
        path = "/api/v3/traces/%s?raw_traces=true" % trace
        same(path, plain_v3(ours.json(path)), plain_v3(theirs.json(path)))
    for what in V1_REFUSED + [r for r in REFUSED if r.startswith(V1_PREFIXES)]:
        same(what, list(ask(ours, what)), list(ask(theirs, what)))


def wait_for_spans(server, base):
    """Until every trace is whole: 5 spans each, 7 of the shop's, 7 of zipkin's."""
    times = window(base)
    older = dict(zip(("query.start_time_min", "query.start_time_max"), times.values()))
    path = "/api/v3/traces?" + query_string(**times, **older,
                                             **{"query.num_traces": 100,
                                                "query.raw_traces": "true"})
    deadline = time.monotonic() + 120
    spans = 0
    while time.monotonic() < deadline:
        status, text = server.get(path)
        spans = len(plain_v3(json.loads(text))) if status == 200 else 0
        if spans >= 12 * 5 + 7 + 7:
            return
        time.sleep(0.1)
    raise SystemExit("%s has only %d spans" % (server.name, spans))


def main():
    tailspan, jaeger, jaeger_v1 = map(os.environ.get, ("TAILSPAN", "JAEGER", "JAEGER_V1"))
    if not tailspan:
        raise SystemExit("TAILSPAN has to name the tailspan binary")
    if not jaeger and not jaeger_v1:
        print("skipped: neither JAEGER nor JAEGER_V1 names a Jaeger")
        sys.exit(77)
    base = (int(time.time()) - 30) * 1_000_000_000
    with tempfile.TemporaryDirectory() as directory:
        ours = Server("tailspan", tailspan, TAILSPAN_CONFIG, directory)
        theirs = Server("jaeger", jaeger, JAEGER_CONFIG, directory) if jaeger else None
        older = Server("jaeger-v1", jaeger_v1, JAEGER_CONFIG, directory) if jaeger_v1 else None
        servers = [s for s in (ours, theirs, older) if s]
        try:
            for server in servers:
                server.wait()
                for body in all_spans(base):
                    server.send(body)
            for server in servers:
                wait_for_spans(server, base)
            if theirs:
                compare_names(ours, theirs)
                compare_traces_by_id(ours, theirs)
                compare_search(ours, theirs, base)
                compare_dependencies(ours, theirs, base)
                compare_refusals(ours, theirs, base)
                compare_transform(ours, theirs)
            if older:
                compare_v1(ours, older, base)
            for name, judge in (("JAEGER", theirs), ("JAEGER_V1", older)):
                if not judge:
                    print("%s is not set: what it would judge is not compared" % name)
        finally:
            for server in servers:
                server.stop()
    print("%d of %d comparisons agree" % (compared - len(failures), compared))
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
