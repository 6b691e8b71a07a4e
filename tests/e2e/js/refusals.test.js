'use strict';
// What cannot be taken is refused in the protocol's own words, and costs next to nothing.

const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const zlib = require('node:zlib');
const http2 = require('node:http2');
const tailspan = require('./tailspan.js');
const pipeline = require('./pipeline.js');
const otlp = require('./otlp.js');
const client = require('./client.js');
const { Backend } = require('./backend.js');

const { PROTOBUF, JSON_TYPE, grpc } = client;
const MiB = 1 << 20;

let backend;
let t;
let rpc;

before(async () => {
  backend = await new Backend().listenGrpc();
  t = await pipeline.start({
    exporters: pipeline.toGrpc(backend.grpcPort),
    more: {
      grpc: { max_recv_msg_size_mib: 1 },
      http: {
        max_request_body_size: MiB,
        cors: { allowed_origins: ['https://shop.example', 'https://*.shop.example'], allowed_headers: ['X-Tenant'], max_age: 600 },
      },
    },
  });
  rpc = new client.Grpc(`127.0.0.1:${t.ports.grpc}`);
});

after(async () => {
  rpc.close();
  await t.stop();
  await backend.close();
});

// The service goes on: a good request is accepted and arrives.
async function goesOn() {
  const span = otlp.span();
  const bytes = otlp.encodeRequest(otlp.request([span]));
  assert.equal((await client.post(t.ports.http, bytes)).status, 200);
  await tailspan.until('the span', () => backend.ids.includes(otlp.hex(span.spanId)));
}

function refusedAsStatus(r, status, type) {
  assert.equal(r.status, status, r.body.toString());
  assert.ok(r.headers['content-type'].startsWith(type), r.headers['content-type']);
  const said = client.statusOf(r);
  assert.ok(said.message.length > 0, 'the refusal says why');
  return said;
}

test('malformed protobuf: 400 that says where', async () => {
  const good = otlp.requestOf(3);
  const r = await client.post(t.ports.http, good.subarray(0, good.length - 5));
  const said = refusedAsStatus(r, 400, PROTOBUF);
  assert.match(said.message, /resource_spans\[0\]/);
  const g = await rpc.call(good.subarray(0, good.length - 5));
  assert.equal(g.code, grpc.status.INVALID_ARGUMENT);
  assert.match(g.message, /resource_spans\[0\]/);
  await goesOn();
});

test('malformed JSON: 400 that says where, as JSON', async () => {
  const cases = ['{"resourceSpans": [', '{"resourceSpans": 7}', '[]', 'nonsense', ''];
  for (const body of cases) {
    const said = refusedAsStatus(await client.post(t.ports.http, body, { type: JSON_TYPE }), 400, JSON_TYPE);
    assert.match(said.message, /line 1|empty/i, `for ${JSON.stringify(body)}`);
  }
  await goesOn();
});

test('an empty request is a success', async () => {
  assert.equal((await client.post(t.ports.http, Buffer.alloc(0))).status, 200);
  assert.equal((await client.post(t.ports.http, '{}', { type: JSON_TYPE })).status, 200);
  assert.equal((await rpc.call(Buffer.alloc(0))).code, 0);
});

test('wrong content type 415, wrong path 404, wrong method 405', async () => {
  assert.equal((await client.post(t.ports.http, 'x', { type: 'text/plain' })).status, 415);
  assert.equal((await client.send(t.ports.http, 'POST', '/v1/traces', { body: 'x' })).status, 415);
  assert.equal((await client.post(t.ports.http, otlp.requestOf(1), { path: '/v1/trace' })).status, 404);
  for (const method of ['GET', 'PUT', 'DELETE']) {
    const r = await client.send(t.ports.http, method, '/v1/traces');
    assert.equal(r.status, 405, method);
  }
  const g = await rpc.call(otlp.requestOf(1), { method: '/opentelemetry.proto.collector.trace.v1.TraceService/Nope' });
  assert.equal(g.code, grpc.status.UNIMPLEMENTED);
  await goesOn();
});

test('a content type with parameters is understood', async () => {
  const r = await client.post(t.ports.http, otlp.requestAsJson(otlp.request([otlp.span()])), {
    type: 'application/json; charset=utf-8',
  });
  assert.equal(r.status, 200);
  assert.ok(r.headers['content-type'].startsWith(JSON_TYPE));
});

// A request of exactly `size` bytes.
function ofSize(size) {
  const make = (pad) => otlp.encodeRequest(otlp.request([otlp.span({ attributes: [otlp.string('pad', 'x'.repeat(pad))] })]));
  let pad = size - 1000;
  for (;;) {
    const bytes = make(pad);
    if (bytes.length === size) return bytes;
    pad += size - bytes.length;
  }
}

