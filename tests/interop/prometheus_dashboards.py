#!/usr/bin/env python3
"""Has a real Prometheus scrape Tailspan, and asks it every query of every dashboard and every recording rule of
examples/: each must return data. Alerts must fire when the share of errors is high, and exemplars lead to their traces.

    TAILSPAN=build/release/tailspan tests/interop/prometheus_dashboards.py

Needs prometheus and promtool (Debian's package `prometheus`); without them it is skipped (exit status 77).
"""

import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from process import Process, free_port, until  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TAILSPAN = os.path.abspath(os.environ.get("TAILSPAN", f"{ROOT}/build/release/tailspan"))
VARIABLES = {"$__rate_interval": "30s", "$__range": "1m", "$__interval": "5s"}
LIMIT = 150  # seconds that data may take to be there


def get(url):
    try:
        with urllib.request.urlopen(url, timeout=10) as reply:
            return reply.read()
    except urllib.error.HTTPError as e:
        return e.read()


def collector(directory, ports):
    """Everything that the dashboards show: connectors, Kafka hops, tail sampling, the store."""
    return {
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{ports['otlp']}"}}}},
        "processors": {
            "memory_limiter": {"check_interval": "1s", "limit_mib": 256},
            "kafka_hops": {},
            "tail_sampling": {"decision_wait": "1s", "policies": [{"name": "all", "type": "always_sample"}]},
        },
        "connectors": {
            "span_metrics": {"exemplars": {"enabled": True}},
            "service_graph": {},
            "forward": {},
        },
        "exporters": {"sqlite": {}, "prometheus": {"endpoint": f"127.0.0.1:{ports['spans']}", "enable_open_metrics": True}},
        "extensions": {"query": {"endpoint": f"127.0.0.1:{ports['query']}"}},
        "service": {
            "extensions": ["query"],
            "telemetry": {"metrics": {"address": f"127.0.0.1:{ports['telemetry']}"}},
            "pipelines": {
                "traces": {"receivers": ["otlp"], "processors": ["memory_limiter", "kafka_hops"],
                           "exporters": ["span_metrics", "service_graph", "forward"]},
                "traces/kept": {"receivers": ["forward"], "processors": ["tail_sampling"], "exporters": ["sqlite"]},
                "metrics": {"receivers": ["span_metrics", "service_graph", "kafka_hops"], "exporters": ["prometheus"]},
            },
        },
    }


def prometheus_files(directory, ports):
    """The example's files, hurried up: scrapes and rules each second, alerts about errors without patience."""
    with open(f"{ROOT}/examples/prometheus/prometheus.yml", encoding="utf-8") as f:
        text = f.read()
    text = (text.replace("127.0.0.1:8889", f"127.0.0.1:{ports['spans']}")
            .replace("127.0.0.1:8888", f"127.0.0.1:{ports['telemetry']}")
            .replace("15s", "1s"))
    with open(f"{directory}/prometheus.yml", "w", encoding="utf-8") as f:
        f.write(text)
    os.mkdir(f"{directory}/rules")
    for path in glob.glob(f"{ROOT}/examples/prometheus/rules/*.yml"):
        with open(path, encoding="utf-8") as f:
            rules = re.sub(r"(- alert: ServiceError.*\n(?:.*\n)*? +for: ).*", r"\g<1>1s", f.read())
        with open(f"{directory}/rules/{os.path.basename(path)}", "w", encoding="utf-8") as f:
            f.write(rules)


class Prometheus:
    def __init__(self, port):
        self.base = f"http://127.0.0.1:{port}/api/v1"

    def ask(self, path, **parameters):
        answer = json.loads(get(f"{self.base}/{path}?{urllib.parse.urlencode(parameters, doseq=True)}"))
        if answer.get("status") != "success":
            raise ValueError(f"{path} {parameters}: {answer.get('error')}")
        return answer["data"]

    def result(self, expression):
        return self.ask("query", query=expression)["result"]


def dashboard_queries():
    """(dashboard: panel or variable, expression or (label, selector))."""
    for path in sorted(glob.glob(f"{ROOT}/examples/grafana/dashboards/*.json")):
        with open(path, encoding="utf-8") as f:
            board = json.load(f)
        names = [v["name"] for v in board["templating"]["list"]]
        for variable in board["templating"]["list"]:
            if variable["type"] == "query":
                label_values = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["definition"])
                yield f"{board['title']}: ${variable['name']}", (label_values[2], label_values[1])
        for panel in board["panels"]:
            for target in panel.get("targets", []):
                expression = target["expr"]
                for name, value in VARIABLES.items():
                    expression = expression.replace(name, value)
                for name in names:
                    expression = expression.replace(f"${name}", ".*")
                yield f"{board['title']}: {panel['title']}", expression


def rule_queries(prometheus):
    for group in prometheus.ask("rules")["groups"]:
        for rule in group["rules"]:
            if rule["type"] == "recording":
                yield f"rule {rule['name']}", rule["name"]


