"""Sets up the SDK as a service does, and says under which spans messages were sent and got."""

import json
import os

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

BROKER, TOPIC, GROUP = os.environ["BROKER"], os.environ["TOPIC"], os.environ.get("GROUP")
COUNT = 7

provider = TracerProvider(resource=Resource({"service.name": GROUP or "shop"}))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("work")


def order(number):
    """Key, value and headers of a message; its name is in a header."""
    return f"customer-{number % 3}".encode(), f"order {number}".encode(), [("order", f"o{number}".encode())]


def name(headers):
    return dict(headers)["order"].decode()


def say(verb, message, span, what="span", **more):
    context = span.get_span_context()
    print(json.dumps({verb: message, "trace": f"{context.trace_id:032x}", what: f"{context.span_id:016x}", **more}), flush=True)


class Reader:
    """Reads until each message was done; it fails on the third once where the group is to see it again."""

    def __init__(self, fails):
        self.fails, self.done = fails, set()

    @property
    def finished(self):
        return len(self.done) == COUNT

    def process(self, message):
        """False when the message has to come again."""
        if self.fails and message == "o3":
            self.fails = False
            return False
        self.done.add(message)
        return True
