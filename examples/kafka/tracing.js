'use strict';
// OpenTelemetry as in any service of Node.js; loaded before kafkajs, which it instruments. What is sent goes to
// OTEL_EXPORTER_OTLP_ENDPOINT. With OTEL_PROPAGATORS=none messages carry no context.

const { NodeTracerProvider, BatchSpanProcessor } = require('@opentelemetry/sdk-trace-node');
const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-proto');
const { resourceFromAttributes } = require('@opentelemetry/resources');
const { registerInstrumentations } = require('@opentelemetry/instrumentation');
const { KafkaJsInstrumentation } = require('@opentelemetry/instrumentation-kafkajs');

module.exports = function start(service) {
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({ 'service.name': service }),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter(), { scheduledDelayMillis: 200 })],
  });
  provider.register(process.env.OTEL_PROPAGATORS === 'none' ? { propagator: null } : {});
  registerInstrumentations({ tracerProvider: provider, instrumentations: [new KafkaJsInstrumentation()] });
  return provider;
};
