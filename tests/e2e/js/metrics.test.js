'use strict';
// Metrics of spans on their way out: scraped in three formats, and pushed over OTLP.

const { test } = require('node:test');
const assert = require('node:assert/strict');
const zlib = require('node:zlib');
const tailspan = require('./tailspan.js');
const pipeline = require('./pipeline.js');
const otlp = require('./otlp.js');
const client = require('./client.js');
const { Backend } = require('./backend.js');

const CALLS = 30;

async function start(exporters, spanMetrics = {}, traces = []) {
  const ports = await tailspan.freePorts('grpc', 'http', 'metrics');
  const t = await tailspan.start(
    {
      receivers: pipeline.otlpIn(ports),
      connectors: { span_metrics: { exemplars: { enabled: true }, ...spanMetrics } },
      exporters: exporters(ports),
      service: {
        pipelines: {
          traces: { receivers: ['otlp'], exporters: ['span_metrics', ...traces] },
          metrics: { receivers: ['span_metrics'], exporters: Object.keys(exporters(ports)) },
        },
      },
    },
    { ports },
  );
  t.send = async (spans) => {
    const r = await client.post(ports.http, otlp.encodeRequest(otlp.request(spans, { service: 'shop' })));
    assert.equal(r.status, 200);
  };
  return t;
}

const spans = (more = {}) => Array.from({ length: CALLS }, () => otlp.span({ name: 'GET "/"\n', ...more }));

const scraped = (ports) => ({ prometheus: { endpoint: `127.0.0.1:${ports.metrics}`, enable_open_metrics: true } });

