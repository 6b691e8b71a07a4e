'use strict';
// Takes orders, and tells of them in the topic "orders": node shop.js [HOW MANY]
const provider = require('./tracing.js')('shop');
const { randomUUID } = require('node:crypto');
const { trace, SpanKind } = require('@opentelemetry/api');
const { Kafka, logLevel } = require('kafkajs');

const count = Number(process.argv[2] || 1);
const broker = process.env.BROKER || '127.0.0.1:9092';
const kafka = new Kafka({ clientId: 'shop', brokers: [broker], logLevel: logLevel.ERROR });
const producer = kafka.producer();
const tracer = trace.getTracer('shop');

// What a web framework's instrumentation would have made.
const order = (id) =>
  tracer.startActiveSpan('POST /orders', { kind: SpanKind.SERVER }, async (span) => {
    await producer.send({ topic: 'orders', messages: [{ key: id, value: JSON.stringify({ id, item: 'lamp' }) }] });
    console.log(`shop    order ${id.slice(0, 8)}  trace ${span.spanContext().traceId}`);
    span.end();
  });

(async () => {
  await producer.connect();
  for (let i = 0; i < count; i++) await order(randomUUID());
  await producer.disconnect();
  await provider.shutdown();
})();
