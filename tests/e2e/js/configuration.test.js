'use strict';
// Configuration: files merged, variables, and mistakes told with file, line and key.

const { test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const tailspan = require('./tailspan.js');
const pipeline = require('./pipeline.js');
const otlp = require('./otlp.js');
const client = require('./client.js');

function write(dir, name, text) {
  const file = path.join(dir, name);
  fs.writeFileSync(file, text);
  return file;
}

const good = `receivers:
  otlp:
    protocols:
      grpc:
        endpoint: 127.0.0.1:4317
exporters:
  nop:
  otlp_grpc/next:
    endpoint: 127.0.0.1:14317
    tls:
      insecure: true
service:
  pipelines:
    traces:
      receivers: [otlp]
      exporters: [nop, otlp_grpc/next]
`;

const replace = (from, to) => {
  assert.ok(good.includes(from), from);
  return good.replace(from, to);
};

// What was written wrong, and what the message must contain: the line, the key, what would be right.
const mistakes = [
  ['an unknown key', replace('insecure: true', 'insecur: true'), [':11:', 'insecur', 'insecure']],
  ['an unknown receiver', replace('  otlp:\n', '  otpl:\n'), [':2:', 'otpl', 'otlp']],
  ['an unknown exporter', replace('  nop:\n', '  nope:\n'), [':7:', 'nope', 'nop']],
  ['a component we do not have', replace('  nop:\n', '  awss3:\n'), [':7:', 'awss3', 'otlp_grpc']],
  ['an exporter that the Collector had', replace('  nop:\n', '  logging:\n'), [':7:', 'logging', 'debug does the same']],
  ['an unknown protocol', replace('      grpc:\n', '      grcp:\n'), [':4:', 'grcp', 'grpc', 'http']],
  ['an exporter that is not defined', replace('[nop, otlp_grpc/next]', '[nop, otlp_grpc/last]'), [':16:', 'otlp_grpc/last']],
  ['a receiver that is not defined', replace('receivers: [otlp]', 'receivers: [otlp/2]'), [':15:', 'otlp/2']],
  ['a pipeline without exporters', replace('[nop, otlp_grpc/next]', '[]'), [':14', 'traces', 'exporter']],
  ['a pipeline without receivers', replace('receivers: [otlp]', 'receivers: []'), [':14', 'traces', 'receiver']],
  ['a signal we do not carry', replace('    traces:\n', '    logs:\n'), [':14:', 'logs', 'traces']],
  ['no service', good.slice(0, good.indexOf('service:')), ['service']],
  ['an unknown key of what is not used', good + 'extensions:\n  health_check:\n    endpont: x\n', [':19:', 'endpont', 'endpoint']],
  ['an unknown section', good + 'servces: {}\n', [':17:', 'servces', 'service']],
  ['a word for a number', replace('    tls:', '    sending_queue:\n      queue_size: many\n    tls:'), [':11:', 'queue_size', 'many']],
  ['a number out of range', replace('    tls:', '    sending_queue:\n      queue_size: -1\n    tls:'), [':11:', 'queue_size', '-1']],
  ['a time without unit', replace('    tls:', '    timeout: 5\n    tls:'), [':10:', 'timeout', '5']],
  ['an unknown choice', replace('    tls:', '    compression: brotli\n    tls:'), [':10:', 'compression', 'brotli', 'gzip']],
  ['a list for a map', replace('    tls:\n      insecure: true', '    tls: [insecure]'), [':10:', 'tls']],
  ['an endpoint without port', replace('127.0.0.1:14317', '127.0.0.1'), [':9:', 'endpoint']],
  ['the same key twice', replace('    tls:', '    endpoint: 127.0.0.1:2\n    tls:'), [':10:', 'duplicate key']],
  ['not YAML', good + '  - [\n', [':1']],
  ['an empty file', '', []],
  ['not a map', '- receivers\n', [':1:']],
];

for (const [what, text, parts] of mistakes) {
  test(`a mistake: ${what}`, () => {
    const dir = tailspan.directory();
    const file = write(dir, 'mistake.yaml', text);
    const r = tailspan.run(['config', 'validate', file]);
    assert.notEqual(r.status, 0, `accepted:\n${text}`);
    for (const part of ['mistake.yaml', ...parts]) assert.ok(r.stderr.includes(part), `no ${part} in: ${r.stderr}`);
  });
}

test('config validate: a good file is silent about mistakes and opens nothing', () => {
  const dir = tailspan.directory();
  const file = write(dir, 'good.yaml', good);
  const r = tailspan.run(['config', 'validate', file]);
  assert.equal(r.status, 0, r.stderr);
});

test('config validate: a file that is not there', () => {
  const r = tailspan.run(['config', 'validate', '/nonexistent/tailspan.yaml']);
  assert.notEqual(r.status, 0);
  assert.match(r.stderr, /\/nonexistent\/tailspan\.yaml/);
});

test('starting with a mistake: ends with the same words', async () => {
  const dir = tailspan.directory();
  const file = write(dir, 'mistake.yaml', mistakes[0][1]);
  const r = tailspan.run(['--config', file, '--data-directory', dir]);
  assert.notEqual(r.status, 0);
  assert.match(r.stderr, /mistake\.yaml:11: .*insecur/);
});

test('what cannot be opened is told with its component and key', async () => {
  const dir = tailspan.directory();
  const { one, telemetry } = await tailspan.freePorts('one', 'telemetry');
  const starting = (receiver, exporters) => {
    const config = {
      receivers: { otlp: { protocols: receiver } },
      exporters,
      service: {
        telemetry: { metrics: { address: `127.0.0.1:${telemetry}` } },
        pipelines: { traces: { receivers: ['otlp'], exporters: Object.keys(exporters) } },
      },
    };
    const r = tailspan.run(['--config', write(dir, 'config.yaml', JSON.stringify(config)), '--data-directory', dir]);
    assert.equal(r.status, 1);
    return r.stderr;
  };
  const at = (port) => ({ endpoint: `127.0.0.1:${port}` });
  const ours = `cannot listen on 127.0.0.1:${one}: Address already in use (another component of this configuration listens there)`;
  assert.ok(starting({ grpc: at(one), http: at(one) }, { nop: {} }).includes(`receivers::otlp: protocols::http: ${ours}`));
  assert.match(starting({ http: at(telemetry) }, { nop: {} }), /receivers::otlp: protocols::http: cannot listen .* this configuration/);
  assert.match(starting({ grpc: at(telemetry) }, { nop: {} }), /receivers::otlp: protocols::grpc: cannot listen .* this configuration/);
  assert.match(starting({ http: at(one) }, { 'file/out': { path: '/nowhere/out.json' } }), /config\.yaml:1: exporters::file\/out: path: cannot open \/nowhere\/out\.json/);
  const next = { endpoint: '127.0.0.1:1', tls: { ca_file: '/nope.pem' } };
  assert.match(starting({ http: at(one) }, { 'otlp_grpc/next': next }), /config\.yaml:1: exporters::otlp_grpc\/next::tls::ca_file: cannot read \/nope\.pem: No such file/);
  const other = await pipeline.start({ exporters: { nop: {} } });
  assert.match(starting({ http: at(other.ports.http) }, { nop: {} }), /receivers::otlp: protocols::http: .* \(is another collector running there\?\)/);
  await other.stop();
});

test('several --config files: maps are merged, later scalars and lists win', async () => {
  const ports = await tailspan.freePorts('health', 'telemetry', 'one', 'two');
  const dir = tailspan.directory();
  const base = tailspan.complete(
    pipeline.config({
      receivers: pipeline.otlpIn({ http: ports.one }),
      exporters: { nop: {} },
    }),
    ports,
  );
  const first = write(dir, 'base.yaml', JSON.stringify(base));
  const second = write(
    dir,
    'more.yaml',
    `receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:${ports.two}"}}}}
exporters: {file: {path: ${path.join(dir, 'out.jsonl')}}}
service: {pipelines: {traces: {exporters: [file]}}}
`,
  );
  const t = await tailspan.start(null, { dir, ports, args: ['--config', first, '--config', second] });
  assert.equal((await client.post(ports.two, otlp.requestOf(1))).status, 200);
  await assert.rejects(client.post(ports.one, otlp.requestOf(1)));
  await t.stop();
  assert.equal(fs.readFileSync(path.join(dir, 'out.jsonl'), 'utf8').trim().split('\n').length, 1);
});

test('variables of the environment, with and without default', async () => {
  const ports = await tailspan.freePorts('health', 'telemetry', 'http');
  const dir = tailspan.directory();
  const config = tailspan.complete(
    pipeline.config({
      receivers: { otlp: { protocols: { http: { endpoint: '${env:STORY_HOST:-127.0.0.1}:${env:STORY_PORT}' } } } },
      exporters: { file: { path: `${dir}/$\${env:NOT_THIS}.jsonl` } },
    }),
    ports,
  );
  const file = write(dir, 'env.yaml', JSON.stringify(config));
  const t = await tailspan.start(null, { dir, ports, args: ['--config', file], env: { STORY_PORT: String(ports.http) } });
  assert.equal((await client.post(ports.http, otlp.requestOf(1))).status, 200);
  await t.stop();
  assert.ok(fs.existsSync(path.join(dir, '${env:NOT_THIS}.jsonl')), 'two dollars are one');
});

test('every configuration in examples/ is valid', () => {
  const examples = path.join(tailspan.repository, 'examples/config');
  const files = fs.readdirSync(examples).filter((f) => f.endsWith('.yaml'));
  assert.ok(files.length >= 3);
  const env = { TLS_DIRECTORY: tailspan.directory() };
  for (const f of files) {
    const r = tailspan.run(['config', 'validate', path.join(examples, f)], { env });
    assert.equal(r.status, 0, `${f}: ${r.stderr}`);
    if (f === 'gateway.yaml') assert.match(String(r.stderr), /tls::cert_file: cannot read .*gateway.pem: No such file or directory \(on this machine\)/);
  }
});
