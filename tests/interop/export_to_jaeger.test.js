'use strict';
// A real Jaeger as the backend, by gRPC and by HTTP, killed and started again while spans keep coming:
// every span that Tailspan accepted is in Jaeger in the end. Jaeger keeps its traces in Badger, so
// what it has acknowledged survives its death.

const { test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { spawn } = require('node:child_process');
const { need, js, tailspan } = require('./peers.js');

if (!process.env.JAEGER) process.env.JAEGER = process.env.JAEGER_V1 || '';
const jaeger = need('JAEGER', 'no Jaeger: it is built with Go, which is not installed');
const otlp = js('otlp.js');
const client = js('client.js');
const pipeline = js('pipeline.js');

const config = (ports, dir) => ({
  extensions: {
    jaeger_storage: {
      backends: {
        disk: { badger: { directories: { keys: path.join(dir, 'keys'), values: path.join(dir, 'values') }, ephemeral: false } },
      },
    },
    jaeger_query: {
      storage: { traces: 'disk' },
      http: { endpoint: `127.0.0.1:${ports.query}` },
      grpc: { endpoint: `127.0.0.1:${ports.queryGrpc}` },
    },
  },
  receivers: pipeline.otlpIn(ports),
  exporters: { jaeger_storage_exporter: { trace_storage: 'disk' } },
  service: {
    extensions: ['jaeger_storage', 'jaeger_query'],
    telemetry: { metrics: { level: 'none' }, logs: { level: 'error' } },
    pipelines: { traces: { receivers: ['otlp'], exporters: ['jaeger_storage_exporter'] } },
  },
});

async function startJaeger(ports, dir) {
  const file = path.join(dir, 'jaeger.yaml');
  fs.writeFileSync(file, JSON.stringify(config(ports, dir)));
  const child = spawn(jaeger, ['--config', file], { stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  let exited;
  child.stderr.on('data', (d) => (stderr += d));
  const exit = new Promise((resolve) => child.on('close', (code, signal) => resolve((exited = { code, signal }))));
  process.on('exit', () => child.kill('SIGKILL'));
  await tailspan.until('Jaeger to answer', async () => {
    if (exited) throw new Error(`Jaeger ended: ${stderr}`);
    return (await client.get(ports.query, '/api/traces/1')).status === 404;
  });
  return {
    kill: async () => {
      child.kill('SIGKILL');
      await exit;
    },
  };
}

async function spansOfTrace(ports, id) {
  const r = await client.get(ports.query, `/api/traces/${id}`);
  return r.status === 200 ? JSON.parse(r.body).data[0].spans.map((s) => s.spanID) : [];
}

const ways = { gRPC: (p) => pipeline.toGrpc(p.grpc, { timeout: '2s' }), HTTP: (p) => pipeline.toHttp(p.http, { timeout: '2s' }) };

for (const [name, exporter] of Object.entries(ways)) {
  test(`by ${name}, killed twice on the way`, async () => {
    const dir = tailspan.directory();
    const ports = await tailspan.freePorts('grpc', 'http', 'query', 'queryGrpc');
    let running = await startJaeger(ports, dir);
    const t = await pipeline.start({ exporters: exporter(ports) });
    const traceId = otlp.traceId();
    const accepted = [];
    let sending = true;
    const sender = (async () => {
      while (sending) {
        const spans = Array.from({ length: 10 }, () => otlp.span({ traceId }));
        const r = await client.post(t.ports.http, otlp.encodeRequest(otlp.request(spans)));
        if (r.status === 200) accepted.push(...spans.map((s) => otlp.hex(s.spanId)));
        await tailspan.sleep(5);
      }
    })();
    const beyond = (n) => tailspan.until(`${n} more spans`, () => accepted.length >= n);

    for (let round = 0; round < 2; round++) {
      await tailspan.until('spans in Jaeger', async () => (await spansOfTrace(ports, otlp.hex(traceId))).length > 0);
      await running.kill();
      await beyond(accepted.length + 200);
      running = await startJaeger(ports, dir);
      await beyond(accepted.length + 200);
    }
    sending = false;
    await sender;
    await t.stop();
    assert.ok(accepted.length > 800);
    const have = new Set(await spansOfTrace(ports, otlp.hex(traceId)));
    const lost = accepted.filter((id) => !have.has(id));
    assert.deepEqual(lost, [], `${lost.length} of ${accepted.length} spans are not in Jaeger`);
    await running.kill();
  });
}
