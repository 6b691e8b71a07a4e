"""What is true of a recording, from what its programs said of their messages; and what names a machine, taken out.

Programs print, a line each:
  {"produced": message, "trace", "span"}           "parent" in place of "span" where its span is kept from them
  {"consumed": message, "group", "trace", "span"}
  {"received": message, "group", "trace", "span"}  where a span of its own stands for that
  {"polled": [message...], "group"}                where the span of a poll is kept from them: polls and spans go in order
The message's name travels in a header that no instrumentation looks at, so the pairs do not come from what a matcher sees.
How a pair can be found is then read from the spans.
"""

import re

# Attributes of resources that name a machine or a process of it; a resource detector adds them unasked.
NAMES_MACHINE = re.compile(r"^(host|process|os|container)\.|^service\.instance\.id$")

# Ends the name of a message that a program made of another one that it failed on.
DEAD = " dead"

PARTITION = ("messaging.destination.partition.id", "messaging.kafka.destination.partition", "messaging.kafka.partition",
             "messaging.kafka.source.partition")
OFFSET = ("messaging.kafka.offset", "messaging.kafka.message.offset")
TOPIC = ("messaging.destination.name", "messaging.source.name", "messaging.destination")
GROUP = ("messaging.consumer.group.name", "messaging.kafka.consumer.group", "messaging.kafka.consumer_group")


def tidy(request, broker):
    """The request with its machine's names and stacks taken out, and its broker on the usual port."""
    request = rewritten(request, broker)
    for resource_spans in request["resourceSpans"]:
        resource = resource_spans["resource"]
        resource["attributes"] = [a for a in resource.get("attributes", []) if not NAMES_MACHINE.match(a["key"])]
        for span in (span for scope_spans in resource_spans["scopeSpans"] for span in scope_spans["spans"]):
            for attribute in span.get("attributes", []):
                if attribute["key"] == "server.port":
                    attribute["value"]["intValue"] = "9092"
            for event in span.get("events", []):
                event["attributes"] = [a for a in event.get("attributes", []) if a["key"] != "exception.stacktrace"]
    return request


def rewritten(node, broker):
    if isinstance(node, list):
        return [rewritten(item, broker) for item in node]
    if isinstance(node, dict):
        return {key: rewritten(value, broker) for key, value in node.items()}
    return node.replace(broker, "127.0.0.1:9092") if isinstance(node, str) else node


def resource_of(resource_spans):
    return attributes(resource_spans["resource"])


def attributes(span):
    values = {}
    for attribute in span.get("attributes", []):
        kind, value = next(iter(attribute["value"].items()))
        values[attribute["key"]] = value
    return values


def first(values, names):
    return next((str(values[name]) for name in names if name in values), None)


def record_of(span):
    """(topic, partition, offset) of the message that a span stands for, or None where it does not tell."""
    values = attributes(span)
    topic, partition, offset = (first(values, names) for names in (TOPIC, PARTITION, OFFSET))
    message_id = str(values.get("messaging.message.id", values.get("messaging.message_id", "")))
    if offset is None and partition is not None and message_id:
        offset = message_id.rsplit(".", 1)[-1]
    if None in (topic, partition, offset) or not offset.isdigit() or not partition.isdigit():
        return None
    return topic, partition, offset


def how_found(producer, consumer):
    mine = producer["traceId"], producer["spanId"]
    if any((link["traceId"], link["spanId"]) == mine for link in consumer.get("links", [])):
        return "link"
    if (consumer["traceId"], consumer.get("parentSpanId")) == mine:
        return "parent"
    record = record_of(consumer)
    return "offset" if record is not None and record == record_of(producer) else "none"


def expectations(requests, said):
    """A line per pair of a message's producer span and a span that took it."""
    services = [(resource_of(r).get("service.name"), span)
                for request in requests for r in request["resourceSpans"] for s in r["scopeSpans"] for span in s["spans"]]
    return Truth(services).tell(said)


class Truth:
    def __init__(self, services):
        self.services = services
        self.spans = {(span["traceId"], span["spanId"]): span for _, span in services}
        self.produced, self.attempts, self.received, self.polls, self.hops = {}, {}, set(), {}, []

    def tell(self, said):
        explicit = any("received" in entry for entry in said)
        for entry in said:
            if "polled" in entry:
                self.polled(entry)
                continue
            key = entry["trace"], entry["span"] if "span" in entry else child(self.spans, entry)
            if key not in self.spans:
                raise SystemExit(f"a span was not exported: {entry}")
            span = self.spans[key]
            if "produced" in entry:
                self.produced[entry["produced"]] = span
            elif "received" in entry:
                self.hop("receive", span, entry["received"], entry["group"])
            else:
                self.hop("process", span, entry["consumed"], entry["group"])
                if not explicit:
                    self.parent(span, entry)
        return self.hops

    def parent(self, span, entry):
        """What received the message, where it has a span of its own above the one that processed it."""
        above = self.spans.get((span["traceId"], span.get("parentSpanId")))
        if above and is_receive(above) and (above["spanId"], entry["consumed"]) not in self.received:
            self.hop("receive", above, entry["consumed"], entry["group"])

    def polled(self, entry):
        group = entry["group"]
        if group not in self.polls:
            spans = [span for service, span in self.services if service == group and is_receive(span)]
            self.polls[group] = sorted(spans, key=lambda span: int(span["startTimeUnixNano"]))
        if self.polls[group]:
            span = self.polls[group].pop(0)
            for message in entry["polled"]:
                self.hop("receive", span, message, group)

    def hop(self, role, consumer, message, group):
        self.received.add((consumer["spanId"], message))
        attempt = self.attempts[role, group, message] = self.attempts.get((role, group, message), 0) + 1
        producer = self.produced[message]
        hop = {"message": message, "group": group, "role": role, "attempt": attempt, "how": how_found(producer, consumer),
               "producer": ids(producer), "consumer": ids(consumer)}
        if message.endswith(DEAD):
            hop["original"] = ids(self.produced[message.removesuffix(DEAD)])
        self.hops.append(hop)


def ids(span):
    return {"trace": span["traceId"], "span": span["spanId"]}


def child(spans, entry):
    """The id of the one producer span below the span that a program started around its call."""
    ids = [span["spanId"] for span in spans.values()
           if (span["traceId"], span.get("parentSpanId")) == (entry["trace"], entry["parent"]) and is_producer(span)]
    if len(ids) != 1:
        raise SystemExit(f"{len(ids)} producer spans for {entry}")
    return ids[0]


def is_producer(span):
    """Of any kind: a send that injects no context is a CLIENT to some."""
    values = attributes(span)
    return bool({"send", "publish"} & {values.get("messaging.operation"), values.get("messaging.operation.type")})


def is_receive(span):
    values = attributes(span)
    return "receive" in (values.get("messaging.operation"), values.get("messaging.operation.type"))
