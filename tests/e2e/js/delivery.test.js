'use strict';
// What was acknowledged arrives, whatever the backend does meanwhile; what can't is counted.

const { test } = require('node:test');
const assert = require('node:assert/strict');
const tailspan = require('./tailspan.js');
const pipeline = require('./pipeline.js');
const otlp = require('./otlp.js');
const client = require('./client.js');
const { Backend } = require('./backend.js');

const ways = {
  gRPC: { listen: (b, o) => b.listenGrpc(o), port: (b) => b.grpcPort, exporter: pipeline.toGrpc },
  HTTP: { listen: (b, o) => b.listenHttp(o), port: (b) => b.httpPort, exporter: pipeline.toHttp },
};

// Sends `count` spans, one request each, and returns the ids of those that were acknowledged.
async function sendSpans(t, count) {
  const acknowledged = [];
  for (let i = 0; i < count; i++) {
    const span = otlp.span();
    const r = await client.post(t.ports.http, otlp.encodeRequest(otlp.request([span])));
    if (r.status === 200) acknowledged.push(otlp.hex(span.spanId));
  }
  return acknowledged;
}

const arrived = (backend, ids) => {
  const have = new Set(backend.ids);
  return ids.every((id) => have.has(id));
};

for (const [name, way] of Object.entries(ways)) {
  test(`${name}: SIGTERM right after sending loses nothing`, async () => {
    const backend = await way.listen(new Backend());
    const t = await pipeline.start({ exporters: way.exporter(way.port(backend)) });
    const ids = await sendSpans(t, 50);
    assert.equal(ids.length, 50);
    await t.stop();
    assert.deepEqual([...backend.ids].sort(), [...ids].sort());
    await backend.close();
  });

  test(`${name}: SIGTERM while the backend is slow waits for it`, async () => {
    const backend = await way.listen(new Backend());
    const t = await pipeline.start({ exporters: way.exporter(way.port(backend)) });
    backend.hold();
    const ids = await sendSpans(t, 20);
    await tailspan.until('a request to wait at the backend', () => backend.waiting > 0);
    t.signal('SIGTERM');
    await tailspan.until('the log to say so', () => /stopping/.test(t.stderr));
    backend.release();
    await t.ended();
    assert.ok(arrived(backend, ids), `${backend.ids.length} of ${ids.length} arrived`);
    await backend.close();
  });

  test(`${name}: a second SIGTERM ends it at once`, async () => {
    const backend = await way.listen(new Backend());
    const t = await pipeline.start({ exporters: way.exporter(way.port(backend)) });
    backend.hold();
    await sendSpans(t, 1);
    await tailspan.until('a request to wait at the backend', () => backend.waiting > 0);
    t.signal('SIGTERM');
    await tailspan.until('the log to say so', () => /stopping/.test(t.stderr));
    t.signal('SIGTERM');
    const { code, signal } = await t.exit;
    assert.ok(code !== 0 || signal, `ended with ${code}, ${signal}`);
    backend.release();
    await backend.close();
  });

  test(`${name}: a backend that is down when spans come, and then up`, async () => {
    const port = await tailspan.freePort();
    const t = await pipeline.start({ exporters: way.exporter(port) });
    const ids = await sendSpans(t, 30);
    assert.equal(ids.length, 30);
    const backend = await way.listen(new Backend(), { port });
    await tailspan.until('every span', () => arrived(backend, ids));
    await t.stop();
    await backend.close();
  });

  test(`${name}: a backend that goes away and comes back`, async () => {
    const first = await way.listen(new Backend());
    const port = way.port(first);
    const t = await pipeline.start({ exporters: way.exporter(port) });
    const before = await sendSpans(t, 10);
    await tailspan.until('the first spans', () => arrived(first, before));
    await first.close();
    const during = await sendSpans(t, 10);
    const second = await way.listen(new Backend(), { port });
    const after = await sendSpans(t, 10);
    await tailspan.until('every span', () => arrived(second, [...during, ...after]));
    await t.stop();
    await second.close();
  });

  test(`${name}: a backend that throttles is asked again when it said`, async () => {
    const backend = await way.listen(new Backend());
    // The pause that the backend asks for is longer than the exporter's own longest.
    const slower = { http: 429, headers: { 'retry-after': '1' }, grpc: 8, retryAfterMs: 1000, message: 'slow down' };
    backend.answer = { ...slower, once: true };
    const t = await pipeline.start({ exporters: way.exporter(way.port(backend)) });
    const ids = await sendSpans(t, 1);
    await tailspan.until('the span', () => arrived(backend, ids));
    assert.equal(backend.requests.length, 2);
    const waited = Number(backend.requests[1].at - backend.requests[0].at) / 1e6;
    // A bound from below can only fail when the pause was not kept.
    assert.ok(waited > 900, `asked again after ${waited} ms`);
    await t.stop();
    await backend.close();
  });

  test(`${name}: a backend that refuses for good is not asked again, and the loss is counted`, async () => {
    const backend = await way.listen(new Backend());
    backend.answer = { http: 400, grpc: 3, message: 'not like this' };
    const t = await pipeline.start({ exporters: way.exporter(way.port(backend)) });
    await sendSpans(t, 1);
    await tailspan.until(
      'the count',
      async () => (await t.metric('otelcol_exporter_send_failed_spans')) === 1,
    );
    backend.answer = null;
    const ids = await sendSpans(t, 1);
    await tailspan.until('the next span', () => arrived(backend, ids));
    assert.equal(backend.requests.length, 2);
    await tailspan.until('its count', async () => (await t.metric('otelcol_exporter_sent_spans')) === 1);
    await t.stop();
    await backend.close();
  });

  test(`${name}: what a backend takes only in part is not sent again, and the rest is counted`, async () => {
    const backend = await way.listen(new Backend());
    backend.answer = { partial: { rejectedSpans: 2, errorMessage: 'two too many' } };
    const t = await pipeline.start({ exporters: way.exporter(way.port(backend)) });
    await client.post(t.ports.http, otlp.requestOf(5));
    await tailspan.until('the count', async () => (await t.metric('otelcol_exporter_send_failed_spans')) === 2);
    assert.equal(await t.metric('otelcol_exporter_sent_spans'), 3);
    assert.equal(backend.requests.length, 1);
    await t.stop();
    await backend.close();
  });

  test(`${name}: a full queue refuses, so that the client keeps its spans`, async () => {
    const backend = await way.listen(new Backend());
    const t = await pipeline.start({
      exporters: way.exporter(way.port(backend), { sending_queue: { queue_size: 2, num_consumers: 1 } }),
    });
    backend.hold();
    let refusal;
    const kept = [];
    for (let i = 0; i < 20 && !refusal; i++) {
      const span = otlp.span();
      const r = await client.post(t.ports.http, otlp.encodeRequest(otlp.request([span])));
      if (r.status === 200) kept.push(otlp.hex(span.spanId));
      else refusal = r;
    }
    assert.equal(refusal.status, 503);
    assert.ok(kept.length >= 2);
    backend.release();
    await tailspan.until('what was accepted', () => arrived(backend, kept));
    const ids = await sendSpans(t, 1);
    await tailspan.until('the next span', () => arrived(backend, ids));
    await t.stop();
    await backend.close();
  });
}

