"""kafka-python: a GROUP reads, no GROUP sends."""

import truth
import kafka
from opentelemetry.instrumentation.kafka import KafkaInstrumentor


def produced(span, args, kwargs):
    truth.say("produced", truth.name(kwargs["headers"]), span)


def consumed(span, record, args, kwargs):
    truth.say("consumed", truth.name(record.headers), span, group=truth.GROUP)


KafkaInstrumentor().instrument(produce_hook=produced, consume_hook=consumed)


def produce():
    producer = kafka.KafkaProducer(bootstrap_servers=[truth.BROKER], client_id="shop")
    for number in range(1, truth.COUNT + 1):
        key, value, headers = truth.order(number)
        producer.send(truth.TOPIC, key=key, value=value, headers=headers).get(30)
    producer.close()


def consume():
    consumer = kafka.KafkaConsumer(truth.TOPIC, bootstrap_servers=[truth.BROKER], client_id=truth.GROUP,
                                   group_id=truth.GROUP, auto_offset_reset="earliest")
    reader = truth.Reader(fails=truth.GROUP == "stock")
    while not reader.finished:
        record = next(consumer)
        if not reader.process(truth.name(record.headers)):
            consumer.seek(kafka.TopicPartition(record.topic, record.partition), record.offset)
    consumer.close()


consume() if truth.GROUP else produce()
truth.provider.shutdown()
