'use strict';
// What Tailspan says about itself: health, states of components, and metrics under the Collector's names.

const { test } = require('node:test');
const assert = require('node:assert/strict');
const tailspan = require('./tailspan.js');
const pipeline = require('./pipeline.js');
const otlp = require('./otlp.js');
const client = require('./client.js');
const { Backend } = require('./backend.js');

const json = (r) => JSON.parse(r.body.toString());

test('every health endpoint, when all is well', async () => {
  const backend = await new Backend().listenGrpc();
  const t = await pipeline.start({
    exporters: { 'otlp_grpc/backend': pipeline.toGrpc(backend.grpcPort).otlp_grpc },
  });
  const health = (path) => client.get(t.ports.health, path);
  for (const path of ['/', '/health', '/health/live', '/health/ready', '/health/detailed'])
    assert.equal((await health(path)).status, 200, path);
  assert.equal(json(await health('/')).status, 'Server available', 'as the Collector says it');

  const names = json(await health('/health/detailed')).components.map((c) => `${c.class}/${c.name}`);
  for (const name of ['receiver/otlp', 'exporter/otlp_grpc/backend', 'extension/health_check'])
    assert.ok(names.includes(name), `${name} in ${names}`);

  const one = json(await health('/health/component/otlp_grpc/backend'));
  assert.equal(one.state, 'ok');
  assert.equal(one.last_error, null);
  assert.ok(Date.parse(one.since) <= Date.now());
  assert.equal((await health('/health/component/nobody')).status, 404);
  assert.equal((await health('/nothing')).status, 404);
  assert.equal((await client.send(t.ports.health, 'POST', '/health')).status, 405);
  await t.stop();
  await backend.close();
});

test('a full queue makes the exporter degraded and the process not ready, until it has drained', async () => {
  const backend = await new Backend().listenHttp();
  const t = await pipeline.start({
    exporters: pipeline.toHttp(backend.httpPort, { sending_queue: { queue_size: 1, num_consumers: 1 } }),
  });
  backend.hold();
  await tailspan.until('a refusal', async () => (await client.post(t.ports.http, otlp.requestOf(1))).status === 503);
  const health = (path) => client.get(t.ports.health, path);
  await tailspan.until('the state', async () => json(await health('/health/component/otlp_http')).state === 'degraded');
  assert.equal((await health('/health/component/otlp_http')).status, 503);
  assert.match(json(await health('/health/component/otlp_http')).last_error, /full/);
  assert.equal((await health('/health/ready')).status, 503);
  assert.equal((await health('/health/live')).status, 200);
  backend.release();
  await tailspan.until('readiness', async () => (await health('/health/ready')).status === 200);
  assert.match(json(await health('/health/component/otlp_http')).last_error, /full/, 'the last error is remembered');
  await t.stop();
  await backend.close();
});

test('while it drains, it is alive and not ready', async () => {
  const backend = await new Backend().listenGrpc();
  const t = await pipeline.start({ exporters: pipeline.toGrpc(backend.grpcPort, { timeout: '60s' }) });
  backend.hold();
  await client.post(t.ports.http, otlp.requestOf(1));
  await tailspan.until('a request to wait', () => backend.waiting === 1);
  t.signal('SIGTERM');
  await tailspan.until(
    'unreadiness',
    async () => (await client.get(t.ports.health, '/health/ready')).status === 503,
  );
  assert.equal((await client.get(t.ports.health, '/health/live')).status, 200);
  backend.release();
  await t.ended();
  assert.equal(backend.spans.length, 1);
  await backend.close();
});

test('metrics have the Collector’s names and count spans', async () => {
  const backend = await new Backend().listenGrpc();
  const t = await pipeline.start({
    processors: { memory_limiter: { check_interval: '1s', limit_mib: 100 } },
    exporters: pipeline.toGrpc(backend.grpcPort),
  });
  await client.post(t.ports.http, otlp.requestOf(3));
  const rpc = new client.Grpc(`127.0.0.1:${t.ports.grpc}`);
  assert.equal((await rpc.call(otlp.requestOf(4))).code, 0);
  rpc.close();
  await tailspan.until('all spans to be sent', async () => (await t.metric('otelcol_exporter_sent_spans')) === 7);

  assert.equal(await t.metric('otelcol_receiver_accepted_spans', { receiver: 'otlp', transport: 'http' }), 3);
  assert.equal(await t.metric('otelcol_receiver_accepted_spans', { receiver: 'otlp', transport: 'grpc' }), 4);
  assert.equal(await t.metric('otelcol_exporter_sent_spans', { exporter: 'otlp_grpc' }), 7);
  assert.equal(await t.metric('otelcol_processor_memory_limiter_accepted_spans'), 7);

  const r = await client.get(t.ports.telemetry, '/metrics');
  assert.equal(r.status, 200);
  assert.match(r.headers['content-type'], /^text\/plain; version=0\.0\.4/);
  const text = r.body.toString();
  for (const name of [
    'otelcol_receiver_accepted_spans',
    'otelcol_receiver_refused_spans',
    'otelcol_exporter_sent_spans',
    'otelcol_exporter_send_failed_spans',
    'otelcol_exporter_enqueue_failed_spans',
    'otelcol_exporter_queue_size',
    'otelcol_exporter_queue_capacity',
    'otelcol_process_uptime',
    'otelcol_process_memory_rss',
    'otelcol_process_cpu_seconds',
  ])
    assert.match(text, new RegExp(`^# TYPE ${name} (counter|gauge)$`, 'm'), name);
  assert.ok(text.endsWith('\n'));
  await t.stop();
  await backend.close();
});

test('the log is JSON lines, and its first words say what listens where', async () => {
  const t = await pipeline.start({ exporters: { nop: {} } });
  await t.stop();
  const lines = t.stderr.split('\n').filter(Boolean);
  assert.equal(t.log.length, lines.length, `a line that is not JSON in:\n${t.stderr}`);
  for (const port of [t.ports.grpc, t.ports.http]) assert.ok(t.stderr.includes(String(port)), `${port}`);
});
