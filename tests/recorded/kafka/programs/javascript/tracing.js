'use strict';
// The SDK as a service sets it up; OTEL_PROPAGATORS=none loses the context at the topic. Loaded before kafkajs.

const { propagation } = require('@opentelemetry/api');
const { NodeTracerProvider, SimpleSpanProcessor } = require('@opentelemetry/sdk-trace-node');
const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-proto');
const { resourceFromAttributes } = require('@opentelemetry/resources');
const { registerInstrumentations } = require('@opentelemetry/instrumentation');
const { KafkaJsInstrumentation } = require('@opentelemetry/instrumentation-kafkajs');

module.exports = function start(service) {
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({ 'service.name': service }),
    spanProcessors: [new SimpleSpanProcessor(new OTLPTraceExporter())],
  });
  provider.register();
  if (process.env.OTEL_PROPAGATORS === 'none') propagation.disable();
  const truth = (entry, span) => {
    const { traceId, spanId } = span.spanContext();
    console.log(JSON.stringify({ ...entry, trace: traceId, span: spanId }));
  };
  const order = (message) => String(message.headers.order);
  registerInstrumentations({
    tracerProvider: provider,
    instrumentations: [
      new KafkaJsInstrumentation({
        producerHook: (span, { message }) => truth({ produced: order(message) }, span),
        consumerHook: (span, { message }) => truth({ consumed: order(message), group: process.env.GROUP }, span),
      }),
    ],
  });
  return provider;
};
