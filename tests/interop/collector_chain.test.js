'use strict';
// Collector → Tailspan → Collector: every protocol and compression that both have, and every span the
// same at the far end as at the near one.

const { test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { need, js, tailspan } = require('./peers.js');

const otelcol = need('OTELCOL', 'no Collector: it is built with Go, which is not installed');
const otlp = js('otlp.js');
const client = js('client.js');
const pipeline = js('pipeline.js');
const { fromJson } = js('backend.js');

// How the Collector sends to Tailspan, and Tailspan to the next Collector.
const ways = [
  ['grpc', 'none', 'grpc', 'none'],
  ['grpc', 'gzip', 'grpc', 'gzip'],
  ['grpc', 'zstd', 'http', 'zstd'],
  ['http', 'none', 'http', 'none'],
  ['http', 'gzip', 'http', 'gzip'],
  ['http', 'zstd', 'grpc', 'gzip'],
  ['http', 'json', 'http', 'json'],
];

function exporter(ports, protocol, how) {
  if (protocol === 'grpc') return pipeline.toGrpc(ports.grpc, { compression: how });
  return pipeline.toHttp(ports.http, how === 'json' ? { encoding: 'json' } : { compression: how });
}

const attributes = (n) => [
  otlp.string('http.route', `/cart/${n}`),
  otlp.int('n', n),
  { key: 'ratio', value: { doubleValue: n / 3 } },
  { key: 'list', value: { arrayValue: { values: [{ stringValue: 'a' }, { boolValue: true }] } } },
];

for (const [inProtocol, inHow, outProtocol, outHow] of ways) {
  test(`${inProtocol} ${inHow} in, ${outProtocol} ${outHow} out`, async () => {
    const dir = tailspan.directory();
    const file = path.join(dir, 'spans.jsonl');
    const last = await pipeline.start({ exporters: { file: { path: file } } }, { dir, program: otelcol });
    const middle = await pipeline.start({ exporters: exporter(last.ports, outProtocol, outHow) });
    const first = await pipeline.start({ exporters: exporter(middle.ports, inProtocol, inHow) }, { program: otelcol });

    const sent = [];
    for (let i = 0; i < 10; i++) {
      const spans = Array.from({ length: 100 }, (_, n) => otlp.span({ attributes: attributes(n), kind: n % 6 }));
      const bytes = otlp.encodeRequest(otlp.request(spans));
      assert.equal((await client.post(first.ports.http, bytes)).status, 200);
      sent.push(...otlp.spansOf(otlp.decodeRequest(bytes)));
    }
    await first.stop();
    await middle.stop();
    await last.stop();
    const lines = fs.readFileSync(file, 'utf8').split('\n').filter(Boolean);
    const got = lines.flatMap((l) => otlp.spansOf(fromJson(JSON.parse(l))));
    assert.deepEqual(otlp.bySpanId(got), otlp.bySpanId(sent));
  });
}
