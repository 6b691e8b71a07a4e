'use strict';
// Secrets in every place of a span, through the real binary: none arrives at the backend, in the store, or in a log.

const { test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const tailspan = require('./tailspan.js');
const pipeline = require('./pipeline.js');
const otlp = require('./otlp.js');
const client = require('./client.js');
const { Backend } = require('./backend.js');

const SECRET = 'AKIAIOSFODNN7EXAMPLE';
const MAIL = 'alice@example.com';

test('what is to be scrubbed arrives nowhere; what is not, untouched', async () => {
  const backend = await new Backend().listenGrpc();
  const t = await pipeline.start({
    processors: { scrub: { profiles: ['secrets', 'pii'], classes: { email: { action: 'hash' } }, hash: { key: 'a key of sixteen+' } } },
    exporters: { sqlite: { flush_interval: '10ms' }, ...pipeline.toGrpc(backend.grpcPort, { compression: 'none' }) },
  });
  const traceId = otlp.traceId();
  const attributes = (mail, secret) => [
    otlp.string('note', `key ${secret}`),
    otlp.string('enduser.id', mail),
    { key: 'raw', value: { bytesValue: Buffer.from(`key ${secret}`) } },
    { key: 'list', value: { arrayValue: { values: [{ stringValue: secret }, { intValue: 7 }] } } },
    { key: 'map', value: { kvlistValue: { values: [{ key: mail, value: { kvlistValue: { values: [otlp.string('x', secret)] } } }] } } },
  ];
  const dirty = (mail, secret, ids) => otlp.span({
    ...ids,
    traceId,
    name: `GET ${secret}`,
    traceState: `vendor=${secret}`,
    status: { code: 2, message: `no ${secret}` },
    attributes: attributes(mail, secret),
    events: [{ timeUnixNano: 1n, name: `event ${secret}`, attributes: attributes(mail, secret) }],
    links: [{ traceId, spanId: ids.spanId, traceState: `vendor=${secret}`, attributes: attributes(mail, secret) }],
  });
  const clean = otlp.span({ traceId, name: 'GET /cart', attributes: [otlp.string('http.route', '/cart/{id}')] });
  const { spanId, startTimeUnixNano, endTimeUnixNano } = otlp.span({});
  const requestWith = (mail, secret) => {
    const request = otlp.request([dirty(mail, secret, { spanId, startTimeUnixNano, endTimeUnixNano }), clean]);
    const shared = attributes(mail, secret).filter((a) => a.key !== 'enduser.id');
    request.resourceSpans[0].resource.attributes.push(...shared);
    request.resourceSpans[0].scopeSpans[0].scope = { name: `of ${secret}`, version: '1', attributes: shared };
    return request;
  };
  const bytes = otlp.encodeRequest(requestWith(MAIL, SECRET));
  assert.equal((await client.post(t.ports.http, bytes)).status, 200);
  await tailspan.until('the spans', () => backend.spans.length === 2);
  await tailspan.until('the store', async () => (await t.metric('otelcol_exporter_sent_spans', { exporter: 'sqlite' })) === 2);

  const sent = backend.requests.map((r) => r.bytes.toString('latin1')).join();
  assert.ok(!sent.includes(SECRET) && !sent.includes(MAIL));
  const [hash] = sent.match(/\[email:1:[0-9a-f]{32}\]/);
  // What is not to be scrubbed is as it was: ids and times, numbers, texts beside a secret.
  const wanted = otlp.decodeRequest(otlp.encodeRequest(requestWith(hash, '[aws_key_id]')));
  assert.deepEqual(otlp.bySpanId(backend.spans), otlp.bySpanId(otlp.spansOf(wanted)));

  assert.equal(await t.metric('tailspan_processor_scrub_findings', { rule: 'aws_key_id', place: 'span_name' }), 1);
  for (const place of ['span', 'event', 'link', 'resource', 'scope'])
    assert.equal(await t.metric('tailspan_processor_scrub_findings', { rule: 'aws_key_id', place: `${place}_attribute` }), 4, place);
  assert.equal(await t.metric('tailspan_processor_scrub_findings', { rule: 'email', place: 'link_attribute' }), 2);
  const { body } = await client.get(t.ports.telemetry, '/metrics');
  assert.ok(!body.includes(SECRET) && !body.includes(MAIL));
  await t.stop();
  assert.ok(!t.stderr.includes(SECRET) && !t.stderr.includes(MAIL));

  // The person is found and erased by the hash, without the hash being known to who asks.
  const erase = (where, ...more) => tailspan.run(['erase', '--where', where, '--config', path.join(t.directory, 'config.yaml'),
    '--data-directory', path.join(t.directory, 'data'), ...more]);
  assert.match(erase(`*~"${SECRET}"`, '--dry-run').stdout, /^0 spans/);
  assert.match(erase('*~"[aws_key_id]"', '--dry-run').stdout, /^2 spans/);
  const erased = erase(`enduser.id="${MAIL}"`);
  assert.equal(erased.stdout, '1 spans of 1 traces were removed\n', erased.stderr);
});

test('wrong settings are refused with their place', () => {
  const dir = tailspan.directory();
  const validate = (scrub) => {
    const file = path.join(dir, 'config.yaml');
    fs.writeFileSync(file, JSON.stringify(tailspan.complete({
      receivers: { otlp: { protocols: { http: {} } } }, processors: { scrub }, exporters: { nop: {} },
      service: { pipelines: { traces: { receivers: ['otlp'], processors: ['scrub'], exporters: ['nop'] } } },
    }, { health: 1, telemetry: 2 })));
    return tailspan.run(['config', 'validate', file]).stderr;
  };
  assert.match(validate({ profiles: ['everything'] }), /unknown profile "everything"; supported: secrets, pii, strict/);
  assert.match(validate({ classes: { emial: {} } }), /there is no such class; there are email, payment_card/);
  assert.match(validate({ classes: { email: { action: 'truncate' } } }), /only ipv4 and ipv6 can be truncated/);
  assert.match(validate({ classes: { email: { action: 'hash' } } }), /needs hash::key or hash::key_file/);
  assert.match(validate({ patterns: [{ name: 'x', regex: 'a(' }] }), /config.yaml:\d+: processors::scrub::patterns.*/);
  assert.equal(validate({}), '');
});

test('the command shows what would be hidden, and why', () => {
  const dir = tailspan.directory();
  const file = path.join(dir, 'spans.json');
  const config = path.join(dir, 'scrub.yaml');
  const string = (key, stringValue) => ({ key, value: { stringValue } });
  const span = {
    traceId: '0102030405060708090a0b0c0d0e0f10',
    spanId: '0102030405060708',
    attributes: [string('note', 'mail \u001bjane.doe@example.com'), string('db.url', 'postgres://app:hunter2@db/x')],
    status: { message: 'password=hunter2 refused' },
  };
  fs.writeFileSync(file, JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] }));
  fs.writeFileSync(config, 'processors:\n  scrub: {profiles: [pii]}\n  scrub/both: {profiles: [secrets, pii]}\n');

  let r = tailspan.run(['scrub', file, '--format', 'json']);
  assert.equal(r.status, 0, r.stderr);
  const shown = JSON.parse(r.stdout).map((c) => [c.place, c.key, c.findings.map((f) => f.rule).join(), c.after]);
  assert.deepEqual(shown, [
    ['span_attribute', 'db.url', 'url_credentials', 'postgres://REDACTED:REDACTED@db/x'],
    ['status_message', undefined, 'sensitive_key', 'password=[sensitive_key] refused'],
  ]);

  r = tailspan.run(['scrub', file, '--config', config]);
  assert.match(r.stdout, /^span_attribute note: email\n {2}- mail \\x1bjane\.doe@example\.com\n {2}\+ mail \\x1b\[email\]\n\n1 findings in 1 of 3 values of 1 spans\n/);
  r = tailspan.run(['scrub', file, '--config', config, '--processor', 'scrub/both']);
  assert.match(r.stdout, /\n3 findings in 3 of 3 values of 1 spans\n/);

  assert.match(tailspan.run(['scrub', file, '--config', config, '--processor', 'scrub/no']).stderr, /no scrub processor named scrub\/no/);
  assert.equal(tailspan.run(['scrub', path.join(dir, 'nowhere')]).status, 1);
  fs.writeFileSync(file, '{"resourceSpans": 7}\n');
  assert.match(tailspan.run(['scrub', file]).stderr, /spans\.json: .*resourceSpans/);
  assert.equal(tailspan.run(['scrub', file, '--format', 'xml']).status, 2);

  // What holds no traces is no file without findings.
  for (const [text, found] of [['{"data": []}', /resourceSpans.*"data" was found, .* Jaeger/], ['{"resourceLogs": []}\n', /"resourceLogs" was found/], ['', /is empty/]]) {
    fs.writeFileSync(file, text);
    r = tailspan.run(['scrub', file]);
    assert.equal(r.status, 1, text);
    assert.match(r.stderr, found);
  }
});
