'use strict';
// What the real SDK sends arrives at a backend as the SDK made it, span by span: each of its three
// exporters in, gRPC and HTTP (protobuf and JSON) out.

const { test } = require('node:test');
const assert = require('node:assert/strict');
const tailspan = require('./tailspan.js');
const otlp = require('./otlp.js');
const sdk = require('./sdk.js');
const { Backend } = require('./backend.js');

const out = {
  otlp_grpc: (b) => ({ otlp_grpc: { endpoint: `127.0.0.1:${b.grpcPort}`, tls: { insecure: true }, compression: 'none' } }),
  'otlp_grpc with gzip': (b) => ({ otlp_grpc: { endpoint: `127.0.0.1:${b.grpcPort}`, tls: { insecure: true } } }),
  otlp_http: (b) => ({ otlp_http: { endpoint: `http://127.0.0.1:${b.httpPort}`, compression: 'none' } }),
  'otlp_http with gzip and JSON': (b) => ({ otlp_http: { endpoint: `http://127.0.0.1:${b.httpPort}`, encoding: 'json' } }),
};

for (const [name, exporter] of Object.entries(out)) {
  test(`the SDK's three exporters → ${name}`, async (story) => {
    const backend = new Backend();
    await backend.listenGrpc();
    await backend.listenHttp();
    const ports = await tailspan.freePorts('grpc', 'http');
    const exporters = exporter(backend);
    const t = await tailspan.start({
      receivers: {
        otlp: {
          protocols: { grpc: { endpoint: `127.0.0.1:${ports.grpc}` }, http: { endpoint: `127.0.0.1:${ports.http}` } },
        },
      },
      exporters,
      service: { pipelines: { traces: { receivers: ['otlp'], exporters: Object.keys(exporters) } } },
    });

    const urls = {
      grpc: `http://127.0.0.1:${ports.grpc}`,
      proto: `http://127.0.0.1:${ports.http}/v1/traces`,
      json: `http://127.0.0.1:${ports.http}/v1/traces`,
    };
    for (const kind of Object.keys(urls)) {
      await story.test(`${kind} in`, async () => {
        backend.requests.length = 0;
        const { provider, memory, tracer } = sdk.provider(sdk.exporters[kind](urls[kind]), {
          'service.name': `checkout-${kind}`,
          'service.version': '2.0.1',
          'host.cpus': 8,
        });
        sdk.everything(tracer);
        await provider.forceFlush();
        const sent = memory.getFinishedSpans().map(sdk.canonical);
        await provider.shutdown();
        assert.equal(sent.length, 5);

        await tailspan.until('all spans at the backend', () => backend.spans.length >= sent.length);
        // The flags are not in the SDK's span; they are looked at on their own.
        const got = backend.spans.map(({ flags, ...rest }) => rest);
        assert.deepEqual(otlp.bySpanId(got), otlp.bySpanId(sent));
        assert.ok(backend.spans.every((s) => (s.flags & 1) === 1), 'the sampled flag is kept');
      });
    }
    await t.stop();
    await backend.close();
  });
}
