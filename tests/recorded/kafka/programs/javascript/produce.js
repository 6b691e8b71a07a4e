'use strict';
// A shop: one message by one message, and then three in one call.
const provider = require('./tracing.js')('shop');
const { Kafka, logLevel } = require('kafkajs');

const producer = new Kafka({ clientId: 'shop', brokers: [process.env.BROKER], logLevel: logLevel.ERROR }).producer();
const message = (id) => ({ key: `customer-${id % 3}`, value: `order ${id}`, headers: { order: `o${id}` } });
(async () => {
  await producer.connect();
  for (let id = 1; id <= 4; id++) await producer.send({ topic: process.env.TOPIC, messages: [message(id)] });
  await producer.send({ topic: process.env.TOPIC, messages: [5, 6, 7].map(message) });
  await producer.disconnect();
  await provider.shutdown();
})();
