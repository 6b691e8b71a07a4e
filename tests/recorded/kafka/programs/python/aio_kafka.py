"""aiokafka: GROUP=stock reads one by one, GROUP=mail what a poll brings, no GROUP sends."""

import asyncio

import truth
import aiokafka
from opentelemetry.instrumentation.aiokafka import AIOKafkaInstrumentor


async def produced(span, args, kwargs):
    truth.say("produced", truth.name(kwargs["headers"]), span)


async def consumed(span, record, args, kwargs):
    truth.say("consumed", truth.name(record.headers), span, group=truth.GROUP)


AIOKafkaInstrumentor().instrument(async_produce_hook=produced, async_consume_hook=consumed)


async def produce():
    producer = aiokafka.AIOKafkaProducer(bootstrap_servers=[truth.BROKER], client_id="shop")
    await producer.start()
    for number in range(1, truth.COUNT + 1):
        key, value, headers = truth.order(number)
        await producer.send_and_wait(truth.TOPIC, key=key, value=value, headers=headers)
    await producer.stop()


async def consume():
    consumer = aiokafka.AIOKafkaConsumer(truth.TOPIC, bootstrap_servers=[truth.BROKER], client_id=truth.GROUP,
                                         group_id=truth.GROUP, auto_offset_reset="earliest")
    await consumer.start()
    reader = truth.Reader(fails=truth.GROUP == "stock")
    while not reader.finished:
        if truth.GROUP == "stock":
            records = [await consumer.getone()]
        else:
            records = [record for some in (await consumer.getmany(timeout_ms=1000)).values() for record in some]
        for record in records:
            if not reader.process(truth.name(record.headers)):
                consumer.seek(aiokafka.TopicPartition(record.topic, record.partition), record.offset)
    await consumer.stop()


asyncio.run(consume() if truth.GROUP else produce())
truth.provider.shutdown()
