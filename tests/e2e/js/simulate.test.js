'use strict';
// What other policies would keep: of a running collector's store, of a file, against another configuration.

const { test } = require('node:test');
const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const tailspan = require('./tailspan.js');
const pipeline = require('./pipeline.js');
const otlp = require('./otlp.js');
const client = require('./client.js');

const errors = { name: 'errors', type: 'status_code', status_code: { status_codes: ['ERROR'] } };
const large = { name: 'large', type: 'span_count', span_count: { min_spans: 3 } };
const rate = { name: 'rate', type: 'rate_limiting', rate_limiting: { spans_per_second: 2 } };

function config(dir, name, policies) {
  const file = path.join(dir, name);
  fs.writeFileSync(file, JSON.stringify({ processors: { tail_sampling: { policies } } }));
  return file;
}

function simulate(...args) {
  const r = tailspan.run(['sampling', 'simulate', '--json', ...args]);
  assert.equal(r.status, 0, r.stderr);
  return JSON.parse(r.stdout);
}

const traceOf = (count, last = {}) => {
  const traceId = otlp.traceId();
  return Array.from({ length: count }, (_, i) => otlp.span({ traceId, ...(i === count - 1 ? last : {}) }));
};
// Ten traces of one span, three of four spans, two of two spans that failed.
const traces = () => [
  ...Array.from({ length: 10 }, () => traceOf(1)),
  ...Array.from({ length: 3 }, () => traceOf(4)),
  ...Array.from({ length: 2 }, () => traceOf(2, { status: { code: 2 } })),
];

function check(report, now) {
  assert.deepEqual(report.all, { traces: 15, spans: 26 });
  assert.deepEqual(report.now, now);
  assert.deepEqual(report.then, { traces: 5, spans: 16 });
  assert.deepEqual(
    report.policies.map((p) => [p.name, p.asked, p.sampled, p.first.traces]),
    [
      ['errors', 15, 2, 2],
      ['large', 15, 3, 3],
    ],
  );
  assert.deepEqual(report.services, [
    { name: 'shop', all: report.all, now: report.now, then: report.then },
  ]);
}

test('of the store, while the collector runs and when it does not', async () => {
  const dir = tailspan.directory();
  const t = await pipeline.start({ exporters: { sqlite: {} } }, { dir });
  for (const spans of traces()) {
    const bytes = otlp.encodeRequest(otlp.request(spans, { service: 'shop' }));
    assert.equal((await client.post(t.ports.http, bytes)).status, 200);
  }
  const args = ['--config', config(dir, 'new.yaml', [errors, large]), '--data-directory', path.join(dir, 'data')];
  await tailspan.until('the traces', () => simulate(...args).all.traces === 15);
  check(simulate(...args), { traces: 15, spans: 26 });
  await t.stop();
  check(simulate(...args), { traces: 15, spans: 26 });

  const text = tailspan.run(['sampling', 'simulate', ...args]);
  assert.match(text.stdout, /traces +15 +15 100\.0% +5 +33\.3%/);
  assert.match(text.stdout, /errors +- +2 +4 +2 +13 +0 +0/);
  assert.match(text.stdout, /shop +26 +26 100\.0% +16 +61\.5%/);
  assert.equal(text.stderr, ''); // no bar where nobody watches
});

test('of a file that the file exporter wrote, against another configuration', async () => {
  const dir = tailspan.directory();
  const file = path.join(dir, 'spans.json');
  const t = await pipeline.start({ exporters: { file: { path: file } } }, { dir });
  for (const spans of traces()) {
    const bytes = otlp.encodeRequest(otlp.request(spans, { service: 'shop' }));
    assert.equal((await client.post(t.ports.http, bytes)).status, 200);
  }
  await t.stop();
  const args = ['--config', config(dir, 'new.yaml', [errors, large]), '--input', file];
  check(simulate(...args), { traces: 15, spans: 26 });
  const against = simulate(...args, '--against', config(dir, 'old.yaml', [errors]));
  check(against, { traces: 2, spans: 4 });
  assert.equal(against.newlyKept, 3);
  assert.equal(against.newlyDropped, 0);
  assert.deepEqual(against.policiesNow, [{ name: 'errors', kept: { traces: 2, spans: 4 } }]);
});