def has_data(prometheus, query):
    try:
        return shows(prometheus, query)
    except OSError:  # it is slow, and is asked again
        return False


def shows(prometheus, query):
    if isinstance(query, tuple):
        label, selector = query
        return bool(prometheus.ask(f"label/{label}/values", **{"match[]": selector}))
    series = [s for s in prometheus.result(query) if str(s["value"][1]) != "NaN"]
    wanted = re.match(r"sum by \((\w+)\)", query)
    return any(not wanted or wanted[1] in s["metric"] for s in series)


def check_queries(prometheus):
    wanted = [*dashboard_queries(), *until("the rules", LIMIT, lambda: list(rule_queries(prometheus)))]
    missing = list(wanted)
    deadline = time.time() + LIMIT
    while missing and time.time() < deadline:
        missing = [(name, query) for name, query in missing if not has_data(prometheus, query)]
        time.sleep(1)
    for name, query in missing:
        print(f"FAIL {name}: no data for {query}")
    print(f"{len(wanted) - len(missing)} of {len(wanted)} queries return data")
    return not missing


def check_alerts(prometheus):
    """The demonstration fails more often than one span in a hundred."""
    def firing():
        names = {a["labels"]["alertname"] for a in prometheus.ask("alerts")["alerts"] if a["state"] == "firing"}
        return names if any(n.startswith("ServiceErrorBudgetBurns") for n in names) else None

    names = until("an alert about errors", LIMIT, firing)
    print(f"firing: {', '.join(sorted(names))}")
    wrong = {"TailspanIsDown", "TailspanLosesSpans"} & names
    return not wrong


def check_exemplars(prometheus, ports):
    def exemplars():
        found = prometheus.ask("query_exemplars", query="traces_span_metrics_duration_milliseconds_bucket",
                               start=time.time() - 300, end=time.time() + 1)
        return [e["labels"]["trace_id"] for s in found for e in s["exemplars"]]

    ids = until("exemplars", LIMIT, exemplars)
    trace = json.loads(until("the exemplar's trace", LIMIT, lambda: next(
        (t for t in (get(f"http://127.0.0.1:{ports['query']}/api/v1/traces/{i}") for i in ids) if b"resourceSpans" in t), None)))
    print(f"{len(ids)} exemplars; one leads to a trace of {len(trace['resourceSpans'])} services")
    return True


def check_exposition(ports):
    text = until("the exposition", LIMIT, lambda: get(f"http://127.0.0.1:{ports['spans']}/metrics"))
    result = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, check=False)
    print(f"promtool check metrics: {'ok' if result.returncode == 0 else result.stderr.decode()}")
    return result.returncode in (0, 3)  # 3: remarks about style, for names that are the Collector's


def check_rules():
    files = glob.glob(f"{ROOT}/examples/prometheus/rules/*.yml")
    result = subprocess.run(["promtool", "check", "rules", *files], capture_output=True, text=True, check=False)
    if result.returncode:
        print(result.stdout, result.stderr)
    return result.returncode == 0


def main():
    if not shutil.which("prometheus") or not shutil.which("promtool"):
        print("skipped: there is no prometheus and promtool (Debian's package prometheus)")
        sys.exit(77)
    directory = tempfile.mkdtemp(prefix="tailspan-prometheus-")
    ports = {name: free_port() for name in ("otlp", "spans", "telemetry", "query", "prometheus")}
    with open(f"{directory}/config.yaml", "w", encoding="utf-8") as f:
        json.dump(collector(directory, ports), f)
    prometheus_files(directory, ports)

    def start(name, *command):
        return Process(command, f"{directory}/{name}.log", cwd=directory)

    running = [
        start("tailspan", TAILSPAN, "--config", "config.yaml", "--data-directory", f"{directory}/data"),
        start("prometheus", "prometheus", f"--config.file={directory}/prometheus.yml", "--enable-feature=exemplar-storage",
              f"--web.listen-address=127.0.0.1:{ports['prometheus']}", f"--storage.tsdb.path={directory}/tsdb"),
    ]
    try:
        until("Tailspan", LIMIT, lambda: get(f"http://127.0.0.1:{ports['telemetry']}/metrics"))
        until("Prometheus", LIMIT, lambda: get(f"http://127.0.0.1:{ports['prometheus']}/-/ready"))
        running.append(start("demo", TAILSPAN, "demo", "--duration", "0", "--rate", "20", "--seed", "1",
                             "--endpoint", f"http://127.0.0.1:{ports['otlp']}"))
        prometheus = Prometheus(ports["prometheus"])
        checks = [check_rules(), check_queries(prometheus), check_alerts(prometheus),
                  check_exemplars(prometheus, ports), check_exposition(ports)]
    except BaseException:
        for process in running:
            print(process.said())
        raise
    finally:
        for process in reversed(running):
            process.stop()
    shutil.rmtree(directory)
    sys.exit(0 if all(checks) else 1)


if __name__ == "__main__":
    main()
