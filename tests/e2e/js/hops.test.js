'use strict';
// Hops through Kafka: links that were lost, journeys in the store, metrics.

const { test } = require('node:test');
const assert = require('node:assert/strict');
const path = require('node:path');
const fs = require('node:fs');
const tailspan = require('./tailspan.js');
const pipeline = require('./pipeline.js');
const otlp = require('./otlp.js');
const client = require('./client.js');
const { fromJson } = require('./backend.js');

const start = 1700000000000000000n;

const messaging = (kind, offset, atMs, more = {}) =>
  otlp.span({
    name: kind === 4 ? 'orders publish' : 'orders process',
    kind,
    startTimeUnixNano: start + BigInt(atMs) * 1000000n,
    endTimeUnixNano: start + BigInt(atMs + 10) * 1000000n,
    attributes: [
      otlp.string('messaging.system', 'kafka'),
      otlp.string('messaging.destination.name', 'orders'),
      otlp.string('messaging.destination.partition.id', '1'),
      otlp.int('messaging.kafka.message.offset', offset),
      ...(kind === 5 ? [otlp.string('messaging.kafka.consumer.group', 'stock')] : []),
    ],
    ...more,
  });

test('a consumer whose context was lost is linked, and its journey is told', async () => {
  const dir = tailspan.directory();
  const ports = await tailspan.freePorts('http', 'query', 'metrics', 'telemetry');
  const file = path.join(dir, 'spans.jsonl');
  const t = await tailspan.start(
    {
      receivers: pipeline.otlpIn({ http: ports.http }),
      processors: { kafka_hops: {} },
      exporters: { sqlite: {}, file: { path: file }, prometheus: { endpoint: `127.0.0.1:${ports.metrics}` } },
      extensions: { query: { endpoint: `127.0.0.1:${ports.query}` } },
      service: {
        extensions: ['query'],
        pipelines: {
          traces: { receivers: ['otlp'], processors: ['kafka_hops'], exporters: ['sqlite', 'file'] },
          metrics: { receivers: ['kafka_hops'], exporters: ['prometheus'] },
        },
      },
    },
    { ports, dir },
  );
  const send = async (service, ...spans) => {
    const bytes = otlp.encodeRequest(otlp.request(spans, { service }));
    assert.equal((await client.post(ports.http, bytes)).status, 200);
  };
  const [p1, p2] = [messaging(4, '7', 0), messaging(4, '8', 0)];
  const [c1, c2] = [messaging(5, '7', 110), messaging(5, '8', 260)];
  await send('shop', p1);
  await send('stock', c1);
  await send('stock', c2); // before its producer
  await send('shop', p2);

  const journey = (span) => async () => {
    const r = await client.get(ports.query, `/api/v1/journeys/${otlp.hex(span.traceId)}`);
    const told = r.status === 200 && JSON.parse(r.body);
    return told && told.hops && told.hops.length === 1 && told;
  };
  for (const span of [p1, p2, c1, c2]) {
    const told = await tailspan.until('the journey of a trace', journey(span));
    assert.equal(told.traces.length, 2);
  }

  const scraped = String((await client.get(ports.metrics, '/metrics')).body);
  const labels =
    'consumer_group="stock",consumer_service="stock",producer_service="shop",topic="orders"';
  const line = (name) => scraped.split('\n').find((l) => l.startsWith(name)) || scraped;
  assert.match(line('traces_kafka_hop_latency_seconds_count'), / 2$/);
  assert.match(line('traces_kafka_hop_latency_seconds_sum'), / 0\.35$/);
  for (const label of labels.split(',')) assert.ok(line('traces_kafka_hop_latency_seconds_count').includes(label));
  assert.match(line('traces_kafka_hops_total'), /matched_by="offset".* 2$/);

  await t.stop();
  const spans = fs
    .readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .flatMap((l) => otlp.spansOf(fromJson(JSON.parse(l))));
  const left = (span) => spans.find((s) => s.spanId === otlp.hex(span.spanId));
  assert.equal(left(c1).links.length, 1);
  const [link] = left(c1).links;
  assert.equal(link.traceId, otlp.hex(p1.traceId));
  assert.equal(link.spanId, otlp.hex(p1.spanId));
  const said = JSON.stringify(link.attributes);
  assert.match(said, /tailspan\.hop\.matched_by.*offset/);
  assert.match(said, /tailspan\.hop\.confidence/);
  for (const span of [p1, p2, c2]) assert.equal(left(span).links.length, 0);
});
