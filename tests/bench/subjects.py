"""What can be measured: the floors, Tailspan in several configurations, and the Collector.

A subject has a name and says whether it has an output; start() gives its process and its port. The
configurations are in the Collector's schema, so both programs get the same.
"""
import glob
import os
import re
import shutil
import time
import urllib.request

import harness


class Subject:
    has_output = True
    samples = False  # only some of what is acknowledged is handed on

    def due(self, spans):
        """How many of `spans` acknowledged spans the sink has to get."""
        return spans

    def settle(self, spans):
        """Waits until the subject has dealt with `spans` acknowledged spans; what it says of them."""
        return {}

    def after_stop(self, spans):
        return {}


class Floor(Subject):
    def __init__(self, program, has_output):
        self.name = self.program = program
        self.has_output = has_output

    def start(self, options, sink):
        port = harness.free_port()
        command = [f"{options.bin}/{self.program}", f"127.0.0.1:{port}", *([sink] if sink else [])]
        return harness.Process(command, harness.SUBJECT_CORE, f"{options.work}/{self.name}.log"), port


RELAY = Floor("floor_relay", True)
DISCARD = Floor("floor_discard", False)
HTTP = Floor("floor_http", False)

RECEIVER = """\
receivers:
  otlp:
    protocols:
      {protocol}: {{endpoint: "127.0.0.1:{port}"}}
exporters:
  nop: {{}}
  otlp:
    endpoint: "{sink}"
    compression: {compression}
    tls: {{insecure: true}}
"""

SQLITE = """\
  sqlite:
    directory: {directory}
"""

# As many policies as people have; a tenth of the traces is kept.
TAIL_SAMPLING = """\
processors:
  tail_sampling:
    decision_wait: 3s
    num_traces: 1000000
    policies:
    - {{name: failed, type: status_code, status_code: {{status_codes: [OK]}}}}
    - {{name: slow, type: latency, latency: {{threshold_ms: 100000}}}}
    - {{name: method, type: string_attribute, string_attribute: {{key: http.request.method, values: [PURGE]}}}}
    - {{name: large, type: span_count, span_count: {{min_spans: 1000}}}}
    - {{name: some, type: probabilistic, probabilistic: {{sampling_percentage: 10}}}}
"""

SERVICE = """\
service:
  telemetry:
    metrics: {{{metrics}}}
  pipelines:
    traces: {{receivers: [otlp], processors: [{processors}], exporters: [{exporters}]}}
"""


class Collector(Subject):
    """Tailspan, or the Collector with the same configuration."""

    def __init__(self, name, program, exporters, protocol="grpc", compression="none", env=None, samples=False):
        self.name = name
        self.samples = samples
        self.program = program
        self.exporters = exporters
        self.protocol = protocol
        self.compression = compression
        self.env = env
        self.has_output = "otlp" in exporters
        self.ours = env is None
        self.directory = None
        self.telemetry = None

    def configuration(self, options, port, sink):
        text = RECEIVER
        if "sqlite" in self.exporters:
            self.directory = f"{options.work}/store"
            shutil.rmtree(self.directory, ignore_errors=True)
            text += SQLITE
        if self.samples:
            text += TAIL_SAMPLING
        text += SERVICE
        self.telemetry = f"127.0.0.1:{harness.free_port()}" if self.ours else None
        metrics = f'address: "{self.telemetry}"' if self.ours else "level: none"
        return text.format(protocol=self.protocol, port=port, sink=sink or "127.0.0.1:1",
                           compression=self.compression, directory=self.directory, metrics=metrics,
                           processors="tail_sampling" if self.samples else "",
                           exporters=", ".join(self.exporters))

    def start(self, options, sink):
        port = harness.free_port()
        path = f"{options.work}/{self.name}.yaml"
        with open(path, "w") as f:
            f.write(self.configuration(options, port, sink))
        command = [self.program, "--config", path]
        if self.ours:
            command += ["--data-directory", f"{options.work}/data"]
        return harness.Process(command, harness.SUBJECT_CORE, f"{options.work}/{self.name}.log",
                               self.env), port

    def read_counter(self, name, label):
        with urllib.request.urlopen(f"http://{self.telemetry}/metrics", timeout=5) as reply:
            text = reply.read().decode()
        return sum(float(value) for value in re.findall(rf"^{name}(?:{{[^}}]*{label}[^}}]*}})? (\S+)$", text, re.M))

    def due(self, spans):
        """A sampler's is what it has handed on once nothing waits any more."""
        if not self.samples:
            return spans
        waiting = "otelcol_processor_tail_sampling_sampling_traces_on_memory"
        deadline = time.monotonic() + 30
        while self.read_counter(waiting, "") > 0 and time.monotonic() < deadline:
            time.sleep(0.2)
        time.sleep(1)  # kept spans wait half a second for company
        return int(self.read_counter("otelcol_processor_outgoing_items", "tail_sampling"))

    def settle(self, spans, patience=30):
        if not self.telemetry:
            return {}
        said = {"accepted": self.read_counter("otelcol_receiver_accepted_spans", "")}
        deadline = time.monotonic() + patience
        while "sqlite" in self.exporters:
            said["stored"] = self.read_counter("otelcol_exporter_sent_spans", 'exporter="sqlite"')
            dropped = sum(self.read_counter(f"otelcol_exporter_{how}_failed_spans", 'exporter="sqlite"')
                          for how in ("enqueue", "send"))
            if said["stored"] + dropped >= spans or time.monotonic() > deadline:
                break
            time.sleep(0.05)
        return said

    def after_stop(self, spans):
        """Bytes on disk, when it had a store: everything is written once it has drained."""
        if not self.directory:
            return {}
        files = [f for f in glob.glob(f"{self.directory}/**", recursive=True) if os.path.isfile(f)]
        size = sum(os.path.getsize(f) for f in files)
        return {"disk_bytes_per_span": size / max(spans, 1)}


def tailspan(options, name, exporters, **settings):
    return Collector(name, options.tailspan, exporters, **settings)


def otelcol(options, exporters, **settings):
    return Collector("otelcol", options.otelcol, exporters, env={"GOMAXPROCS": "1"}, **settings)
