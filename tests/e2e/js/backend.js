'use strict';
// A backend that a story scripts: an OTLP receiver, gRPC and HTTP, that decodes what it is sent,
// remembers every span, and answers as it is told to.
//
//   backend.answer = { http: 503, headers: {'retry-after': '1'}, grpc: 14, retryAfterMs: 1000 }
//   backend.answer = { ..., once: true }     only the next request
//   backend.answer = null           accepts again
//   backend.metricsAnswer = { http: 400 }    the same for metrics, which it takes as well
//   backend.hold()                  lets requests wait until release()

const http = require('node:http');
const https = require('node:https');
const zlib = require('node:zlib');
const grpc = require('@grpc/grpc-js');
const otlp = require('./otlp.js');

const { Response, Status, RetryInfo } = otlp;

class Backend {
  constructor() {
    this.requests = []; // { protocol, headers, bytes, spans, accepted, at }; `at`: when it was answered
    this.metrics = []; // of metrics: { protocol, headers, points, accepted }
    this.answer = null;
    this.metricsAnswer = null;
    this.gate = null;
    this.waiting = 0;
  }

  // Accepted spans, in canonical form.
  get spans() {
    return this.requests.filter((r) => r.accepted).flatMap((r) => r.spans);
  }

  get ids() {
    return this.spans.map((s) => s.spanId);
  }

  hold() {
    let open;
    this.gate = new Promise((resolve) => (open = resolve));
    this.release = () => {
      this.gate = null;
      open();
    };
  }

  // `bytes`: the request as protobuf, or null when it was JSON.
  async take(protocol, headers, bytes, decode) {
    const seen = { protocol, headers, bytes, spans: otlp.spansOf(decode()), accepted: false };
    if (this.gate) {
      this.waiting++;
      await this.gate;
      this.waiting--;
    }
    const answer = this.answer;
    if (answer && answer.once) this.answer = null;
    seen.accepted = !answer || answer.partial !== undefined;
    seen.at = process.hrtime.bigint();
    this.requests.push(seen);
    return answer;
  }

  takeMetrics(protocol, headers, request) {
    const answer = this.metricsAnswer;
    this.metrics.push({ protocol, headers, points: otlp.pointsOf(request), accepted: !answer });
    return answer;
  }

  async listenHttp({ port = 0, host = '127.0.0.1', tls } = {}) {
    const handle = async (request, response) => {
      const parts = [];
      for await (const p of request) parts.push(p);
      const json = (request.headers['content-type'] || '').startsWith('application/json');
      const type = json ? 'application/json' : 'application/x-protobuf';
      const gzip = request.headers['content-encoding'] === 'gzip';
      const body = gzip ? zlib.gunzipSync(Buffer.concat(parts)) : Buffer.concat(parts);
      const headers = { ...request.headers, url: request.url };
      const answer = request.url.endsWith('/v1/metrics')
        ? this.takeMetrics('http', headers, json ? fromJson(JSON.parse(body.toString()), otlp.MetricsRequest) : otlp.MetricsRequest.decode(body))
        : await this.take('http', headers, json ? null : body, () =>
            json ? fromJson(JSON.parse(body.toString())) : otlp.decodeRequest(body),
          );
      const status = answer && answer.http ? answer.http : 200;
      const message = status === 200 ? answer && answer.partial ? { partialSuccess: answer.partial } : {} : { code: answer.grpc || 0, message: answer.message || '' };
      const Type = status === 200 ? Response : Status;
      response.writeHead(status, { 'content-type': type, ...(answer && answer.headers) });
      response.end(json ? JSON.stringify(message) : Type.encode(Type.fromObject(message)).finish());
    };
    const guarded = (q, r) => handle(q, r).catch((e) => r.writeHead(400).end(String(e)));
    const server = tls ? https.createServer(tls, guarded) : http.createServer(guarded);
    server.keepAliveTimeout = 60000;
    await new Promise((resolve, reject) => server.on('error', reject).listen(port, host, resolve));
    this.http = server;
    this.httpPort = server.address().port;
    return this;
  }

  async listenGrpc({ port = 0, host = '127.0.0.1', credentials = grpc.ServerCredentials.createInsecure() } = {}) {
    const server = new grpc.Server({ 'grpc.max_receive_message_length': 256 << 20 });
    const bytes = (b) => b;
    const export_ = async (call, callback) => {
      try {
        const answer = await this.take('grpc', call.metadata.getMap(), call.request, () => otlp.decodeRequest(call.request));
        if (answer && answer.grpc) return callback(refusal(answer));
        const message = answer && answer.partial ? { partialSuccess: answer.partial } : {};
        callback(null, Buffer.from(Response.encode(Response.fromObject(message)).finish()));
      } catch (e) {
        callback({ code: grpc.status.INVALID_ARGUMENT, details: String(e) });
      }
    };
    const exportMetrics = (call, callback) => {
      try {
        const answer = this.takeMetrics('grpc', call.metadata.getMap(), otlp.MetricsRequest.decode(call.request));
        if (answer && answer.grpc) return callback(refusal(answer));
        callback(null, Buffer.alloc(0));
      } catch (e) {
        callback({ code: grpc.status.INVALID_ARGUMENT, details: String(e) });
      }
    };
    const unary = (path) => ({
      path,
      requestStream: false,
      responseStream: false,
      requestSerialize: bytes,
      requestDeserialize: bytes,
      responseSerialize: bytes,
      responseDeserialize: bytes,
    });
    server.addService(
      {
        export: unary('/opentelemetry.proto.collector.trace.v1.TraceService/Export'),
        exportMetrics: unary('/opentelemetry.proto.collector.metrics.v1.MetricsService/Export'),
      },
      { export: export_, exportMetrics },
    );
    this.grpcPort = await new Promise((resolve, reject) =>
      server.bindAsync(`${host}:${port}`, credentials, (e, p) => (e ? reject(e) : resolve(p))),
    );
    this.grpc = server;
    return this;
  }

  // Goes away as a killed process does: connections break.
  async close() {
    const http = this.http;
    if (http) {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    }
    if (this.grpc) this.grpc.forceShutdown();
    this.http = this.grpc = null;
  }
}

// OTLP/JSON says ids in hex where protobuf's own mapping says base64.
function fromJson(json, Type = otlp.Request) {
  const convert = (v) => {
    if (Array.isArray(v)) return v.map(convert);
    if (!v || typeof v !== 'object') return v;
    return Object.fromEntries(
      Object.entries(v).map(([k, x]) =>
        /^(traceId|spanId|parentSpanId)$/.test(k) ? [k, Buffer.from(x, 'hex')] : [k, convert(x)],
      ),
    );
  };
  return Type.fromObject(convert(json));
}

function refusal({ grpc: code, message = '', retryAfterMs }) {
  const metadata = new grpc.Metadata();
  if (retryAfterMs !== undefined) {
    const delay = { seconds: Math.floor(retryAfterMs / 1000), nanos: (retryAfterMs % 1000) * 1e6 };
    const value = RetryInfo.encode(RetryInfo.fromObject({ retryDelay: delay })).finish();
    const status = { code, message, details: [{ type_url: 'type.googleapis.com/google.rpc.RetryInfo', value }] };
    metadata.set('grpc-status-details-bin', Buffer.from(Status.encode(Status.fromObject(status)).finish()));
  }
  return { code, details: message, metadata };
}

module.exports = { Backend, fromJson };
