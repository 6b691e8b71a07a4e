'use strict';
// A group that reads one by one, and fails on one message once (GROUP=stock), or a batch at a time.
const group = process.env.GROUP;
const provider = require('./tracing.js')(group);
const { Kafka, logLevel } = require('kafkajs');

const COUNT = 7;
const consumer = new Kafka({
  clientId: group,
  brokers: [process.env.BROKER],
  logLevel: logLevel.NOTHING,
  retry: { initialRetryTime: 50 },
}).consumer({ groupId: group });

const done = new Set();
let finished;
const end = new Promise((resolve) => (finished = resolve));
const seen = (message) => done.add(String(message.headers.order)).size === COUNT && finished();
let failed = false;

const eachMessage = async ({ message }) => {
  if (String(message.headers.order) === 'o3' && !failed) {
    failed = true;
    throw new Error('out of stock');
  }
  seen(message);
};
const eachBatch = async ({ batch }) => batch.messages.forEach(seen);

(async () => {
  await consumer.connect();
  await consumer.subscribe({ topic: process.env.TOPIC, fromBeginning: true });
  await consumer.run(group === 'stock' ? { eachMessage } : { eachBatch });
  await end;
  await consumer.disconnect();
  await provider.shutdown();
})();
