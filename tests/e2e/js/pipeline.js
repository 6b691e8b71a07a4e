'use strict';
// The configurations that stories share: OTLP in on free ports, one or more exporters out.

const tailspan = require('./tailspan.js');

// A receiver on these ports; `more` goes into the protocols' sections.
function otlpIn({ grpc, http }, { host = '127.0.0.1', more = {} } = {}) {
  const protocols = {};
  if (grpc) protocols.grpc = { endpoint: `${host}:${grpc}`, ...more.grpc };
  if (http) protocols.http = { endpoint: `${host}:${http}`, ...more.http };
  return { otlp: { protocols } };
}

// Retries soon, so that a story does not have to wait for the defaults' five seconds.
const soon = { initial_interval: '50ms', max_interval: '200ms', max_elapsed_time: '0s' };

const toGrpc = (port, more = {}) => ({
  otlp_grpc: { endpoint: `127.0.0.1:${port}`, tls: { insecure: true }, retry_on_failure: soon, ...more },
});
const toHttp = (port, more = {}) => ({
  otlp_http: { endpoint: `http://127.0.0.1:${port}`, retry_on_failure: soon, ...more },
});

// OTLP in → processors → exporters, all in one traces pipeline.
function config({ receivers, processors = {}, exporters, extensions = {} }) {
  return {
    receivers,
    processors,
    exporters,
    extensions,
    service: {
      extensions: Object.keys(extensions),
      pipelines: {
        traces: {
          receivers: Object.keys(receivers),
          processors: Object.keys(processors),
          exporters: Object.keys(exporters),
        },
      },
    },
  };
}

// Starts the simplest thing that works; the ports are in t.ports.
async function start(parts, options = {}) {
  const ports = await tailspan.freePorts('grpc', 'http');
  const receivers = otlpIn(ports, { more: parts.more });
  return tailspan.start(config({ receivers, ...parts }), { ...options, ports });
}

module.exports = { otlpIn, toGrpc, toHttp, config, start };