// What is stored says which policy kept it, and a configuration says where.
test('policies now and then, of a store in a place of its own', async () => {
  const dir = tailspan.directory();
  const directory = path.join(dir, 'elsewhere');
  const t = await pipeline.start(
    {
      processors: { tail_sampling: { decision_wait: '100ms', policies: [errors, large] } },
      exporters: { sqlite: { directory } },
    },
    { dir },
  );
  for (const spans of traces()) {
    const bytes = otlp.encodeRequest(otlp.request(spans, { service: 'shop\u001b[2J' }));
    assert.equal((await client.post(t.ports.http, bytes)).status, 200);
  }
  const file = path.join(dir, 'new.yaml');
  const processors = { tail_sampling: { policies: [errors] } };
  fs.writeFileSync(file, JSON.stringify({ processors, exporters: { sqlite: { directory } } }));
  await tailspan.until('what is kept', () => simulate('--config', file).all.traces === 5);
  await t.stop();
  const moved = tailspan.run(['sampling', 'simulate', '--config', file, '--against', file, '--data-directory', path.join(dir, 'x')]);
  assert.match(moved.stderr, /there is no store at .*x\/traces/); // what the command line says counts before a configuration
  const report = simulate('--config', file);
  assert.deepEqual(report.then, { traces: 2, spans: 4 });
  assert.deepEqual(
    report.policiesNow.map((p) => [p.name, p.kept.traces]).sort(),
    [
      ['errors', 2],
      ['large', 3],
    ],
  );
  const text = tailspan.run(['sampling', 'simulate', '--config', file]).stdout;
  assert.match(text, /errors +2 +2 +4 /);
  assert.match(text, /large +3 +-\n/);
  assert.match(text, /shop\?\[2J /); // what a sender chose does not clear the screen
});

test('a terminal sees how far it is', () => {
  const dir = tailspan.directory();
  const file = path.join(dir, 'spans.json');
  fs.writeFileSync(file, JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [{
    traceId: '0000000000000000000000000000000a', spanId: '00000000000000aa', name: 'n' }] }] }] }));
  const args = ['sampling', 'simulate', '--config', config(dir, 'new.yaml', [errors]), '--input', file];
  const onTerminal = 'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))';
  const r = spawnSync('python3', ['-c', onTerminal, tailspan.binary, ...args], { encoding: 'utf8' });
  assert.equal(r.status, 0, r.stdout);
  assert.match(r.stdout, /\r\[#{40}\] 100% {2}1 traces\r\u001b\[K/);
});

// A rate limiter goes by the traces' time: two a second, however fast the replay is.
test('rates are those of the time at which the traces were made', () => {
  const dir = tailspan.directory();
  const file = path.join(dir, 'spans.json');
  const lines = Array.from({ length: 40 }, (_, i) => {
    const start = 1700000000000000000n + BigInt(i) * 250000000n;
    return JSON.stringify({
      resourceSpans: [{ scopeSpans: [{ spans: [{
        traceId: (i + 1).toString(16).padStart(32, '0'), spanId: '00000000000000aa', name: 'n',
        startTimeUnixNano: String(start), endTimeUnixNano: String(start + 1000n),
      }] }] }],
    });
  });
  fs.writeFileSync(file, lines.join('\n'));
  const report = simulate('--config', config(dir, 'new.yaml', [rate]), '--input', file);
  assert.equal(report.all.traces, 40);
  assert.ok(report.then.traces >= 20 && report.then.traces <= 24, `${report.then.traces}`);
});

// From a file traces come by their ends, from a store as they were written.
test('a clock that is ahead does not stop the time of others', async () => {
  const dir = tailspan.directory();
  const span = (start, end) => ({ startTimeUnixNano: String(start), endTimeUnixNano: String(end) });
  const ahead = Array.from({ length: 3 }, () => traceOf(1, span(1600000000000000000n, 9000000000000000000n)));
  const good = Array.from({ length: 20 }, (_, i) => {
    const at = 1700000000000000000n + BigInt(i) * 1000000000n;
    return traceOf(1, span(at, at));
  });
  const file = path.join(dir, 'spans.json');
  const t = await pipeline.start({ exporters: { sqlite: {}, file: { path: file } } }, { dir });
  for (const spans of [...ahead, ...good])
    assert.equal((await client.post(t.ports.http, otlp.encodeRequest(otlp.request(spans)))).status, 200);
  await t.stop();
  for (const source of [['--input', file], ['--data-directory', path.join(dir, 'data')]]) {
    const report = simulate('--config', config(dir, 'new.yaml', [rate]), ...source);
    assert.equal(report.all.traces, 23);
    assert.ok(report.then.traces >= 20, `${source[0]}: ${report.then.traces}`);
  }
});

test('what is wrong is said', () => {
  const dir = tailspan.directory();
  const good = config(dir, 'good.yaml', [errors]);
  fs.writeFileSync(path.join(dir, 'none.yaml'), '{}');
  fs.writeFileSync(path.join(dir, 'bad.json'), '{"resourceSpans": [{"scopeSpans": 7}]}');
  for (const [args, message] of [
    [['sampling'], /sampling needs one of: simulate/],
    [['sampling', 'simulate'], /needs --config/],
    [['sampling', 'simulate', '--config', path.join(dir, 'none.yaml')], /there is no tail_sampling processor/],
    [['sampling', 'simulate', '--config', good, '--processor', 'tail_sampling/x'], /no tail_sampling processor named/],
    [['sampling', 'simulate', '--config', good, '--data-directory', path.join(dir, 'x')], /there is no store at .*x\/traces; .*--data-directory/],
    [['sampling', 'simulate', '--config', good, '--input', path.join(dir, 'y.json')], /y\.json: No such file/],
    [['sampling', 'simulate', '--config', good, '--input', path.join(dir, 'bad.json')], /bad\.json: .*scopeSpans/],
    [['sampling', 'simulate', '--config', config(dir, 'bad.yaml', [{ name: 'x', type: 'y' }])], /bad\.yaml:\d+: .*policies/],
  ]) {
    const r = tailspan.run(args);
    assert.notEqual(r.status, 0, args.join(' '));
    assert.match(r.stderr, message);
  }
});
