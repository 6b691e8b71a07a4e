#!/usr/bin/env python3
"""Gives a real Prometheus the same metrics twice: scraped in its protobuf format, with native histograms, and pushed by
remote write. Both must end up as the same series with the same values, hostile names and all; and promtool must be
content with both text formats.

    TAILSPAN=build/release/tailspan tests/interop/prometheus_formats.py

Needs prometheus and promtool (Debian's package `prometheus`); without them it is skipped (exit status 77).
"""

import gzip
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from process import Process, free_port, until  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TAILSPAN = os.path.abspath(os.environ.get("TAILSPAN", f"{ROOT}/build/release/tailspan"))
LIMIT = 60  # seconds
SPANS = 500
NAMES = ["GET /", "quote\" and \\", "line\nbreak", "{a=\"b\"} 1 # {", "größe \u2028", "nul\0byte", "=,;", "# EOF"]


def fetch(url, body=None, **headers):
    request = urllib.request.Request(url, data=body, headers={k.replace("_", "-"): v for k, v in headers.items()})
    with urllib.request.urlopen(request, timeout=10) as reply:
        return reply.read(), reply.headers


def configuration(ports):
    dimensions = [{"name": "weird.key"}, {"name": "other/key"}]
    interval = {"metrics_flush_interval": "1s", "exemplars": {"enabled": True}, "dimensions": dimensions}
    return {
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{ports['otlp']}"}}}},
        "connectors": {
            "span_metrics": interval,
            "span_metrics/native": {**interval, "namespace": "native", "histogram": {"unit": "s", "exponential": {"max_size": 40}}},
        },
        "exporters": {
            "prometheus": {"endpoint": f"127.0.0.1:{ports['metrics']}", "enable_open_metrics": True,
                           "without_scope_info": True},
            "prometheusremotewrite": {"endpoint": f"http://127.0.0.1:{ports['prometheus']}/api/v1/write",
                                      "external_labels": {"via": "push"}, "send_metadata": True},
        },
        "service": {
            "telemetry": {"metrics": {"address": f"127.0.0.1:{ports['telemetry']}"}},
            "pipelines": {
                "traces": {"receivers": ["otlp"], "exporters": ["span_metrics", "span_metrics/native"]},
                "metrics": {"receivers": ["span_metrics", "span_metrics/native"],
                            "exporters": ["prometheus", "prometheusremotewrite"]},
            },
        },
    }


def prometheus_configuration(ports):
    return f"""global: {{scrape_interval: 1s}}
scrape_configs:
- job_name: tailspan
  honor_labels: true
  static_configs: [{{targets: ["127.0.0.1:{ports['metrics']}"]}}]
"""


def request(rng, durations):
    spans = []
    begin = time.time_ns()
    for _ in range(SPANS):
        attributes = [{"key": k, "value": {"stringValue": rng.choice(NAMES)}} for k in ("weird.key", "other/key") if rng.random() < 0.5]
        durations.append(int(10 ** rng.uniform(4, 10)))
        spans.append({
            "traceId": f"{rng.getrandbits(128) | 1:032x}", "spanId": f"{rng.getrandbits(64) | 1:016x}",
            "name": rng.choice(NAMES), "kind": rng.randrange(1, 6), "attributes": attributes,
            "status": {"code": rng.randrange(3)},
            "startTimeUnixNano": str(begin), "endTimeUnixNano": str(begin + durations[-1]),
        })
    resource = {"attributes": [{"key": k, "value": {"stringValue": v}} for k, v in
                               (("service.name", "shop"), ("service.instance.id", "one"), ("service.version", "1.0"))]}
    return json.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]}).encode()


class Prometheus:
    def __init__(self, port):
        self.base = f"http://127.0.0.1:{port}"

    def ask(self, path, **parameters):
        body, _ = fetch(f"{self.base}/api/v1/{path}?{urllib.parse.urlencode(parameters)}")
        return json.loads(body)["data"]

    def series(self, selector):
        """{labels without those that tell how they came: value}"""
        found = {}
        for s in self.ask("query", query=selector)["result"]:
            labels = dict(s["metric"])
            labels.pop("via", None)
            if "le" in labels:
                labels["le"] = float(labels["le"])
            value = s.get("histogram", s.get("value"))[1]
            found[json.dumps(labels, sort_keys=True)] = value
        return found


def counted(prometheus, expression):
    result = prometheus.ask("query", query=expression)["result"]
    return result and float(result[0]["value"][1]) == SPANS


