'use strict';
// The real OpenTelemetry JavaScript SDK, with each of its three OTLP exporters, and a trace that uses
// everything a span can carry. What the SDK itself holds of a span is the truth that the backend's
// copy is compared with.

const api = require('@opentelemetry/api');
const { NodeTracerProvider } = require('@opentelemetry/sdk-trace-node');
const { BatchSpanProcessor, SimpleSpanProcessor, InMemorySpanExporter } = require('@opentelemetry/sdk-trace-base');
const { resourceFromAttributes } = require('@opentelemetry/resources');

const exporters = {
  grpc: (url) => new (require('@opentelemetry/exporter-trace-otlp-grpc').OTLPTraceExporter)({ url }),
  proto: (url) => new (require('@opentelemetry/exporter-trace-otlp-proto').OTLPTraceExporter)({ url }),
  json: (url) => new (require('@opentelemetry/exporter-trace-otlp-http').OTLPTraceExporter)({ url }),
};

// { tracer, memory, shutdown }: spans go to `exporter` and to memory.
function provider(exporter, attributes = { 'service.name': 'checkout' }) {
  const memory = new InMemorySpanExporter();
  const p = new NodeTracerProvider({
    resource: resourceFromAttributes(attributes),
    spanProcessors: [new BatchSpanProcessor(exporter), new SimpleSpanProcessor(memory)],
  });
  return { provider: p, memory, tracer: p.getTracer('shop/checkout', '1.2.3') };
}

function everything(tracer) {
  const linked = {
    context: { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 },
    attributes: { 'link.reason': 'retry', 'link.count': 2 },
  };
  const root = tracer.startSpan('POST /checkout', {
    kind: api.SpanKind.SERVER,
    links: [linked],
    attributes: {
      'http.request.method': 'POST',
      'http.response.status_code': 500,
      'cart.total': 49.95,
      'cart.big': 9007199254740991,
      'cart.negative': -7,
      'cart.gift': true,
      'cart.empty': '',
      'cart.items': ['apple', 'pear', 'žluťoučký kůň 🐎'],
      'cart.prices': [1.5, 2.25],
      'cart.counts': [1, 2, 3],
      'cart.flags': [true, false],
    },
  });
  const context = api.trace.setSpan(api.ROOT_CONTEXT, root);
  for (const [name, kind] of [
    ['SELECT cart', api.SpanKind.CLIENT],
    ['orders publish', api.SpanKind.PRODUCER],
    ['orders process', api.SpanKind.CONSUMER],
    ['price', api.SpanKind.INTERNAL],
  ]) {
    tracer.startSpan(name, { kind, attributes: { 'step.name': name } }, context).end();
  }
  root.addEvent('cart.locked', { 'lock.ms': 12, 'lock.owner': 'checkout' });
  root.addEvent('no attributes');
  root.recordException(new Error('payment refused'));
  root.setStatus({ code: api.SpanStatusCode.ERROR, message: 'payment refused' });
  root.end();
}

const nanos = ([seconds, ns]) => String(BigInt(seconds) * 1000000000n + BigInt(ns));

function value(v) {
  if (typeof v === 'string') return { string: v };
  if (typeof v === 'boolean') return { bool: v };
  if (typeof v === 'number') return Number.isInteger(v) ? { int: String(v) } : { double: v };
  if (Array.isArray(v)) return { array: v.map(value) };
  throw new Error(`no canonical form for ${v}`);
}

const attributes = (a) =>
  Object.fromEntries(
    Object.entries(a || {})
      .sort(([x], [y]) => (x < y ? -1 : 1))
      .map(([k, v]) => [k, value(v)]),
  );

// A span as the SDK holds it, in otlp.js's canonical form. Kind is one less there.
function canonical(s) {
  return {
    resource: { attributes: attributes(s.resource.attributes), schemaUrl: '' },
    scope: {
      name: s.instrumentationScope.name,
      version: s.instrumentationScope.version || '',
      attributes: {},
      schemaUrl: s.instrumentationScope.schemaUrl || '',
    },
    traceId: s.spanContext().traceId,
    spanId: s.spanContext().spanId,
    parentSpanId: s.parentSpanContext ? s.parentSpanContext.spanId : '',
    traceState: s.spanContext().traceState ? s.spanContext().traceState.serialize() : '',
    name: s.name,
    kind: s.kind + 1,
    start: nanos(s.startTime),
    end: nanos(s.endTime),
    attributes: attributes(s.attributes),
    events: s.events.map((e) => ({ time: nanos(e.time), name: e.name, attributes: attributes(e.attributes) })),
    links: s.links.map((l) => ({
      traceId: l.context.traceId,
      spanId: l.context.spanId,
      traceState: l.context.traceState ? l.context.traceState.serialize() : '',
      attributes: attributes(l.attributes),
    })),
    status: { code: s.status.code, message: s.status.message || '' },
    droppedAttributes: s.droppedAttributesCount,
    droppedEvents: s.droppedEventsCount,
    droppedLinks: s.droppedLinksCount,
  };
}

module.exports = { exporters, provider, everything, canonical, api };
