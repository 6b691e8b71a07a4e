'use strict';
// npm install && OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 node app.js
const { NodeTracerProvider, BatchSpanProcessor } = require('@opentelemetry/sdk-trace-node');
const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-proto');
const { resourceFromAttributes } = require('@opentelemetry/resources');

const provider = new NodeTracerProvider({
  resource: resourceFromAttributes({ 'service.name': 'quickstart' }),
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
});
provider.register();

const tracer = provider.getTracer('shop');
tracer.startActiveSpan('checkout', (checkout) => {
  tracer.startActiveSpan('charge card', { attributes: { 'payment.amount': 49.95 } }, (charge) => charge.end());
  checkout.end();
});
provider.shutdown();
