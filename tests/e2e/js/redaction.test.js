'use strict';
// What nobody should see: an application sends it, the backend never gets it, and everything else arrives
// as it was sent. Mistakes in patterns are told with file, line and column.

const { test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const tailspan = require('./tailspan.js');
const pipeline = require('./pipeline.js');
const client = require('./client.js');
const sdk = require('./sdk.js');
const { Backend } = require('./backend.js');

const card = '4111 1111 1111 1111';
const processors = {
  resource: { attributes: [{ key: 'deployment.environment', action: 'insert', value: 'story' }] },
  attributes: {
    include: { match_type: 'strict', services: ['checkout'] },
    actions: [
      { key: 'enduser.id', action: 'hash' },
      { key: 'session', action: 'delete' },
    ],
  },
  redaction: {
    allow_all_keys: true,
    blocked_values: ['4[0-9]{3}( ?[0-9]{4}){3}$$', '[a-z.]+@[a-z]+[.]com'],
    blocked_key_patterns: ['(?i)password'],
    summary: 'debug',
  },
};

test('what is hidden does not arrive, what is beside it does', async () => {
  const backend = new Backend();
  await backend.listenGrpc();
  const t = await pipeline.start({ processors, exporters: pipeline.toGrpc(backend.grpcPort) });
  const { provider, tracer, memory } = sdk.provider(sdk.exporters.grpc(`http://127.0.0.1:${t.ports.grpc}`));

  const pay = tracer.startSpan('pay');
  pay.setAttributes({ note: `card ${card}`, tags: ['blue', 'jo@shop.com'], 'user.Password': 'x', 'enduser.id': 'jo', session: 's1', n: 7 });
  pay.addEvent('mail to jo@shop.com', { to: 'jo@shop.com' });
  pay.setStatus({ code: 2, message: `no such card: ${card}` });
  pay.end();
  const quiet = tracer.startSpan('quiet');
  quiet.setAttributes({ note: 'nothing to hide', list: [1, 2] });
  quiet.end();
  await provider.forceFlush();
  const sent = memory.getFinishedSpans().map(sdk.canonical);
  await provider.shutdown();
  await tailspan.until('both spans', () => backend.spans.length === 2);

  const got = Object.fromEntries(backend.spans.map((s) => [s.name, s]));
  const text = JSON.stringify(backend.spans);
  for (const secret of [card, 'jo@shop.com', '"x"', '"s1"', '"jo"']) assert.ok(!text.includes(secret), secret);
  for (const left of ['card ****', 'blue', 'mail to ****', 'no such card: ****', 'story']) assert.ok(text.includes(left), left);
  assert.ok(text.includes('note,tags,user.Password'), 'the summary');
  const plain = sent.find((s) => s.name === 'quiet');
  assert.deepEqual({ ...got.quiet, flags: undefined, resource: undefined }, { ...plain, flags: undefined, resource: undefined });

  const metrics = await client.get(t.ports.telemetry, '/metrics');
  assert.match(String(metrics.body), /tailspan_redaction_hits\{processor="redaction",rule="blocked_values\[0\]",place="status_message"\} 1/);
  await t.stop();
  await backend.close();
});

test('a wrong pattern is told with file, line and column', () => {
  const file = path.join(tailspan.directory(), 'wrong.yaml');
  fs.writeFileSync(
    file,
    `receivers: {otlp: {protocols: {grpc: {endpoint: 127.0.0.1:4317}}}}
processors:
  redaction:
    blocked_values:
      - fine
      - "[0-9"
exporters: {nop: {}}
service: {pipelines: {traces: {receivers: [otlp], processors: [redaction], exporters: [nop]}}}
`,
  );
  const r = tailspan.run(['config', 'validate', file]);
  assert.notEqual(r.status, 0);
  for (const part of [`${file}:6:`, 'blocked_values', 'pattern 2', 'column 5']) assert.ok(r.stderr.includes(part), `${part}: ${r.stderr}`);
});
