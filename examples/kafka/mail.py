"""The consumer group "mail": writes to who ordered. The same messages as "stock" gets, in another language."""

import asyncio
import json
import os
import signal

import aiokafka
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.aiokafka import AIOKafkaInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

# OTEL_PROPAGATORS and OTEL_EXPORTER_OTLP_ENDPOINT are read by the SDK itself.
provider = TracerProvider(resource=Resource({"service.name": "mail"}))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(), schedule_delay_millis=200))
trace.set_tracer_provider(provider)
AIOKafkaInstrumentor().instrument()


async def serve():
    consumer = aiokafka.AIOKafkaConsumer("orders", bootstrap_servers=os.environ.get("BROKER", "127.0.0.1:9092"),
                                         client_id="mail", group_id="mail", auto_offset_reset="earliest")
    await consumer.start()
    try:
        async for message in consumer:
            print(f"mail    order {json.loads(message.value)['id'][:8]}", flush=True)
    finally:
        await consumer.stop()


async def main():
    service = asyncio.create_task(serve())
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, service.cancel)
    try:
        await service
    except asyncio.CancelledError:
        pass


asyncio.run(main())
provider.shutdown()
