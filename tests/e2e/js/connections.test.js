'use strict';
// 10,000 connections that say nothing: memory stays small and the service goes on. Skipped (77) where
// the hard limit on open files is too low for this process and the binary's. A sanitizer's build, which
// needs long to close so many, gets 1,000.

const { test } = require('node:test');
const assert = require('node:assert/strict');
const net = require('node:net');
const { execFileSync } = require('node:child_process');
const tailspan = require('./tailspan.js');
const pipeline = require('./pipeline.js');
const otlp = require('./otlp.js');
const client = require('./client.js');

const COUNT = tailspan.sanitized ? 1000 : 10000;
const limit = execFileSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).trim();
if (limit !== 'unlimited' && Number(limit) < COUNT + 500) {
  console.log(`skipped: the hard limit on open files is ${limit}, and ${COUNT + 500} are needed`);
  process.exit(77);
}

function connect(port) {
  return new Promise((resolve, reject) => {
    const s = net.connect(port, '127.0.0.1', () => resolve(s));
    s.on('error', reject);
  });
}

test(`${COUNT} idle connections`, async () => {
  const t = await pipeline.start({
    processors: { memory_limiter: { check_interval: '1s', limit_mib: 512 } },
    exporters: { nop: {} },
  });
  const sockets = [];
  try {
    for (let i = 0; i < COUNT; i += 100) {
      const some = await Promise.all(
        Array.from({ length: 100 }, (_, k) => connect(k % 2 ? t.ports.grpc : t.ports.http)),
      );
      some.forEach((s) => s.removeAllListeners('error').on('error', () => {}));
      sockets.push(...some);
    }
    assert.equal(sockets.length, COUNT);
    const bytes = otlp.requestOf(10);
    assert.equal((await client.post(t.ports.http, bytes)).status, 200);
    const rpc = new client.Grpc(`127.0.0.1:${t.ports.grpc}`);
    assert.equal((await rpc.call(bytes)).code, 0);
    rpc.close();
    if (!tailspan.sanitized) {
      const mib = t.memory('VmHWM') / (1 << 20);
      assert.ok(mib < 512, `${mib} MiB`);
    }
    assert.equal((await client.get(t.ports.health, '/health/ready')).status, 200);
  } finally {
    sockets.forEach((s) => s.destroy());
  }
  assert.equal((await client.post(t.ports.http, otlp.requestOf(1))).status, 200);
  await t.stop();
});
