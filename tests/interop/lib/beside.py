"""Two programs, ours and the Collector, run beside each other with the same pipelines on the same spans.

A case is a list of processors; each is a pipeline of its own behind one receiver, with a file behind it.
"""

import json
import os
import subprocess
import sys
import tempfile

from process import Process, free_port, send_traces


def escaped(value):
    """A $ in a configuration begins a variable."""
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, list):
        return [escaped(v) for v in value]
    if isinstance(value, dict):
        return {k: escaped(v) for k, v in value.items()}
    return value


def config_of(cases, directory, port):
    processors, exporters, pipelines = {}, {}, {}
    for name, chain in cases.items():
        ids = []
        for i, processor in enumerate(chain):
            (kind, settings), = processor.items()
            ids.append("%s/%s_%d" % (kind, name, i))
            processors[ids[-1]] = escaped(settings)
        exporters["file/" + name] = {"path": os.path.join(directory, name + ".json")}
        pipelines["traces/" + name] = {"receivers": ["otlp"], "processors": ids, "exporters": ["file/" + name]}
    return {
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": "127.0.0.1:%d" % port}}}},
        "processors": processors, "exporters": exporters,
        "service": {"pipelines": pipelines, "telemetry": {"metrics": {"level": "none"}, "logs": {"level": "error"}}},
    }


class Program:
    def __init__(self, name, binary, directory):
        self.name, self.binary = name, binary
        self.directory = os.path.join(directory, name)
        os.mkdir(self.directory)
        self.port = free_port()

    def write(self, cases):
        path = os.path.join(self.directory, "config.yaml")
        with open(path, "w", encoding="utf-8") as f:
            json.dump(config_of(cases, self.directory, self.port), f)  # JSON is YAML
        return path

    def takes(self, chain):
        path = self.write({"x": chain})
        arguments = ["validate", "--config", path] if self.name == "otelcol" else ["config", "validate", path]
        return subprocess.run([self.binary] + arguments, capture_output=True, timeout=60).returncode == 0

    def start(self, cases):
        more = [] if self.name == "otelcol" else ["--data-directory", os.path.join(self.directory, "data")]
        self.process = Process([self.binary, "--config", self.write(cases)] + more, os.path.join(self.directory, "log"))
        self.process.wait(lambda: self.send({}))

    def send(self, body):
        send_traces(self.port, body)

    def stop(self):
        self.process.stop()

    def spans(self, case):
        """By span id: the span as it left, with its resource and scope, in a form that can be compared."""
        return spans_of_file(os.path.join(self.directory, case + ".json"), left_of)


def spans_of_file(path, form):
    """What the exporter `file` wrote, by span id, each as form(span, resource, scope)."""
    found = {}
    with open(path, encoding="utf-8") as f:
        for line in f:
            for resource in json.loads(line).get("resourceSpans", []):
                for scope in resource["scopeSpans"]:
                    for span in scope["spans"]:
                        assert span["spanId"] not in found, "%s twice" % span["spanId"]
                        found[span["spanId"]] = form(span, resource, scope)
    return found


def value_of(value):
    """Without what may be written in more than one way."""
    if "arrayValue" in value:
        return {"arrayValue": [value_of(v) for v in value["arrayValue"].get("values", [])]}
    if "kvlistValue" in value:
        return {"kvlistValue": attributes_of(value["kvlistValue"].get("values", []))}
    if "intValue" in value:
        return {"intValue": str(value["intValue"])}
    if "doubleValue" in value:
        return {"doubleValue": repr(float(value["doubleValue"]))}
    return value


def attributes_of(attributes):
    found = {}
    for a in attributes:
        key = a.get("key", "")
        assert key not in found, "%s twice" % key
        found[key] = value_of(a.get("value", {}))
    return found


def left_of(span, resource, scope):
    return {
        "name": span.get("name"), "status": span.get("status", {}), "attributes": attributes_of(span.get("attributes", [])),
        "events": [(e.get("name"), attributes_of(e.get("attributes", []))) for e in span.get("events", [])],
        "links": [(link.get("traceId"), attributes_of(link.get("attributes", []))) for link in span.get("links", [])],
        "resource": attributes_of(resource.get("resource", {}).get("attributes", [])),
        "scope": attributes_of(scope.get("scope", {}).get("attributes", [])),
    }


def attribute(key, value):
    return {"key": key, "value": any_value(value)}


def any_value(value):
    if value is None:
        return {}
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [any_value(v) for v in value]}}
    if isinstance(value, dict):
        return {"kvlistValue": {"values": [attribute(k, v) for k, v in value.items()]}}
    if isinstance(value, tuple):
        return {"bytesValue": value[0]}
    return {"stringValue": value}


def different(ours, theirs):
    return [k for k in ours if ours[k] != theirs[k]]


def compare(case, ours, theirs, expected=lambda case, span: span):
    differences = []
    for i in sorted(ours.keys() | theirs.keys()):
        a, b = ours.get(i), theirs.get(i)
        if not a or not b:
            differences.append("%s: %s: only in %s" % (case, i, "ours" if a else "theirs"))
            continue
        b = expected(case, b)
        keys = different(a, b)
        if keys:
            differences.append("%s: %s:\n  ours   %s\n  theirs %s" % (
                case, i, {k: a[k] for k in keys}, {k: b[k] for k in keys}))
    return differences


def programs(*kinds):
    """Both, in a directory of their own; exits with 77 where something is missing."""
    for variable in ("OTELCOL", "TAILSPAN"):
        if not os.path.exists(os.environ.get(variable, "")):
            print("skipped: %s is not set to a program" % variable)
            sys.exit(77)
    offered = subprocess.run([os.environ["OTELCOL"], "components"], capture_output=True, text=True).stdout
    for kind in kinds:
        if "name: %s\n" % kind not in offered:
            print("skipped: the Collector has no %s" % kind)
            sys.exit(77)
    directory = tempfile.mkdtemp(prefix="tailspan-interop-")
    return [Program("tailspan", os.environ["TAILSPAN"], directory), Program("otelcol", os.environ["OTELCOL"], directory)]


def run(both, cases, requests):
    for program in both:
        program.start(cases)
    try:
        for request in requests:
            for program in both:
                program.send(request)
    finally:
        for program in both:
            program.stop()


def refusals(both, refused):
    """What either takes that both are to refuse."""
    return ["%s takes %s" % (program.name, chain) for chain in refused for program in both if program.takes(chain)]
