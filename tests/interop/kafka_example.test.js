'use strict';
// examples/kafka, for real: its one command with a broker, two consumer groups in two languages, with and without
// context in the messages. Every message that was consumed is found from the order that caused it.

const node = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { spawn } = require('node:child_process');
const { js, tailspan } = require('./peers.js');

const client = js('client.js');
const example = path.join(tailspan.repository, 'examples/kafka/run');
const ORDERS = 4;

for (const tool of ['java', 'mvn', 'python3']) {
  const there = (process.env.PATH || '').split(':').some((d) => fs.existsSync(path.join(d, tool)));
  if (!there) {
    console.log(`skipped: there is no ${tool}; Debian's default-jre-headless, maven and python3-venv have what is needed`);
    process.exit(77);
  }
}

// Two ports that are free one after the other: the broker's controller has the second.
async function brokerPort() {
  for (;;) {
    const port = await tailspan.freePort();
    if (await tailspan.isFree(port + 1, '127.0.0.1')) return port;
  }
}

class Example {
  constructor(args, ports) {
    this.ports = ports;
    this.said = '';
    this.child = spawn(example, [...args, String(ORDERS)], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        ...process.env,
        TAILSPAN: tailspan.binary,
        KAFKA_EXAMPLE: path.join(tailspan.directory(), 'work'),
        KAFKA_PORT: ports.broker,
        OTLP_PORT: ports.otlp,
        QUERY_PORT: ports.query,
        METRICS_PORT: ports.metrics,
      },
    });
    this.child.stdout.setEncoding('utf8').on('data', (s) => (this.said += s));
    this.ended = new Promise((resolve) => this.child.on('close', resolve));
    process.on('exit', () => this.child.kill());
  }

  async ready() {
    let code;
    this.ended.then((c) => (code = c));
    await tailspan.until('the example', () => code !== undefined || this.said.includes('Look at'), 500000);
    assert.equal(code, undefined, `it ended with ${code}:\n${this.said}`);
    return [...this.said.matchAll(/^shop .* trace ([0-9a-f]{32})$/gm)].map((m) => m[1]);
  }

  async get(what) {
    const { status, body } = await client.get(this.ports.query, `/api/v1/${what}`);
    return status === 200 ? JSON.parse(body) : undefined;
  }

  async stop() {
    this.child.kill();
    assert.equal(await this.ended, 0);
  }
}

const spansOf = (trace) => trace.resourceSpans.flatMap((r) => r.scopeSpans.flatMap((s) => s.spans));
const isConsumer = (span) => span.kind === 5;

// The orders' journeys, once all of it is in them: every message once for each group, and the one that "stock" failed on
// once more.
const HOPS = 2 * ORDERS + 1;
const journeysOf = (run, orders) =>
  tailspan.until(`${HOPS} hops`, async () => {
    const journeys = await Promise.all(orders.map((id) => run.get(`journeys/${id}`)));
    const hops = journeys.flatMap((j) => (j ? j.hops : []));
    return hops.length >= HOPS && journeys;
  });

// How many hops each service's latencies were measured of.
async function latenciesOf(run) {
  const { body } = await client.get(run.ports.metrics, '/metrics');
  const lines = [...body.toString().matchAll(/^traces_kafka_hop_latency_seconds_count\{(.*)\} (\d+)/gm)];
  const service = (labels) => /consumer_service="(\w+)"/.exec(labels)[1];
  return Object.fromEntries(lines.map(([, labels, count]) => [service(labels), Number(count)]));
}

// A hop may be shown before the spans that it lies between: they are stored a moment later.
const storedSpan = (run, traceId, what, matches) =>
  tailspan.until(what, async () => {
    const trace = await run.get(`traces/${traceId}`);
    return trace && spansOf(trace).find(matches);
  });

async function checkHops(run, journey, order, how) {
  const sent = await storedSpan(run, order, 'what was sent', (s) => s.name === 'send orders');
  for (const hop of journey.hops) {
    assert.equal(hop.topic, 'orders');
    assert.equal(hop.producer.service, 'shop');
    assert.deepEqual([hop.producer.traceId, hop.producer.spanId], [order, sent.spanId]);
    assert.ok(how.includes(hop.matchedBy), hop.matchedBy);
    const consumed = await storedSpan(run, hop.consumer.traceId, 'what consumed', (s) => s.spanId === hop.consumer.spanId);
    assert.ok(isConsumer(consumed));
  }
  return journey.hops.map((h) => ({ ...h.consumer, attempt: h.attempt }));
}

function story(name, args, how) {
  node.test(name, { timeout: 600000 }, async (t) => {
    const ports = { ...(await tailspan.freePorts('otlp', 'query', 'metrics')), broker: await brokerPort() };
    const run = new Example(args, ports);
    t.after(() => run.child.kill());
    const orders = await run.ready();
    assert.equal(orders.length, ORDERS);

    const consumers = [];
    for (const [i, journey] of (await journeysOf(run, orders)).entries()) {
      consumers.push(...(await checkHops(run, journey, orders[i], how)));
      assert.deepEqual(new Set(journey.hops.map((h) => h.consumer.service)), new Set(['stock', 'mail']));
    }
    assert.equal(consumers.filter((c) => c.service === 'mail').length, ORDERS);
    assert.deepEqual(consumers.filter((c) => c.attempt !== 1).map((c) => [c.service, c.attempt]), [['stock', 2]]);
    assert.equal(new Set(consumers.map((c) => c.spanId)).size, HOPS);
    const latencies = await latenciesOf(run);
    assert.deepEqual([latencies.mail, latencies.stock], [ORDERS, ORDERS + 1]);
    await run.stop();
  });
}

story('with context: hops are the messages that were consumed', [], ['parent']);
story('without context: the same hops are found', ['--without-context'], ['key', 'offset']);
