'use strict';
// Jaeger's monitor tab without a Prometheus: calls, errors and latencies of the last minutes.

const { test } = require('node:test');
const assert = require('node:assert/strict');
const tailspan = require('./tailspan.js');
const pipeline = require('./pipeline.js');
const otlp = require('./otlp.js');
const client = require('./client.js');

async function start() {
  const ports = await tailspan.freePorts('grpc', 'http', 'query', 'metrics');
  const t = await tailspan.start(
    {
      receivers: pipeline.otlpIn(ports),
      connectors: { span_metrics: { history: { step: '1s' } } },
      exporters: { sqlite: {}, prometheus: { endpoint: `127.0.0.1:${ports.metrics}` } },
      extensions: { query: { endpoint: `127.0.0.1:${ports.query}`, metrics: 'span_metrics' } },
      service: {
        extensions: ['query'],
        pipelines: {
          traces: { receivers: ['otlp'], exporters: ['span_metrics', 'sqlite'] },
          metrics: { receivers: ['span_metrics'], exporters: ['prometheus'] },
        },
      },
    },
    { ports },
  );
  t.ask = async (what, parameters) => {
    const r = await client.get(ports.query, `/api/metrics/${what}?${new URLSearchParams(parameters)}`);
    assert.equal(r.status, 200, String(r.body));
    return JSON.parse(r.body);
  };
  return t;
}

const last = (family, labels) => {
  const series = family.metrics.find((m) =>
    Object.entries(labels).every(([k, v]) => m.labels.some((l) => l.name === k && l.value === v)),
  );
  return series && series.metricPoints.at(-1).gaugeValue.doubleValue;
};

test('calls, errors and latencies, by service and by operation', async () => {
  const t = await start();
  const spans = (name, count, ms, more = {}) =>
    Array.from({ length: count }, () => otlp.span({ name, kind: 2, durationMs: ms, ...more }));
  const now = Date.now();
  const timed = (list) =>
    list.map(({ durationMs, ...s }) => ({
      ...s,
      startTimeUnixNano: BigInt(now) * 1000000n,
      endTimeUnixNano: BigInt(now + durationMs) * 1000000n,
    }));
  const all = timed([
    ...spans('GET /', 30, 45),
    ...spans('POST /pay', 10, 450, { status: { code: 2 } }),
    ...spans('inner', 5, 45, { kind: 1 }),
  ]);
  const bytes = otlp.encodeRequest(otlp.request(all, { service: 'shop' }));
  assert.equal((await client.post(t.ports.http, bytes)).status, 200);

  const common = { service: 'shop', step: 1000, lookback: 60000, ratePer: 60000 };
  const calls = await tailspan.until('the calls', async () => {
    const family = await t.ask('calls', common);
    return last(family, { service_name: 'shop' }) > 0 && family;
  });
  assert.equal(calls.name, 'service_call_rate');
  assert.equal(calls.type, 'GAUGE');
  assert.equal(calls.metrics.length, 1);
  assert.equal(last(calls, { service_name: 'shop' }), 40 / 60); // servers only

  const operations = await t.ask('calls', { ...common, groupByOperation: true });
  assert.equal(operations.name, 'service_operation_call_rate');
  assert.equal(last(operations, { operation: 'GET /' }), 30 / 60);
  assert.equal(last(operations, { operation: 'POST /pay' }), 10 / 60);
  assert.equal(last(operations, { operation: 'inner' }), undefined);
  assert.equal(last(await t.ask('calls', { ...common, spanKind: 'internal' }), { service_name: 'shop' }), 5 / 60);

  assert.equal(last(await t.ask('errors', common), { service_name: 'shop' }), 0.25);
  const byOperation = await t.ask('errors', { ...common, groupByOperation: true });
  assert.equal(last(byOperation, { operation: 'GET /' }), 0);
  assert.equal(last(byOperation, { operation: 'POST /pay' }), 1);

  const p50 = last(await t.ask('latencies', { ...common, quantile: 0.5 }), { service_name: 'shop' });
  const p95 = last(await t.ask('latencies', { ...common, quantile: 0.95 }), { service_name: 'shop' });
  assert.ok(p50 > 10 && p50 <= 50, `${p50}`); // its bucket
  assert.ok(p95 > 400 && p95 <= 800, `${p95}`);

  // a window that ends between two steps has the calls of the last one that is over
  const second = { service: 'shop', step: 1000, ratePer: 1000, lookback: 60000 };
  const points = (await t.ask('calls', { ...second, endTs: Math.floor(Date.now() / 1000) * 1000 })).metrics[0].metricPoints;
  const { timestamp } = points.find((p) => p.gaugeValue.doubleValue > 0);
  for (const later of [0, 1, 300, 999])
    assert.ok(last(await t.ask('calls', { ...second, endTs: Date.parse(timestamp) + later }), {}) > 0, `${later} ms later`);

  assert.deepEqual((await t.ask('calls', { service: 'nobody' })).metrics, []);
  assert.equal((await t.ask('minstep', {})).data, 1000);
  const many = await client.get(t.ports.query, '/api/metrics/calls?service=shop&step=1&lookback=3600000');
  assert.equal(many.status, 500);
  assert.match(String(many.body), /exceeded maximum resolution of 11,000 points/);
  await t.stop();
});
