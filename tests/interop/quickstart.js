'use strict';
// Runs a quick start with nothing but OTEL_EXPORTER_OTLP_ENDPOINT set, and looks for its trace.

const node = require('node:test');
const assert = require('node:assert/strict');
const path = require('node:path');
const { spawn } = require('node:child_process');
const { js, tailspan } = require('./peers.js');

const client = js('client.js');
const pipeline = js('pipeline.js');

function run(command, env) {
  return new Promise((resolve, reject) => {
    const child = spawn(command[0], command.slice(1), { env: { ...process.env, ...env }, stdio: 'inherit' });
    child.on('error', reject).on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`it ended with ${code}`))));
  });
}

function test(language, start) {
  node.test(`${language}: the trace is found`, async () => {
    const { query } = await tailspan.freePorts('query');
    const t = await pipeline.start({
      exporters: { sqlite: {} },
      extensions: { query: { endpoint: `127.0.0.1:${query}`, store: 'sqlite' } },
    });
    const { command, endpoint } = start({
      http: `http://127.0.0.1:${t.ports.http}`,
      grpc: `http://127.0.0.1:${t.ports.grpc}`,
    });
    await run(command, { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint });
    const traces = await tailspan.until('the trace', async () => {
      const r = await client.get(query, '/api/traces?service=quickstart');
      return r.status === 200 && JSON.parse(r.body).data.length > 0 && JSON.parse(r.body).data;
    });
    assert.equal(traces.length, 1);
    assert.deepEqual(traces[0].spans.map((s) => s.operationName).sort(), ['charge card', 'checkout']);
    await t.stop();
  });
}

module.exports = { test, folder: path.join(tailspan.repository, 'examples/quickstart') };
