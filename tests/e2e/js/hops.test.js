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

// A request that goes from service to service by twenty records on five topics: a trace for each service, which takes
// one record and sends the next.
function journeyOf(number, failing) {
  const record = (kind, n, more) => {
    const at = start + BigInt(n) * 100000000n;
    return otlp.span({
      name: kind === 4 ? 'publish' : 'process',
      kind,
      startTimeUnixNano: kind === 4 ? at : at + 50000000n,
      endTimeUnixNano: kind === 4 ? at + 10000000n : at + 120000000n,
      attributes: [
        otlp.string('messaging.system', 'kafka'),
        otlp.string('messaging.destination.name', `topic-${n % 5}`),
        otlp.string('messaging.destination.partition.id', '3'),
        otlp.int('messaging.kafka.message.offset', String(number * 1000 + n)),
        ...(kind === 5 ? [otlp.string('messaging.kafka.consumer.group', 'workers')] : []),
      ],
      ...more,
    });
  };
  return Array.from({ length: 21 }, (_, n) => {
    const traceId = otlp.traceId();
    const spans = [];
    if (n > 0) spans.push(record(5, n - 1, { traceId, ...(n === failing ? { status: { code: 2 } } : {}) }));
    if (n < 20) spans.push(record(4, n, { traceId, ...(n > 0 ? { parentSpanId: spans[0].spanId } : {}) }));
    return { traceId, spans };
  });
}

function shuffle(items, seed) {
  for (let i = items.length - 1; i > 0; i--) {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    const k = seed % (i + 1);
    [items[i], items[k]] = [items[k], items[i]];
  }
  return items;
}

test('a journey of twenty hops is kept whole or not at all, in whatever order its spans come', async () => {
  const ports = await tailspan.freePorts('query');
  const t = await pipeline.start({
    processors: {
      kafka_hops: {},
      tail_sampling: {
        decision_wait: '1s',
        journeys: { max_hold: '10m' }, // what nobody wants is let go when all of it is known, long before
        policies: [{ name: 'errors', type: 'status_code', status_code: { status_codes: ['ERROR'] } }],
      },
    },
    exporters: { sqlite: {} },
    extensions: { query: { endpoint: `127.0.0.1:${ports.query}`, store: 'sqlite' } },
  });
  const [kept, dropped] = [journeyOf(1, 13), journeyOf(2, -1)];
  const spans = shuffle([...kept, ...dropped].flatMap((trace) => trace.spans), 4711);
  for (const span of spans) {
    const bytes = otlp.encodeRequest(otlp.request([span], { service: span.kind === 4 ? 'sender' : 'taker' }));
    assert.equal((await client.post(t.ports.http, bytes)).status, 200);
    await new Promise((r) => setTimeout(r, 40));
  }

  const decision = async ({ traceId }) => {
    const r = await client.get(ports.query, `/api/v1/traces/${otlp.hex(traceId)}/decision`);
    const d = r.status === 200 && JSON.parse(r.body).decisions[0];
    return d && d.state === 'decided' && d;
  };
  const policies = [];
  for (const trace of kept) {
    const d = await tailspan.until('the decision', () => decision(trace));
    assert.equal(d.verdict, 'sampled', JSON.stringify(d));
    policies.push(d.policy);
  }
  assert.equal(policies.filter((p) => p === 'errors').length, 1);
  assert.equal(policies.filter((p) => p === 'linked').length, 20);
  for (const trace of dropped) assert.equal((await tailspan.until('the decision', () => decision(trace))).verdict, 'not_sampled');

  for (const from of [0, 9, 20]) {
    await tailspan.until('the whole journey', async () => {
      const r = await client.get(ports.query, `/api/v1/journeys/${otlp.hex(kept[from].traceId)}`);
      const told = r.status === 200 && JSON.parse(r.body);
      return told && told.traces.length === 21 && told.hops.length === 20;
    });
  }
  await t.stop();
});
