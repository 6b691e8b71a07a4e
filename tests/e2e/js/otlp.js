'use strict';
// OTLP messages, read and written with protobufjs from the product's own .proto files.
//
// What a story compares is the canonical form: plain objects with hex ids, integers as BigInt
// strings and attributes by key, so that a difference is one of content and reads well in a diff.

const path = require('node:path');
const crypto = require('node:crypto');
const protobuf = require('protobufjs');

const schema = path.resolve(__dirname, '../../../proto');
const root = new protobuf.Root();
root.resolvePath = (origin, target) => (path.isAbsolute(target) ? target : path.join(schema, target));
root.loadSync(
  [
    'opentelemetry/proto/collector/trace/v1/trace_service.proto',
    'opentelemetry/proto/collector/metrics/v1/metrics_service.proto',
    'io/prometheus/client/metrics.proto',
    'google/rpc/status.proto',
    'google/rpc/error_details.proto',
  ],
  { keepCase: false },
);
const type = (name) => root.lookupType(name);
const Request = type('opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest');
const Response = type('opentelemetry.proto.collector.trace.v1.ExportTraceServiceResponse');
const MetricsRequest = type('opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest');
const MetricFamily = type('io.prometheus.client.MetricFamily');
const Status = type('google.rpc.Status');
const RetryInfo = type('google.rpc.RetryInfo');

const encodeRequest = (request) => Buffer.from(Request.encode(Request.fromObject(request)).finish());
const decodeRequest = (bytes) => Request.decode(bytes);

const hex = (bytes) => Buffer.from(bytes || []).toString('hex');
const number = (v) => (v === undefined || v === null ? '0' : v.toString());

// Prometheus' protobuf format: families, each behind its length.
function decodeFamilies(bytes) {
  const reader = protobuf.Reader.create(bytes);
  const families = [];
  while (reader.pos < reader.len) families.push(MetricFamily.toObject(MetricFamily.decodeDelimited(reader), { enums: String, longs: Number }));
  return families;
}

// Every point of a decoded request of metrics: { name, unit, resource, attributes, temporality, … }.
function pointsOf(request) {
  const kinds = ['sum', 'gauge', 'histogram', 'exponentialHistogram'];
  const out = [];
  for (const rm of request.resourceMetrics) {
    const resource = attributes(rm.resource && rm.resource.attributes);
    for (const sm of rm.scopeMetrics) {
      for (const m of sm.metrics) {
        const kind = kinds.find((k) => m[k]);
        for (const p of m[kind].dataPoints) {
          const { name, unit } = m;
          out.push({ name, unit, kind, resource, temporality: m[kind].aggregationTemporality, ...p, attributes: attributes(p.attributes) });
        }
      }
    }
  }
  return out;
}

function value(v) {
  if (!v || !v.value) return { empty: true };
  switch (v.value) {
    case 'stringValue':
      return { string: v.stringValue };
    case 'boolValue':
      return { bool: v.boolValue };
    case 'intValue':
      return { int: number(v.intValue) };
    case 'doubleValue':
      return { double: v.doubleValue };
    case 'bytesValue':
      return { bytes: hex(v.bytesValue) };
    case 'arrayValue':
      return { array: v.arrayValue.values.map(value) };
    case 'kvlistValue':
      return { map: attributes(v.kvlistValue.values) };
    default:
      throw new Error(`an attribute of an unknown kind: ${v.value}`);
  }
}

function attributes(list) {
  const sorted = (list || []).map((kv) => [kv.key, value(kv.value)]);
  sorted.sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0));
  return Object.fromEntries(sorted);
}

// Every span of a decoded request, with its resource and scope, in canonical form.
function spansOf(request) {
  const out = [];
  for (const rs of request.resourceSpans) {
    const resource = { attributes: attributes(rs.resource && rs.resource.attributes), schemaUrl: rs.schemaUrl };
    for (const ss of rs.scopeSpans) {
      const scope = {
        name: (ss.scope && ss.scope.name) || '',
        version: (ss.scope && ss.scope.version) || '',
        attributes: attributes(ss.scope && ss.scope.attributes),
        schemaUrl: ss.schemaUrl,
      };
      for (const s of ss.spans) {
        out.push({
          resource,
          scope,
          traceId: hex(s.traceId),
          spanId: hex(s.spanId),
          parentSpanId: hex(s.parentSpanId),
          traceState: s.traceState,
          flags: s.flags,
          name: s.name,
          kind: s.kind,
          start: number(s.startTimeUnixNano),
          end: number(s.endTimeUnixNano),
          attributes: attributes(s.attributes),
          events: s.events.map((e) => ({
            time: number(e.timeUnixNano),
            name: e.name,
            attributes: attributes(e.attributes),
          })),
          links: s.links.map((l) => ({
            traceId: hex(l.traceId),
            spanId: hex(l.spanId),
            traceState: l.traceState,
            attributes: attributes(l.attributes),
          })),
          status: { code: (s.status && s.status.code) || 0, message: (s.status && s.status.message) || '' },
          droppedAttributes: s.droppedAttributesCount,
          droppedEvents: s.droppedEventsCount,
          droppedLinks: s.droppedLinksCount,
        });
      }
    }
  }
  return out;
}

const bySpanId = (spans) => [...spans].sort((a, b) => (a.spanId < b.spanId ? -1 : 1));

const traceId = () => crypto.randomBytes(16);
const spanId = () => crypto.randomBytes(8);

const string = (key, stringValue) => ({ key, value: { stringValue } });
const int = (key, intValue) => ({ key, value: { intValue } });

// A span as fromObject() wants it; `more` overrides.
function span(more = {}) {
  const now = BigInt(Date.now()) * 1000000n;
  return {
    traceId: traceId(),
    spanId: spanId(),
    name: 'GET /',
    kind: 2,
    startTimeUnixNano: String(now - 5000000n),
    endTimeUnixNano: String(now),
    ...more,
  };
}

function request(spans, { service = 'shop', resource = [] } = {}) {
  return {
    resourceSpans: [
      {
        resource: { attributes: [string('service.name', service), ...resource] },
        scopeSpans: [{ scope: { name: 'story', version: '1' }, spans }],
      },
    ],
  };
}

// A request of `count` spans, as wire bytes.
const requestOf = (count, options) => encodeRequest(request(Array.from({ length: count }, () => span()), options));

// The same as OTLP/JSON: ids in hex.
function requestAsJson(request) {
  const copy = (v) => {
    if (Buffer.isBuffer(v)) return v.toString('hex');
    if (Array.isArray(v)) return v.map(copy);
    if (v && typeof v === 'object') return Object.fromEntries(Object.entries(v).map(([k, x]) => [k, copy(x)]));
    return v;
  };
  return JSON.stringify(copy(request));
}

module.exports = {
  MetricsRequest,
  decodeFamilies,
  pointsOf,
  Request,
  Response,
  Status,
  RetryInfo,
  encodeRequest,
  decodeRequest,
  spansOf,
  bySpanId,
  traceId,
  spanId,
  span,
  string,
  int,
  request,
  requestOf,
  requestAsJson,
  hex,
};