def check_same(prometheus):
    for via in ("", "push"):
        for expression in ("sum(traces_span_metrics_calls_total{via=%s})", "sum(native_calls_total{via=%s})",
                           "sum(traces_span_metrics_duration_milliseconds_count{via=%s})",
                           "sum(histogram_count(native_duration_seconds{via=%s}))"):
            query = expression % f"\"{via}\""
            until(query, LIMIT, lambda q=query: counted(prometheus, q))
    scraped = prometheus.series('{__name__=~"(traces_span|native|target).*",via=""}')
    pushed = prometheus.series('{__name__=~"(traces_span|native|target).*",via="push"}')
    targets = prometheus.series('target_info{service_version="1.0"}')
    pushed.update(targets)  # has no external labels, so the two are one
    only = [(how, k) for how, a, b in (("scraped", scraped, pushed), ("pushed", pushed, scraped)) for k in a if k not in b]
    differ = [k for k in scraped if k in pushed and scraped[k] != pushed[k]]
    for how, k in only[:5]:
        print(f"FAIL only {how}: {k}")
    for k in differ[:5]:
        print(f"FAIL {k}: scraped {scraped[k]}, pushed {pushed[k]}")
    histograms = sum(1 for v in scraped.values() if isinstance(v, dict))
    names = {json.loads(k).get("span_name") for k in scraped}
    print(f"{len(scraped)} series, {histograms} native histograms, {len(names)} span names; {len(targets)} target_info")
    return not only and not differ and histograms > 10 and len(names) > 5 and len(targets) == 1


def check_quantile(prometheus, durations):
    """A native histogram's buckets are fine enough for the real median; here they are a factor of two wide."""
    result = prometheus.ask("query", query='histogram_quantile(0.5, sum(native_duration_seconds{via="push"}))')["result"]
    told, real = float(result[0]["value"][1]), sorted(durations)[len(durations) // 2] / 1e9
    print(f"median: {told:.4f} s of the native histogram, {real:.4f} s of the spans")
    return real / 2 < told < real * 2


def check_exemplars(prometheus):
    found = prometheus.ask("query_exemplars", query='{__name__=~"traces_span.*|native.*"}', start=time.time() - 300, end=time.time() + 5)
    ids = {e["labels"]["trace_id"] for s in found for e in s["exemplars"]}
    ways = {s["seriesLabels"].get("via", "") for s in found if s["exemplars"]}
    print(f"{len(ids)} exemplars, by {sorted(ways)}")
    return ids and ways == {"", "push"} and all(re.fullmatch("[0-9a-f]{32}", i) for i in ids)


def check_text(ports):
    good = True
    for accept, ends in (("text/plain", b"\n"), ("application/openmetrics-text;version=1.0.0", b"# EOF\n")):
        text, headers = fetch(f"http://127.0.0.1:{ports['metrics']}/metrics", Accept=accept, Accept_Encoding="gzip")
        text = gzip.decompress(text)
        good &= headers["Content-Type"].startswith(accept.split(";")[0]) and text.endswith(ends)
        if accept == "text/plain":
            result = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, check=False)
            good &= result.returncode in (0, 3)  # 3: remarks about style, for names that are the Collector's
            if result.returncode not in (0, 3):
                print(result.stderr.decode())
    print(f"text formats: {'ok' if good else 'wrong'}")
    return good


def main():
    if not shutil.which("prometheus") or not shutil.which("promtool"):
        print("skipped: there is no prometheus and promtool (Debian's package prometheus)")
        sys.exit(77)
    directory = tempfile.mkdtemp(prefix="tailspan-formats-")
    ports = {name: free_port() for name in ("otlp", "metrics", "telemetry", "prometheus")}
    with open(f"{directory}/config.yaml", "w", encoding="utf-8") as f:
        json.dump(configuration(ports), f)
    with open(f"{directory}/prometheus.yml", "w", encoding="utf-8") as f:
        f.write(prometheus_configuration(ports))

    def start(name, *command):
        return Process(command, f"{directory}/{name}.log", cwd=directory)

    running = [start("prometheus", "prometheus", f"--config.file={directory}/prometheus.yml",
                     "--enable-feature=exemplar-storage,native-histograms", "--web.enable-remote-write-receiver",
                     f"--web.listen-address=127.0.0.1:{ports['prometheus']}", f"--storage.tsdb.path={directory}/tsdb")]
    checks, durations = [], []
    try:
        until("Prometheus", LIMIT, lambda: fetch(f"http://127.0.0.1:{ports['prometheus']}/-/ready"))
        running.append(start("tailspan", TAILSPAN, "--config", "config.yaml", "--data-directory", f"{directory}/data"))
        until("Tailspan", LIMIT, lambda: fetch(f"http://127.0.0.1:{ports['metrics']}/metrics"))
        fetch(f"http://127.0.0.1:{ports['otlp']}/v1/traces", request(random.Random(7), durations), Content_Type="application/json")
        prometheus = Prometheus(ports["prometheus"])
        checks = [check_same(prometheus), check_quantile(prometheus, durations), check_exemplars(prometheus), check_text(ports)]
    finally:
        if len(checks) < 4 or not all(checks):
            for process in running:
                print(process.said())
        for process in reversed(running):
            process.stop()
    shutil.rmtree(directory)
    sys.exit(0 if all(checks) else 1)


if __name__ == "__main__":
    main()
