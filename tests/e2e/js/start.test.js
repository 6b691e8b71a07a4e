'use strict';
// A newcomer's first minute: no configuration, the SDK's quick start with nothing but the endpoint
// set, and the trace is there. And what the command line says for itself.

const { test } = require('node:test');
const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const tailspan = require('./tailspan.js');
const client = require('./client.js');

const defaults = { grpc: 4317, http: 4318, health: 13133, query: 16686, telemetry: 8888, metrics: 8889 };

function isFree(port) {
  return new Promise((resolve) => {
    const s = net.createServer();
    s.on('error', () => resolve(false)).listen(port, '127.0.0.1', () => s.close(() => resolve(true)));
  });
}

async function taken() {
  for (const port of Object.values(defaults)) if (!(await isFree(port))) return port;
  return null;
}

// Runs the quick start beside this; resolves when it has ended.
function quickstart(endpoint) {
  const file = path.join(tailspan.repository, 'examples/quickstart/javascript/app.js');
  const env = { ...process.env, NODE_PATH: path.join(__dirname, 'node_modules'), OTEL_EXPORTER_OTLP_ENDPOINT: endpoint };
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [file], { env, stdio: 'inherit' });
    child.on('error', reject).on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`quick start: ${code}`))));
  });
}

test('no configuration: the quick start’s trace is found', async (story) => {
  const busy = await taken();
  if (busy) return story.skip(`port ${busy} is in use on this machine`);
  const t = await tailspan.start(null, { ports: defaults });
  await quickstart(`http://127.0.0.1:${defaults.http}`);
  const found = await tailspan.until('the trace', async () => {
    const r = await client.get(defaults.query, '/api/traces?service=quickstart');
    return r.status === 200 && JSON.parse(r.body).data.length === 1 && JSON.parse(r.body).data[0];
  });
  assert.deepEqual(found.spans.map((s) => s.operationName).sort(), ['charge card', 'checkout']);
  assert.equal(await t.metric('otelcol_receiver_accepted_spans', { transport: 'http' }), 2);
  const metrics = String((await client.get(defaults.metrics, '/metrics')).body);
  assert.match(metrics, /^traces_span_metrics_calls_total\{.*span_name="checkout".*\} 1$/m);
  await t.stop();
});

test('config default: what it prints starts when given back', async (story) => {
  const printed = tailspan.run(['config', 'default']);
  assert.equal(printed.status, 0);
  const dir = tailspan.directory();
  const file = path.join(dir, 'default.yaml');
  fs.writeFileSync(file, printed.stdout);
  const checked = tailspan.run(['config', 'validate', file]);
  assert.equal(checked.status, 0, checked.stderr);
  const busy = await taken();
  if (busy) return story.skip(`port ${busy} is in use on this machine`);
  const t = await tailspan.start(null, { ports: defaults, args: ['--config', file], dir });
  await t.stop();
});

test('a port that is taken: ends at once and names it', async () => {
  const port = await tailspan.freePort();
  const other = net.createServer();
  await new Promise((resolve) => other.listen(port, '127.0.0.1', resolve));
  const t = await tailspan.start(
    {
      receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${port}` } } } },
      exporters: { nop: {} },
      service: { pipelines: { traces: { receivers: ['otlp'], exporters: ['nop'] } } },
    },
    { wait: false },
  );
  const { code } = await t.exit;
  assert.notEqual(code, 0);
  assert.match(t.stderr, new RegExp(`${port}`));
  assert.match(t.stderr, /in use/);
  other.close();
});

test('--version, --help, components', () => {
  const version = tailspan.run(['--version']);
  assert.equal(version.status, 0);
  assert.match(version.stdout, /^tailspan \d+\.\d+\.\d+/m);

  const help = tailspan.run(['--help']);
  assert.equal(help.status, 0);
  for (const words of ['--config', '--data-directory', 'config default', 'config validate', 'components', 'demo'])
    assert.ok(help.stdout.includes(words), words);

  const components = tailspan.run(['components']);
  assert.equal(components.status, 0);
  for (const type of [
    'otlp', 'memory_limiter', 'batch', 'forward', 'otlp_grpc', 'otlp_http', 'otlphttp', 'file', 'debug', 'nop', 'sqlite',
    'health_check', 'query',
  ])
    assert.match(components.stdout, new RegExp(`\\b${type}\\b`));
});

test('a hangup ends in order, like SIGTERM', async () => {
  const t = await tailspan.start({
    receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${await tailspan.freePort()}` } } } },
    exporters: { nop: {} },
    service: { pipelines: { traces: { receivers: ['otlp'], exporters: ['nop'] } } },
  });
  t.signal('SIGHUP');
  await t.ended();
  assert.match(t.stderr, /stopped/);
});

test('a wrong command line says what is wrong', () => {
  for (const args of [['--confg', 'x.yaml'], ['confg'], ['config'], ['config', 'frobnicate'], ['config', 'validate'], ['config', 'validate', '--config'], ['--config']]) {
    const r = tailspan.run(args);
    assert.notEqual(r.status, 0, args.join(' '));
    assert.match(r.stderr, /--help/, args.join(' '));
    assert.equal(r.stdout, '');
  }
});