test('one byte over the limit: 413 and RESOURCE_EXHAUSTED, not to be retried', async () => {
  const fits = ofSize(MiB);
  const over = ofSize(MiB + 1);
  assert.equal((await client.post(t.ports.http, fits)).status, 200);
  refusedAsStatus(await client.post(t.ports.http, over), 413, PROTOBUF);
  assert.equal((await rpc.call(fits)).code, 0);
  const g = await rpc.call(over);
  assert.equal(g.code, grpc.status.RESOURCE_EXHAUSTED);
  assert.equal(g.retryAfterMs, null);
  await goesOn();
});

test('the limit counts inflated bytes', async () => {
  const gzip = (b) => zlib.gzipSync(b);
  const headers = { 'content-encoding': 'gzip' };
  assert.equal((await client.post(t.ports.http, gzip(ofSize(MiB)), { headers })).status, 200);
  refusedAsStatus(await client.post(t.ports.http, gzip(ofSize(MiB + 1)), { headers }), 413, PROTOBUF);
});

test('an encoding that nobody knows or that is broken: 400, as the Collector answers', async () => {
  const bytes = otlp.requestOf(1);
  const post = (body, encoding) => client.post(t.ports.http, body, { headers: { 'content-encoding': encoding } });
  refusedAsStatus(await post(bytes, 'lzma'), 400, PROTOBUF);
  refusedAsStatus(await post(bytes, 'gzip'), 400, PROTOBUF);
  refusedAsStatus(await post(zlib.gzipSync(bytes).subarray(0, 40), 'gzip'), 400, PROTOBUF);
  await goesOn();
});

// One gRPC call whose message is compressed by hand.
function callCompressed(port, body, encoding) {
  return new Promise((resolve, reject) => {
    const session = http2.connect(`http://127.0.0.1:${port}`);
    session.on('error', reject);
    const stream = session.request({
      ':method': 'POST',
      ':path': '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
      'content-type': 'application/grpc',
      te: 'trailers',
      'grpc-encoding': encoding,
    });
    let status;
    const look = (headers) => {
      if (headers['grpc-status'] !== undefined) status = Number(headers['grpc-status']);
    };
    stream.on('response', look).on('trailers', look).on('error', reject);
    stream.on('close', () => {
      session.destroy();
      resolve(status);
    });
    stream.resume();
    const head = Buffer.alloc(5);
    head[0] = 1;
    head.writeUInt32BE(body.length, 1);
    stream.end(Buffer.concat([head, body]));
  });
}

test('gzip over gRPC is inflated, up to the limit', async () => {
  assert.equal(await callCompressed(t.ports.grpc, zlib.gzipSync(otlp.requestOf(10)), 'gzip'), 0);
  assert.equal(
    await callCompressed(t.ports.grpc, zlib.gzipSync(ofSize(MiB + 1)), 'gzip'),
    grpc.status.RESOURCE_EXHAUSTED,
  );
});

// Zeros, gzipped piece by piece so that they are never all in memory.
function gzippedZeros(bytes) {
  return new Promise((resolve, reject) => {
    const gz = zlib.createGzip({ level: 9 });
    const parts = [];
    gz.on('data', (d) => parts.push(d)).on('error', reject).on('end', () => resolve(Buffer.concat(parts)));
    const zeros = Buffer.alloc(16 * MiB);
    let left = bytes;
    const more = () => {
      while (left > 0) {
        left -= zeros.length;
        if (!gz.write(zeros)) return gz.once('drain', more);
      }
      gz.end();
    };
    more();
  });
}

test('a gzip bomb of 1 GB is refused without being inflated', async () => {
  const bomb = await gzippedZeros(1024 * MiB);
  const bombs = await startWithDefaults();
  const peak = bombs.memory('VmHWM');
  const r = await client.post(bombs.ports.http, bomb, { headers: { 'content-encoding': 'gzip' } });
  refusedAsStatus(r, 413, PROTOBUF);
  assert.equal(await callCompressed(bombs.ports.grpc, bomb, 'gzip'), grpc.status.RESOURCE_EXHAUSTED);
  if (!tailspan.sanitized) {
    const grown = bombs.memory('VmHWM') - peak;
    assert.ok(grown < 192 * MiB, `memory grew by ${grown / MiB} MiB`);
  }
  assert.equal((await client.post(bombs.ports.http, otlp.requestOf(1))).status, 200);
  await bombs.stop();
});

// The limits as they are when nobody sets them.
const startWithDefaults = () => pipeline.start({ exporters: { nop: {} } });