test('the queue switched off: the client hears what the backend says', async () => {
  const backend = await new Backend().listenHttp();
  const t = await pipeline.start({
    exporters: pipeline.toHttp(backend.httpPort, {
      sending_queue: { enabled: false },
      retry_on_failure: { enabled: false },
    }),
  });
  assert.equal((await client.post(t.ports.http, otlp.requestOf(1))).status, 200);
  backend.answer = { http: 503, message: 'closed for today' };
  assert.equal((await client.post(t.ports.http, otlp.requestOf(1))).status, 503);
  await t.stop();
  await backend.close();
});

test('one backend of two is down: the other gets every span', async () => {
  const up = await new Backend().listenGrpc();
  const down = await tailspan.freePort();
  const t = await pipeline.start({
    exporters: {
      'otlp_grpc/up': pipeline.toGrpc(up.grpcPort).otlp_grpc,
      'otlp_grpc/down': {
        ...pipeline.toGrpc(down).otlp_grpc,
        retry_on_failure: { initial_interval: '50ms', max_interval: '100ms', max_elapsed_time: '500ms' },
      },
    },
  });
  const ids = await sendSpans(t, 10);
  await tailspan.until('every span', () => arrived(up, ids));
  await tailspan.until(
    'the losses to be counted',
    async () => (await t.metric('otelcol_exporter_send_failed_spans', { exporter: 'otlp_grpc/down' })) === 10,
  );
  await t.stop();
  await up.close();
});
