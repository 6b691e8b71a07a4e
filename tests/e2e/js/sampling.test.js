'use strict';
// Tail sampling from the outside: traces are kept or not as a whole, late spans follow, decisions explain
// themselves, the end decides what waits, and nothing that was kept is lost on the way.

const { test } = require('node:test');
const assert = require('node:assert/strict');
const tailspan = require('./tailspan.js');
const pipeline = require('./pipeline.js');
const otlp = require('./otlp.js');
const client = require('./client.js');
const { Backend } = require('./backend.js');

const errors = { name: 'errors', type: 'status_code', status_code: { status_codes: ['ERROR'] } };
const slow = { name: 'slow', type: 'latency', latency: { threshold_ms: 60000 } };
const all = { name: 'all', type: 'always_sample' };

async function start(backend, settings, more = {}) {
  const ports = await tailspan.freePorts('query');
  const t = await pipeline.start({
    processors: { tail_sampling: { decision_wait: '500ms', policies: [errors, slow], ...settings } },
    exporters: { sqlite: {}, ...pipeline.toGrpc(backend.grpcPort, more) },
    extensions: { query: { endpoint: `127.0.0.1:${ports.query}`, store: 'sqlite' } },
  });
  t.decision = async (traceId) => {
    const r = await client.get(ports.query, `/api/v1/traces/${otlp.hex(traceId)}/decision`);
    return r.status === 200 ? JSON.parse(r.body).decisions[0] : r.status;
  };
  return t;
}

async function send(t, spans) {
  const r = await client.post(t.ports.http, otlp.encodeRequest(otlp.request(spans)));
  assert.equal(r.status, 200);
}

const traceOf = (count, last = {}) => {
  const traceId = otlp.traceId();
  return Array.from({ length: count }, (_, i) => otlp.span({ traceId, ...(i === count - 1 ? last : {}) }));
};
const failed = { status: { code: 2 } };
const decided = (t, traceId) =>
  tailspan.until('the decision', async () => {
    const d = await t.decision(traceId);
    return d.state === 'decided' && d;
  });

test('a trace is kept or not as a whole, and tells why', async () => {
  const backend = await new Backend().listenGrpc();
  const t = await start(backend, { decision_wait: '5s' });
  const bad = traceOf(4, failed);
  const good = traceOf(3);
  await send(t, [bad[0], good[0], bad[1]]);
  assert.equal((await t.decision(bad[0].traceId)).state, 'waiting');
  await send(t, [good[1], bad[2], good[2], bad[3]]);

  const kept = await decided(t, bad[0].traceId);
  assert.equal(kept.verdict, 'sampled');
  assert.equal(kept.policy, 'errors');
  assert.equal(kept.spanCount, 4);
  assert.deepEqual(kept.votes.map((v) => [v.policy, v.verdict]), [
    ['errors', 'sampled'],
    ['slow', 'not_sampled'],
  ]);
  assert.match(kept.votes[1].why, /60000/);
  const left = await decided(t, good[0].traceId);
  assert.equal(left.verdict, 'not_sampled');
  assert.equal(left.policy, undefined);
  assert.equal(await t.decision(otlp.traceId()), 404);

  await tailspan.until('four spans', () => backend.ids.length >= 4);
  assert.deepEqual([...backend.ids].sort(), bad.map((s) => otlp.hex(s.spanId)).sort());
  for (const s of backend.spans) assert.match(JSON.stringify(s.scope.attributes), /tailsampling\.policy.*errors/);

  // Late spans follow, either way.
  const lateBad = otlp.span({ traceId: bad[0].traceId });
  const lateGood = otlp.span({ traceId: good[0].traceId, ...failed });
  await send(t, [lateBad, lateGood]);
  await tailspan.until('the late span', () => backend.ids.length >= 5);
  await t.stop();
  assert.deepEqual([...backend.ids].sort(), [...bad, lateBad].map((s) => otlp.hex(s.spanId)).sort());
  await backend.close();
});

test('SIGTERM decides what waits and forwards it', async () => {
  const backend = await new Backend().listenGrpc();
  const t = await start(backend, { decision_wait: '1h' });
  const bad = traceOf(5, failed);
  await send(t, [...bad, ...traceOf(5)]);
  await t.stop();
  assert.deepEqual([...backend.ids].sort(), bad.map((s) => otlp.hex(s.spanId)).sort());
  await backend.close();
});

test('SIGTERM leaves undecided what waits when it is told so', async () => {
  const backend = await new Backend().listenGrpc();
  const t = await start(backend, { decision_wait: '1h', drop_pending_traces_on_shutdown: true });
  await send(t, traceOf(5, failed));
  await t.stop();
  assert.equal(backend.ids.length, 0);
  await backend.close();
});

test('three thousand small traces decided at once arrive, in few requests', async () => {
  const backend = await new Backend().listenGrpc();
  const t = await start(backend, { policies: [all] });
  const ids = [];
  for (let i = 0; i < 30; i++) {
    const spans = Array.from({ length: 100 }, () => traceOf(2)).flat();
    ids.push(...spans.map((s) => otlp.hex(s.spanId)));
    await send(t, spans);
  }
  await tailspan.until('all spans', () => backend.ids.length >= ids.length);
  assert.deepEqual([...backend.ids].sort(), ids.sort());
  assert.ok(backend.requests.length < 60, `${backend.requests.length} requests`);
  await t.stop();
  await backend.close();
});

// Each request holds one span of each of two hundred traces: the worst that can happen to a buffer by trace.
test('two hundred spans of two hundred traces a request', async () => {
  const backend = await new Backend().listenGrpc();
  const t = await start(backend, { decision_wait: '10s' });
  const kept = [];
  for (let group = 0; group < 10; group++) {
    const group200 = Array.from({ length: 200 }, (_, i) => traceOf(5, i % 10 === 0 ? failed : {}));
    kept.push(...group200.filter((_, i) => i % 10 === 0).flat());
    for (let turn = 0; turn < 5; turn++) await send(t, group200.map((spans) => spans[turn]));
  }
  const due = kept.map((s) => otlp.hex(s.spanId)).sort();
  await tailspan.until('what is kept', () => backend.ids.length >= due.length);
  await t.stop();
  assert.deepEqual([...backend.ids].sort(), due);
  await backend.close();
});

test('a backend that takes nothing stops decisions, then spans; none is lost', async () => {
  const backend = await new Backend().listenGrpc();
  const t = await start(
    backend,
    { policies: [all], decision_wait: '100ms', num_traces: 500 },
    { sending_queue: { queue_size: 2, num_consumers: 1 } },
  );
  backend.hold();
  const ids = [];
  const refused = await tailspan.until(
    'a refusal',
    async () => {
      const spans = Array.from({ length: 500 }, () => otlp.span());
      const r = await client.post(t.ports.http, otlp.encodeRequest(otlp.request(spans)));
      if (r.status !== 200) return r;
      ids.push(...spans.map((s) => otlp.hex(s.spanId)));
      return null;
    },
    240000,
  );
  assert.equal(refused.status, 503);
  assert.equal(await t.metric('tailspan_tail_sampling_lost_spans'), 0);
  backend.release();
  await tailspan.until('all that was accepted', () => backend.ids.length >= ids.length, 240000);
  await t.stop();
  assert.deepEqual([...new Set(backend.ids)].sort(), ids.sort());
  await backend.close();
});
