'use strict';
// node topic.js NAME PARTITIONS: makes a topic.
const { Kafka, logLevel } = require('kafkajs');

const [name, partitions] = process.argv.slice(2);
const admin = new Kafka({ brokers: [process.env.BROKER], logLevel: logLevel.ERROR }).admin();
(async () => {
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: name, numPartitions: Number(partitions) }], waitForLeaders: true });
  await admin.disconnect();
})();