test('10,000 nested levels are refused', async () => {
  const levels = 10000;
  // Wire bytes, from the inside out: AnyValue.array_value (5) of ArrayValue.values (1).
  const varint = (n) => {
    const out = [];
    for (; n > 127; n >>>= 7) out.push((n & 127) | 128);
    return Buffer.from([...out, n]);
  };
  const field = (number, body) => Buffer.concat([varint((number << 3) | 2), varint(body.length), body]);
  let value = Buffer.from([0x10, 1]); // bool_value: true
  for (let i = 0; i < levels; i++) value = field(5, field(1, value));
  const attribute = Buffer.concat([field(1, Buffer.from('deep')), field(2, value)]);
  const span = Buffer.concat([field(1, otlp.traceId()), field(2, otlp.spanId()), field(9, attribute)]);
  const bytes = field(1, field(2, field(2, span)));
  refusedAsStatus(await client.post(t.ports.http, bytes), 400, PROTOBUF);
  assert.equal((await rpc.call(bytes)).code, grpc.status.INVALID_ARGUMENT);

  const deep = '{"arrayValue":{"values":['.repeat(levels) + '{"boolValue":true}' + ']}}'.repeat(levels);
  const json = otlp
    .requestAsJson(otlp.request([otlp.span({ attributes: [otlp.string('deep', 'HERE')] })]))
    .replace('{"stringValue":"HERE"}', deep);
  refusedAsStatus(await client.post(t.ports.http, json, { type: JSON_TYPE }), 400, JSON_TYPE);

  const unknown = `{"unknown":${'['.repeat(levels)}${']'.repeat(levels)}}`;
  refusedAsStatus(await client.post(t.ports.http, unknown, { type: JSON_TYPE }), 400, JSON_TYPE);
  await goesOn();
});

test('spans without proper ids are rejected one by one', async () => {
  const good = otlp.span();
  const bad = [
    otlp.span({ traceId: Buffer.alloc(16) }),
    otlp.span({ traceId: Buffer.alloc(15, 1) }),
    otlp.span({ traceId: Buffer.alloc(0) }),
    otlp.span({ spanId: Buffer.alloc(8) }),
    otlp.span({ spanId: Buffer.alloc(9, 1) }),
  ];
  const request = () => otlp.request([bad[0], bad[1], good, bad[2], bad[3], bad[4]]);
  const check = (partial) => {
    assert.equal(Number(partial.rejectedSpans), bad.length);
    assert.match(partial.errorMessage, /id/);
  };
  const binary = await client.post(t.ports.http, otlp.encodeRequest(request()));
  assert.equal(binary.status, 200);
  check(otlp.Response.decode(binary.body).partialSuccess);
  const json = await client.post(t.ports.http, otlp.requestAsJson(request()), { type: JSON_TYPE });
  assert.equal(json.status, 200);
  check(JSON.parse(json.body).partialSuccess);
  const g = await rpc.call(otlp.encodeRequest(request()));
  assert.equal(g.code, 0);
  check(g.response.partialSuccess);

  const id = otlp.hex(good.spanId);
  await tailspan.until('the good span, three times', () => backend.ids.filter((x) => x === id).length === 3);
  const unwanted = backend.spans.filter((s) => s.traceId.length !== 32 || /^0*$/.test(s.spanId));
  assert.deepEqual(unwanted, []);
});

test('success without partial success leaves it unset', async () => {
  const r = await client.post(t.ports.http, otlp.requestOf(1));
  assert.equal(otlp.Response.decode(r.body).partialSuccess, null);
  const j = await client.post(t.ports.http, otlp.requestAsJson(otlp.request([otlp.span()])), { type: JSON_TYPE });
  assert.deepEqual(JSON.parse(j.body), {});
});

test('CORS: browsers of the configured origins may send, others may not', async () => {
  const preflight = (origin, headers = 'content-type,x-tenant') =>
    client.send(t.ports.http, 'OPTIONS', '/v1/traces', {
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': headers },
    });
  for (const origin of ['https://shop.example', 'https://www.shop.example']) {
    const r = await preflight(origin);
    assert.ok(r.status === 204 || r.status === 200, `${r.status}`);
    assert.equal(r.headers['access-control-allow-origin'], origin);
    assert.match(r.headers['access-control-allow-methods'], /POST/);
    assert.match(r.headers['access-control-allow-headers'], /x-tenant/i);
    assert.equal(r.headers['access-control-max-age'], '600');
  }
  assert.equal((await preflight('https://evil.example')).headers['access-control-allow-origin'], undefined);
  assert.equal((await preflight('https://shop.example.evil.example')).headers['access-control-allow-origin'], undefined);
  const post = await client.post(t.ports.http, otlp.requestOf(1), { headers: { origin: 'https://shop.example' } });
  assert.equal(post.status, 200);
  assert.equal(post.headers['access-control-allow-origin'], 'https://shop.example');
});

test('every refusal was counted, with its reason', async () => {
  const requests = (reason) => t.metric('tailspan_receiver_refused_requests', { reason });
  for (const reason of ['malformed', 'too_large', 'unsupported']) assert.ok((await requests(reason)) > 0, reason);
  assert.equal(await t.metric('tailspan_receiver_rejected_spans', { reason: 'invalid_id' }), 3 * 5);
});
