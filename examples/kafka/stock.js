'use strict';
// The consumer group "stock": sets aside what was ordered. The first order is not found at first, so it comes twice.
const provider = require('./tracing.js')('stock');
const { trace } = require('@opentelemetry/api');
const { Kafka, logLevel } = require('kafkajs');

const broker = process.env.BROKER || '127.0.0.1:9092';
const kafka = new Kafka({ clientId: 'stock', brokers: [broker], logLevel: logLevel.NOTHING, retry: { initialRetryTime: 100 } });
const consumer = kafka.consumer({ groupId: 'stock' });
const tracer = trace.getTracer('stock');
let looked = false;

async function eachMessage({ message }) {
  const { id, item } = JSON.parse(message.value);
  if (!looked) {
    looked = true;
    throw new Error(`no ${item} on its shelf`);
  }
  tracer.startActiveSpan(`set aside a ${item}`, (span) => span.end());
  console.log(`stock   order ${id.slice(0, 8)}`);
}

async function stop() {
  await consumer.disconnect();
  await provider.shutdown();
}

(async () => {
  await consumer.connect();
  await consumer.subscribe({ topic: 'orders', fromBeginning: true });
  await consumer.run({ eachMessage });
})();
process.on('SIGTERM', stop);
