'use strict';
// `tailspan demo` shows a newcomer every feature without an application.

const { test } = require('node:test');
const assert = require('node:assert/strict');
const tailspan = require('./tailspan.js');
const pipeline = require('./pipeline.js');
const { Backend } = require('./backend.js');

test('demo --help and --list', () => {
  const help = tailspan.run(['demo', '--help']);
  assert.equal(help.status, 0);
  for (const option of ['--endpoint', '--protocol', '--duration', '--rate', '--once'])
    assert.ok(help.stdout.includes(option), option);
  const list = tailspan.run(['demo', '--list']);
  assert.equal(list.status, 0);
  assert.ok(list.stdout.trim().split('\n').length >= 5);
});

for (const protocol of ['http', 'grpc']) {
  test(`demo --once over ${protocol}: a shop with HTTP, SQL, Kafka, failures and planted secrets`, async () => {
    const backend = await new Backend().listenGrpc();
    const t = await pipeline.start({ exporters: pipeline.toGrpc(backend.grpcPort) });
    const endpoint = protocol === 'http' ? `http://127.0.0.1:${t.ports.http}` : `127.0.0.1:${t.ports.grpc}`;
    const r = tailspan.run(['demo', '--once', '--protocol', protocol, '--endpoint', endpoint]);
    assert.equal(r.status, 0, r.stderr);
    await t.stop();

    const { spans } = backend;
    const has = (what, predicate) => assert.ok(spans.some(predicate), `a span ${what}`);
    const keys = (s) => Object.keys(s.attributes).join(' ');
    has('of HTTP', (s) => /\bhttp\./.test(keys(s)));
    has('of SQL', (s) => /\bdb\./.test(keys(s)));
    has('of a Kafka producer', (s) => s.kind === 4 && /\bmessaging\./.test(keys(s)));
    has('of a Kafka consumer', (s) => s.kind === 5 && /\bmessaging\./.test(keys(s)));
    has('that failed', (s) => s.status.code === 2);
    has('that took over a second', (s) => BigInt(s.end) - BigInt(s.start) > 1000000000n);
    has('with an address in it', (s) => JSON.stringify(s.attributes).includes('@'));
    assert.ok(new Set(spans.map((s) => s.resource.attributes['service.name'].string)).size >= 4, 'of several services');
    assert.equal(new Set(spans.map((s) => s.traceId + s.spanId)).size, spans.length, 'every span once');
    await backend.close();
  });
}

test('demo without anybody who listens says so', async () => {
  const port = await tailspan.freePort();
  const r = tailspan.run(['demo', '--once', '--endpoint', `http://127.0.0.1:${port}`]);
  assert.notEqual(r.status, 0);
  assert.match(r.stderr, new RegExp(String(port)));
});
