'use strict';
// The memory limiter refuses when the batches in memory reach its limit, and recovers when they have gone.

const { test } = require('node:test');
const assert = require('node:assert/strict');
const tailspan = require('./tailspan.js');
const pipeline = require('./pipeline.js');
const otlp = require('./otlp.js');
const client = require('./client.js');
const { Backend } = require('./backend.js');

const MiB = 1 << 20;
const large = () => otlp.encodeRequest(otlp.request([otlp.span({ attributes: [otlp.string('pad', 'x'.repeat(MiB))] })]));

test('refuses at its limit with words that mean "later", and recovers', async () => {
  const backend = await new Backend().listenGrpc();
  const t = await pipeline.start({
    processors: { memory_limiter: { check_interval: '100ms', limit_mib: 20, spike_limit_mib: 4 } },
    exporters: pipeline.toGrpc(backend.grpcPort, {
      compression: 'none',
      timeout: '60s',
      sending_queue: { queue_size: 100000 },
    }),
  });
  const rpc = new client.Grpc(`127.0.0.1:${t.ports.grpc}`);
  backend.hold();

  let accepted = 0;
  const refusal = await tailspan.until('a refusal', async () => {
    const r = await client.post(t.ports.http, large());
    if (r.status !== 200) return r;
    accepted++;
    assert.ok(accepted < 40, 'twice the limit was accepted');
    return null;
  });
  assert.equal(refusal.status, 503);
  assert.match(client.statusOf(refusal).message, /memory/i);
  assert.ok(accepted >= 8, `only ${accepted} MiB were accepted`);
  const g = await rpc.call(large());
  assert.equal(g.code, client.grpc.status.UNAVAILABLE);
  assert.ok((await t.metric('otelcol_processor_memory_limiter_refused_spans')) >= 2);
  assert.ok((await t.metric('otelcol_receiver_refused_spans')) >= 2);

  backend.release();
  await tailspan.until('recovery', async () => (await client.post(t.ports.http, large())).status === 200);
  await tailspan.until('every accepted span', () => backend.spans.length >= accepted + 1);
  rpc.close();
  await t.stop();
  await backend.close();
});
