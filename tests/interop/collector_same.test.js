'use strict';
// The same input into Tailspan and into the OpenTelemetry Collector: the same answers, the same files,
// the same configurations. Where they differ on purpose, the table says why, and the test fails when
// the difference is gone.

const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const zlib = require('node:zlib');
const { need, js, tailspan } = require('./peers.js');

const otelcol = need('OTELCOL', 'no Collector: it is built with Go, which is not installed');
const otlp = js('otlp.js');
const client = js('client.js');
const pipeline = js('pipeline.js');
const { fromJson } = js('backend.js');
const { grpc, PROTOBUF, JSON_TYPE } = client;

const programs = { tailspan: undefined, otelcol };
const sides = {};

before(async () => {
  for (const [name, program] of Object.entries(programs)) {
    const dir = tailspan.directory();
    const file = path.join(dir, 'spans.jsonl');
    const t = await pipeline.start(
      {
        exporters: { file: { path: file } },
        more: {
          grpc: { max_recv_msg_size_mib: 1 },
          http: { max_request_body_size: 1 << 20, cors: { allowed_origins: ['https://*.shop.example'], max_age: 7200 } },
        },
      },
      { dir, program },
    );
    sides[name] = { t, file, rpc: new client.Grpc(`127.0.0.1:${t.ports.grpc}`) };
  }
});

after(async () => {
  for (const s of Object.values(sides)) {
    s.rpc.close();
    await s.t.stop();
  }
});

const good = otlp.requestOf(3);
const json = otlp.requestAsJson(otlp.request([otlp.span()]));
const gzip = (b) => zlib.gzipSync(b);
const post = (body, options) => (port) => client.post(port, body, options);
const options = (origin) => (port) =>
  client.send(port, 'OPTIONS', '/v1/traces', {
    headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' },
  });
const large = otlp.encodeRequest(otlp.request([otlp.span({ attributes: [otlp.string('pad', 'x'.repeat(2 << 20))] })]));
const jsonAttribute = (text) =>
  otlp.requestAsJson(otlp.request([otlp.span({ attributes: [otlp.string('k', 'HERE')] })])).replace('{"stringValue":"HERE"}', text);

