"""confluent-kafka: GROUP=stock polls, GROUP=mail reads batches, no GROUP sends."""

import truth
import confluent_kafka
from opentelemetry import trace
from opentelemetry.instrumentation.confluent_kafka import ConfluentKafkaInstrumentor

ConfluentKafkaInstrumentor().instrument()


def produce():
    producer = confluent_kafka.Producer({"bootstrap.servers": truth.BROKER, "client.id": "shop"})
    for number in range(1, truth.COUNT + 1):
        key, value, headers = truth.order(number)
        # The producer span is over when the call is, so it is told by a parent of ours.
        with truth.tracer.start_as_current_span("order") as span:
            producer.produce(truth.TOPIC, value=value, key=key, headers=headers)
            truth.say("produced", f"o{number}", span, "parent")
        producer.flush()


def consume():
    consumer = confluent_kafka.Consumer({
        "bootstrap.servers": truth.BROKER, "client.id": truth.GROUP, "group.id": truth.GROUP, "auto.offset.reset": "earliest"})
    consumer.subscribe([truth.TOPIC])
    reader = truth.Reader(fails=truth.GROUP == "stock")
    while not reader.finished:
        if truth.GROUP == "stock":
            message = consumer.poll(1)
            messages = [message] if message else []
        else:
            messages = consumer.consume(num_messages=truth.COUNT, timeout=1)
        for message in messages:
            name = truth.name(message.headers())
            truth.say("consumed", name, trace.get_current_span(), group=truth.GROUP)
            if not reader.process(name):
                consumer.seek(confluent_kafka.TopicPartition(message.topic(), message.partition(), message.offset()))
    consumer.close()


consume() if truth.GROUP else produce()
truth.provider.shutdown()
