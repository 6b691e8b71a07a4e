'use strict';
// Makes the topic, so that nobody has to wait until the broker has made it.
const { Kafka, logLevel } = require('kafkajs');

const admin = new Kafka({ brokers: [process.env.BROKER || '127.0.0.1:9092'], logLevel: logLevel.ERROR }).admin();
(async () => {
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: 'orders', numPartitions: 3 }], waitForLeaders: true });
  await admin.disconnect();
})();
