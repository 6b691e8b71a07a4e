'use strict';
// Somebody wants to be forgotten: counted first, then removed, while the collector runs and while it does not.

const { test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const tailspan = require('./tailspan.js');
const pipeline = require('./pipeline.js');
const otlp = require('./otlp.js');
const client = require('./client.js');

async function start(dir, ports) {
  const t = await pipeline.start(
    {
      exporters: { sqlite: {} },
      extensions: { query: { endpoint: `127.0.0.1:${ports.query}`, store: 'sqlite' } },
    },
    { dir, ports },
  );
  return Object.assign(t, { query: (p, o) => client.get(ports.query, p, o) });
}

async function send(t, user) {
  const id = otlp.traceId();
  const root = otlp.span({ traceId: id, name: 'GET /cart', attributes: [otlp.string('enduser.id', user)] });
  const child = otlp.span({ traceId: id, parentSpanId: root.spanId, name: 'SELECT', kind: 3 });
  const bytes = otlp.encodeRequest(otlp.request([root, child], { service: 'cart' }));
  assert.equal((await client.post(t.ports.http, bytes)).status, 200);
  return otlp.hex(id);
}

const status = async (t, id) => (await t.query(`/api/v1/traces/${id}`)).status;
const filesHave = (dir, text) =>
  fs.readdirSync(path.join(dir, 'data', 'traces')).some((f) => fs.readFileSync(path.join(dir, 'data', 'traces', f)).includes(text));

test('by a running collector, and by the command when it does not run', async () => {
  const dir = tailspan.directory();
  const ports = await tailspan.freePorts('query');
  const common = ['--config', path.join(dir, 'config.yaml'), '--data-directory', path.join(dir, 'data')];
  const erase = (where, ...more) => tailspan.run(['erase', '--where', where, ...common, ...more]);
  let t = await start(dir, ports);
  const alice = await send(t, 'alice-of-old');
  const bob = await send(t, 'bob-of-old');
  for (const id of [alice, bob]) await tailspan.until('the trace', async () => (await status(t, id)) === 200);

  let r = erase('enduser.id="alice-of-old"', '--traces', '--dry-run');
  assert.equal(r.stdout, '2 spans of 1 traces would be removed\n', r.stderr);
  assert.equal(await status(t, alice), 200);
  r = erase('enduser.id="alice-of-old"', '--endpoint', 'http://127.0.0.1:1');
  assert.equal(r.status, 1);
  assert.match(r.stderr, /127\.0\.0\.1:1: .*\(--endpoint names its query API\)/);
  r = erase('enduser.id="alice-of-old"', '--traces');
  assert.equal(r.stdout, '2 spans of 1 traces were removed\n', r.stderr);
  assert.equal(await status(t, alice), 404);
  assert.equal(await status(t, bob), 200);
  assert.ok(!filesHave(dir, 'alice-of-old'));

  const url = `/api/v1/traces?where=${encodeURIComponent('enduser.id="bob-of-old"')}`;
  assert.equal((await client.send(ports.query, 'DELETE', url, { headers: { origin: 'http://evil' } })).status, 403);
  const done = await client.send(ports.query, 'DELETE', url);
  assert.equal(done.status, 200);
  assert.equal(JSON.parse(done.body).spans, 1);
  assert.equal(await status(t, bob), 200); // its other span is there

  const carol = await send(t, 'carol-of-old');
  await tailspan.until('the trace', async () => (await status(t, carol)) === 200);
  await t.stop();
  assert.doesNotMatch(t.stderr, /of-old/);
  r = erase('*~"carol-of"', '--traces');
  assert.equal(r.stdout, '2 spans of 1 traces were removed\n', r.stderr);
  assert.ok(!filesHave(dir, '-of-old'));
  const audit = fs.readFileSync(path.join(dir, 'data', 'traces', 'erasures.jsonl'), 'utf8').trim().split('\n').map(JSON.parse);
  assert.deepEqual(
    audit.map((a) => [a.where, a.scope, a.asked, a.spans]),
    [
      ['enduser.id=', 'traces', 'http', 2],
      ['enduser.id=', 'spans', 'http', 1],
      ['*~', 'traces', 'command', 2],
    ],
  );
  t = await start(dir, ports);
  assert.equal(await status(t, carol), 404);
  assert.equal(await status(t, bob), 200);
  await t.stop();
});

test('whatever pseudonyms several processors gave them', async () => {
  const dir = tailspan.directory();
  const ports = await tailspan.freePorts('query');
  const hashing = { profiles: ['strict'], action: 'hash', hash: { key: 'a key of sixteen+' } };
  const t = await pipeline.start(
    {
      processors: { scrub: hashing, 'scrub/again': hashing },
      exporters: { sqlite: {} },
      extensions: { query: { endpoint: `127.0.0.1:${ports.query}`, store: 'sqlite' } },
    },
    { dir, ports },
  );
  const statement = "SELECT * FROM users WHERE name = 'alice-of-old'";
  const span = otlp.span({ name: 'SELECT', attributes: [otlp.string('db.query.text', statement)] });
  const bytes = otlp.encodeRequest(otlp.request([span], { service: 'cart' }));
  assert.equal((await client.post(t.ports.http, bytes)).status, 200);
  const url = `/api/v1/traces/${otlp.hex(span.traceId)}`;
  await tailspan.until('the trace', async () => (await client.get(ports.query, url)).status === 200);
  assert.match((await client.get(ports.query, url)).body.toString(), /WHERE name = \[sql_literal:1:/);

  const where = encodeURIComponent('db.query.text~"alice-of-old"');
  const done = await client.send(ports.query, 'DELETE', `/api/v1/traces?where=${where}`);
  assert.equal(done.status, 200, done.body);
  assert.equal(JSON.parse(done.body).spans, 1);
  assert.equal((await client.get(ports.query, url)).status, 404);
  await t.stop();
});

test('what is wrong is said', () => {
  const nowhere = path.join(tailspan.directory(), 'nowhere');
  const none = tailspan.run(['erase', '--where', '*="x"', '--data-directory', nowhere]);
  assert.equal(none.status, 1);
  assert.match(none.stderr, /there is no store at .*nowhere.traces; .*--data-directory/);
  assert.ok(!fs.existsSync(nowhere));
  for (const [args, message] of [
    [['erase'], /erase needs --where/],
    [['erase', '--where'], /a value is missing after --where/],
    [['erase', '--where', 'x'], /where, at character 2: = \(equals\) or ~ \(contains\) is expected/],
    [['erase', '--wehre', 'x'], /unknown argument --wehre/],
  ]) {
    const r = tailspan.run(args);
    assert.notEqual(r.status, 0);
    assert.match(r.stderr, message);
  }
  assert.match(tailspan.run(['erase', '--help']).stdout, /--dry-run/);
});