test('a scraper is given the format that it asks for', async (story) => {
  const t = await start(scraped, { histogram: { exponential: {} } });
  const traceId = Buffer.alloc(16, 0xab);
  await t.send(spans({ traceId }));
  const scrape = (accept) => client.get(t.ports.metrics, '/metrics', { headers: { accept, 'accept-encoding': 'gzip' } });

  await story.test('classic text', async () => {
    const r = await scrape('text/plain;version=0.0.4');
    assert.equal(r.status, 200);
    assert.match(r.headers['content-type'], /^text\/plain; version=0\.0\.4/);
    assert.equal(r.headers['content-encoding'], 'gzip');
    const text = zlib.gunzipSync(r.body).toString();
    assert.match(text, /^# TYPE traces_span_metrics_calls_total counter$/m);
    const line = /^traces_span_metrics_calls_total\{(.*)\} (\S+)$/m.exec(text);
    assert.equal(line[2], String(CALLS));
    for (const label of ['job="shop"', 'service_name="shop"', 'span_name="GET \\"/\\"\\n"', 'span_kind="SPAN_KIND_SERVER"', 'status_code="STATUS_CODE_UNSET"'])
      assert.ok(line[1].includes(label), `${label} in ${line[1]}`);
    assert.doesNotMatch(text, /trace_id/);
  });

  await story.test('OpenMetrics with exemplars', async () => {
    const r = await scrape('application/openmetrics-text;version=1.0.0;q=0.8,text/plain;q=0.5');
    assert.match(r.headers['content-type'], /^application\/openmetrics-text; version=1\.0\.0/);
    const text = zlib.gunzipSync(r.body).toString();
    assert.ok(text.endsWith('# EOF\n'));
    assert.match(text, /^# TYPE traces_span_metrics_calls counter$/m);
    assert.match(text, new RegExp(`# \\{trace_id="${traceId.toString('hex')}",span_id="[0-9a-f]{16}"\\} `));
  });

  await story.test('protobuf with native histograms', async () => {
    const r = await scrape(
      'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,text/plain;q=0.5',
    );
    const families = otlp.decodeFamilies(zlib.gunzipSync(r.body));
    const duration = families.find((f) => f.name === 'traces_span_metrics_duration_milliseconds');
    assert.equal(duration.type, 'HISTOGRAM');
    assert.equal(duration.metric.length, 1);
    const { histogram } = duration.metric[0];
    assert.equal(histogram.sampleCount, CALLS);
    assert.ok(histogram.positiveSpan.length > 0 && histogram.exemplars.length > 0);
    const calls = families.find((f) => f.name === 'traces_span_metrics_calls_total');
    assert.equal(calls.metric[0].counter.value, CALLS);
  });
  assert.equal(await t.metric('tailspan_exporter_scrapes'), 3);
  await t.stop();
});

const pushed = {
  otlp_grpc: (b) => ({ endpoint: `127.0.0.1:${b.grpcPort}`, tls: { insecure: true }, headers: { 'x-tenant': 'a' } }),
  otlp_http: (b) => ({ endpoint: `http://127.0.0.1:${b.httpPort}`, headers: { 'x-tenant': 'a' } }),
  'otlp_http/json': (b) => ({ endpoint: `http://127.0.0.1:${b.httpPort}`, encoding: 'json', headers: { 'x-tenant': 'a' } }),
};

for (const [name, settings] of Object.entries(pushed)) {
  test(`${name} is pushed at intervals, and once more at the end`, async () => {
    const backend = await (await new Backend().listenGrpc()).listenHttp();
    const t = await start(() => ({ [name]: settings(backend) }), { metrics_flush_interval: '1s' });
    await t.send(spans());
    const calls = () => backend.metrics.flatMap((r) => r.points).filter((p) => p.name === 'traces.span.metrics.calls');
    await tailspan.until('a push', () => calls().length > 0);
    const [first] = calls();
    assert.equal(Number(first.asInt), CALLS);
    assert.equal(first.temporality, 2);
    assert.deepEqual(first.resource['service.name'], { string: 'shop' });
    assert.deepEqual(first.attributes['span.name'], { string: 'GET "/"\n' });
    assert.equal(backend.metrics[0].headers['x-tenant'], 'a');
    const duration = backend.metrics.flatMap((r) => r.points).find((p) => p.name === 'traces.span.metrics.duration');
    assert.equal(duration.unit, 'ms');
    assert.equal(duration.bucketCounts.reduce((sum, n) => sum + Number(n), 0), CALLS);
    assert.equal(duration.bucketCounts.length, duration.explicitBounds.length + 1);

    await t.send(spans());
    await t.stop();
    assert.equal(Number(calls().at(-1).asInt), 2 * CALLS);
    await backend.close();
  });
}

test('deltas add up to what was sent', async () => {
  const backend = await new Backend().listenHttp();
  const t = await start(() => ({ otlp_http: pushed.otlp_http(backend) }), {
    metrics_flush_interval: '1s',
    aggregation_temporality: 'AGGREGATION_TEMPORALITY_DELTA',
  });
  const calls = () => backend.metrics.flatMap((r) => r.points).filter((p) => p.name === 'traces.span.metrics.calls');
  const sum = () => calls().reduce((n, p) => n + Number(p.asInt), 0);
  await t.send(spans());
  await tailspan.until('the first delta', () => sum() === CALLS);
  await t.send(spans());
  await tailspan.until('the second delta', () => sum() === 2 * CALLS);
  await t.send(spans());
  await t.stop();
  assert.equal(sum(), 3 * CALLS);
  assert.ok(calls().every((p) => p.temporality === 1));
  await backend.close();
});

test('a backend that refuses metrics still gets spans', async () => {
  const backend = await new Backend().listenHttp();
  backend.metricsAnswer = { http: 400, message: 'no metrics here' };
  const t = await start(() => ({ otlp_http: pushed.otlp_http(backend) }), { metrics_flush_interval: '1s' }, ['otlp_http']);
  await t.send(spans());
  await tailspan.until('metrics to be refused', () => t.metric('otelcol_exporter_send_failed_metric_points'));
  await t.send(spans());
  await tailspan.until('all spans', () => backend.spans.length === 2 * CALLS);
  assert.equal(await t.metric('otelcol_exporter_sent_metric_points'), 0);
  const sent = () => t.metric('otelcol_exporter_sent_spans', { exporter: 'otlp_http' });
  await tailspan.until('their count', async () => (await sent()) === 2 * CALLS);
  const told = (l) => l.msg === 'metric points were not delivered' && /no metrics here/.test(l.error);
  await tailspan.until('the log to say so', () => t.log.some(told));
  await t.stop();
  await backend.close();
});
