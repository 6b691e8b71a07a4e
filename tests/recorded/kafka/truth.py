"""What is true of a recording, from what its programs said of their messages; and what names a machine, taken out.

Programs print {"produced": message, "trace", "span"}, {"consumed": message, "group", "trace", "span"} and, where a span
of theirs stands for it, {"received": ...}; "parent" in place of "span" where an instrumentation keeps its producer span to itself.
The message's name travels in a header that no instrumentation looks at, so the pairs do not come from what a matcher sees. How a pair
can be found is then read from the spans.
"""

import base64
import re

# Attributes of resources that name a machine or a process of it; a resource detector adds them unasked.
NAMES_MACHINE = re.compile(r"^(host|process|os|container)\.|^service\.instance\.id$")

PARTITION = ("messaging.destination.partition.id", "messaging.kafka.destination.partition", "messaging.kafka.partition",
             "messaging.kafka.source.partition")
OFFSET = ("messaging.kafka.offset", "messaging.kafka.message.offset")
TOPIC = ("messaging.destination.name", "messaging.source.name", "messaging.destination")
GROUP = ("messaging.consumer.group.name", "messaging.kafka.consumer.group", "messaging.kafka.consumer_group")


def tidy(request, broker):
    """The request with its machine's names taken out and its broker on the usual port."""
    _, port = broker.split(":")

    def scrubbed(node):
        if isinstance(node, list):
            return [scrubbed(item) for item in node]
        if isinstance(node, dict):
            return {key: scrubbed(value) for key, value in node.items()}
        if isinstance(node, str):
            return node.replace(broker, "127.0.0.1:9092")
        return node

    request = scrubbed(request)
    for resource_spans in request["resourceSpans"]:
        resource = resource_spans["resource"]
        resource["attributes"] = [a for a in resource.get("attributes", []) if not NAMES_MACHINE.match(a["key"])]
        for scope_spans in resource_spans["scopeSpans"]:
            for span in scope_spans["spans"]:
                for attribute in span.get("attributes", []):
                    if attribute["key"] in ("server.port", "net.peer.port", "network.peer.port"):
                        if attribute["value"].get("intValue") in (port, int(port)):
                            attribute["value"]["intValue"] = "9092"
    return request


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
    spans = {(span["traceId"], span["spanId"]): span
             for request in requests for r in request["resourceSpans"] for s in r["scopeSpans"] for span in s["spans"]}
    produced, attempts, hops, received, told = {}, {}, [], set(), False
    for entry in said:
        key = entry["trace"], entry["span"] if "span" in entry else child(spans, entry)
        if key not in spans:
            raise SystemExit(f"a span was not exported: {entry}")
        if "produced" in entry:
            if entry["produced"] in produced:
                raise SystemExit(f"produced twice: {entry}")
            produced[entry["produced"]] = spans[key]
            continue
        role = "process" if "consumed" in entry else "receive"
        message, group = entry["consumed" if role == "process" else "received"], entry["group"]
        producer, consumer = produced[message], spans[key]
        attempt = attempts[role, group, message] = attempts.get((role, group, message), 0) + 1
        hops.append(hop(role, producer, consumer, message, group, attempt))
        told |= role == "receive"
        # What received the message, where it has a span of its own between that no program can see.
        poll = spans.get((consumer["traceId"], consumer.get("parentSpanId")))
        if not told and poll and poll is not producer and is_receive(poll) and (poll["spanId"], message) not in received:
            received.add((poll["spanId"], message))
            hops.append(hop("receive", producer, poll, message, group, attempt))
    return hops


def child(spans, entry):
    """The id of the one producer span below the span that a program started around its call."""
    ids = [span["spanId"] for span in spans.values()
           if (span["traceId"], span.get("parentSpanId")) == (entry["trace"], entry["parent"]) and is_producer(span)]
    if len(ids) != 1:
        raise SystemExit(f"{len(ids)} producer spans for {entry}")
    return ids[0]


def is_producer(span):
    return span["kind"] == 4


def is_receive(span):
    values = attributes(span)
    return "receive" in (values.get("messaging.operation"), values.get("messaging.operation.type"))


def hop(role, producer, consumer, message, group, attempt):
    return {
        "message": message, "group": group, "role": role, "attempt": attempt, "how": how_found(producer, consumer),
        "producer": {"trace": producer["traceId"], "span": producer["spanId"]},
        "consumer": {"trace": consumer["traceId"], "span": consumer["spanId"]},
    }
