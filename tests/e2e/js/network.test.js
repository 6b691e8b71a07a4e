'use strict';
// The wires: IPv6, keep-alive, chunked bodies, TLS and mutual TLS, in and out.

const { test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const zlib = require('node:zlib');
const tailspan = require('./tailspan.js');
const pipeline = require('./pipeline.js');
const otlp = require('./otlp.js');
const client = require('./client.js');
const certificates = require('./certificates.js');
const { Backend } = require('./backend.js');

const { grpc } = client;

test('IPv6', async (story) => {
  let port;
  try {
    port = await tailspan.freePort('::1');
  } catch {
    return story.skip('this machine has no IPv6 loopback');
  }
  const ports = { grpc: await tailspan.freePort('::1'), http: port };
  const t = await tailspan.start(
    pipeline.config({ receivers: pipeline.otlpIn(ports, { host: '[::1]' }), exporters: { nop: {} } }),
    { ports },
  );
  assert.equal((await client.post(ports.http, otlp.requestOf(1), { host: '::1' })).status, 200);
  const rpc = new client.Grpc(`[::1]:${ports.grpc}`);
  assert.equal((await rpc.call(otlp.requestOf(1))).code, 0);
  rpc.close();
  await t.stop();
});

test('an empty host listens everywhere', async () => {
  const ports = await tailspan.freePorts('grpc', 'http');
  const t = await tailspan.start(
    pipeline.config({ receivers: pipeline.otlpIn(ports, { host: '' }), exporters: { nop: {} } }),
    { ports },
  );
  assert.equal((await client.post(ports.http, otlp.requestOf(1))).status, 200);
  const rpc = new client.Grpc(`127.0.0.1:${ports.grpc}`);
  assert.equal((await rpc.call(otlp.requestOf(1))).code, 0);
  rpc.close();
  await t.stop();
});

test('one HTTP connection carries many requests, chunked or not, gzipped or not', async () => {
  const backend = await new Backend().listenGrpc();
  const t = await pipeline.start({ exporters: pipeline.toGrpc(backend.grpcPort) });
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const sockets = new Set();
  const send = (headers, parts) =>
    new Promise((resolve, reject) => {
      const request = http.request(
        {
          host: '127.0.0.1',
          port: t.ports.http,
          method: 'POST',
          path: '/v1/traces',
          agent,
          headers: { 'content-type': 'application/x-protobuf', ...headers },
        },
        (response) => response.resume().on('end', () => resolve(response.statusCode)),
      );
      request.on('socket', (s) => sockets.add(s)).on('error', reject);
      parts.forEach((p) => request.write(p));
      request.end();
    });
  for (let i = 0; i < 20; i++) {
    const bytes = otlp.requestOf(50);
    assert.equal(await send({ 'content-length': bytes.length }, [bytes]), 200);
    assert.equal(await send({}, [bytes.subarray(0, 10), bytes.subarray(10, 11), bytes.subarray(11)]), 200);
    const gz = zlib.gzipSync(bytes);
    assert.equal(await send({ 'content-encoding': 'gzip' }, [gz.subarray(0, 1), gz.subarray(1)]), 200);
  }
  assert.equal(sockets.size, 1);
  agent.destroy();
  await t.stop();
  assert.equal(backend.spans.length, 20 * 3 * 50);
  await backend.close();
});

test('a client that goes away in the middle of a body hurts nobody', async () => {
  const t = await pipeline.start({ exporters: { nop: {} } });
  for (let i = 0; i < 50; i++) {
    const request = http.request({
      host: '127.0.0.1',
      port: t.ports.http,
      method: 'POST',
      path: '/v1/traces',
      agent: false,
      headers: { 'content-type': 'application/x-protobuf', 'content-length': 100000 },
    });
    request.on('error', () => {});
    await new Promise((resolve) => request.write(Buffer.alloc(5000), resolve));
    request.destroy();
  }
  assert.equal((await client.post(t.ports.http, otlp.requestOf(1))).status, 200);
  assert.equal(await t.metric('otelcol_receiver_accepted_spans'), 1);
  await t.stop();
});

test('garbage instead of HTTP/2 or HTTP hurts nobody', async () => {
  const net = require('node:net');
  const t = await pipeline.start({ exporters: { nop: {} } });
  for (const port of [t.ports.grpc, t.ports.http]) {
    for (const garbage of ['\0\0\0\0\0', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' + 'x'.repeat(10000), 'GET '.repeat(20000)]) {
      await new Promise((resolve) => {
        const s = net.connect(port, '127.0.0.1', () => s.end(garbage));
        s.on('error', resolve).on('close', resolve).resume();
      });
    }
  }
  assert.equal((await client.post(t.ports.http, otlp.requestOf(1))).status, 200);
  const rpc = new client.Grpc(`127.0.0.1:${t.ports.grpc}`);
  assert.equal((await rpc.call(otlp.requestOf(1))).code, 0);
  rpc.close();
  await t.stop();
});

const dir = tailspan.directory();
const certs = certificates.make(dir);
const read = (f) => fs.readFileSync(f);

test('TLS in: clients that trust the authority may send', async () => {
  const tls = { cert_file: certs.server.cert, key_file: certs.server.key };
  const t = await pipeline.start({ exporters: { nop: {} }, more: { grpc: { tls }, http: { tls } } });
  assert.equal((await client.post(t.ports.http, otlp.requestOf(1), { tls: { ca: read(certs.ca) } })).status, 200);
  await assert.rejects(client.post(t.ports.http, otlp.requestOf(1), { tls: {} }), /certificate/);
  const rpc = new client.Grpc(`localhost:${t.ports.grpc}`, grpc.credentials.createSsl(read(certs.ca)));
  assert.equal((await rpc.call(otlp.requestOf(1))).code, 0);
  rpc.close();
  await t.stop();
});

test('mutual TLS in: clients without a certificate of the authority may not', async () => {
  const tls = { cert_file: certs.server.cert, key_file: certs.server.key, client_ca_file: certs.ca };
  const t = await pipeline.start({ exporters: { nop: {} }, more: { grpc: { tls }, http: { tls } } });
  const [ca, cert, key] = [certs.ca, certs.client.cert, certs.client.key].map(read);
  const stranger = { cert: read(certs.stranger.cert), key: read(certs.stranger.key) };

  assert.equal((await client.post(t.ports.http, otlp.requestOf(1), { tls: { ca, cert, key } })).status, 200);
  for (const tls of [{ ca }, { ca, ...stranger }])
    await assert.rejects(
      client.post(t.ports.http, otlp.requestOf(1), { tls }).then((r) => {
        if (r.status !== 200) throw new Error(`answered with ${r.status}`);
      }),
    );

  const good = new client.Grpc(`localhost:${t.ports.grpc}`, grpc.credentials.createSsl(ca, key, cert));
  assert.equal((await good.call(otlp.requestOf(1))).code, 0);
  good.close();
  for (const credentials of [grpc.credentials.createSsl(ca), grpc.credentials.createSsl(ca, stranger.key, stranger.cert)]) {
    const bad = new client.Grpc(`localhost:${t.ports.grpc}`, credentials);
    assert.equal((await bad.call(otlp.requestOf(1), { deadline: Date.now() + 5000 })).code !== 0, true);
    bad.close();
  }
  assert.equal(await t.metric('otelcol_receiver_accepted_spans'), 2);
  await t.stop();
});

test('mutual TLS out: the backend sees our certificate, and we check its', async () => {
  const backend = new Backend();
  const [ca, cert, key] = [certs.ca, certs.server.cert, certs.server.key].map(read);
  await backend.listenGrpc({
    credentials: grpc.ServerCredentials.createSsl(ca, [{ private_key: key, cert_chain: cert }], true),
  });
  await backend.listenHttp({ tls: { ca, cert, key, requestCert: true, rejectUnauthorized: true } });
  const tls = { ca_file: certs.ca, cert_file: certs.client.cert, key_file: certs.client.key };
  const t = await pipeline.start({
    exporters: {
      ...pipeline.toGrpc(backend.grpcPort, { endpoint: `localhost:${backend.grpcPort}`, tls }),
      ...pipeline.toHttp(backend.httpPort, { endpoint: `https://localhost:${backend.httpPort}`, tls }),
    },
  });
  await client.post(t.ports.http, otlp.requestOf(3));
  await tailspan.until('both', () => backend.spans.length === 6);
  await t.stop();

  const trusting = { insecure_skip_verify: true };
  const wrong = { ...tls, ca_file: certs.stranger.ca };
  const open = new Backend();
  await open.listenHttp({ tls: { cert, key } });
  const u = await pipeline.start({
    exporters: {
      'otlp_http/checks': pipeline.toHttp(0, { endpoint: `https://localhost:${open.httpPort}`, tls: wrong, retry_on_failure: { enabled: false } })
        .otlp_http,
    },
  });
  await client.post(u.ports.http, otlp.requestOf(1));
  await tailspan.until('the failure', async () => (await u.metric('otelcol_exporter_send_failed_spans')) === 1);
  assert.equal(open.spans.length, 0);
  await u.stop();

  const v = await pipeline.start({
    exporters: pipeline.toHttp(0, { endpoint: `https://localhost:${open.httpPort}`, tls: trusting }),
  });
  await client.post(v.ports.http, otlp.requestOf(1));
  await tailspan.until('the span', () => open.spans.length === 1);
  await v.stop();
  await open.close();
  await backend.close();
});

test('a certificate that is not there: ends at once and names the file', async () => {
  const t = await pipeline.start(
    {
      exporters: { nop: {} },
      more: { http: { tls: { cert_file: path.join(dir, 'nowhere.pem'), key_file: certs.server.key } } },
    },
    { wait: false },
  );
  const { code } = await t.exit;
  assert.notEqual(code, 0);
  assert.match(t.stderr, /nowhere\.pem/);
});
