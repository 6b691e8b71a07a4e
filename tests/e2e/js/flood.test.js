'use strict';
// A flood of random span names ends in the overflow series, memory stays bounded, and the person is told
// once.

const { test } = require('node:test');
const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const tailspan = require('./tailspan.js');
const pipeline = require('./pipeline.js');
const otlp = require('./otlp.js');
const client = require('./client.js');

const LIMIT = 50; // series of a resource
const KNOWN = 10; // names that are there before the flood
const FLOODS = 5;
const BATCHES = 8; // of a flood
const SPANS = 2500; // of a batch, each with a name of its own
const FLOOD = BATCHES * SPANS;
const MiB = 1 << 20;

async function start() {
  const ports = await tailspan.freePorts('http', 'metrics');
  const connectors = { span_metrics: { aggregation_cardinality_limit: LIMIT }, service_graph: {} };
  const names = Object.keys(connectors);
  return tailspan.start(
    {
      receivers: pipeline.otlpIn(ports),
      connectors,
      exporters: { prometheus: { endpoint: `127.0.0.1:${ports.metrics}` } },
      service: {
        pipelines: {
          traces: { receivers: ['otlp'], exporters: names },
          metrics: { receivers: names, exporters: ['prometheus'] },
        },
      },
    },
    { ports },
  );
}

async function send(t, names, service) {
  const spans = names.map((name) => otlp.span({ name }));
  const r = await client.post(t.ports.http, otlp.encodeRequest(otlp.request(spans, { service })));
  assert.equal(r.status, 200);
}

const random = () => `GET /orders/${crypto.randomUUID()}`;
const known = Array.from({ length: KNOWN }, (_, i) => `GET /${i}`);

async function flood(t) {
  for (let i = 0; i < BATCHES; i++) await send(t, Array.from({ length: SPANS }, random), 'shop');
}

// The series of one metric: [labels, value].
async function series(t, name) {
  const { status, body } = await client.get(t.ports.metrics, '/metrics');
  assert.equal(status, 200);
  return [...body.toString().matchAll(new RegExp(`^${name}\\{(.*)\\} (\\S+)$`, 'gm'))].map((m) => [m[1], Number(m[2])]);
}

const sum = (list) => list.reduce((n, [, value]) => n + value, 0);

test('random span names', async (story) => {
  const t = await start();
  const told = () => t.log.filter((line) => /otel\.metric\.overflow/.test(line.msg));
  const memory = [];

  await send(t, known, 'shop');
  await send(t, known, 'quiet');
  assert.equal((await series(t, 'traces_span_metrics_calls_total')).length, 2 * KNOWN);
  assert.equal(told().length, 0);

  for (let i = 0; i < FLOODS; i++) {
    await flood(t);
    memory.push(t.memory());
  }
  await send(t, known, 'shop');
  await send(t, [random()], 'quiet');

  for (const metric of ['calls_total', 'duration_milliseconds_count']) {
    await story.test(`${metric}: the overflow series has counted what found no room`, async () => {
      const all = await series(t, `traces_span_metrics_${metric}`);
      const overflow = all.filter(([labels]) => labels.includes('otel_metric_overflow="true"'));
      assert.equal(overflow.length, 1);
      assert.ok(overflow[0][0].includes('job="shop"'), overflow[0][0]);
      assert.equal(overflow[0][1], FLOODS * FLOOD - (LIMIT - KNOWN));
    });

    await story.test(`${metric}: there are as many series as the limit says, and the overflow series`, async () => {
      const all = await series(t, `traces_span_metrics_${metric}`);
      const of = (service) => all.filter(([labels]) => labels.includes(`job="${service}"`));
      assert.equal(of('shop').length, LIMIT + 1);
      assert.equal(of('quiet').length, KNOWN + 1);
      assert.equal(sum(all), FLOODS * FLOOD + 3 * KNOWN + 1);
    });

    await story.test(`${metric}: names that were known before go on being counted`, async () => {
      const all = await series(t, `traces_span_metrics_${metric}`);
      for (const name of known) {
        const [[, value]] = all.filter(([labels]) => labels.includes('job="shop"') && labels.includes(`span_name="${name}"`));
        assert.equal(value, 2);
      }
    });
  }

  await story.test('the graph of services has no more edges than there are services', async () => {
    const edges = await series(t, 'traces_service_graph_request_total');
    assert.ok(edges.length <= 2, JSON.stringify(edges));
    assert.ok(edges.every(([labels]) => labels.includes('client="user"')));
  });

  await story.test('the log tells it once, and what to do', async () => {
    await tailspan.until('the line', () => told().length > 0);
    assert.equal(told().length, 1, t.stderr);
    const [line] = told();
    assert.match(line.level, /^warn/i);
    assert.match(line.msg, /aggregation_cardinality_limit/);
    assert.equal(line.limit, LIMIT);
  });

  await story.test('telemetry goes on telling how much', async () => {
    const overflowed = await t.metric('tailspan_connector_span_metrics_overflowed_spans', { connector: 'span_metrics' });
    assert.equal(overflowed, FLOODS * FLOOD - (LIMIT - KNOWN));
    assert.equal(await t.metric('tailspan_connector_span_metrics_lost_spans'), 0);
  });

  await story.test('memory does not grow with the flood', { skip: tailspan.sanitized && 'sanitizer' }, () => {
    const grown = memory.at(-1) - memory[1];
    assert.ok(grown < 16 * MiB, `from ${memory.map((b) => `${Math.round(b / MiB)} MiB`).join(' to ')}`);
  });

  await t.stop();
  assert.equal(told().length, 1);
});