// What is asked; `differs`, when Tailspan answers otherwise on purpose: [ours, theirs, why].
const http = [
  ['protobuf', post(good)],
  ['protobuf, gzip', post(gzip(good), { headers: { 'content-encoding': 'gzip' } })],
  ['JSON', post(json, { type: JSON_TYPE })],
  ['JSON, gzip', post(gzip(Buffer.from(json)), { type: JSON_TYPE, headers: { 'content-encoding': 'gzip' } })],
  ['JSON with a charset', post(json, { type: 'application/json; charset=utf-8' })],
  ['nothing', post(Buffer.alloc(0))],
  ['an empty JSON object', post('{}', { type: JSON_TYPE })],
  ['unknown keys', post('{"resourceSpans":[],"later":{"a":[1]}}', { type: JSON_TYPE })],
  ['null for a list', post('{"resourceSpans":null}', { type: JSON_TYPE })],
  ['integers as numbers', post(json.replace(/"startTimeUnixNano":"(\d+)"/, '"startTimeUnixNano":$1'), { type: JSON_TYPE })],
  ['an integer as text', post(jsonAttribute('{"intValue":"12"}'), { type: JSON_TYPE })],
  ['an integer as a number', post(jsonAttribute('{"intValue":12}'), { type: JSON_TYPE })],
  ['bytes in base64', post(jsonAttribute('{"bytesValue":"AP8="}'), { type: JSON_TYPE })],
  ['torn protobuf', post(good.subarray(0, good.length - 3))],
  ['torn JSON', post(json.slice(0, -3), { type: JSON_TYPE })],
  ['a list for JSON', post('[]', { type: JSON_TYPE })],
  ['an id that is not hex', post(json.replace(/"traceId":"../, '"traceId":"zz'), { type: JSON_TYPE })],
  ['not gzip', post(good, { headers: { 'content-encoding': 'gzip' } })],
  ['an unknown encoding', post(good, { headers: { 'content-encoding': 'lzma' } })],
  ['no content type', (port) => client.send(port, 'POST', '/v1/traces', { body: good })],
  ['a wrong content type', post(good, { type: 'text/plain' })],
  ['GET', (port) => client.get(port, '/v1/traces')],
  ['PUT', (port) => client.send(port, 'PUT', '/v1/traces', { body: good })],
  ['a wrong path', post(good, { path: '/v1/nothing' })],
  ['preflight, good origin', options('https://www.shop.example')],
  ['preflight, other origin', options('https://evil.example')],
  ['too large', post(large), [413, 400, 'the specification says 413']],
  ['too large when inflated', post(gzip(large), { headers: { 'content-encoding': 'gzip' } }), [413, 400, 'likewise']],
  ['an id of no bytes', post(otlp.encodeRequest(otlp.request([otlp.span({ spanId: Buffer.alloc(0) })])))],
];

const looked = ['access-control-allow-origin', 'access-control-max-age'];
const said = (r) => ({
  status: r.status,
  type: (r.headers['content-type'] || '').split(';')[0],
  ...Object.fromEntries(looked.map((h) => [h, r.headers[h]])),
});

for (const [what, ask, differs] of http) {
  test(`HTTP: ${what}`, async () => {
    const ours = await ask(sides.tailspan.t.ports.http);
    const theirs = await ask(sides.otelcol.t.ports.http);
    if (differs) {
      assert.deepEqual([ours.status, theirs.status], differs.slice(0, 2), differs[2]);
      return;
    }
    assert.deepEqual(said(ours), said(theirs), `${ours.body} against ${theirs.body}`);
    const isStatus = ours.status >= 400 && [PROTOBUF, JSON_TYPE].includes(said(ours).type);
    if (isStatus) assert.equal(client.statusOf(ours).code, client.statusOf(theirs).code, 'code of google.rpc.Status');
  });
}

const calls = [
  ['good', good],
  ['nothing', Buffer.alloc(0)],
  ['torn', good.subarray(0, good.length - 3), [grpc.status.INVALID_ARGUMENT, grpc.status.INTERNAL, 'the specification says INVALID_ARGUMENT']],
  ['too large', large],
];

for (const [what, bytes, differs] of calls) {
  test(`gRPC: ${what}`, async () => {
    const ours = await sides.tailspan.rpc.call(bytes);
    const theirs = await sides.otelcol.rpc.call(bytes);
    if (differs) assert.deepEqual([ours.code, theirs.code], differs.slice(0, 2), differs[2]);
    else assert.deepEqual([ours.code, ours.retryAfterMs], [theirs.code, theirs.retryAfterMs], `${ours.message} against ${theirs.message}`);
  });
}

test('gRPC: an unknown method', async () => {
  const options = { method: '/opentelemetry.proto.collector.trace.v1.TraceService/Nothing' };
  const [ours, theirs] = await Promise.all(Object.values(sides).map((s) => s.rpc.call(good, options)));
  assert.equal(ours.code, theirs.code);
});

test('the file exporters write the same OTLP JSON', async () => {
  const span = (more) => otlp.span({ startTimeUnixNano: '1700000000000000001', endTimeUnixNano: '1700000000000000002', ...more });
  const attribute = (key, value) => ({ key, value });
  const request = otlp.request(
    [
      span({
        traceState: 'a=b',
        flags: 257,
        attributes: [
          otlp.string('text', 'žluťoučký "kůň" \\ \n\t\u0001 🐎 <&>\u2028'),
          otlp.string('empty', ''),
          otlp.int('big', '9223372036854775807'),
          otlp.int('small', '-9223372036854775808'),
          otlp.int('zero', 0),
          attribute('double', { doubleValue: 0.1 }),
          attribute('whole', { doubleValue: 3 }),
          attribute('huge', { doubleValue: 1e300 }),
          attribute('tiny', { doubleValue: 5e-324 }),
          attribute('yes', { boolValue: true }),
          attribute('no', { boolValue: false }),
          attribute('bytes', { bytesValue: Buffer.from([0, 1, 254, 255]) }),
          attribute('list', { arrayValue: { values: [{ stringValue: 'a' }, { intValue: 1 }, { boolValue: false }] } }),
          attribute('empty list', { arrayValue: { values: [] } }),
          attribute('map', { kvlistValue: { values: [otlp.string('a', 'b'), attribute('c', { kvlistValue: { values: [] } })] } }),
          attribute('nothing', {}),
        ],
        droppedAttributesCount: 1,
        events: [
          { timeUnixNano: '1700000000000000001', name: 'event', attributes: [otlp.int('n', 1)], droppedAttributesCount: 2 },
          { name: '' },
        ],
        droppedEventsCount: 3,
        links: [{ traceId: otlp.traceId(), spanId: otlp.spanId(), traceState: 'c=d', attributes: [otlp.string('k', 'v')], flags: 1 }],
        droppedLinksCount: 4,
        status: { code: 2, message: 'no' },
        parentSpanId: otlp.spanId(),
      }),
      span({ kind: 0, name: '', status: { code: 1 } }),
      span({ kind: 5, status: {} }),
    ],
    { resource: [otlp.int('host.cpus', 8)] },
  );
  request.resourceSpans[0].schemaUrl = 'https://opentelemetry.io/schemas/1.27.0';
  request.resourceSpans[0].scopeSpans[0].schemaUrl = 'https://opentelemetry.io/schemas/1.26.0';
  request.resourceSpans[0].scopeSpans[0].scope.attributes = [otlp.string('scope.key', 'v')];
  const bytes = otlp.encodeRequest(request);

  const id = otlp.hex(request.resourceSpans[0].scopeSpans[0].spans[0].spanId);
  const lines = [];
  for (const { t, file } of Object.values(sides)) {
    assert.equal((await client.post(t.ports.http, bytes)).status, 200);
    lines.push(
      await tailspan.until('its line', () => {
        const line = fs.readFileSync(file, 'utf8').split('\n').find((l) => l.includes(id));
        return line && JSON.parse(line);
      }),
    );
  }
  // A field that is absent and one that is written with its default say the same.
  const sparse = (v) => {
    if (Array.isArray(v)) return v.map(sparse);
    if (!v || typeof v !== 'object') return v;
    const kept = Object.entries(v).map(([k, x]) => [k, sparse(x)]);
    return Object.fromEntries(kept.filter(([k, x]) => k.endsWith('Value') || !isDefault(x)));
  };
  const isDefault = (x) =>
    x === '' || x === 0 || x === '0' || (Array.isArray(x) && x.length === 0) || (x && typeof x === 'object' && Object.keys(x).length === 0);
  assert.deepEqual(sparse(lines[0]), sparse(lines[1]));
  assert.deepEqual(otlp.spansOf(fromJson(lines[0])), otlp.spansOf(otlp.decodeRequest(bytes)));
});

function validates(program, file) {
  const args = program === otelcol ? ['validate', '--config', file] : ['config', 'validate', file];
  const r = spawnSync(program, args, { encoding: 'utf8' });
  return { ok: r.status === 0, why: r.stderr + r.stdout };
}

const here = path.join(__dirname, 'configs');
const theirs = fs.readdirSync(here).map((f) => path.join(here, f));
const ours = ['agent.yaml', 'file.yaml'].map((f) => path.join(tailspan.repository, 'examples/config', f));
for (const file of [...theirs, ...ours]) {
  test(`both take ${path.basename(file)} as it stands`, () => {
    for (const program of [tailspan.binary, otelcol]) {
      const r = validates(program, file);
      assert.ok(r.ok, `${program}: ${r.why}`);
    }
  });
}

test('both refuse the same mistakes', () => {
  const dir = tailspan.directory();
  const good = fs.readFileSync(path.join(here, 'everything.yaml'), 'utf8');
  const mistakes = [
    ['send_batch_size: 1000', 'send_batch_sice: 1000'],
    ['send_batch_max_size: 2000', 'send_batch_max_size: 10'],
    ['check_interval: 1s', 'check_interval: 0s'],
    ['endpoint: backend:4317', 'endpoint: ""'],
    ['receivers: [otlp]', 'receivers: [otlp/nowhere]'],
    ['exporters: [debug]', 'exporters: []'],
    ['num_consumers: 4', 'num_consumers: 0'],
    ['queue_size: 500', 'queue_size: 0'],
    ['multiplier: 2', 'multiplier: -1'],
    ['timeout: 10s', 'timeout: soon'],
    ['compression: zstd', 'compression: brotli'],
    ['min_version: "1.2"', 'min_version: "9.9"'],
  ];
  for (const [from, to] of mistakes) {
    assert.ok(good.includes(from), from);
    const file = path.join(dir, 'mistake.yaml');
    fs.writeFileSync(file, good.replace(from, to));
    for (const program of [tailspan.binary, otelcol]) assert.ok(!validates(program, file).ok, `${program} takes "${to}"`);
  }
});
