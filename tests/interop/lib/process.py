"""Programs that are run for a comparison: free ports, waiting until they answer, what they said, their end."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
from free_port import free_port  # noqa: E402, F401


def connect(port):
    """An OSError when nobody listens."""
    socket.create_connection(("127.0.0.1", port), 1).close()


def send_traces(port, body):
    """A request as OTLP JSON: an object, or bytes."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/traces", data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as reply:
        assert reply.status == 200
        reply.read()


def until(what, limit, question):
    """The first answer that is true; while there is none it may be an OSError."""
    deadline = time.time() + limit
    last = None
    while time.time() < deadline:
        try:
            last = question()
            if last:
                return last
        except OSError as e:
            last = e
        time.sleep(0.2)
    sys.exit(f"waited {limit} s for {what}; last: {last}")


class Process:
    def __init__(self, arguments, log, cwd=None):
        self.name = arguments[0]
        self.log = open(log, "w+", encoding="utf-8", errors="replace")
        self.process = subprocess.Popen(arguments, stdout=self.log, stderr=subprocess.STDOUT, cwd=cwd)

    def wait(self, ask, limit=60):
        """Until ask() is no OSError any more."""
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                return ask()
            except OSError:
                time.sleep(0.1)
        sys.exit(f"{self.name} did not start:\n{self.said()}")

    def said(self):
        """The end of it."""
        self.log.flush()
        self.log.seek(0)
        return self.log.read()[-3000:]

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                sys.exit(f"{self.name} did not end:\n{self.said()}")
        self.log.close()
