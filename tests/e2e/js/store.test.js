'use strict';
// The store beside the stream: found within a moment, there after a restart, and after a crash.

const { test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const tailspan = require('./tailspan.js');
const pipeline = require('./pipeline.js');
const otlp = require('./otlp.js');
const client = require('./client.js');
const { fromJson } = require('./backend.js');

async function start(dir) {
  const ports = await tailspan.freePorts('query');
  return pipeline
    .start(
      {
        exporters: { sqlite: {} },
        extensions: { query: { endpoint: `127.0.0.1:${ports.query}`, store: 'sqlite' } },
      },
      { dir },
    )
    .then((t) => Object.assign(t, { query: (p, o) => client.get(ports.query, p, o) }));
}

const trace = async (t, id) => {
  const r = await t.query(`/api/v1/traces/${id}`);
  assert.ok(r.status === 200 || r.status === 404, `${r.status}: ${r.body}`);
  return r.status === 200 ? otlp.spansOf(fromJson(JSON.parse(r.body))) : null;
};

test('stored as it came, found by id, service and search, and still there after a restart', async () => {
  const dir = tailspan.directory();
  let t = await start(dir);
  const id = otlp.traceId();
  const root = otlp.span({ traceId: id, name: 'GET /cart', attributes: [otlp.string('cart.id', 'c-17')] });
  const child = otlp.span({ traceId: id, parentSpanId: root.spanId, name: 'SELECT', kind: 3, status: { code: 2 } });
  const bytes = otlp.encodeRequest(otlp.request([root, child], { service: 'cart' }));
  assert.equal((await client.post(t.ports.http, bytes)).status, 200);

  const look = async () => {
    const spans = await tailspan.until('the trace', () => trace(t, otlp.hex(id)));
    assert.deepEqual(otlp.bySpanId(spans), otlp.bySpanId(otlp.spansOf(otlp.decodeRequest(bytes))));
    const services = JSON.parse((await t.query('/api/services')).body).data;
    assert.deepEqual(services, ['cart']);
    const tags = encodeURIComponent(JSON.stringify({ 'cart.id': 'c-17' }));
    const found = JSON.parse((await t.query(`/api/traces?service=cart&tags=${tags}`)).body).data;
    assert.deepEqual(found.map((x) => x.traceID), [otlp.hex(id)]);
    const none = JSON.parse((await t.query(`/api/traces?service=cart&operation=nothing`)).body).data;
    assert.deepEqual(none, []);
  };
  await look();
  await t.stop();
  t = await start(dir);
  await look();
  await t.stop();
});

test('kill -9 while it writes: it starts again, and what could be found before is found', async () => {
  const dir = tailspan.directory();
  const found = [];
  for (let round = 0; round < 3; round++) {
    const t = await start(dir);
    for (const id of found) assert.ok(await trace(t, id), `${id} is lost`);
    let last;
    const sending = (async () => {
      try {
        for (;;) {
          const span = otlp.span();
          await client.post(t.ports.http, otlp.encodeRequest(otlp.request([span, ...Array.from({ length: 50 }, () => otlp.span())])));
          last = otlp.hex(span.traceId);
        }
      } catch {
        // the connection broke: it was killed
      }
    })();
    await tailspan.until('a request', () => last);
    const id = last;
    await tailspan.until('its trace', () => trace(t, id));
    found.push(id);
    await tailspan.sleep(50 * round);
    await t.kill();
    await sending;
  }
  const t = await start(dir);
  for (const id of found) assert.ok(await trace(t, id), `${id} is lost`);
  await t.stop();
});

test('a torn file is set aside, and the store goes on', async () => {
  const dir = tailspan.directory();
  let t = await start(dir);
  const first = otlp.span();
  await client.post(t.ports.http, otlp.encodeRequest(otlp.request([first])));
  await tailspan.until('the trace', () => trace(t, otlp.hex(first.traceId)));
  await t.stop();

  const files = fs.readdirSync(path.join(dir, 'data'), { recursive: true, withFileTypes: true });
  const databases = files.filter((f) => f.isFile() && /\.(db|sqlite3?)$/.test(f.name));
  assert.ok(databases.length > 0, 'there is a database file');
  for (const f of databases) {
    const file = path.join(f.parentPath || f.path, f.name);
    fs.writeFileSync(file, Buffer.alloc(fs.statSync(file).size, 0x5a));
  }

  t = await start(dir);
  const second = otlp.span();
  await client.post(t.ports.http, otlp.encodeRequest(otlp.request([second])));
  await tailspan.until('the trace', () => trace(t, otlp.hex(second.traceId)));
  await t.stop();
  assert.match(t.stderr, /broken/, 'the log says so');
});
