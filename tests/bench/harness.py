"""Processes under measurement: start, watch and stop them.

The subject runs on core 0; the load generator and the sink share core 1. CPU time is read from the
threads' schedstat, which counts nanoseconds: utime and stime of /proc/PID/stat come in ticks of 10 ms.
"""
import json
import os
import signal
import socket
import subprocess
import sys
import time

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from free_port import free_port  # noqa: E402, F401

SUBJECT_CORE = 0
LOAD_CORE = 1
# The sink goes before a generator that sends as fast as it can: otherwise they share their core half and
# half, the sink falls behind, and what is measured is how the subject's queue fills.
CLOSED_LOOP_NICE = 10


class Process:
    """A child pinned to one core, with its output in a log file of its own."""

    def __init__(self, command, core, log, env=None, nice=0):
        self.log = log
        self.name = os.path.basename(command[0])
        with open(log, "w") as stderr:
            self.child = subprocess.Popen(
                ["nice", "-n", str(nice), "taskset", "-c", str(core), *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=stderr, text=True, env={**os.environ, **(env or {})})
        self.pid = self.child.pid  # nice and taskset execute the command in their own place

    def cpu_ns(self):
        total = 0
        for task in os.listdir(f"/proc/{self.pid}/task"):
            try:
                with open(f"/proc/{self.pid}/task/{task}/schedstat") as f:
                    total += int(f.read().split()[0])
            except (FileNotFoundError, ProcessLookupError):
                pass  # the thread has just ended
        return total

    def memory_kib(self, field):
        """VmHWM, the peak, or VmRSS."""
        with open(f"/proc/{self.pid}/status") as f:
            for line in f:
                if line.startswith(field + ":"):
                    return int(line.split()[1])
        return 0

    def ask(self):
        """One line in, one line of JSON out: how the sink and the load generator tell their counts."""
        self.child.stdin.write("report\n")
        self.child.stdin.flush()
        return json.loads(self.child.stdout.readline())

    def check(self):
        if self.child.poll() is not None:
            with open(self.log) as f:
                raise SystemExit(f"{self.name} ended with {self.child.returncode}:\n{f.read()[-3000:]}")

    def wait_for_port(self, port, seconds=15):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.check()
            try:
                socket.create_connection(("127.0.0.1", port), 0.2).close()
                return
            except OSError:
                time.sleep(0.02)
        raise SystemExit(f"{self.name} does not listen on port {port}; see {self.log}")

    def finish(self, seconds):
        """Waits for it to end by itself; its standard output."""
        try:
            return self.child.communicate(timeout=seconds)[0]
        except subprocess.TimeoutExpired:
            self.child.kill()
            raise SystemExit(f"{self.name} did not end; see {self.log}")

    def stop(self, seconds=30):
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
        return self.finish(seconds)


def measure(subject, load, options, verify=False):
    """One run: the subject between the load generator and the sink.

    CPU is counted from before the first request until everything that was acknowledged has arrived, so
    that spans which still wait in the subject when the load ends cost it what they cost. Rates are of
    a window after the warm-up. `load` is the generator's arguments without endpoint and times.
    """
    run = {"subject": subject.name}
    sink, sink_endpoint = start_sink(options, verify) if subject.has_output else (None, None)
    process, port = subject.start(options, sink_endpoint)
    process.wait_for_port(port)
    seconds = options.warmup + options.seconds + 0.5
    idle_cpu = process.cpu_ns()
    closed_loop = "--rate" not in load
    loadgen = Process([f"{options.bin}/loadgen", *load, "--seconds", str(seconds), "--warmup",
                       str(options.warmup), f"127.0.0.1:{port}"], LOAD_CORE, f"{options.work}/loadgen-{port}.log",
                      nice=CLOSED_LOOP_NICE if closed_loop else 0)
    loadgen.ask()  # it answers when its requests are written and it begins to send
    time.sleep(options.warmup)
    counted = None if subject.samples else sink  # who knows what has gone through
    before = snapshot(process, loadgen, counted)
    time.sleep(options.seconds)
    after = snapshot(process, loadgen, counted)
    process.check()
    run["sent"] = json.loads(loadgen.finish(60))
    arrived = run["sent"]["spans_acked"]
    if sink:
        run["due"] = subject.due(arrived)
        run["sink"] = wait_for_spans(sink, run["due"])
        if not subject.samples:
            arrived = run["sink"]["spans"]
    run["extra"] = subject.settle(run["sent"]["spans_acked"])
    run["cpu_per_million"] = (process.cpu_ns() - idle_cpu) / 1e3 / max(arrived, 1)
    run["peak_rss_mb"] = process.memory_kib("VmHWM") / 1024
    process.stop()
    run["extra"].update(subject.after_stop(run["sent"]["spans_acked"]))
    if sink:
        run["sink"] = json.loads(sink.stop().splitlines()[-1])
    window = after["time"] - before["time"]
    run["spans_per_second"] = (after["spans"] - before["spans"]) / window
    run["core_use"] = (after["cpu"] - before["cpu"]) / window / 1e9
    run["load_core_use"] = (after["load_cpu"] - before["load_cpu"]) / window / 1e9
    return run


def disturb(subject, probe, other, options):
    """One run with two generators: what becomes of the requests of `probe` while `other` is being served.

    Latencies are the probe's alone, in its own window; spans are those of both.
    """
    run = {"subject": subject.name}
    sink, sink_endpoint = start_sink(options, False)
    process, port = subject.start(options, sink_endpoint)
    process.wait_for_port(port)
    idle_cpu = process.cpu_ns()
    generators = [Process([f"{options.bin}/loadgen", *load, "--seed", str(seed), f"127.0.0.1:{port}"], LOAD_CORE,
                          f"{options.work}/loadgen-{port}-{seed}.log") for seed, load in ((1, probe), (2, other))]
    sent = [json.loads(g.finish(120)) for g in generators]
    process.check()
    run["sent"] = {**sent[0], **{k: sum(s[k] for s in sent) for k in sent[0] if k.startswith("spans_")}}
    run["other"] = sent[1]
    acked = run["sent"]["spans_acked"]
    run["due"] = subject.due(acked)
    run["sink"] = wait_for_spans(sink, run["due"])
    run["extra"] = subject.settle(acked)
    run["cpu_per_million"] = (process.cpu_ns() - idle_cpu) / 1e3 / max(acked, 1)
    run["peak_rss_mb"] = process.memory_kib("VmHWM") / 1024
    process.stop()
    run["sink"] = json.loads(sink.stop().splitlines()[-1])
    return run


def start_sink(options, verify):
    port = free_port()
    sink = Process([f"{options.bin}/sink", *(["--verify"] if verify else []), f"127.0.0.1:{port}"],
                   LOAD_CORE, f"{options.work}/sink-{port}.log")
    sink.wait_for_port(port)
    return sink, f"127.0.0.1:{port}"


def snapshot(process, loadgen, sink):
    spans = (sink.ask()["spans"] if sink else loadgen.ask()["spans_acked"])
    return {"time": time.monotonic(), "spans": spans, "cpu": process.cpu_ns(),
            "load_cpu": loadgen.cpu_ns() + (sink.cpu_ns() if sink else 0)}


def wait_for_spans(sink, expected, patience=10):
    """Returns when the sink has them all, or has had nothing new for `patience` seconds."""
    last, since = -1, time.monotonic()
    while True:
        counts = sink.ask()
        if counts["spans"] >= expected or time.monotonic() - since > patience:
            return counts
        if counts["spans"] != last:
            last, since = counts["spans"], time.monotonic()
        time.sleep(0.05)
