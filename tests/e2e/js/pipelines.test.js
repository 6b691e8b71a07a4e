'use strict';
// Pipelines as graphs: files, forward, batch, fan-out.

const { test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const tailspan = require('./tailspan.js');
const pipeline = require('./pipeline.js');
const otlp = require('./otlp.js');
const client = require('./client.js');
const { Backend, fromJson } = require('./backend.js');

const lines = (file) => fs.readFileSync(file, 'utf8').split('\n').filter(Boolean);
const spansIn = (file) => lines(file).flatMap((l) => otlp.spansOf(fromJson(JSON.parse(l))));

test('the file exporter writes OTLP JSON, a line a request', async () => {
  const dir = tailspan.directory();
  const file = path.join(dir, 'spans.jsonl');
  const t = await pipeline.start({ exporters: { file: { path: file } } }, { dir });
  const span = otlp.span({
    attributes: [
      otlp.string('text', 'žluťoučký "kůň"\n🐎'),
      otlp.int('big', '9223372036854775807'),
      { key: 'nan', value: { doubleValue: NaN } },
      { key: 'bytes', value: { bytesValue: Buffer.from([0, 255, 128]) } },
      { key: 'list', value: { arrayValue: { values: [{ boolValue: true }, { doubleValue: 0.5 }] } } },
      { key: 'map', value: { kvlistValue: { values: [otlp.string('a', 'b')] } } },
      { key: 'nothing', value: {} },
    ],
    status: { code: 2, message: 'no' },
    links: [{ traceId: otlp.traceId(), spanId: otlp.spanId(), traceState: 'a=b' }],
    events: [{ timeUnixNano: '1700000000000000001', name: 'e', attributes: [otlp.int('n', 1)] }],
    traceState: 'vendor=1',
  });
  const bytes = otlp.encodeRequest(otlp.request([span]));
  assert.equal((await client.post(t.ports.http, bytes)).status, 200);
  assert.equal((await client.post(t.ports.http, otlp.requestOf(3))).status, 200);
  await t.stop();
  assert.equal(lines(file).length, 2);
  const [got] = spansIn(file);
  assert.deepEqual(got, otlp.spansOf(otlp.decodeRequest(bytes))[0]);
  const json = JSON.parse(lines(file)[0]).resourceSpans[0].scopeSpans[0].spans[0];
  assert.equal(json.traceId, otlp.hex(span.traceId), 'ids in hex');
  assert.equal(typeof json.startTimeUnixNano, 'string', '64-bit integers as strings');
  assert.equal(json.kind, 2, 'enums as numbers');
});

test('forward joins pipelines: one in, two out', async () => {
  const dir = tailspan.directory();
  const backend = await new Backend().listenGrpc();
  const ports = await tailspan.freePorts('http');
  const t = await tailspan.start(
    {
      receivers: pipeline.otlpIn({ http: ports.http }),
      connectors: { forward: {}, 'forward/again': {} },
      exporters: { ...pipeline.toGrpc(backend.grpcPort), file: { path: path.join(dir, 'a.jsonl') } },
      service: {
        pipelines: {
          'traces/in': { receivers: ['otlp'], exporters: ['forward', 'forward/again'] },
          'traces/a': { receivers: ['forward'], exporters: ['file'] },
          'traces/b': { receivers: ['forward/again'], exporters: ['otlp_grpc'] },
        },
      },
    },
    { ports, dir },
  );
  assert.equal((await client.post(ports.http, otlp.requestOf(7))).status, 200);
  await t.stop();
  assert.equal(backend.spans.length, 7);
  assert.equal(spansIn(path.join(dir, 'a.jsonl')).length, 7);
  await backend.close();
});

test('one receiver feeds two pipelines, each in full', async () => {
  const dir = tailspan.directory();
  const ports = await tailspan.freePorts('http');
  const file = (name) => path.join(dir, name);
  const t = await tailspan.start(
    {
      receivers: pipeline.otlpIn({ http: ports.http }),
      exporters: { 'file/a': { path: file('a') }, 'file/b': { path: file('b') } },
      service: {
        pipelines: {
          'traces/a': { receivers: ['otlp'], exporters: ['file/a'] },
          'traces/b': { receivers: ['otlp'], exporters: ['file/b'] },
        },
      },
    },
    { ports, dir },
  );
  await client.post(ports.http, otlp.requestOf(4));
  await t.stop();
  assert.deepEqual(otlp.bySpanId(spansIn(file('a'))), otlp.bySpanId(spansIn(file('b'))));
  assert.equal(spansIn(file('a')).length, 4);
});

test('batch gathers small requests and splits large ones', async () => {
  const backend = await new Backend().listenGrpc();
  const t = await pipeline.start({
    processors: { batch: { send_batch_size: 100, send_batch_max_size: 100, timeout: '1h' } },
    exporters: pipeline.toGrpc(backend.grpcPort),
  });
  for (let i = 0; i < 30; i++) await client.post(t.ports.http, otlp.requestOf(10));
  await tailspan.until('three batches', () => backend.spans.length === 300);
  assert.deepEqual(backend.requests.map((r) => r.spans.length), [100, 100, 100]);
  await client.post(t.ports.http, otlp.requestOf(250));
  await tailspan.until('two more', () => backend.spans.length === 500);
  await t.stop();
  assert.deepEqual(backend.requests.map((r) => r.spans.length), [100, 100, 100, 100, 100, 50]);
  assert.equal(new Set(backend.ids).size, 550);
  await backend.close();
});

test('batch sends what it has when its timeout is over', async () => {
  const backend = await new Backend().listenHttp();
  const t = await pipeline.start({
    processors: { batch: { send_batch_size: 1000, timeout: '100ms' } },
    exporters: pipeline.toHttp(backend.httpPort),
  });
  await client.post(t.ports.http, otlp.requestOf(3));
  await tailspan.until('the spans', () => backend.spans.length === 3);
  await t.stop();
  await backend.close();
});

test('headers and compression as configured', async () => {
  const backend = new Backend();
  await backend.listenHttp();
  await backend.listenGrpc();
  const headers = { 'x-tenant': 'acme', authorization: 'Bearer secret' };
  const t = await pipeline.start({
    exporters: {
      ...pipeline.toHttp(backend.httpPort, { headers }),
      ...pipeline.toGrpc(backend.grpcPort, { headers }),
    },
  });
  await client.post(t.ports.http, otlp.requestOf(50));
  await tailspan.until('both', () => backend.requests.length === 2);
  for (const r of backend.requests) {
    assert.equal(r.headers['x-tenant'], 'acme');
    assert.equal(r.headers.authorization, 'Bearer secret');
  }
  const http = backend.requests.find((r) => r.protocol === 'http');
  assert.equal(http.headers['content-encoding'], 'gzip', 'gzip is the default');
  assert.equal(http.headers.url, '/v1/traces');
  await t.stop();
  assert.doesNotMatch(t.stderr, /secret/);
  await backend.close();
});

test('Tailspan to Tailspan, with every compression', async () => {
  const backend = await new Backend().listenGrpc();
  const gateway = await pipeline.start({ exporters: pipeline.toGrpc(backend.grpcPort) });
  const { grpc, http } = gateway.ports;
  const agent = await pipeline.start({
    exporters: {
      'otlp_grpc/none': pipeline.toGrpc(grpc, { compression: 'none' }).otlp_grpc,
      'otlp_grpc/gzip': pipeline.toGrpc(grpc, { compression: 'gzip' }).otlp_grpc,
      'otlp_http/none': pipeline.toHttp(http, { compression: 'none' }).otlp_http,
      'otlp_http/gzip': pipeline.toHttp(http, { compression: 'gzip' }).otlp_http,
      'otlp_http/zstd': pipeline.toHttp(http, { compression: 'zstd' }).otlp_http,
      'otlp_http/json': pipeline.toHttp(http, { encoding: 'json' }).otlp_http,
    },
  });
  const bytes = otlp.requestOf(20);
  await client.post(agent.ports.http, bytes);
  await tailspan.until('six times', () => backend.spans.length === 120);
  await agent.stop();
  await gateway.stop();
  const sent = otlp.bySpanId(otlp.spansOf(otlp.decodeRequest(bytes)));
  for (const r of backend.requests) assert.deepEqual(otlp.bySpanId(r.spans), sent);
  await backend.close();
});

test('fields of a later protocol survive', async () => {
  const backend = await new Backend().listenGrpc();
  const t = await pipeline.start({ exporters: pipeline.toGrpc(backend.grpcPort, { compression: 'none' }) });
  const field = (n, b) => Buffer.concat([Buffer.from([(n << 3) | 2, b.length]), b]);
  const later = Buffer.from([0xc2, 0x3e, 3, 0x61, 0x62, 0x63]); // field 1000, "abc"
  const span = Buffer.concat([field(1, otlp.traceId()), field(2, otlp.spanId()), later]);
  await client.post(t.ports.http, field(1, field(2, field(2, span))));
  await tailspan.until('the span', () => backend.spans.length === 1);
  assert.ok(backend.requests[0].bytes.includes(later));
  await t.stop();
  await backend.close();
});
